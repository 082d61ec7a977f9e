/** The `LogStore` driver for PostgreSQL, where several processes share one log. */
import { AttestryError } from "@attestry/core";
import { findRegression, openHighWaterMark, readHighWaterMark } from "../log/high-water.ts";
import {
  headColumns,
  optional,
  scannedTables,
  toBytes,
  toCosigned,
  toHead,
  toInteger,
  toScannedRows,
} from "../log/rows.ts";
import {
  type Batch,
  type CurrentHead,
  entriesPerRun,
  type LogRows,
  type LogStore,
  type LookUpRange,
} from "../log/store.ts";
import { bigintArray, byteaArray } from "./arrays.ts";
import type { Database } from "./database.ts";
import { checkSize, createAppender, readState } from "./log-append.ts";
import { logPart } from "./log-schema.ts";
import { createTurns, watchSize } from "./log-sharing.ts";
import { openPart } from "./schema.ts";

export interface PostgresLogStoreOptions {
  /** The store takes a hand of its own on it. */
  readonly database: Database;
  /** Needed to create a log; a log that exists must have it, when it is given. */
  readonly origin?: string;
  /** Where this process keeps its `log.mark`, which sees when the database is put back to an older copy. */
  readonly folder?: string;
  /** For the audit: needs no more than SELECT. */
  readonly readOnly?: boolean;
}

/**
 * Opens or creates the log of a database.
 * @throws CONFLICT_EXISTS when it has another origin; USAGE when it is new and no origin is given; FATAL_CORRUPT when it is
 *   behind its high-water mark; FATAL_VERSION when a newer version wrote it; UNAVAILABLE_STORAGE; NOT_FOUND
 */
