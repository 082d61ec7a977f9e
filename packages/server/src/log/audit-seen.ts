/** The audit of the rows that find duplicates: each entry has its row, and there is no other row. */
import { encodeHex, equalBytes, fullWidth, hashLength, leafHash } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { reasonOf, scanPages } from "./audit-scan.ts";
import type { AdmittedEntry, LogRows } from "./store.ts";

type Statement = Pick<AdmittedEntry, "issuedAt" | "leafHash">;

export interface SeenChecker {
  /** Where the rows say that these statements are; undefined where there is no row, or none that can be read. */
  find(statements: readonly Statement[]): Promise<(number | undefined)[]>;
  /** Holds what `find` gave against the index where the statement is. */
  check(statement: Statement, index: number, found: number | undefined): void;
  /** Once every entry has been checked: looks for rows that no entry calls for. */
  checkRows(size: number): AsyncGenerator<void>;
}

export function createSeenChecker(context: AuditContext): SeenChecker {
  const { store, found } = context;
  let right = 0;
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
          if (row.index < size && !wrong.has(rowKey(row)) && !(await isOfEntry(context, row))) reportExtra(row);
        }
        yield;
      }
    },
  };
}

function rowKey({ issuedAt, leafHash }: Statement): string {
  return `${issuedAt}/${encodeHex(leafHash)}`;
}

/** Whether the row is its entry's; for an entry that is itself a finding, whether it is the leaf's in the tile. */
async function isOfEntry({ store, deriveEntry }: AuditContext, row: LogRows["seen"]): Promise<boolean> {
  try {
    const [entry = new Uint8Array()] = await store.readEntries(row.index, row.index + 1);
    if (equalBytes(leafHash(entry), row.leafHash)) return deriveEntry(entry).issuedAt === row.issuedAt;
  } catch {
    // The entry is missing or damaged.
  }
  const tile = await store.readTile(0, Math.floor(row.index / fullWidth)).catch(() => undefined);
  const start = (row.index % fullWidth) * hashLength;
  return tile !== undefined && equalBytes(tile.subarray(start, start + hashLength), row.leafHash);
}
