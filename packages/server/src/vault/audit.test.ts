import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { sqliteTables } from "./catalogue/sqlite-catalogue.ts";
import { testTampering } from "./tampering.contract.ts";
import { localPlace, temporaryFolder } from "./testing/sample-vault.ts";

testTampering("SQLite and the local disk", async (t) => {
  const folder = temporaryFolder(t);
  return { ...localPlace(folder), openTables: async () => sqliteTables(new DatabaseSync(join(folder, "vault.db"))) };
});
