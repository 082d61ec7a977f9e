/** The audit of the rows that find duplicates: each entry has its row, and there is no other row. */
import { encodeHex, equalBytes, leafHash } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { reasonOf, scanPages } from "./audit-scan.ts";
import type { AdmittedEntry, LogRows } from "./store.ts";

type Statement = Pick<AdmittedEntry, "issuedAt" | "leafHash">;

export interface SeenChecker {
  /** Where the rows say that these statements are; undefined where there is no row, or none that can be read. */
  find(statements: readonly Statement[]): Promise<(number | undefined)[]>;
  /** Holds what `find` gave against the index where the statement is. */
  check(statement: Statement, index: number, found: number | undefined): void;
  /** Tells that an entry is not what it should be, and the leaf hash that it should have. */
  expect(index: number, leafHash: Uint8Array): void;
  /** The leaf hashes that the rows have for these indexes, read from the whole table; only the first times it is asked. */
  recall(indexes: readonly number[]): Promise<Map<number, Uint8Array>>;
  /** Once every entry has been checked: looks for rows that no entry calls for. */
  checkRows(size: number): AsyncGenerator<void>;
}

/** Each takes a scan of the table. When more batches than that were changed, their entries are named together. */
const maxRecalls = 20;
/** How many wrong entries are remembered. */
const maxExpected = 100_000;

export function createSeenChecker(context: AuditContext): SeenChecker {
  const { store, found } = context;
  let right = 0;
  let recalls = 0;
  const expected = new Map<number, Uint8Array>(); // of entries that are findings themselves
  const wrong = new Set<string>(); // rows that `check` has reported

  async function findOne(statement: Statement): Promise<number | undefined> {
    try {
      return (await store.findSeen([statement]))[0];
    } catch (error) {
      const at = { issuedAt: statement.issuedAt, leafHash: encodeHex(statement.leafHash) };
      found.push({ record: "seen", problem: "unreadable", at, message: `A row cannot be read: ${reasonOf(error)}` });
      return undefined;
    }
  }

  /** Whether the row is its entry's; for an entry that is a finding itself, whether it is that of the right one. */
  async function isOfEntry(row: LogRows["seen"]): Promise<boolean> {
    const right = expected.get(row.index);
    if (right !== undefined) return equalBytes(right, row.leafHash);
    try {
      const [entry = new Uint8Array()] = await store.readEntries(row.index, row.index + 1);
      return equalBytes(leafHash(entry), row.leafHash) && context.deriveEntry(entry).issuedAt === row.issuedAt;
    } catch {
      return true; // nobody can say: the entry is a finding, one of too many to remember, or not a statement
    }
  }

  function reportExtra(row: LogRows["seen"]): void {
    const at = { index: row.index, issuedAt: row.issuedAt, leafHash: encodeHex(row.leafHash) };
    const message = `A row says that a statement is entry ${row.index}, which is another one.`;
    found.push({ record: "seen", problem: "extra", at, message });
  }

  return {
    async find(statements: readonly Statement[]): Promise<(number | undefined)[]> {
      try {
        return await store.findSeen(statements);
      } catch {
        return Promise.all(statements.map(findOne));
      }
    },
    check(statement: Statement, index: number, foundIndex: number | undefined): void {
      if (foundIndex === index) {
        right += 1;
        return;
      }
      const at = { index, issuedAt: statement.issuedAt, leafHash: encodeHex(statement.leafHash) };
      if (foundIndex === undefined) {
        const message = `The row that tells a duplicate of entry ${index} is missing.`;
        found.push({ record: "seen", problem: "missing", at, message });
      } else {
        wrong.add(rowKey(statement));
        const message = `The row that tells a duplicate of entry ${index} names entry ${foundIndex}.`;
        const indexes = { expected: String(index), found: String(foundIndex) };
        found.push({ record: "seen", problem: "changed", at, ...indexes, message });
      }
    },
    expect(index: number, leafHash: Uint8Array): void {
      if (expected.size < maxExpected) expected.set(index, leafHash);
    },
    async recall(indexes: readonly number[]): Promise<Map<number, Uint8Array>> {
      const recalled = new Map<number, Uint8Array>();
      if (indexes.length === 0 || recalls >= maxRecalls) return recalled;
      recalls += 1;
      const wanted = new Set(indexes);
      for await (const page of scanPages({ store, found: [] }, "seen", 1024)) {
        for (const { index, leafHash } of page) if (wanted.has(index)) recalled.set(index, leafHash);
      }
      return recalled;
    },
    async *checkRows(size: number): AsyncGenerator<void> {
      let rows = 0;
      for await (const page of scanPages(context, "seen", 1024)) {
        for (const row of page) {
          if (row.index < size) rows += 1;
          else if (!(await context.hasGrownTo(row.index + 1))) reportExtra(row);
        }
        yield;
      }
      if (rows === right) return;
      // Some rows are not an entry's: now it is worth reading the entry of each row.
      for await (const page of scanPages({ store, found: [] }, "seen", 1024)) {
        for (const row of page) {
          if (row.index < size && !wrong.has(rowKey(row)) && !(await isOfEntry(row))) reportExtra(row);
        }
        yield;
      }
    },
  };
}

function rowKey({ issuedAt, leafHash }: Statement): string {
  return `${issuedAt}/${encodeHex(leafHash)}`;
}
