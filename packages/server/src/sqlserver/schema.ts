/**
 * The parts of the schema `attestry`, each made by the driver that needs it and versioned for itself. Where a part is there
 * already, nothing is created, so that a notary's user needs no right to.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Database, Querier } from "../database/database.ts";
import { translateOpenError } from "./errors.ts";

export interface SchemaPart {
  readonly name: "log" | "issuers" | "objects";
  readonly version: number;
  /** Statements that make the part, from nothing. */
  readonly statements: readonly string[];
}

/** What a hash or an id is compared by: its bytes, whatever the database's own collation is. */
export const binary = "COLLATE Latin1_General_100_BIN2";

/**
 * Sees that the part is there, or makes it. Safe to call from several processes at once.
 * @throws NOT_FOUND when `readOnly` and it is not there; FATAL_VERSION when a newer program made it; USAGE when the user may not
 */
export async function openPart(database: Database, part: SchemaPart, readOnly = false): Promise<void> {
  try {
    const found = (await readVersion(database, part)) ?? (readOnly ? undefined : await create(database, part));
    if (found === undefined)
      throw new AttestryError("NOT_FOUND", `The database has no part "${part.name}" of a notary.`);
    if (found > part.version) {
      const message = `The database's part "${part.name}" has version ${found}; this program knows versions up to ${part.version}.`;
      throw new AttestryError("FATAL_VERSION", message, { data: { found, known: part.version } });
    }
  } catch (error) {
    throw isAttestryError(error) && error.data["sqlError"] === undefined ? error : translateOpenError(error);
  }
}

/**
 * Sees that the schema is there, for a part that a library makes and versions itself.
 * @param table one of the part's
 * @throws NOT_FOUND when `readOnly` and the table is not there; USAGE when the user may not make the schema
 */
export async function openSchema(database: Database, table: string, readOnly: boolean): Promise<void> {
  try {
    const [row] = await database.read(schemaSql.isThere, [`attestry.${table}`]);
    if (row !== undefined) return;
    if (readOnly) throw new AttestryError("NOT_FOUND", "The database has no vault.");
    await database.transaction(makeSchema);
  } catch (error) {
    throw translateOpenError(error);
  }
}

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

async function readVersion(querier: Querier, { name }: SchemaPart): Promise<number | undefined> {
  const [row] = await querier.query(schemaSql.readVersion, [name]);
  return row?.[0] as number | undefined;
}

async function create(database: Database, part: SchemaPart): Promise<number> {
  return database.transaction(async (querier) => {
    await makeSchema(querier);
    const version = await readVersion(querier, part);
    if (version !== undefined) return version; // another process was first
    for (const statement of part.statements) await querier.query(statement);
    await querier.query(schemaSql.addVersion, [part.name, part.version]);
    return part.version;
  });
}

/** In a transaction, which one process at a time has. */
async function makeSchema(querier: Querier): Promise<void> {
  const [row] = await querier.query(schemaSql.lock);
  if (Number(row?.[0] ?? -1) < 0) {
    throw new AttestryError("UNAVAILABLE_STORAGE", "Another process is making the database's tables; try again.");
  }
  await querier.query(schemaSql.addSchema);
  await querier.query(schemaSql.addParts);
}
