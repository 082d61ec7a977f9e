/** The vault's catalogue on SQL Server: kysely over the notary's own connections. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { type Dialect, Kysely, MssqlAdapter, MssqlIntrospector, MssqlQueryCompiler } from "kysely";
import { onOwnHand } from "../database/database.ts";
import { openSchema } from "../database/schema.ts";
import type { Catalogue } from "../vault/catalogue/catalogue.ts";
import { type CatalogueTables, sqlServer } from "../vault/catalogue/flavours.ts";
import { openSqlCatalogue } from "../vault/catalogue/sql-catalogue.ts";
import type { Database } from "./database.ts";
import { isDuplicate, isUndone, translateError } from "./errors.ts";
import { createKyselyDriver } from "./kysely-driver.ts";
import { sqlServerSchema } from "./schema.ts";

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export function openSqlServerCatalogue(shared: Database, readOnly = false): Promise<Catalogue> {
  return onOwnHand(shared, async (database) => {
    await openSchema(database, "vault_schema", sqlServerSchema, readOnly);
    return runAgain(await openSqlCatalogue({ db: tablesOf(database), flavour: sqlServer, translate }));
  });
}

/** Queries on a database, whose hand is closed with them. */
export function tablesOf(database: Database): Kysely<CatalogueTables> {
  const dialect: Dialect = {
    createAdapter: () => new MssqlAdapter(),
    createDriver: () => createKyselyDriver(database),
    createIntrospector: (db) => new MssqlIntrospector(db),
    createQueryCompiler: () => new MssqlQueryCompiler(),
  };
  return new Kysely<CatalogueTables>({ dialect }).withSchema("attestry");
}

/** How often a call that the server undid for another's sake is made at most. */
const maxRuns = 5;

/** Every method is done whole or not at all, so that it may be called again. */
function runAgain(catalogue: Catalogue): Catalogue {
  const entries = Object.entries(catalogue).map(([name, method]: [string, (...args: never[]) => Promise<unknown>]) => [
    name,
    async (...args: never[]): Promise<unknown> => {
      for (let left = maxRuns - 1; ; left--) {
        try {
          return await method(...args);
        } catch (error) {
          if (left === 0 || !isUndone(error)) throw error;
        }
      }
    },
  ]);
  return Object.fromEntries(entries) as Catalogue;
}

function translate(error: unknown): AttestryError {
  if (isAttestryError(error) || !isDuplicate(error)) return translateError(error);
  return new AttestryError("CONFLICT_EXISTS", "The catalogue has such a row already.", {
    cause: translateError(error),
  });
}
