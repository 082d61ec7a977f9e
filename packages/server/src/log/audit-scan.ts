/** How the audit reads a store that may be damaged anywhere: page by page, and what cannot be read is a finding too. */
import { encodeHex, isAttestryError } from "@attestry/core";
import type { AuditContext, Finding } from "./audit.ts";
import type { LogRows } from "./store.ts";

const recordOf: { readonly [T in keyof LogRows]: Finding["record"] } = {
  entries: "entry",
  tiles: "tile",
  seen: "seen",
  lookUps: "lookUp",
  heads: "head",
  cosigned: "cosigned",
};

/**
 * The rows of a table from after the given one, in pages. At a place that cannot be read it ends with a finding. Returns
 * whether it came to the table's end.
 */
export async function* scanPages<T extends keyof LogRows>(
  { store, found }: Pick<AuditContext, "store" | "found">,
  table: T,
  limit: number,
  after?: LogRows[T],
): AsyncGenerator<LogRows[T][], boolean> {
  let last = after;
  for (;;) {
    let rows: LogRows[T][];
    try {
      rows = await store.scan(table, last, limit);
    } catch (error) {
      if (limit > 1) return yield* scanPages({ store, found }, table, 1, last); // to come as close as can be
      const message = `The table of ${table} cannot be read from here on: ${reasonOf(error)}`;
      found.push({
        record: recordOf[table],
        problem: "unreadable",
        at: last === undefined ? {} : placeOf(last),
        message,
      });
      return false;
    }
    last = rows.at(-1) ?? last;
    if (rows.length === 0) return true;
    yield rows;
  }
}

/** A row's members for a finding: numbers as they are, bytes in hexadecimal unless they are long. */
function placeOf(row: LogRows[keyof LogRows]): Record<string, number | string> {
  const place: Record<string, number | string> = {};
  for (const [name, value] of Object.entries(row)) {
    if (typeof value === "number") place[name] = value;
    else if (value instanceof Uint8Array && value.length <= 32) place[name] = encodeHex(value);
  }
  return place;
}

/** Rows taken in order, as far as a predicate goes; the rest waits for the next call. */
export interface Cursor<R> {
  takeWhile(isWanted: (row: R) => boolean): AsyncGenerator<R>;
  /** False once the table could not be read to its end: what did not come may be there all the same. */
  readonly isWhole: boolean;
}

export function createCursor<T extends keyof LogRows>(context: AuditContext, table: T): Cursor<LogRows[T]> {
  const pages = scanPages(context, table, 1024);
  let waiting: LogRows[T][] = [];
  let next = 0;
  let isWhole = true;
  return {
    get isWhole(): boolean {
      return isWhole;
    },
    async *takeWhile(isWanted: (row: LogRows[T]) => boolean): AsyncGenerator<LogRows[T]> {
      for (;;) {
        for (; next < waiting.length; next++) {
          const row = waiting[next] as LogRows[T];
          if (!isWanted(row)) return;
          yield row;
        }
        const page = await pages.next();
        if (page.done === true) {
          isWhole = page.value ?? isWhole; // undefined when it was done before
          return;
        }
        [waiting, next] = [page.value, 0];
      }
    },
  };
}

/** The entries that are there with `from` ≤ index < `to`, and the indexes that cannot be read (each a finding). */
export async function readPresent(context: AuditContext, from: number, to: number): Promise<PresentEntries> {
  const present: PresentEntries = { entries: new Map(), unreadable: new Set() };
  const read = async (start: number, end: number) => {
    const rows = await context.store.scan("entries", { index: start - 1, entry: new Uint8Array() }, end - start);
    for (const { index, entry } of rows) if (index < end) present.entries.set(index, entry);
  };
  try {
    await read(from, to);
    return present;
  } catch {
    // One by one below, so that the entries around the damage are read all the same.
  }
  for (let index = from; index < to; index++) {
    try {
      await read(index, index + 1);
    } catch (error) {
      present.unreadable.add(index);
      const message = `Entry ${index} cannot be read: ${reasonOf(error)}`;
      context.found.push({ record: "entry", problem: "unreadable", at: { index }, message });
    }
  }
  return present;
}

export interface PresentEntries {
  readonly entries: Map<number, Uint8Array>;
  readonly unreadable: Set<number>;
}

/** What a failed step has to say, without the insides of an error that was not foreseen. */
export function reasonOf(error: unknown): string {
  return isAttestryError(error) ? error.message : "an error that was not foreseen.";
}
