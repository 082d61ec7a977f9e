import { test } from "node:test";
import { testCatalogue } from "../vault/catalogue/catalogue.contract.ts";
import { openPostgresCatalogue } from "./catalogue.ts";
import { openDatabase } from "./database.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();

if (postgres.skip !== undefined) test("PostgreSQL: the catalogue", { skip: postgres.skip });
else
  testCatalogue("PostgreSQL", async () => {
    const url = await (await postgres.server()).createDatabase();
    return {
      isShared: true,
      async open() {
        const database = await openDatabase(url);
        try {
          return await openPostgresCatalogue(database);
        } finally {
          await database.close();
        }
      },
    };
  });
