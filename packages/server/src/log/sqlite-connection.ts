/** Connections to the log's SQLite file: the settings that make a commit durable, and transactions. Nothing but SQLite is loaded. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Where the log of a folder is. */
export function databasePath(folder: string): string {
  return join(folder, "log.db");
}

/** FULL: a commit returns after its fsync. The cache bounds memory; 4,000 pages of WAL let hot pages be written home once. */
const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA cache_size = -8192;
  PRAGMA cell_size_check = ON;
  PRAGMA wal_autocheckpoint = 4000;
  PRAGMA journal_size_limit = 67108864;
`;

const busyTimeout = 5000;

/** @throws SQLite's errors */
export function connect(folder: string, { readOnly }: { readOnly: boolean }): DatabaseSync {
  const db = new DatabaseSync(databasePath(folder), { readOnly, timeout: busyTimeout });
  try {
    db.exec(readOnly ? "PRAGMA cell_size_check = ON" : settings);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Leaves a connection with reading alone, and with a small cache: whatever another connection commits empties it. Unlike one that
 * was opened for reading it can still bring home, when it is closed last, what the write-ahead log holds.
 */
export function confineToReading(db: DatabaseSync): void {
  db.exec("PRAGMA query_only = ON; PRAGMA cache_size = -8192");
}

/** Runs `write` in one transaction: committed and fsynced when this returns, rolled back when it throws. */
export function transaction<T>(db: DatabaseSync, write: () => T): T {
  return within(db, "BEGIN IMMEDIATE", write);
}

/** Runs `read` on one state of the log, and takes SQLite's locks once instead of at each query. */
export function readTogether<T>(db: DatabaseSync, read: () => T): T {
  return within(db, "BEGIN", read);
}

function within<T>(db: DatabaseSync, begin: string, act: () => T): T {
  db.exec(begin);
  try {
    const result = act();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK"); // SQLite has rolled back by itself after some errors
    throw error;
  }
}
