/** How PostgreSQL makes the schema `attestry` and its table of parts. */
import type { Querier } from "../database/database.ts";
import type { SchemaFlavour } from "../database/schema.ts";
import { sqlStateOf, translateOpenError } from "./errors.ts";

export const postgresSchema: SchemaFlavour = {
  async readVersion(querier, name) {
    try {
      const [row] = await querier.query("SELECT version FROM part WHERE name = $1", [name]);
      return row?.[0] as number | undefined;
    } catch (error) {
      if (sqlStateOf(error) === "42P01") return undefined; // no such table
      throw error;
    }
  },
  async addVersion(querier, name, version) {
    await querier.query("INSERT INTO part VALUES ($1, $2)", [name, version]);
  },
  makeSchema,
  async hasTable(database, table) {
    const [row] = await database.read("SELECT to_regclass($1) IS NOT NULL", [table]);
    return row?.[0] === true;
  },
  translateOpenError,
};

const lockKey = 0x41747374; // "Atst"

async function makeSchema(querier: Querier): Promise<void> {
  await querier.query("SELECT pg_advisory_xact_lock($1)", [lockKey]);
  const [there] = await querier.query(
    "SELECT to_regnamespace('attestry') IS NOT NULL, to_regclass('part') IS NOT NULL",
  );
  if (there?.[0] !== true) await querier.query("CREATE SCHEMA attestry");
  if (there?.[1] !== true) await querier.query("CREATE TABLE part (name text PRIMARY KEY, version bigint NOT NULL)");
}
