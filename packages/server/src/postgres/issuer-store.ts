/** The `IssuerStore` driver for PostgreSQL. */
import { onOwnHand } from "../database/database.ts";
import { type IssuerSql, openSharedIssuers } from "../database/issuer-store.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import type { IssuerStore } from "../issuers/store.ts";
import { type Database, isDuplicate } from "./database.ts";
import { postgresSchema } from "./schema.ts";

const issuersPart: SchemaPart = {
  name: "issuers",
  version: 1,
  statements: [
    `CREATE TABLE issuer (
      place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      id text NOT NULL UNIQUE,
      kind text NOT NULL CHECK (kind IN ('key', 'root')),
      issuer text,
      material bytea NOT NULL,
      added_at bigint NOT NULL,
      revoked_at bigint,
      reason text,
      CHECK ((revoked_at IS NULL) = (reason IS NULL))
    )`,
    "CREATE TABLE chain (x5t bytea PRIMARY KEY, certificates bytea NOT NULL)",
  ],
};

const issuerSql: IssuerSql = {
  openTables: (database) => openPart(database, issuersPart, postgresSchema, false),
  list: "SELECT id, kind, issuer, material, added_at, revoked_at, reason FROM issuer ORDER BY place",
  add: "INSERT INTO issuer (id, kind, issuer, material, added_at) VALUES ($1, $2, $3, $4, $5)",
  isDuplicate,
  revoke: "UPDATE issuer SET revoked_at = $1, reason = $2 WHERE id = $3 AND revoked_at IS NULL RETURNING 1",
  putChain: "INSERT INTO chain VALUES ($1, $2) ON CONFLICT DO NOTHING",
  readChain: "SELECT certificates FROM chain WHERE x5t = $1",
  readState: "SELECT count(*), max(place), count(revoked_at) FROM issuer",
};

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE */
export function openPostgresIssuerStore(shared: Database): Promise<IssuerStore> {
  return onOwnHand(shared, (database) => openSharedIssuers(database, issuerSql));
}
