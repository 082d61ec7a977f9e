/** The embedded `IssuerStore`: one SQLite file, every write synced before it returns. */
import type { SQLOutputValue } from "node:sqlite";
import { decodeCbor, encodeCbor } from "@attestry/core";
import { guard, openSqliteFile, type SqliteFile } from "../sqlite-file.ts";
import { type Issuer, type IssuerStore, notEnrolled, type Revocation } from "./store.ts";

const issuersFile: SqliteFile = {
  name: "The issuers' store",
  conflict: "The issuer is enrolled already.",
  version: 1,
  schema: `
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
`,
};

/** Opens the file, or creates it. @throws FATAL_CORRUPT, FATAL_VERSION, UNAVAILABLE_STORAGE */
export function openSqliteIssuerStore(path: string): IssuerStore {
  const database = openSqliteFile(path, issuersFile);
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
      if (guarded(() => statements.revoke.run(at, reason, id)).changes !== 1) throw notEnrolled();
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

function guarded<T>(action: () => T): T {
  return guard(issuersFile, action);
}
