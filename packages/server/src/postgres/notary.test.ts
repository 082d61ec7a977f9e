import { testNotaries } from "../database/notary.contract.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();

testNotaries("PostgreSQL", async () => (await postgres.server()).createDatabase(), postgres.skip);
