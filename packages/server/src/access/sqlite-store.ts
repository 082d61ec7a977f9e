/** The embedded `AccessStore`: one SQLite file, every write synced before it returns. */
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import { guard, openSqliteFile, type SqliteFile } from "../sqlite-file.ts";
import { isRole, type Role } from "./roles.ts";
import type { AccessStore, Action, Credential, Session } from "./store.ts";

const accessFile: SqliteFile = {
  name: "The access store",
  conflict: "The name or certificate is in use.",
  version: 1,
  schema: `
  CREATE TABLE credentials (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'certificate')),
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER
  ) STRICT;
  CREATE UNIQUE INDEX credentials_by_key ON credentials (kind, key) WHERE revoked_at IS NULL OR kind = 'token';
  CREATE UNIQUE INDEX credentials_by_name ON credentials (name) WHERE revoked_at IS NULL;
  CREATE TABLE sessions (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    provider TEXT,
    started_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE actions (sequence INTEGER PRIMARY KEY AUTOINCREMENT, event BLOB NOT NULL, entry_index INTEGER) STRICT;
`,
};

/** Opens the file, or creates it. @throws FATAL_CORRUPT, FATAL_VERSION, UNAVAILABLE_STORAGE */
export function openSqliteAccessStore(path: string): AccessStore {
  const database = openSqliteFile(path, accessFile);
  return {
    ...credentialMethods(database),
    ...sessionMethods(database),
    ...actionMethods(database),
    close: async () => database.close(),
  };
}

type CredentialMethods = Pick<
  AccessStore,
  "addCredential" | "findCredential" | "listCredentials" | "useCredential" | "revokeCredential"
>;

function credentialMethods(database: DatabaseSync): CredentialMethods {
  const sql = guarded(() => ({
    add: database.prepare(
      "INSERT INTO credentials (id, kind, key, name, roles, added_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    ),
    find: database.prepare("SELECT * FROM credentials WHERE kind = ? AND key = ? ORDER BY place DESC LIMIT 1"),
    list: database.prepare("SELECT * FROM credentials ORDER BY place"),
    use: database.prepare("UPDATE credentials SET last_used_at = ? WHERE id = ?"),
    revoke: database.prepare("UPDATE credentials SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL"),
  }));
  return {
    async addCredential({ id, kind, key, name, roles, addedAt, expiresAt }: Credential): Promise<void> {
      guarded(() => sql.add.run(id, kind, key, name, roles.join(" "), addedAt, expiresAt ?? null));
    },
    async findCredential(kind: Credential["kind"], key: string): Promise<Credential | undefined> {
      const row = guarded(() => sql.find.get(kind, key));
      return row && credentialFromRow(row);
    },
    listCredentials: async () => guarded(() => sql.list.all().map(credentialFromRow)),
    async useCredential(id: string, at: number): Promise<void> {
      guarded(() => sql.use.run(at, id));
    },
    async revokeCredential(id: string, at: number): Promise<void> {
      if (guarded(() => sql.revoke.run(at, id)).changes !== 1) throw new AttestryError("NOT_FOUND");
    },
  };
}

type SessionMethods = Pick<
  AccessStore,
  "addSession" | "findSession" | "useSession" | "listSessions" | "removeSession" | "removeOldSessions"
>;

function sessionMethods(database: DatabaseSync): SessionMethods {
  const sql = guarded(() => ({
    add: database.prepare("INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?)"),
    find: database.prepare("SELECT * FROM sessions WHERE key = ?"),
    use: database.prepare("UPDATE sessions SET seen_at = ? WHERE key = ?"),
    list: database.prepare("SELECT * FROM sessions ORDER BY started_at, key"),
    remove: database.prepare("DELETE FROM sessions WHERE key = ?"),
    removeOld: database.prepare("DELETE FROM sessions WHERE seen_at < ? OR started_at < ?"),
  }));
  return {
    async addSession({ key, name, roles, provider, startedAt, seenAt }: Session): Promise<void> {
      guarded(() => sql.add.run(key, name, roles.join(" "), provider ?? null, startedAt, seenAt));
    },
    async findSession(key: string): Promise<Session | undefined> {
      const row = guarded(() => sql.find.get(key));
      return row && sessionFromRow(row);
    },
    async useSession(key: string, at: number): Promise<void> {
      guarded(() => sql.use.run(at, key));
    },
    listSessions: async () => guarded(() => sql.list.all().map(sessionFromRow)),
    async removeSession(key: string): Promise<void> {
      guarded(() => sql.remove.run(key));
    },
    async removeOldSessions(seenBefore: number, startedBefore: number): Promise<void> {
      guarded(() => sql.removeOld.run(seenBefore, startedBefore));
    },
  };
}

type ActionMethods = Pick<
  AccessStore,
  "addAction" | "setActionEntry" | "removeAction" | "listActions" | "listPendingActions"
>;

function actionMethods(database: DatabaseSync): ActionMethods {
  const sql = guarded(() => ({
    add: database.prepare("INSERT INTO actions (event) VALUES (?)"),
    setEntry: database.prepare("UPDATE actions SET entry_index = ? WHERE sequence = ?"),
    remove: database.prepare("DELETE FROM actions WHERE sequence = ? AND entry_index IS NULL"),
    list: database.prepare(
      "SELECT * FROM actions WHERE sequence < ? AND entry_index IS NOT NULL ORDER BY sequence DESC LIMIT ?",
    ),
    pending: database.prepare("SELECT * FROM actions WHERE entry_index IS NULL ORDER BY sequence"),
  }));
  return {
    addAction: async (event) => Number(guarded(() => sql.add.run(event)).lastInsertRowid),
    async setActionEntry(sequence: number, entryIndex: number): Promise<void> {
      guarded(() => sql.setEntry.run(entryIndex, sequence));
    },
    async removeAction(sequence: number): Promise<void> {
      guarded(() => sql.remove.run(sequence));
    },
    listActions: async (before, limit) =>
      guarded(() => sql.list.all(before ?? Number.MAX_SAFE_INTEGER, limit).map(actionFromRow)),
    listPendingActions: async () => guarded(() => sql.pending.all().map(actionFromRow)),
  };
}

type Row = Record<string, SQLOutputValue>;

function credentialFromRow(row: Row): Credential {
  return {
    id: row["id"] as string,
    kind: row["kind"] as Credential["kind"],
    key: row["key"] as string,
    name: row["name"] as string,
    roles: rolesFrom(row),
    addedAt: row["added_at"] as number,
    expiresAt: (row["expires_at"] as number | null) ?? undefined,
    lastUsedAt: (row["last_used_at"] as number | null) ?? undefined,
    revokedAt: (row["revoked_at"] as number | null) ?? undefined,
  };
}

function sessionFromRow(row: Row): Session {
  return {
    key: row["key"] as string,
    name: row["name"] as string,
    roles: rolesFrom(row),
    provider: (row["provider"] as string | null) ?? undefined,
    startedAt: row["started_at"] as number,
    seenAt: row["seen_at"] as number,
  };
}

function actionFromRow(row: Row): Action {
  const entryIndex = (row["entry_index"] as number | null) ?? undefined;
  return { sequence: row["sequence"] as number, event: row["event"] as Uint8Array, entryIndex };
}

/** A role that this version does not know allows nothing. */
function rolesFrom(row: Row): Role[] {
  return (row["roles"] as string).split(" ").filter(isRole);
}

function guarded<T>(action: () => T): T {
  return guard(accessFile, action);
}
