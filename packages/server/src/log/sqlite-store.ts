/** The embedded `LogStore` driver: one SQLite file (`node:sqlite`, write-ahead log, synchronous=FULL) in a data folder. */
import type { DatabaseSync } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import { findRegression, openHighWaterMark, readHighWaterMark } from "./high-water.ts";
import { headColumns, optional, toBytes, toCosigned, toHead, toInteger } from "./rows.ts";
import { lockFolder, openDatabase, transaction, translate } from "./sqlite-database.ts";
import { prepareScans, type Query } from "./sqlite-rows.ts";
import {
  type AdmittedEntry,
  type Batch,
  type CurrentHead,
  entriesPerRun,
  type LogStore,
  type LookUpRange,
} from "./store.ts";

export interface SqliteStoreOptions {
  /** The data folder, which exists: `log.db`, `log.mark` and `lock` are in it. */
  readonly folder: string;
  /** Needed to create a log; a log that exists must have it, when it is given. */
  readonly origin?: string;
  /** For the audit: takes no lock, writes nothing, and may run beside the notary. */
  readonly readOnly?: boolean;
}

/**
 * Opens or creates the log of a folder. Reads only what the newest head needs: the time does not grow with the log.
 * @throws CONFLICT_LOCKED when another process has it open; CONFLICT_EXISTS when it has another origin; FATAL_CORRUPT when it
 *   is damaged, or behind its high-water mark; FATAL_VERSION when a newer version wrote it; UNAVAILABLE_STORAGE; NOT_FOUND
 */
export function openSqliteStore({ folder, origin, readOnly = false }: SqliteStoreOptions): LogStore {
  const release = readOnly ? () => {} : lockFolder(folder);
  try {
    const db = openDatabase(folder, { origin, readOnly });
    try {
      return translate(() => createStore(db, folder, { origin, readOnly, release }));
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
  release(): void;
}

function createStore(db: DatabaseSync, folder: string, { origin, readOnly, release }: StoreParts): LogStore {
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
  return {
    origin: stored,
    readHead: async () => translate(() => readHead(sql)),
    append: async (batch) => {
      translate(() => transaction(db, () => writeBatch(sql, batch)));
      mark?.write(batch.head);
    },
    findSeen: async (statements) => translate(() => statements.map((statement) => findSeen(sql, statement))),
    readEntries: async (from, to) => translate(() => readEntries(sql, from, to)),
    readTile: async (level, index) => translate(() => sql.tile.get(level, index)?.[0] as Uint8Array | undefined),
    lookUp: async (key, range) => translate(() => lookUp(sql, key, range)),
    readHeadOf: async (index) => translate(() => optional(sql.headOf.get(index), toHead)),
    sizeAt: async (time) => translate(() => toInteger(sql.sizeAt.get(time)?.[0] ?? 0)),
    putCosigned: async (size, note) => translate(() => transaction(db, () => void sql.putCosigned.run(size, note))),
    readCosigned: async (index) => translate(() => optional(sql.cosignedOf.get(index), toCosigned)),
    readLatestCosigned: async () => translate(() => optional(sql.latestCosigned.get(), toCosigned)),
    scan: async (table, after, limit) => translate(() => sql.scans[table](after, limit)),
    check: async () => translate(() => [...(regression === undefined ? [] : [regression]), ...checkPages(db)]),
    close: async () => {
      translate(() => db.close());
      mark?.close();
      release();
    },
  };
}

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
    putEntry: prepare("INSERT INTO entry VALUES (?, ?)"),
    putSeen: prepare("INSERT INTO seen VALUES (?, ?, ?)"),
    putLookUp: prepare("INSERT OR IGNORE INTO look_up VALUES (?, ?, ?)"),
    putTile: prepare("INSERT INTO tile VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET hashes = excluded.hashes"),
    putHead: prepare("INSERT INTO head VALUES (?, ?, ?, ?, ?, ?)"),
    putNote: prepare("UPDATE log SET note = ?"),
    putCosigned: prepare("INSERT INTO cosigned VALUES (?, ?) ON CONFLICT DO UPDATE SET note = excluded.note"),
    scans: prepareScans(prepare),
  };
}

function writeBatch(sql: Statements, { expectedSize, entries, tiles, head }: Batch): void {
  const stored = sql.head.get()?.[0];
  if ((stored ?? 0) !== expectedSize || stored === head.size) {
    throw new AttestryError("CONFLICT_SIZE", undefined, { data: { expected: expectedSize, found: stored ?? 0 } });
  }
  entries.forEach((entry, at) => {
    writeEntry(sql, expectedSize + at, entry);
  });
  for (const { level, index, hashes } of tiles) sql.putTile.run(level, index, hashes);
  sql.putHead.run(head.size, head.rootHash, head.time, head.noteSignature, head.receiptSignature, expectedSize);
  sql.putNote.run(head.note);
}

function writeEntry(sql: Statements, index: number, { entry, leafHash, issuedAt, keys }: AdmittedEntry): void {
  const run = Math.floor(index / entriesPerRun);
  sql.putEntry.run(index, entry);
  sql.putSeen.run(issuedAt, leafHash, index);
  for (const key of keys) sql.putLookUp.run(run, key, index);
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
