/** The `IssuerStore` driver for SQL Server. */
import { onOwnHand } from "../database/database.ts";
import { type IssuerSql, openSharedIssuers } from "../database/issuer-store.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import type { IssuerStore } from "../issuers/store.ts";
import type { Database } from "./database.ts";
import { isDuplicate } from "./errors.ts";
import { binary, sqlServerSchema } from "./schema.ts";

/** `place` has gaps after what was undone: only its order counts. */
export const issuersPart: SchemaPart = {
  name: "issuers",
  version: 1,
  statements: [
    `CREATE TABLE attestry.issuer (
      place bigint IDENTITY NOT NULL PRIMARY KEY,
      id nvarchar(400) ${binary} NOT NULL UNIQUE,
      kind nvarchar(8) ${binary} NOT NULL CHECK (kind IN (N'key', N'root')),
      issuer nvarchar(max),
      material varbinary(max) NOT NULL,
      added_at bigint NOT NULL,
      revoked_at bigint,
      reason nvarchar(max)
    )`,
    "CREATE TABLE attestry.chain (x5t varbinary(64) NOT NULL PRIMARY KEY, certificates varbinary(max) NOT NULL)",
  ],
};

export const issuerSql: IssuerSql = {
  openTables: (database) => openPart(database, issuersPart, sqlServerSchema, false),
  list: "SELECT id, kind, issuer, material, added_at, revoked_at, reason FROM attestry.issuer ORDER BY place",
  add: "INSERT INTO attestry.issuer (id, kind, issuer, material, added_at) VALUES (@1, @2, @3, @4, @5)",
  isDuplicate,
  revoke: `UPDATE attestry.issuer SET revoked_at = @1, reason = @2 OUTPUT 1 WHERE id = @3 AND revoked_at IS NULL`,
  putChain: `INSERT INTO attestry.chain (x5t, certificates)
    SELECT @1, @2 WHERE NOT EXISTS (SELECT 1 FROM attestry.chain WITH (UPDLOCK, SERIALIZABLE) WHERE x5t = @1)`,
  readChain: "SELECT certificates FROM attestry.chain WHERE x5t = @1",
  readState: "SELECT COUNT_BIG(*), MAX(place), COUNT_BIG(revoked_at) FROM attestry.issuer",
};

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE */
export function openSqlServerIssuerStore(shared: Database): Promise<IssuerStore> {
  return onOwnHand(shared, (database) => openSharedIssuers(database, issuerSql));
}
