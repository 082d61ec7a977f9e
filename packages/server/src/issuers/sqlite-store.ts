/** The embedded `IssuerStore`: one SQLite file, every write synced before it returns. */
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { AttestryError, decodeCbor, encodeCbor } from "@attestry/core";
import type { Issuer, IssuerStore, Revocation } from "./store.ts";

const schemaVersion = 1;

const schema = `
  CREATE TABLE issuers (
    place INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('key', 'root')),
    issuer TEXT,
    material BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    revoked_at INTEGER,
    reason TEXT,
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
  ) STRICT;
  CREATE TABLE chains (x5t BLOB PRIMARY KEY, certificates BLOB NOT NULL) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};
`;

/** Opens the file, or creates it. @throws FATAL_CORRUPT, FATAL_VERSION, UNAVAILABLE_STORAGE */
export function openSqliteIssuerStore(path: string): IssuerStore {
  const database = guarded(() => open(path));
  const statements = guarded(() => ({
    list: database.prepare("SELECT * FROM issuers ORDER BY place"),
    add: database.prepare("INSERT INTO issuers (id, kind, issuer, material, added_at) VALUES (?, ?, ?, ?, ?)"),
    revoke: database.prepare("UPDATE issuers SET revoked_at = ?, reason = ? WHERE id = ? AND revoked_at IS NULL"),
    putChain: database.prepare("INSERT OR IGNORE INTO chains VALUES (?, ?)"),
    readChain: database.prepare("SELECT certificates FROM chains WHERE x5t = ?"),
  }));
  return {
    list: async () => guarded(() => statements.list.all().map(issuerFromRow)),

    async add({ id, kind, issuer, material, addedAt }: Issuer): Promise<void> {
      guarded(() => statements.add.run(id, kind, issuer ?? null, material, addedAt));
    },

    async revoke(id: string, { at, reason }: Revocation): Promise<void> {
      if (guarded(() => statements.revoke.run(at, reason, id)).changes !== 1) throw new AttestryError("NOT_FOUND");
    },

    async putChain(x5t: Uint8Array, chain: readonly Uint8Array[]): Promise<void> {
      guarded(() => statements.putChain.run(x5t, encodeCbor([...chain])));
    },

    async readChain(x5t: Uint8Array): Promise<Uint8Array[] | undefined> {
      const row = guarded(() => statements.readChain.get(x5t));
      if (row === undefined) return undefined;
      return decodeCbor(row["certificates"] as Uint8Array, { code: "FATAL_CORRUPT" }) as Uint8Array[];
    },

    close: async () => database.close(),
  };
}

function open(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: 5000 });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  if (version === 0) database.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  else if (version !== schemaVersion) {
    throw new AttestryError("FATAL_VERSION", "The issuers' store was written by a newer Attestry; use that one.");
  }
  return database;
}

function issuerFromRow(row: Record<string, SQLOutputValue>): Issuer {
  const revokedAt = row["revoked_at"] as number | null;
  return {
    id: row["id"] as string,
    kind: row["kind"] as Issuer["kind"],
    issuer: (row["issuer"] as string | null) ?? undefined,
    material: row["material"] as Uint8Array,
    addedAt: row["added_at"] as number,
    revoked: revokedAt === null ? undefined : { at: revokedAt, reason: row["reason"] as string },
  };
}

// SQLite's primary result codes (https://sqlite.org/rescode.html).
const corrupt = new Set([11, 26]); // SQLITE_CORRUPT, SQLITE_NOTADB
const constraint = 19;

function guarded<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    const code = Number((cause as { errcode?: number }).errcode) & 0xff;
    if (code === constraint) throw new AttestryError("CONFLICT_EXISTS", "The issuer is enrolled already.", { cause });
    if (corrupt.has(code))
      throw new AttestryError("FATAL_CORRUPT", "The issuers' store is damaged; restore it.", { cause });
    throw new AttestryError("UNAVAILABLE_STORAGE", undefined, { cause });
  }
}
