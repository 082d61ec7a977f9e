/** The vault's catalogue in PostgreSQL: kysely over the notary's own pool of connections. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { Kysely, PostgresDialect, type PostgresPool } from "kysely";
import { onOwnHand } from "../database/database.ts";
import { openSchema } from "../database/schema.ts";
import type { Catalogue } from "../vault/catalogue/catalogue.ts";
import { type CatalogueTables, postgres } from "../vault/catalogue/flavours.ts";
import { openSqlCatalogue } from "../vault/catalogue/sql-catalogue.ts";
import { type Database, isDuplicate } from "./database.ts";
import { translateError } from "./errors.ts";
import { postgresSchema } from "./schema.ts";

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export function openPostgresCatalogue(shared: Database, readOnly = false): Promise<Catalogue> {
  return onOwnHand(shared, async (database) => {
    await openSchema(database, "vault_schema", postgresSchema, readOnly);
    const db = new Kysely<CatalogueTables>({ dialect: new PostgresDialect({ pool: poolOf(database) }) });
    return openSqlCatalogue({ db, flavour: postgres, translate });
  });
}

/** What kysely asks of a pool; it ends its hand on the connections, not those of others. */
function poolOf(database: Database): PostgresPool {
  return {
    connect: () => database.connect() as ReturnType<PostgresPool["connect"]>,
    end: () => database.close(),
    options: {},
  };
}

function translate(error: unknown): AttestryError {
  if (isAttestryError(error) || !isDuplicate(error)) return translateError(error);
  return new AttestryError("CONFLICT_EXISTS", "The catalogue has such a row already.", {
    cause: translateError(error),
  });
}
