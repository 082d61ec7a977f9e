/** What a witness must never forget: the latest checkpoint that it cosigned of each log. One SQLite file, every write synced. */
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import { cannotBeUsed, folderInUse } from "../log/sqlite-database.ts";

export interface WitnessedHead {
  readonly size: number;
  readonly rootHash: Uint8Array;
  /** The checkpoint with the log's signatures and this witness's own. */
  readonly note: string;
}

export interface WitnessState {
  read(origin: string): WitnessedHead | undefined;
  /**
   * Moves the log's head on from `oldSize` (0: none yet) in one step. When it returns true, the new head is on stable storage.
   * False: the stored size is another by now, and nothing was changed.
   */
  advance(origin: string, oldSize: number, head: WitnessedHead): boolean;
  close(): void;
}

/** Opens the file, or creates it. @throws CONFLICT_LOCKED when another process has it open, FATAL_CORRUPT, UNAVAILABLE_STORAGE */
export function openWitnessState(path: string): WitnessState {
  const database = guarded(() => open(path), path);
  const statements = guarded(() => ({
    read: database.prepare("SELECT size, root_hash, note FROM heads WHERE origin = ?"),
    // One statement is one transaction: the comparison and the write cannot be separated.
    advance: database.prepare(`
      INSERT INTO heads (origin, size, root_hash, note) SELECT :origin, :size, :root, :note
      WHERE coalesce((SELECT size FROM heads WHERE origin = :origin), 0) = :old
        AND coalesce((SELECT size <> :size OR root_hash = :root FROM heads WHERE origin = :origin), 1)
      ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root_hash = excluded.root_hash, note = excluded.note`),
  }));
  return {
    read(origin: string): WitnessedHead | undefined {
      const row = guarded(() => statements.read.get(origin));
      if (row === undefined) return undefined;
      return {
        size: row["size"] as number,
        rootHash: row["root_hash"] as Uint8Array,
        note: row["note"] as string,
      };
    },

    advance(origin: string, oldSize: number, { size, rootHash, note }: WitnessedHead): boolean {
      const values = { origin, old: oldSize, size, root: rootHash, note };
      return guarded(() => statements.advance.run(values)).changes === 1;
    },

    close: () => database.close(),
  };
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 0 });
  // Exclusive: two witnesses on one file would each believe their own view of it.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  database.exec(`BEGIN EXCLUSIVE;
    CREATE TABLE IF NOT EXISTS heads (
      origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root_hash BLOB NOT NULL, note TEXT NOT NULL
    ) STRICT;
    COMMIT;`);
  return database;
}

/** @param path to be named: at the start */
function guarded<T>(action: () => T, path?: string): T {
  try {
    return action();
  } catch (cause) {
    const code = Number((cause as { errcode?: number }).errcode) & 0xff; // https://sqlite.org/rescode.html
    if ((code === 5 || code === 6) && path !== undefined) throw folderInUse(dirname(path), cause);
    if (code === 5 || code === 6) throw new AttestryError("CONFLICT_LOCKED", undefined, { cause });
    if (code === 11 || code === 26) {
      throw new AttestryError("FATAL_CORRUPT", "The witness's state is damaged; restore it.", { cause });
    }
    throw new AttestryError("UNAVAILABLE_STORAGE", path && cannotBeUsed(path), { cause });
  }
}