export async function openPostgresLogStore(options: PostgresLogStoreOptions): Promise<LogStore> {
  const database = options.database.share();
  try {
    await openPart(database, logPart, options.readOnly);
    const origin = await openLog(database, options);
    const regression = await regressionOf(database, options.folder);
    if (regression !== undefined && options.readOnly !== true) throw new AttestryError("FATAL_CORRUPT", regression);
    return createStore(database, origin, regression, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The stored origin; that of the options when there is none yet. */
async function openLog(database: Database, { origin, readOnly }: PostgresLogStoreOptions): Promise<string> {
  const read = async () => (await database.read("SELECT origin FROM log"))[0]?.[0];
  let stored = await read();
  if (stored === undefined) {
    if (readOnly === true) throw new AttestryError("NOT_FOUND", "There is no log in this database.");
    if (origin === undefined)
      throw new AttestryError("USAGE", "A new log needs an origin.", { data: { needs: "origin" } });
    await database.query("INSERT INTO log (id, origin) VALUES (1, $1) ON CONFLICT DO NOTHING", [origin]);
    stored = await read();
  }
  if (origin === undefined || origin === stored) return String(stored);
  throw new AttestryError("CONFLICT_EXISTS", `The log in this database is ${stored}, not ${origin}.`);
}

function createStore(
  database: Database,
  origin: string,
  regression: string | undefined,
  { folder, readOnly }: PostgresLogStoreOptions,
): LogStore {
  const mark = readOnly === true || folder === undefined ? undefined : openHighWaterMark(folder);
  const appender = createAppender(database);
  const one = async <T>(text: string, values: readonly unknown[], toValue: (row: readonly unknown[]) => T) =>
    optional((await database.read(text, values))[0], toValue);
  const head = `SELECT ${headColumns} FROM head`;
  const watching = watchSize(database);
  return {
    origin,
    async readHead(): Promise<CurrentHead | undefined> {
      await appender.settle();
      return readHead(database);
    },
    async append(batch: Batch): Promise<void> {
      await appender.append(batch);
      mark?.write(batch.head);
    },
    async findSeen(statements): Promise<(number | undefined)[]> {
      const found: (number | undefined)[] = new Array(statements.length).fill(undefined);
      const values = [
        bigintArray(statements.map(({ issuedAt }) => issuedAt)),
        byteaArray(statements.map(({ leafHash }) => leafHash)),
      ];
      for (const [at, index] of await database.read(findSeen, values)) found[toInteger(at) - 1] = toInteger(index);
      return found;
    },
    readEntries: (from, to) => readEntries(database, from, to),
    readTile: (level, index) =>
      one("SELECT hashes FROM tile WHERE level = $1 AND idx = $2", [level, index], ([h]) => toBytes(h)),
    lookUp: (key, range) => lookUp(database, key, range),
    readHeadOf: (index) => one(`${head} WHERE size > $1 ORDER BY size LIMIT 1`, [index], toHead),
    async sizeAt(time: number): Promise<number> {
      const sizeAt = "SELECT size FROM head WHERE time < $1 ORDER BY time DESC, size DESC LIMIT 1";
      return (await one(sizeAt, [time], ([size]) => toInteger(size))) ?? 0;
    },
    async putCosigned(size: number, note: Uint8Array): Promise<void> {
      const put = "INSERT INTO cosigned VALUES ($1, $2) ON CONFLICT (size) DO UPDATE SET note = excluded.note";
      await database.query(put, [size, note]);
    },
    readCosigned: (index) =>
      one("SELECT size, note FROM cosigned WHERE size > $1 ORDER BY size LIMIT 1", [index], toCosigned),
    readLatestCosigned: () => one("SELECT size, note FROM cosigned ORDER BY size DESC LIMIT 1", [], toCosigned),
    scan: (table, after, limit) => scan(database, table, after, limit),
    check: async () => [...(regression === undefined ? [] : [regression]), ...(await checkSize(database))],
    shared: readOnly === true ? undefined : { inTurn: createTurns(database), watch: watching.watch },
    async close(): Promise<void> {
      watching.stop();
      await database.close();
      mark?.close();
    },
  };
}

async function readHead(database: Database): Promise<CurrentHead | undefined> {
  const [row] = await database.read(`SELECT ${headOf("head")}, note FROM head, log ORDER BY head.size DESC LIMIT 1`);
  return optional(row, (columns) => ({ ...toHead(columns), note: toBytes(columns[5]) }));
}

/** Both tables have a size. */
function headOf(table: string): string {
  return headColumns
    .split(", ")
    .map((column) => `${table}.${column}`)
    .join(", ");
}

const findSeen = `
  SELECT at, seen.idx FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS u (issued_at, leaf_hash, at)
    JOIN seen USING (issued_at, leaf_hash)`;

async function readEntries(database: Database, from: number, to: number): Promise<Uint8Array[]> {
  const rows = await database.read("SELECT idx, entry FROM entry WHERE idx >= $1 AND idx < $2 ORDER BY idx", [
    from,
    to,
  ]);
  for (let at = 0; at < to - from; at++) {
    if (rows[at]?.[0] === from + at) continue;
    const message = `Entry ${from + at} is missing from the store. Run attestry audit.`;
    throw new AttestryError("FATAL_CORRUPT", message, { data: { index: from + at } });
  }
  return rows.map((row) => toBytes(row[1]));
}

/** The rows of each of the runs, one after the other; a run that has enough ends it. */
const probe = (direction: "" | "DESC"): string => `
  SELECT idx FROM generate_series($1::bigint, $2) AS runs (run), LATERAL (
    SELECT idx FROM look_up WHERE look_up.run = runs.run AND key = $3 AND idx >= $4 AND idx < $5 ORDER BY idx ${direction} LIMIT $6
  ) AS found ORDER BY idx ${direction} LIMIT $6`;
const probes = { ascending: probe(""), descending: probe("DESC") };

/** Runs that one query probes at most. */
const maxProbed = 64;

async function lookUp(database: Database, key: Uint8Array, { from, to, limit, order }: LookUpRange): Promise<number[]> {
  const found: number[] = [];
  const first = Math.floor(from / entriesPerRun);
  const { size } = to - from > entriesPerRun ? await readState(database) : { size: to };
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
    for (const [index] of await database.read(probes[order], values)) found.push(toInteger(index));
  }
  return found;
}

async function scan<T extends keyof LogRows>(
  database: Database,
  name: T,
  after: LogRows[T] | undefined,
  limit: number,
): Promise<LogRows[T][]> {
  const table = scannedTables[name];
  const key = after === undefined ? table.start : table.key(after);
  const places = key.map((_, at) => `$${at + 1}`);
  const text = `${table.select} WHERE (${table.keyColumns}) > (${places}) ORDER BY ${table.keyColumns} LIMIT $${key.length + 1}`;
  return toScannedRows(table, after, await database.read(text, [...key, limit]));
}

async function regressionOf(database: Database, folder: string | undefined): Promise<string | undefined> {
  const mark = folder === undefined ? undefined : readHighWaterMark(folder);
  if (mark === undefined) return undefined;
  const [newest] = await database.read("SELECT max(size) FROM head");
  const [marked] = await database.read(`SELECT ${headColumns} FROM head WHERE size >= $1 ORDER BY size LIMIT 1`, [
    mark.size,
  ]);
  return findRegression(mark, toInteger(newest?.[0] ?? 0), optional(marked, toHead));
}
