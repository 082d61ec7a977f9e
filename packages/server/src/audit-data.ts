/**
 * The audit of a data folder: the log against itself and against its keys, then its anchors and the vault against the log. It may run beside the
 * notary, and needs the passphrase only to open what is stored in the vault.
 */
import {
  AttestryError,
  type Checkpoint,
  equalBytes,
  parseNote,
  parseStatement,
  parseVerifierKey,
  type VerifierKey,
} from "@attestry/core";
import { auditAnchors } from "./anchoring/audit.ts";
import { dataFolder } from "./data-folder.ts";
import { createHeadVerifier, type HeadVerifier, readLogPublicKeys } from "./heads.ts";
import { type AuditSummary, auditLog, type Finding } from "./log/audit.ts";
import { openSqliteStore } from "./log/sqlite-store.ts";
import type { LogStore } from "./log/store.ts";
import { lookUpKeys } from "./look-up.ts";
import type { VaultAuditSummary, VaultFinding } from "./vault/audit.ts";
import { brokenSignatures } from "./witness/kept.ts";

export interface AuditDataOptions {
  /** Data folder of a notary: the log's keys are there, and the log when it is not in a database. */
  readonly data: string;
  /** Address of the database that has the log, where it is in one. */
  readonly database?: string;
  /** C2SP verifier keys of witnesses, whose cosignatures are then checked. */
  readonly witnessKeys?: readonly string[];
  /** Opens the vault's keyring. Without it, and where none was made beside it, no content is checked. */
  readonly passphrase?: string | undefined;
  /** Called now and then: how many entries of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** After that, the same of the vault: how many objects are done. */
  readonly onObjects?: (done: number) => void;
}

export interface DataAuditSummary extends AuditSummary {
  /** Undefined when there is no vault. */
  readonly vault: VaultAuditSummary | undefined;
}

/**
 * Yields each thing that does not hold, as it is found, and returns the summary.
 * @throws NOT_FOUND when there is no log or key of one, FATAL_CORRUPT when not even the newest head can be read, FATAL_VERSION
 */
export async function* auditData({
  data,
  database,
  witnessKeys = [],
  passphrase,
  onProgress,
  onObjects,
}: AuditDataOptions): AsyncGenerator<Finding | VaultFinding, DataAuditSummary> {
  const places = dataFolder(data);
  const { folder, keys } = places;
  const store =
    database === undefined ? openSqliteStore({ folder, readOnly: true }) : await openShared(database, folder);
  try {
    const verifier = createHeadVerifier(store.origin, await readLogPublicKeys(keys));
    const notes = createNoteChecker(verifier, witnessKeys.map(parseVerifierKey));
    const summary = yield* auditLog({
      store,
      deriveEntry(entry: Uint8Array) {
        const statement = parseStatement(entry);
        return { issuedAt: statement.issuedAt, keys: lookUpKeys(statement) };
      },
      checkHead: verifier.check,
      checkNote: notes.check,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    const anchors = yield* auditAnchors({ folder, log: store });
    const { auditVaultData } = await import("./vault/audit-data.ts");
    const vault = yield* auditVaultData({
      folder: places,
      database,
      passphrase,
      log: store,
      onProgress: onObjects,
    });
    const findings = summary.findings + anchors + (vault?.findings ?? 0);
    return { ...summary, findings, limits: [...summary.limits, ...notes.limits(), ...(vault?.limits ?? [])], vault };
  } finally {
    await store.close();
  }
}

interface NoteChecker {
  /** As `HeadVerifier.checkNote`, with the cosignatures by known keys. */
  check(note: Uint8Array): Promise<Checkpoint>;
  /** Whose cosignatures there were that could not be checked, in words. */
  limits(): string[];
}

function createNoteChecker(verifier: HeadVerifier, witnessKeys: readonly VerifierKey[]): NoteChecker {
  const unchecked = new Set<string>();
  const keys = [...verifier.verifierKeys, ...witnessKeys];
  return {
    async check(bytes) {
      const checkpoint = await verifier.checkNote(bytes);
      const note = parseNote(bytes);
      for (const { name, keyId } of note.signatures)
        if (!keys.some((key) => key.name === name && equalBytes(key.keyId, keyId))) unchecked.add(name);
      const [broken] = await brokenSignatures(note, keys);
      if (broken === undefined) return checkpoint;
      throw new AttestryError("VERIFY_SIGNATURE", `The cosignature of ${broken.name} does not match the checkpoint.`);
    },
    limits: () =>
      unchecked.size === 0
        ? []
        : [`Cosignatures of ${[...unchecked].slice(0, 8).join(", ")} were not checked: their keys were not given.`],
  };
}

async function openShared(url: string, folder: string): Promise<LogStore> {
  const { openSharedStorage } = await import("./database/open.ts");
  const storage = await openSharedStorage(url);
  try {
    return await storage.openLog({ folder, readOnly: true });
  } finally {
    await storage.close();
  }
}
