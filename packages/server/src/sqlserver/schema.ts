/** How SQL Server makes the schema `attestry` and its table of parts. */
import { AttestryError } from "@attestry/core";
import type { Querier } from "../database/database.ts";
import type { SchemaFlavour } from "../database/schema.ts";
import { translateOpenError } from "./errors.ts";

/** What a hash or an id is compared by: its bytes, whatever the database's own collation is. */
export const binary = "COLLATE Latin1_General_100_BIN2";

export const schemaSql: Readonly<
  Record<"isThere" | "readVersion" | "addVersion" | "lock" | "addSchema" | "addParts", string>
> = {
  isThere: "SELECT 1 WHERE OBJECT_ID(@1) IS NOT NULL",
  readVersion: "IF OBJECT_ID(N'attestry.part') IS NOT NULL SELECT version FROM attestry.part WHERE name = @1",
  addVersion: "INSERT INTO attestry.part (name, version) VALUES (@1, @2)",
  /** In a transaction, whose end gives it back. A negative result is a refusal. */
  lock: `DECLARE @result int;
    EXEC @result = sp_getapplock @Resource = N'attestry.schema', @LockMode = N'Exclusive', @LockOwner = N'Transaction', @LockTimeout = 15000;
    SELECT @result`,
  addSchema: "IF SCHEMA_ID(N'attestry') IS NULL EXEC (N'CREATE SCHEMA attestry')", // must be alone in its batch
  addParts: `IF OBJECT_ID(N'attestry.part') IS NULL
    CREATE TABLE attestry.part (name nvarchar(64) ${binary} NOT NULL PRIMARY KEY, version bigint NOT NULL)`,
};

export const sqlServerSchema: SchemaFlavour = {
  async readVersion(querier, name) {
    const [row] = await querier.query(schemaSql.readVersion, [name]);
    return row?.[0] as number | undefined;
  },
  async addVersion(querier, name, version) {
    await querier.query(schemaSql.addVersion, [name, version]);
  },
  makeSchema,
  async hasTable(database, table) {
    const [row] = await database.read(schemaSql.isThere, [`attestry.${table}`]);
    return row !== undefined;
  },
  translateOpenError,
};

async function makeSchema(querier: Querier): Promise<void> {
  const [row] = await querier.query(schemaSql.lock);
  if (Number(row?.[0] ?? -1) < 0) {
    throw new AttestryError("UNAVAILABLE_STORAGE", "Another process is making the database's tables; try again.");
  }
  await querier.query(schemaSql.addSchema);
  await querier.query(schemaSql.addParts);
}
