/** The small SQLite files of a data folder (`node:sqlite`): opened the one durable way, with SQLite's errors as ours. */
import { DatabaseSync } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import { cannotBeUsed } from "./log/sqlite-database.ts";

export interface SqliteFile {
  /** What it is to the user, as a sentence begins: "The access store". */
  readonly name: string;
  /** What a row that breaks a rule of the schema means to the user. */
  readonly conflict: string;
  /** Of the schema below; it is the file's `user_version`. */
  readonly version: number;
  /** Makes the tables, from nothing. */
  readonly schema: string;
}

/** Opens the file, or creates it; every write is synced before it returns. @throws FATAL_CORRUPT, FATAL_VERSION, UNAVAILABLE_STORAGE */
export function openSqliteFile(path: string, file: SqliteFile): DatabaseSync {
  return guard(
    file,
    () => {
      const database = new DatabaseSync(path, { timeout: 5000 });
      try {
        database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
        prepareSchema(database, file);
        return database;
      } catch (error) {
        database.close();
        throw error;
      }
    },
    path,
  );
}

function prepareSchema(database: DatabaseSync, { name, version, schema }: SqliteFile): void {
  const found = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (found === 0) database.exec(`BEGIN IMMEDIATE; ${schema} PRAGMA user_version = ${version}; COMMIT;`);
  else if (found !== version) {
    throw new AttestryError("FATAL_VERSION", `${name} was written by a newer Attestry (use that one), or is damaged.`);
  }
}

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const corrupt = new Set([11, 26]); // SQLITE_CORRUPT, SQLITE_NOTADB
const constraint = 19;

/**
 * @param path to be named where its storage refuses: at the start
 * @throws what `action` throws, SQLite's errors as CONFLICT_EXISTS, FATAL_CORRUPT or UNAVAILABLE_STORAGE
 */
export function guard<T>({ name, conflict }: SqliteFile, action: () => T, path?: string): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    const code = Number((cause as { errcode?: number }).errcode) & 0xff;
    if (code === constraint) throw new AttestryError("CONFLICT_EXISTS", conflict, { cause });
    if (corrupt.has(code)) throw new AttestryError("FATAL_CORRUPT", `${name} is damaged; restore it.`, { cause });
    throw new AttestryError("UNAVAILABLE_STORAGE", path && cannotBeUsed(path), { cause });
  }
}
