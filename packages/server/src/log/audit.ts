/**
 * The audit of a log: from the entries alone it derives every leaf hash, tile, root hash and index row again, checks every
 * signature, and names each stored thing that does not agree. Memory stays flat, whatever the log's size.
 */
import { checkTileRows, checkUnexpectedEntries } from "./audit-extra.ts";
import { reasonOf } from "./audit-scan.ts";
import { createSeenChecker } from "./audit-seen.ts";
import { checkTree } from "./audit-tree.ts";
import type { AdmittedEntry, CurrentHead, LogStore, SignedHead } from "./store.ts";

/** One stored thing that does not hold. Hashes are hexadecimal. */
export interface Finding {
  /**
   * What kind of thing: an `entry`; a hash of a `tile`; a row that finds duplicates (`seen`) or answers a `lookUp`; the `head`
   * of a batch; the `checkpoint` that is served; a `cosigned` checkpoint; an `anchor` or time stamp; the files of the `storage`.
   */
  readonly record: "entry" | "tile" | "seen" | "lookUp" | "head" | "checkpoint" | "cosigned" | "anchor" | "storage";
  readonly problem: "changed" | "missing" | "extra" | "signature" | "unreadable";
  /** Which one: `index` of an entry, `level` and `index` of a tile and `position` in it, `size` of a head, and so on. */
  readonly at: Readonly<Record<string, number | string>>;
  readonly expected?: string;
  readonly found?: string;
  /** One line for people. */
  readonly message: string;
}

export interface AuditOptions {
  readonly store: LogStore;
  /** The rows that an entry calls for, as at its admission. @throws when the entry cannot be parsed */
  deriveEntry(entry: Uint8Array): Pick<AdmittedEntry, "issuedAt" | "keys">;
  /** Checks both signatures of a head. @throws when one does not hold */
  checkHead(head: SignedHead): Promise<void>;
  /** Checks the log's signatures on a checkpoint and gives what it says. @throws when one does not hold */
  checkNote(note: Uint8Array): Promise<{ readonly size: number; readonly rootHash: Uint8Array }>;
  /** Called now and then: how many entries of how many are done. */
  onProgress?(done: number, total: number): void;
}

export interface AuditSummary {
  /** The newest head that was audited; undefined for a log without one. */
  readonly head: SignedHead | undefined;
  readonly findings: number;
  /** What no audit of the log alone can tell, in words. */
  readonly limits: readonly string[];
}

/** What the parts of the audit share. They put findings in `found`, which is emptied into the caller's hands as they go. */
export interface AuditContext extends AuditOptions {
  readonly found: Finding[];
  /** The newest head when the audit began. */
  readonly newest: CurrentHead | undefined;
  /** Whether the log has grown to that size since the audit began, so that rows beyond the audited ones are no finding. */
  hasGrownTo(size: number): Promise<boolean>;
}

export const auditLimits: readonly string[] = [
  "An older copy of the whole data folder, put back, agrees with itself. Compare with witnesses, anchors or receipts.",
  "Statements' own signatures are checked at registration and by whoever verifies a proof, not by this audit.",
];

/**
 * Yields each finding as it comes, and returns the summary. The log may grow meanwhile: it is audited up to the size that it
 * had at the beginning. Rejects only when not even the newest head can be read.
 */
export async function* auditLog(options: AuditOptions): AsyncGenerator<Finding, AuditSummary> {
  const context = await createContext(options);
  let findings = 0;
  for await (const _step of auditSteps(context)) {
    findings += context.found.length;
    yield* context.found.splice(0);
  }
  return { head: context.newest, findings, limits: auditLimits };
}

/** Yields after each step, so that findings leave and memory stays flat. */
async function* auditSteps(context: AuditContext): AsyncGenerator<void> {
  const seen = createSeenChecker(context);
  await checkStorage(context);
  yield;
  const size = yield* checkTree(context, seen);
  yield* checkUnexpectedEntries(context, size);
  yield* checkTileRows(context, size);
  yield* seen.checkRows(size);
}

async function checkStorage({ store, found }: AuditContext): Promise<void> {
  const unreadable = (message: string) => found.push({ record: "storage", problem: "unreadable", at: {}, message });
  try {
    for (const message of await store.check()) unreadable(message);
  } catch (error) {
    unreadable(reasonOf(error));
  }
}

async function createContext(options: AuditOptions): Promise<AuditContext> {
  const newest = await options.store.readHead();
  const before = newest?.size ?? 0;
  let now = before;
  return {
    ...options,
    found: [],
    newest,
    async hasGrownTo(size: number): Promise<boolean> {
      if (size > now) now = (await options.store.readHead())?.size ?? 0;
      return size <= now && now > before;
    },
  };
}
