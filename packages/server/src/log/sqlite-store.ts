/**
 * The embedded `LogStore` driver: one SQLite file (`node:sqlite`, write-ahead log, synchronous=FULL) in a data folder. A thread
 * writes; reads are done where they are asked for, on a connection of their own.
 */
import type { DatabaseSync } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import { findRegression, openHighWaterMark, readHighWaterMark } from "./high-water.ts";
import { headColumns, optional, toBytes, toCosigned, toHead, toInteger } from "./rows.ts";
import { confineToReading, readTogether } from "./sqlite-connection.ts";
import { lockFolder, openDatabase, translate } from "./sqlite-database.ts";
import { prepareScans, type Query } from "./sqlite-rows.ts";
import { createSqliteWriter, type SqliteWriter, writerThread } from "./sqlite-writer.ts";
import { type AdmittedEntry, type CurrentHead, entriesPerRun, type LogStore, type LookUpRange } from "./store.ts";

export interface SqliteStoreOptions {
  /** The data folder, which exists: `log.db`, `log.mark` and `lock` are in it. */
  readonly folder: string;
  /** Needed to create a log; a log that exists must have it, when it is given. */
  readonly origin?: string;
  /** For the audit: takes no lock, writes nothing, and may run beside the notary. */
  readonly readOnly?: boolean;
  /** What the thread that writes runs, for tests that look into it. */
  readonly thread?: URL;
}

/**
 * Opens or creates the log of a folder. Reads only what the newest head needs: the time does not grow with the log.
 * @throws CONFLICT_LOCKED when another process has it open; CONFLICT_EXISTS when it has another origin; FATAL_CORRUPT when it
 *   is damaged, or behind its high-water mark; FATAL_VERSION when a newer version wrote it; UNAVAILABLE_STORAGE; NOT_FOUND
 */
export function openSqliteStore(options: SqliteStoreOptions): LogStore {
  const { folder, origin, readOnly = false, thread = writerThread } = options;
  const release = readOnly ? () => {} : lockFolder(folder);
  try {
    const db = openDatabase(folder, { origin, readOnly });
    try {
      return translate(() => createStore(db, folder, { origin, readOnly, thread, release }), folder);
    } catch (error) {
      db.close();
      throw error;
    }
  } catch (error) {
    release();
    throw error;
  }
}

interface StoreParts {
  readonly origin: string | undefined;
  readonly readOnly: boolean;
  readonly thread: URL;
  release(): void;
}

function createStore(db: DatabaseSync, folder: string, { origin, readOnly, thread, release }: StoreParts): LogStore {
  const sql = prepareStatements(db);
  const stored = String(sql.origin.get()?.[0]);
  if (origin !== undefined && origin !== stored) {
    throw new AttestryError("CONFLICT_EXISTS", `The log in this folder is ${stored}, not ${origin}.`);
  }
  const kept = readHighWaterMark(folder);
  const marked = kept && optional(sql.headOf.get(kept.size - 1), toHead);
  const regression = findRegression(kept, toInteger(sql.head.get()?.[0] ?? 0), marked);
  if (regression !== undefined && !readOnly) throw new AttestryError("FATAL_CORRUPT", regression);
  const mark = readOnly ? undefined : openHighWaterMark(folder);
  const writer = readOnly ? readersWriter : createSqliteWriter(folder, thread);
  if (!readOnly) confineToReading(db);
  return {
    origin: stored,
    readHead: async () => translate(() => readHead(sql)),
    append: async (batch) => {
      await writer.append(batch);
      mark?.write(batch.head);
    },
    findSeen: async (statements) =>
      translate(() => readTogether(db, () => statements.map((statement) => findSeen(sql, statement)))),
    readEntries: async (from, to) => translate(() => readEntries(sql, from, to)),
    readTile: async (level, index) => translate(() => sql.tile.get(level, index)?.[0] as Uint8Array | undefined),
    lookUp: async (key, range) => translate(() => lookUp(sql, key, range)),
    readHeadOf: async (index) => translate(() => optional(sql.headOf.get(index), toHead)),
    sizeAt: async (time) => translate(() => toInteger(sql.sizeAt.get(time)?.[0] ?? 0)),
    putCosigned: writer.putCosigned,
    readCosigned: async (index) => translate(() => optional(sql.cosignedOf.get(index), toCosigned)),
    readLatestCosigned: async () => translate(() => optional(sql.latestCosigned.get(), toCosigned)),
    scan: async (table, after, limit) => translate(() => sql.scans[table](after, limit)),
    check: async () => translate(() => [...(regression === undefined ? [] : [regression]), ...checkPages(db)]),
    close: async () => {
      translate(() => db.close());
      await writer.close(); // last, so that it is the thread who brings home what the write-ahead log holds
      mark?.close();
      release();
    },
  };
}

