import { testLogStore } from "../log/store.contract.ts";
import { origin } from "../log/testing/sample-log.ts";
import { openDatabase } from "./database.ts";
import { openPostgresLogStore } from "./log-store.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();

testLogStore(
  "PostgreSQL",
  async () => {
    const url = await (await postgres.server()).createDatabase();
    return {
      async open() {
        const database = await openDatabase(url);
        try {
          return await openPostgresLogStore({ database, origin });
        } finally {
          await database.close();
        }
      },
    };
  },
  postgres.skip,
);
