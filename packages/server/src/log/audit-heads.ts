/** The audit of heads: their signatures, their chain, the checkpoint that is served and those that witnesses cosigned. */
import { encodeHex, equalBytes } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { createCursor, reasonOf, scanPages } from "./audit-scan.ts";
import type { Head, LogRows } from "./store.ts";

/** A head that the tree can be held against. */
export interface UsableHead extends Head {
  readonly isSigned: boolean;
}

/**
 * The heads that the tree can be held against, in order. One that is neither signed nor has its last entry in the store is
 * only a finding: nobody could say what it covers.
 */
export async function* checkHeads(context: AuditContext): AsyncGenerator<UsableHead[]> {
  const { newest } = context;
  if (newest === undefined) return;
  let before: LogRows["heads"] | undefined;
  for await (const page of scanPages(context, "heads", 256)) {
    const heads = page.filter(({ size }) => size <= newest.size);
    const reasons = await Promise.all(heads.map((head) => reasonAgainst(() => context.checkHead(head))));
    const usable: UsableHead[] = [];
    for (const [at, head] of heads.entries()) {
      const reason = reasons[at];
      if (reason !== undefined) reportSignature(context, head, reason);
      checkChain(context, head, before);
      const isSigned = reason === undefined;
      if (isSigned || (await hasEntry(context, head.size - 1))) usable.push({ ...head, isSigned });
      before = head;
    }
    yield usable;
  }
  if ((before?.size ?? -1) < newest.size && (await hasEntry(context, newest.size - 1))) {
    yield [{ ...newest, isSigned: false }];
  }
  await checkCheckpoint(context, newest);
}

function reportSignature({ found }: AuditContext, { size }: Head, reason: string): void {
  const message = `A signature of the head of size ${size} does not hold: ${reason}`;
  found.push({ record: "head", problem: "signature", at: { size }, message });
}

function checkChain({ found }: AuditContext, head: LogRows["heads"], before: LogRows["heads"] | undefined): void {
  const { size, previousSize, time } = head;
  const sizeBefore = before?.size ?? 0;
  if (previousSize > sizeBefore) {
    const message = `The head of size ${previousSize}, which the head of size ${size} was built on, is missing.`;
    found.push({ record: "head", problem: "missing", at: { size: previousSize }, message });
  } else if (previousSize < sizeBefore) {
    const message = `The head of size ${size} was not built on the one before it.`;
    const sizes = { expected: String(sizeBefore), found: String(previousSize) };
    found.push({ record: "head", problem: "changed", at: { size }, ...sizes, message });
  }
  if (before !== undefined && time < before.time) {
    const message = `The head of size ${size} has an earlier time than the one before it.`;
    const times = { expected: `at least ${before.time}`, found: String(time) };
    found.push({ record: "head", problem: "changed", at: { size }, ...times, message });
  }
}

export interface RootChecker {
  /** Holds a head, and the cosigned checkpoints up to its size, against the root hash that the entries derive. */
  check(head: UsableHead, rootHash: Uint8Array): Promise<void>;
  /** Finds the cosigned checkpoints beyond the audited size. */
  finish(): Promise<void>;
}

export function createRootChecker(context: AuditContext): RootChecker {
  const cosigned = createCosignedChecker(context);
  let sound = 0; // the size of the last head that held
  let isBroken = false; // from the first signed head that does not hold, none can
  return {
    async check(head: UsableHead, rootHash: Uint8Array): Promise<void> {
      if (equalBytes(head.rootHash, rootHash)) sound = head.size;
      else if (head.isSigned && !isBroken) {
        isBroken = true;
        reportEntries(context, head, sound, rootHash);
      } else reportRoot(context, head, rootHash);
      await cosigned.checkAt(head.size, rootHash);
    },
    finish: () => cosigned.finish(),
  };
}

/** What the log signed is not to be doubted: what was put under it since is. */
function reportEntries({ found }: AuditContext, { size, rootHash }: Head, from: number, derived: Uint8Array): void {
  const message = `The entries from ${from} to ${size - 1} do not lead to the root hash that the log signed; one was changed.`;
  const hashes = { expected: encodeHex(rootHash), found: encodeHex(derived) };
  found.push({ record: "entry", problem: "changed", at: { from, to: size - 1 }, ...hashes, message });
}

function reportRoot({ found }: AuditContext, { size, rootHash }: Head, derived: Uint8Array): void {
  const message = `The head of size ${size} has another root hash than the entries up to ${size - 1} derive.`;
  const hashes = { expected: encodeHex(derived), found: encodeHex(rootHash) };
  found.push({ record: "head", problem: "changed", at: { size }, ...hashes, message });
}

async function checkCheckpoint(context: AuditContext, newest: NonNullable<AuditContext["newest"]>): Promise<void> {
  const { size } = newest;
  const what = "The checkpoint that is served";
  await checkNoteAgainst(context, { record: "checkpoint", at: { size }, what }, newest.note, newest);
}

interface CosignedChecker {
  /** Checks the cosigned checkpoints up to this size, whose derived root hash is given. */
  checkAt(size: number, rootHash: Uint8Array): Promise<void>;
  /** Finds those beyond the audited size. */
  finish(): Promise<void>;
}

function createCosignedChecker(context: AuditContext): CosignedChecker {
  const cursor = createCursor(context, "cosigned");
  const reportExtra = (size: number) => {
    const message = `There is a cosigned checkpoint of size ${size}, and no head of that size.`;
    context.found.push({ record: "cosigned", problem: "extra", at: { size }, message });
  };
  return {
    async checkAt(size: number, rootHash: Uint8Array): Promise<void> {
      for await (const row of cursor.takeWhile((row) => row.size <= size)) {
        const what = `The cosigned checkpoint of size ${size}`;
        if (row.size < size) reportExtra(row.size);
        else await checkNoteAgainst(context, { record: "cosigned", at: { size }, what }, row.note, { size, rootHash });
      }
    },
    async finish(): Promise<void> {
      for await (const { size } of cursor.takeWhile(() => true)) {
        if (!(await context.hasGrownTo(size))) reportExtra(size);
      }
    },
  };
}

interface NotePlace {
  readonly record: "checkpoint" | "cosigned";
  readonly at: { readonly size: number };
  readonly what: string;
}

async function checkNoteAgainst(
  { found, checkNote }: AuditContext,
  { record, at, what }: NotePlace,
  note: Uint8Array,
  expected: Pick<Head, "size" | "rootHash">,
): Promise<void> {
  const tell = ({ size, rootHash }: Pick<Head, "size" | "rootHash">) => `${size} ${encodeHex(rootHash)}`;
  try {
    const said = await checkNote(note);
    if (tell(said) === tell(expected)) return;
    const message = `${what} does not say what the log holds.`;
    found.push({ record, problem: "changed", at, expected: tell(expected), found: tell(said), message });
  } catch (error) {
    found.push({ record, problem: "signature", at, message: `${what} does not hold: ${reasonOf(error)}` });
  }
}

/** Why a check does not pass, or undefined when it does. */
async function reasonAgainst(check: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return reasonOf(error);
  }
}

async function hasEntry({ store }: AuditContext, index: number): Promise<boolean> {
  try {
    const [row] = await store.scan("entries", { index: index - 1, entry: new Uint8Array() }, 1);
    return row?.index === index;
  } catch {
    return false;
  }
}