const refuse = async (): Promise<never> => {
  throw new AttestryError("UNAVAILABLE_STORAGE", "The log was opened for reading alone.");
};

/** What writes for those who may not. */
const readersWriter: SqliteWriter = { append: refuse, putCosigned: refuse, close: async () => {} };

type Statements = ReturnType<typeof prepareStatements>;

function prepareStatements(db: DatabaseSync) {
  const prepare = (text: string): Query => {
    const statement = db.prepare(text);
    statement.setReturnArrays(true); // rows as arrays, which the declared types do not know
    return statement as unknown as Query;
  };
  const head = `SELECT ${headColumns}`;
  const found = "SELECT idx FROM look_up WHERE run = ? AND key = ? AND idx >= ? AND idx < ? ORDER BY idx";
  return {
    origin: prepare("SELECT origin FROM log"),
    head: prepare(`${head}, note FROM head, log ORDER BY size DESC LIMIT 1`),
    headOf: prepare(`${head} FROM head WHERE size > ? ORDER BY size LIMIT 1`),
    sizeAt: prepare("SELECT size FROM head WHERE time < ? ORDER BY time DESC, size DESC LIMIT 1"),
    seen: prepare("SELECT idx FROM seen WHERE issued_at = ? AND leaf_hash = ?"),
    entries: prepare("SELECT idx, entry FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx"),
    tile: prepare("SELECT hashes FROM tile WHERE level = ? AND idx = ?"),
    ascending: prepare(`${found} LIMIT ?`),
    descending: prepare(`${found} DESC LIMIT ?`),
    cosignedOf: prepare("SELECT size, note FROM cosigned WHERE size > ? ORDER BY size LIMIT 1"),
    latestCosigned: prepare("SELECT size, note FROM cosigned ORDER BY size DESC LIMIT 1"),
    scans: prepareScans(prepare),
  };
}

function readHead(sql: Statements): CurrentHead | undefined {
  return optional(sql.head.get(), (row) => ({ ...toHead(row), note: toBytes(row[5]) }));
}

function findSeen(sql: Statements, { issuedAt, leafHash }: Pick<AdmittedEntry, "issuedAt" | "leafHash">) {
  return sql.seen.get(issuedAt, leafHash)?.[0] as number | undefined;
}

function readEntries(sql: Statements, from: number, to: number): Uint8Array[] {
  const rows = sql.entries.all(from, to);
  for (let at = 0; at < to - from; at++) {
    if (rows[at]?.[0] === from + at && rows[at]?.[1] instanceof Uint8Array) continue;
    const message = `Entry ${from + at} is missing from the store. Run attestry audit.`;
    throw new AttestryError("FATAL_CORRUPT", message, { data: { index: from + at } });
  }
  return rows.map((row) => toBytes(row[1]));
}

function lookUp(sql: Statements, key: Uint8Array, { from, to, limit, order }: LookUpRange): number[] {
  const found: number[] = [];
  const first = Math.floor(from / entriesPerRun);
  const end = Math.min(to, toInteger(sql.head.get()?.[0] ?? 0)); // no run lies past the log's end
  const runs = Math.max(0, Math.ceil(end / entriesPerRun) - first);
  for (let at = 0; at < runs && found.length < limit; at++) {
    const run = first + (order === "ascending" ? at : runs - 1 - at);
    for (const row of sql[order].all(run, key, from, to, limit - found.length)) found.push(toInteger(row[0]));
  }
  return found;
}

/** SQLite's own check of its pages and keys. */
function checkPages(db: DatabaseSync): string[] {
  const rows = db.prepare("PRAGMA integrity_check(100)").all();
  return rows.map((row) => String(Object.values(row)[0])).filter((line) => line !== "ok");
}
