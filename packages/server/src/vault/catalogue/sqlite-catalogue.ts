/** The embedded catalogue driver: one SQLite file (`node:sqlite`) beside the log, every write synced before it resolves. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { AttestryError, type ErrorCode } from "@attestry/core";
import { Kysely, SqliteDialect } from "kysely";
import { syncFolder, translate } from "../../log/sqlite-database.ts";
import type { Catalogue } from "./catalogue.ts";
import { type CatalogueTables, sqlite } from "./flavours.ts";
import { openSqlCatalogue } from "./sql-catalogue.ts";

export interface SqliteCatalogueOptions {
  /** The data folder, which exists and whose lock the notary holds: `vault.db` is in it. */
  readonly folder: string;
  /** For the audit: writes nothing, and may run beside the notary. */
  readonly readOnly?: boolean;
  /** Nobody else can be writing: locks of uploads are what a process left that was killed. */
  readonly freeLocks?: boolean;
}

// secure_delete: what is overwritten or deleted is zeroed in the file, since a wrapped key must be gone once it is erased.
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA secure_delete = ON;
  PRAGMA cell_size_check = ON;
  PRAGMA journal_size_limit = 16777216;
`;

const busyTimeout = 5000;

/**
 * Opens the catalogue of a data folder, or makes it.
 * @throws NOT_FOUND when read-only and there is none; FATAL_CORRUPT, FATAL_VERSION, UNAVAILABLE_STORAGE
 */
export async function openSqliteCatalogue({
  folder,
  readOnly = false,
  freeLocks = false,
}: SqliteCatalogueOptions): Promise<Catalogue> {
  const path = join(folder, "vault.db");
  const isNew = !existsSync(path);
  if (readOnly && isNew) throw new AttestryError("NOT_FOUND", "There is no vault in this folder.");
  const database = openDatabase(path, readOnly);
  try {
    const catalogue = await openSqlCatalogue({
      db: sqliteTables(database),
      flavour: sqlite,
      translate: translateError,
      // The write-ahead log would keep the key's old page until it is next written over.
      afterErasure: async () => database.exec("PRAGMA wal_checkpoint(TRUNCATE)"),
      check: async () => integrityProblems(database),
    });
    if (freeLocks) database.exec("UPDATE vault_upload SET lock_until = 0");
    if (isNew) syncFolder(folder);
    return catalogue;
  } catch (error) {
    if (database.isOpen) database.close();
    throw error;
  }
}

/** Queries on an open database, which is closed with it. */
export function sqliteTables(database: DatabaseSync): Kysely<CatalogueTables> {
  return new Kysely<CatalogueTables>({ dialect: new SqliteDialect({ database: shim(database) }) });
}

function openDatabase(path: string, readOnly: boolean): DatabaseSync {
  try {
    const database = new DatabaseSync(path, { readOnly, timeout: busyTimeout });
    database.exec(readOnly ? "PRAGMA cell_size_check = ON" : settings);
    return database;
  } catch (error) {
    throw translateError(error);
  }
}

/** What kysely's SQLite dialect asks of a database. */
function shim(database: DatabaseSync): ConstructorParameters<typeof SqliteDialect>[0]["database"] & object {
  return {
    close: () => database.close(),
    prepare(text: string) {
      const statement = database.prepare(text);
      const values = (parameters: readonly unknown[]): SQLInputValue[] => parameters as SQLInputValue[];
      return {
        reader: statement.columns().length > 0,
        all: (parameters: readonly unknown[]) => statement.all(...values(parameters)),
        run: (parameters: readonly unknown[]) => statement.run(...values(parameters)),
        iterate: (parameters: readonly unknown[]) => statement.iterate(...values(parameters)),
      };
    },
  };
}

function integrityProblems(database: DatabaseSync): string[] {
  const rows = database.prepare("PRAGMA integrity_check(20)").all();
  return rows.map((row) => String(row["integrity_check"])).filter((line) => line !== "ok");
}

// SQLITE_CONSTRAINT_PRIMARYKEY (https://www.sqlite.org/rescode.html): the only constraint that a caller can meet.
const primaryKey = 1555;

function translateError(error: unknown): AttestryError {
  if (error instanceof AttestryError) return error;
  if (error instanceof Error && "errcode" in error && error.errcode === primaryKey) {
    return new AttestryError("CONFLICT_EXISTS", "The catalogue has such a row already.", { cause: error });
  }
  try {
    return translate(() => {
      throw error;
    });
  } catch (translated) {
    const code = translated instanceof AttestryError ? translated.code : "FATAL_INTERNAL";
    return new AttestryError(code, messages[code], { cause: error });
  }
}

const messages: Partial<Record<ErrorCode, string>> = {
  UNAVAILABLE_STORAGE:
    "The vault's catalogue cannot be read or written (disk full, or not permitted). Nothing was half written.",
  FATAL_CORRUPT: "The vault's catalogue is damaged. Run attestry audit; restore it from a copy.",
  FATAL_INTERNAL: "The vault's catalogue failed in a way that was not foreseen.",
};
