/**
 * The parts of the schema `attestry`, each made by the driver that needs it and versioned for itself. Where a part is there
 * already, nothing is created, so that a notary's user needs no right to.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Database, Querier } from "../database/database.ts";
import { sqlStateOf, translateOpenError } from "./errors.ts";

export interface SchemaPart {
  readonly name: "log" | "issuers" | "objects";
  readonly version: number;
  /** Statements that make the part, from nothing. */
  readonly statements: readonly string[];
}

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
    throw isAttestryError(error) && error.data["sqlState"] === undefined ? error : translateOpenError(error);
  }
}

/**
 * Sees that the schema is there, for a part that a library makes and versions itself.
 * @param table one of the part's
 * @throws NOT_FOUND when `readOnly` and the table is not there; USAGE when the user may not make the schema
 */
export async function openSchema(database: Database, table: string, readOnly: boolean): Promise<void> {
  const [row] = await database.read("SELECT to_regclass($1) IS NOT NULL", [table]);
  if (row?.[0] === true) return;
  if (readOnly) throw new AttestryError("NOT_FOUND", "The database has no vault.");
  try {
    await database.transaction(makeSchema);
  } catch (error) {
    throw translateOpenError(error);
  }
}

const lockKey = 0x41747374; // "Atst"

async function readVersion(querier: Querier, { name }: SchemaPart): Promise<number | undefined> {
  try {
    const [row] = await querier.query("SELECT version FROM part WHERE name = $1", [name]);
    return row?.[0] as number | undefined;
  } catch (error) {
    if (sqlStateOf(error) === "42P01") return undefined; // no such table
    throw error;
  }
}

async function create(database: Database, part: SchemaPart): Promise<number> {
  return database.transaction(async (querier) => {
    await makeSchema(querier);
    const version = await readVersion(querier, part);
    if (version !== undefined) return version; // another process was first
    for (const statement of part.statements) await querier.query(statement);
    await querier.query("INSERT INTO part VALUES ($1, $2)", [part.name, part.version]);
    return part.version;
  });
}

/** In a transaction, which one process at a time has. */
async function makeSchema(querier: Querier): Promise<void> {
  await querier.query("SELECT pg_advisory_xact_lock($1)", [lockKey]);
  const [there] = await querier.query(
    "SELECT to_regnamespace('attestry') IS NOT NULL, to_regclass('part') IS NOT NULL",
  );
  if (there?.[0] !== true) await querier.query("CREATE SCHEMA attestry");
  if (there?.[1] !== true) await querier.query("CREATE TABLE part (name text PRIMARY KEY, version bigint NOT NULL)");
}
