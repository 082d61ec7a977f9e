/** The audit of a data folder's vault, over the log that was audited before. It may run beside the notary. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { isAttestryError, keyThumbprint, thumbprintUri } from "@attestry/core";
import { type DataFolder, dataFolder } from "../data-folder.ts";
import { listKeyFiles } from "../keys/file-signer.ts";
import { openSqliteStore } from "../log/sqlite-store.ts";
import type { LogStore } from "../log/store.ts";
import { auditedLog, auditVault, type VaultAuditSummary, type VaultFinding } from "./audit.ts";
import type { Catalogue } from "./catalogue/catalogue.ts";
import { readVaultConfig } from "./config.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { openKeys, openStorage, type VaultStorage } from "./open.ts";

export interface AuditVaultOptions {
  readonly data: string;
  readonly database?: string;
  /** Opens the keyring where its passphrase is not beside it; without it no content is opened. */
  readonly passphrase?: string;
  readonly onProgress?: (objects: number) => void;
}

/**
 * Yields each thing that does not hold, and returns the summary; undefined when there is no vault.
 * @throws USAGE_PASSPHRASE (wrong), as `openStorage`
 */
export async function* auditVaultData({
  data,
  database,
  passphrase,
  onProgress,
}: AuditVaultOptions): AsyncGenerator<VaultFinding, VaultAuditSummary | undefined> {
  const folder = dataFolder(data);
  const place = { folder, database, passphrase };
  const storage = await openExisting(() => openStorage(place, true));
  if (storage === undefined) return undefined;
  try {
    const store = await openLog(folder.folder, database);
    try {
      const keys = yield* keysOf(storage.catalogue, folder, passphrase);
      const issuers = await ownIssuers(folder);
      const log = auditedLog(store);
      return yield* auditVault({ ...storage, keys, log, issuers, ...(onProgress && { onProgress }) });
    } finally {
      await store.close();
    }
  } finally {
    await Promise.all([storage.catalogue.close(), storage.objects.close()]);
  }
}

async function openExisting(open: () => Promise<VaultStorage>): Promise<VaultStorage | undefined> {
  try {
    return await open();
  } catch (error) {
    if (isAttestryError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

async function openLog(folder: string, database: string | undefined): Promise<LogStore> {
  if (database === undefined) return openSqliteStore({ folder, readOnly: true });
  const { openDatabase, openPostgresLogStore } = await import("../postgres/main.ts");
  const shared = await openDatabase(database);
  try {
    return await openPostgresLogStore({ database: shared, folder, readOnly: true });
  } finally {
    await shared.close();
  }
}

/** The keys, when they are to be had; one that is needed and gone is a finding. Makes none. */
async function* keysOf(
  catalogue: Catalogue,
  folder: DataFolder,
  passphrase: string | undefined,
): AsyncGenerator<VaultFinding, KeyWrapper | undefined> {
  const needed = await catalogue.listWrappers().catch(() => []); // what is wrong with the catalogue is found later
  const { keys } = readVaultConfig(folder.vaultConfig);
  if (keys.kind === "keyring" && !existsSync(folder.vaultKeyring)) {
    const message = "The vault's keyring is missing: what it wrapped cannot be opened.";
    if (needed.length > 0) yield { record: "storage", problem: "missing", at: {}, message };
    return undefined;
  }
  const isLocked = keys.kind === "keyring" && passphrase === undefined && !existsSync(folder.vaultPassphrase);
  return isLocked ? undefined : openKeys(keys, { folder, passphrase }, needed);
}

/** The names that the notary's own keys have: the one in use, and earlier ones that were kept as `custody*.pem`. */
async function ownIssuers({ keys }: DataFolder): Promise<string[]> {
  const files = (await listKeyFiles(keys)).filter(({ path }) => path.startsWith(join(keys, "custody")));
  return files.flatMap(({ publicKey }) => (publicKey === undefined ? [] : [thumbprintUri(keyThumbprint(publicKey))]));
}
