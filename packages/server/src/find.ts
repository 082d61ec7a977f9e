/** Finds entries by what they say: hash, issuer, subject, relation, time of registration. Newest first, a page at a time. */
import { AttestryError, equalBytes, leafHash, parseStatement, type Statement } from "@attestry/core";
import type { LogStore } from "./log/store.ts";
import { digestKey, issuerKey, subjectKey, targetByKey, targetKey } from "./look-up.ts";

export interface EntryQuery {
  /** SHA-256 of the file. */
  readonly digest?: Uint8Array | undefined;
  readonly issuer?: string | undefined;
  readonly subject?: string | undefined;
  /** Leaf hash of the earlier entry. */
  readonly relatesTo?: Uint8Array | undefined;
  /** Registered from (included) and to (not included), whole seconds of Unix time. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly limit: number;
  /** Only entries below this index: `next` of the page before. */
  readonly below?: number | undefined;
}

export interface FoundEntry {
  readonly index: number;
  readonly leafHash: Uint8Array;
  readonly statement: Statement;
  /** Whole seconds of Unix time, by the log's clock. */
  readonly registeredAt: number;
}

export interface FoundPage {
  readonly entries: readonly FoundEntry[];
  /** Where to go on, when there may be more. A page can be empty and have one. */
  readonly next: number | undefined;
}

/** Entries that one page looks at: a rare combination of frequent terms must not hold up everyone else. */
const maxExamined = 1000;

export async function findEntries(store: LogStore, size: number, query: EntryQuery): Promise<FoundPage> {
  const from = query.from === undefined ? 0 : await store.sizeAt(query.from);
  const to = Math.min(size, query.below ?? size, query.to === undefined ? size : await store.sizeAt(query.to));
  const entries: FoundEntry[] = [];
  let examined = 0;
  let before = to;
  while (before > from && entries.length < query.limit && examined < maxExamined) {
    const wanted = Math.min(query.limit - entries.length, maxExamined - examined);
    const candidates = await findCandidates(store, query, { from, to: before, limit: wanted });
    for (const index of candidates) {
      const entry = await readEntry(store, index);
      if (entry !== undefined && matches(entry.statement, query)) entries.push(entry);
    }
    examined += candidates.length;
    before = candidates.length < wanted ? from : (candidates.at(-1) ?? from);
  }
  return { entries, next: before > from ? before : undefined };
}

/** The newest entry that there is: a page that is empty and goes on does not say that there is none. */
export async function findNewest(
  { find }: { find(query: EntryQuery): Promise<FoundPage> },
  query: Omit<EntryQuery, "limit" | "below">,
): Promise<FoundEntry | undefined> {
  let below: number | undefined;
  do {
    const { entries, next } = await find({ ...query, limit: 1, below });
    if (entries[0] !== undefined) return entries[0];
    below = next;
  } while (below !== undefined);
  return undefined;
}

/** One entry, or undefined when the log is not as long. @throws FATAL_CORRUPT when what is kept is no entry any more */
export async function readEntry(store: LogStore, index: number): Promise<FoundEntry | undefined> {
  const head = await store.readHeadOf(index);
  if (head === undefined) return undefined;
  const [entry] = await store.readEntries(index, index + 1);
  if (entry === undefined) return undefined;
  return { index, leafHash: leafHash(entry), statement: parseKept(entry, index), registeredAt: head.time };
}

function parseKept(entry: Uint8Array, index: number): Statement {
  try {
    return parseStatement(entry);
  } catch (cause) {
    throw new AttestryError("FATAL_CORRUPT", `Entry ${index} is damaged. Run attestry audit.`, { cause });
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly limit: number;
}

async function findCandidates(store: LogStore, query: EntryQuery, range: Range): Promise<number[]> {
  const key = rarestKey(query);
  if (key !== undefined) return store.lookUp(key, { ...range, order: "descending" });
  const count = Math.min(range.limit, range.to - range.from);
  return Array.from({ length: count }, (_, at) => range.to - 1 - at);
}

function rarestKey({ digest, relatesTo, subject, issuer }: EntryQuery): Uint8Array | undefined {
  if (digest !== undefined) return digestKey(digest);
  if (relatesTo !== undefined) return issuer === undefined ? targetKey(relatesTo) : targetByKey(relatesTo, issuer);
  if (subject !== undefined) return subjectKey(subject);
  if (issuer !== undefined) return issuerKey(issuer);
  return undefined;
}

function matches(statement: Statement, { digest, issuer, subject, relatesTo }: EntryQuery): boolean {
  const { relation } = statement;
  return (
    (digest === undefined || equalBytes(statement.digest, digest)) &&
    (issuer === undefined || statement.issuer === issuer) &&
    (subject === undefined || statement.subject === subject) &&
    (relatesTo === undefined || (relation !== undefined && equalBytes(relation.target, relatesTo)))
  );
}
