/**
 * Opens the log's SQLite file the one way that is durable, one writer at a time, and turns SQLite's errors into ours
 * (result codes: https://www.sqlite.org/rescode.html).
 */
import { closeSync, existsSync, fsyncSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AttestryError, isAttestryError } from "@attestry/core";
import { connect, databasePath, transaction } from "./sqlite-connection.ts";

/** "Atst": in the file's header, so that another program's database is not taken for a log. */
const applicationId = 0x41747374;
const schemaVersion = 1;

// One table for each member of `LogRows`, and `log` for what there is one of. STRICT: a value has the type of its column.
const schema = `
  CREATE TABLE log (id INTEGER PRIMARY KEY CHECK (id = 1), origin TEXT NOT NULL, note BLOB) STRICT;
  CREATE TABLE entry (idx INTEGER PRIMARY KEY, entry BLOB NOT NULL) STRICT;
  CREATE TABLE tile (level INTEGER, idx INTEGER, hashes BLOB NOT NULL, PRIMARY KEY (level, idx)) STRICT;
  CREATE TABLE seen (issued_at INTEGER, leaf_hash BLOB, idx INTEGER NOT NULL, PRIMARY KEY (issued_at, leaf_hash))
    STRICT, WITHOUT ROWID;
  CREATE TABLE look_up (run INTEGER, key BLOB, idx INTEGER, PRIMARY KEY (run, key, idx)) STRICT, WITHOUT ROWID;
  CREATE TABLE head (size INTEGER PRIMARY KEY, root_hash BLOB NOT NULL, time INTEGER NOT NULL,
    note_signature BLOB NOT NULL, receipt_signature BLOB NOT NULL, previous_size INTEGER NOT NULL) STRICT;
  CREATE INDEX head_by_time ON head (time);
  CREATE TABLE cosigned (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

/**
 * Opens `log.db` in a folder, creating it when there is none. @throws NOT_FOUND when read-only and there is none;
 * FATAL_CORRUPT when it is not a log; FATAL_VERSION when a newer version wrote it
 */
export function openDatabase(folder: string, options: { origin: string | undefined; readOnly: boolean }): DatabaseSync {
  const path = databasePath(folder);
  if (options.readOnly && !existsSync(path)) throw new AttestryError("NOT_FOUND", "There is no log in this folder.");
  return translate(() => {
    const db = connect(folder, options);
    try {
      if (isEmpty(db) && !options.readOnly) create(db, folder, options.origin);
      checkSchema(db);
      if (!options.readOnly) checkLength(db, path);
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }, folder);
}

function isEmpty(db: DatabaseSync): boolean {
  return pragma(db, "user_version") === 0 && db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
}

function create(db: DatabaseSync, folder: string, origin: string | undefined): void {
  if (origin === undefined)
    throw new AttestryError("USAGE", "A new log needs an origin.", { data: { needs: "origin" } });
  transaction(db, () => {
    db.exec(schema);
    db.prepare("INSERT INTO log (id, origin) VALUES (1, ?)").run(origin);
  });
  syncFolder(folder);
}

function checkSchema(db: DatabaseSync): void {
  const version = pragma(db, "user_version");
  if (pragma(db, "application_id") !== applicationId || version < 1) {
    throw new AttestryError("FATAL_CORRUPT", "The file log.db is not an Attestry log.");
  }
  if (version > schemaVersion) {
    const message = `The log has schema version ${version}; this program knows versions up to ${schemaVersion}. A newer one wrote it, or log.db is damaged.`;
    throw new AttestryError("FATAL_VERSION", message, { data: { found: version, known: schemaVersion } });
  }
}

/** SQLite sees when whole pages are missing, and takes part of a page for a page. What the write-ahead log holds is no loss. */
function checkLength(db: DatabaseSync, path: string): void {
  const isWhole = () => statSync(path).size % pragma(db, "page_size") === 0;
  if (isWhole()) return;
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  if (!isWhole()) throw new AttestryError("FATAL_CORRUPT", "The file log.db was cut short. Restore it from a copy.");
}

function pragma(db: DatabaseSync, name: string): number {
  return Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
}

/** A new file's name is durable once its folder is synced. Windows has no such thing, and refuses to open a folder. */
export function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** The locks that this process holds. A connection that nobody refers to is closed by the garbage collector, and its lock with it. */
const held = new Set<DatabaseSync>();

/**
 * Takes the folder's lock: an exclusive SQLite lock on a file of its own, which the system releases when the process ends,
 * however it ends. Gives what releases it. Readers of the log do not need it. @throws CONFLICT_LOCKED
 */
export function lockFolder(folder: string): () => void {
  return translate(() => {
    const db = new DatabaseSync(join(folder, "lock"));
    try {
      db.exec("BEGIN EXCLUSIVE");
    } catch (cause) {
      db.close();
      if (resultCode(cause) === 5) throw folderInUse(folder, cause);
      throw cause;
    }
    held.add(db);
    return () => {
      held.delete(db);
      db.close();
    };
  }, folder);
}

export function folderInUse(folder: string, cause: unknown): AttestryError {
  const message = `Another process is using the data folder ${folder}. Stop it, or name another folder: --data DIR.`;
  return new AttestryError("CONFLICT_LOCKED", message, { cause });
}

/**
 * @param folder to be named where its storage refuses: at the start, when nobody but the operator is told
 * @throws what `use` throws, SQLite's errors as UNAVAILABLE_STORAGE, FATAL_CORRUPT or FATAL_INTERNAL
 */
export function translate<T>(use: () => T, folder?: string): T {
  try {
    return use();
  } catch (cause) {
    throw toStorageError(cause, folder);
  }
}

const messages = {
  UNAVAILABLE_STORAGE: "The log's storage refused (disk full, or not permitted). Nothing was half written.",
  FATAL_CORRUPT: "The log's files are damaged. Run attestry audit; restore them from a copy.",
  FATAL_INTERNAL: "The log's storage failed in a way that was not foreseen.",
} as const;

/** An error of SQLite, or of the files beside it, as one of ours; others as they are. */
export function toStorageError(cause: unknown, folder?: string): unknown {
  const result = resultCode(cause);
  if (isAttestryError(cause) || result === undefined) return cause;
  const code =
    corrupt.has(result) || corrupt.has(result & 0xff)
      ? "FATAL_CORRUPT"
      : refused.has(result & 0xff)
        ? "UNAVAILABLE_STORAGE"
        : "FATAL_INTERNAL";
  const isAtStart = code === "UNAVAILABLE_STORAGE" && folder !== undefined;
  const message = isAtStart ? cannotBeUsed(`The data folder ${folder}`) : messages[code];
  return new AttestryError(code, message, { cause, data: { sqlite: result } });
}

/** Of a folder or file at the start. */
export function cannotBeUsed(what: string): string {
  return `${what} cannot be used (not permitted, or the disk is full or read-only). Mend that, or name another folder: --data DIR.`;
}

// PERM, BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN.
const refused = new Set([3, 5, 6, 7, 8, 10, 13, 14]);
// ERROR (a table or column is missing); CORRUPT; CONSTRAINT (a row beyond the head); NOTADB; IOERR_SHORT_READ, _DATA and _CORRUPTFS.
const corrupt = new Set([1, 11, 19, 26, 522, 8202, 8458]);

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  if ("syscall" in error) return 10; // IOERR, of the files beside the database
  if (error.code === "ERR_OUT_OF_RANGE") return 11; // an integer that no writer of ours stores
  if (error.code === "ERR_INVALID_STATE") return 21; // MISUSE: the store was closed
  return error.code === "ERR_SQLITE_ERROR" && "errcode" in error ? Number(error.errcode) : undefined;
}
