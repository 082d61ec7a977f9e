/** The audit of a data folder's vault, over the log that was audited before. It may run beside the notary. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isAttestryError, keyThumbprint, thumbprintUri } from "@attestry/core";
import type { DataFolder } from "../data-folder.ts";
import { listKeyFiles } from "../keys/file-signer.ts";
import type { LogStore } from "../log/store.ts";
import { type AuditedLog, auditedLog, auditVault, type VaultAuditSummary, type VaultFinding } from "./audit.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { readVaultConfig } from "./config.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { openKeysToRead, openStorage, type VaultPlace, type VaultStorage } from "./open.ts";

export interface AuditVaultOptions extends VaultPlace {
  /** The log, which was audited before. */
  readonly log: LogStore;
  /** Called now and then: how many objects are done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/**
 * Yields each thing that does not hold, and returns the summary; undefined when there is no vault. Without the keyring's passphrase,
 * given or beside it, no content is opened.
 * @throws USAGE_PASSPHRASE (wrong), as `openStorage`
 */
export async function* auditVaultData({
  log,
  onProgress,
  ...place
}: AuditVaultOptions): AsyncGenerator<VaultFinding, VaultAuditSummary | undefined> {
  const storage = await openExisting(() => openStorage(place, true));
  const issuers = await ownIssuers(place.folder);
  if (storage === undefined) return yield* auditWithout(auditedLog(log), issuers);
  try {
    const keys = yield* keysOf(storage.catalogue, place);
    return yield* auditVault({
      ...storage,
      keys,
      log: auditedLog(log),
      issuers,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  } finally {
    await Promise.all([storage.catalogue.close(), storage.objects.close()]);
  }
}

/** Where there is no catalogue, the log may still tell that there was one. */
async function* auditWithout(
  log: AuditedLog,
  issuers: readonly string[],
): AsyncGenerator<VaultFinding, VaultAuditSummary | undefined> {
  let [events, first] = [0, -1];
  for await (const { index } of log.custody(issuers)) {
    if (events === 0) first = index;
    events += 1;
  }
  if (events === 0) return undefined;
  const message = `The vault's catalogue is missing, and the log has ${events} of its events: put it back from a backup.`;
  yield { record: "storage", problem: "missing", at: { entry: first }, expected: `${events} events`, message };
  return { objects: 0, events: 0, bytes: 0, findings: 1, limits: [] };
}

async function openExisting(open: () => Promise<VaultStorage>): Promise<VaultStorage | undefined> {
  try {
    return await open();
  } catch (error) {
    if (isAttestryError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/** The keys, when they are to be had; one that is needed and gone is a finding. Makes none. */
async function* keysOf(catalogue: Catalogue, place: VaultPlace): AsyncGenerator<VaultFinding, KeyWrapper | undefined> {
  const { folder, passphrase } = place;
  const needed = await catalogue.listWrappers().catch(() => []); // what is wrong with the catalogue is found later
  const { keys } = readVaultConfig(folder.vaultConfig);
  if (keys.kind === "keyring" && !existsSync(folder.vaultKeyring)) {
    const message = "The vault's keyring is missing: what it wrapped cannot be opened.";
    if (needed.length > 0) yield { record: "storage", problem: "missing", at: {}, message };
    return undefined;
  }
  const isLocked = keys.kind === "keyring" && passphrase === undefined && !existsSync(folder.vaultPassphrase);
  return isLocked ? undefined : openKeysToRead(place, needed);
}

/** The names that the notary's own keys have: the one in use, and earlier ones that were kept as `custody*.pem`. */
async function ownIssuers({ keys }: DataFolder): Promise<string[]> {
  const files = (await listKeyFiles(keys)).filter(({ path }) => path.startsWith(join(keys, "custody")));
  return files.flatMap(({ publicKey }) => (publicKey === undefined ? [] : [thumbprintUri(keyThumbprint(publicKey))]));
}
