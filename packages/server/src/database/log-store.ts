/** The `LogStore` driver for databases where several processes share one log. */
import { AttestryError } from "@attestry/core";
import { findRegression, openHighWaterMark, readHighWaterMark } from "../log/high-water.ts";
import { optional, scannedTables, toBytes, toCosigned, toHead, toInteger, toScannedRows } from "../log/rows.ts";
import {
  type Batch,
  type CurrentHead,
  entriesPerRun,
  type LogRows,
  type LogStore,
  type LookUpRange,
} from "../log/store.ts";
import type { Database, Row } from "./database.ts";
import { checkSize, createAppender, readState } from "./log-append.ts";
import { createTurns, watchSize } from "./log-sharing.ts";
import type { LogSql } from "./log-sql.ts";

export interface SharedLogOptions {
  /** Needed to create a log; a log that exists must have it, when it is given. */
  readonly origin?: string;
  /** Where this process keeps its `log.mark`, which sees when the database is put back to an older copy. */
  readonly folder?: string;
  /** For the audit: needs no more than SELECT. */
  readonly readOnly?: boolean;
}

/**
 * Opens or creates the log of a database, which it closes.
 * @throws CONFLICT_EXISTS when it has another origin; USAGE when it is new and no origin is given; FATAL_CORRUPT when it is
 *   behind its high-water mark; FATAL_VERSION when a newer version wrote it; UNAVAILABLE_STORAGE; NOT_FOUND
 */
export async function openSharedLog(database: Database, sql: LogSql, options: SharedLogOptions): Promise<LogStore> {
  await sql.openTables(database, options.readOnly ?? false);
  const origin = await openLog(database, sql, options);
  const regression = await regressionOf(database, sql, options.folder);
  if (regression !== undefined && options.readOnly !== true) throw new AttestryError("FATAL_CORRUPT", regression);
  return createStore(database, sql, origin, regression, options);
}

/** The stored origin; that of the options when there is none yet. */
async function openLog(database: Database, sql: LogSql, { origin, readOnly }: SharedLogOptions): Promise<string> {
  const read = async () => (await database.read(sql.readOrigin))[0]?.[0];
  let stored = await read();
  if (stored === undefined) {
    if (readOnly === true) throw new AttestryError("NOT_FOUND", "There is no log in this database.");
    if (origin === undefined)
      throw new AttestryError("USAGE", "A new log needs an origin.", { data: { needs: "origin" } });
    await database.query(sql.addLog, [origin]);
    stored = await read();
  }
  if (origin === undefined || origin === stored) return String(stored);
  throw new AttestryError("CONFLICT_EXISTS", `The log in this database is ${stored}, not ${origin}.`);
}

function createStore(
  database: Database,
  sql: LogSql,
  origin: string,
  regression: string | undefined,
  { folder, readOnly }: SharedLogOptions,
): LogStore {
  const mark = readOnly === true || folder === undefined ? undefined : openHighWaterMark(folder);
  const appender = createAppender(database, sql);
  const watching = watchSize(database, sql);
  const one = async <T>(text: string, values: readonly unknown[], toValue: (row: Row) => T): Promise<T | undefined> =>
    optional((await database.read(text, values))[0], toValue);
  return {
    origin,
    async readHead(): Promise<CurrentHead | undefined> {
      await appender.settle();
      return one(sql.readHead, [], (columns) => ({ ...toHead(columns), note: toBytes(columns[5]) }));
    },
    async append(batch: Batch): Promise<void> {
      await appender.append(batch);
      mark?.write(batch.head);
    },
    async findSeen(statements): Promise<(number | undefined)[]> {
      const found: (number | undefined)[] = new Array(statements.length).fill(undefined);
      const { text, values } = sql.findSeen(statements);
      for (const [at, index] of await database.read(text, values)) found[toInteger(at) - 1] = toInteger(index);
      return found;
    },
    readEntries: (from, to) => readEntries(database, sql, from, to),
    readTile: (level, index) => one(sql.readTile, [level, index], ([hashes]) => toBytes(hashes)),
    lookUp: (key, range) => lookUp(database, sql, key, range),
    readHeadOf: (index) => one(sql.readHeadOf, [index], toHead),
    sizeAt: async (time: number) => (await one(sql.readSizeAt, [time], ([size]) => toInteger(size))) ?? 0,
    putCosigned: async (size, note) => void (await database.query(sql.putCosigned, [size, note])),
    readCosigned: (index) => one(sql.readCosigned, [index], toCosigned),
    readLatestCosigned: () => one(sql.readLatestCosigned, [], toCosigned),
    scan: (table, after, limit) => scan(database, sql, table, after, limit),
    check: async () => [...(regression === undefined ? [] : [regression]), ...(await checkSize(database, sql))],
    shared: readOnly === true ? undefined : { inTurn: createTurns(database, sql), watch: watching.watch },
    async close(): Promise<void> {
      watching.stop();
      await database.close();
      mark?.close();
    },
  };
}

async function readEntries(database: Database, sql: LogSql, from: number, to: number): Promise<Uint8Array[]> {
  const rows = await database.read(sql.readEntries, [from, to]);
  for (let at = 0; at < to - from; at++) {
    if (rows[at]?.[0] === from + at) continue;
    const message = `Entry ${from + at} is missing from the store. Run attestry audit.`;
    throw new AttestryError("FATAL_CORRUPT", message, { data: { index: from + at } });
  }
  return rows.map((row) => toBytes(row[1]));
}

/** Runs that one query probes at most: a statement's list of runs is as long. */
export const maxProbed = 64;

async function lookUp(
  database: Database,
  sql: LogSql,
  key: Uint8Array,
  { from, to, limit, order }: LookUpRange,
): Promise<number[]> {
  const found: number[] = [];
  const first = Math.floor(from / entriesPerRun);
  const { size } = to - from > entriesPerRun ? await readState(database, sql) : { size: to };
  const runs = Math.max(0, Math.ceil(Math.min(to, size) / entriesPerRun) - first); // no run lies past the log's end
  // What is frequent is found in the first run; for what is rare the queries grow, so that there are few of them.
  for (
    let done = 0, width = 1;
    done < runs && found.length < limit;
    done += width, width = Math.min(2 * width, maxProbed)
  ) {
    const low = order === "ascending" ? first + done : Math.max(first, first + runs - done - width);
    const high = order === "ascending" ? Math.min(first + runs, first + done + width) - 1 : first + runs - done - 1;
    const values = [low, high, key, from, to, limit - found.length];
    for (const [index] of await database.read(sql.lookUp[order], values)) found.push(toInteger(index));
  }
  return found;
}

async function scan<T extends keyof LogRows>(
  database: Database,
  sql: LogSql,
  name: T,
  after: LogRows[T] | undefined,
  limit: number,
): Promise<LogRows[T][]> {
  const table = scannedTables[name];
  const { text, values } = sql.scan(table, after === undefined ? table.start : table.key(after), limit);
  return toScannedRows(table, after, await database.read(text, values));
}

async function regressionOf(database: Database, sql: LogSql, folder: string | undefined): Promise<string | undefined> {
  const mark = folder === undefined ? undefined : readHighWaterMark(folder);
  if (mark === undefined) return undefined;
  const [newest] = await database.read(sql.readNewest);
  const [marked] = await database.read(sql.readHeadFrom, [mark.size]);
  return findRegression(mark, toInteger(newest?.[0] ?? 0), optional(marked, toHead));
}
