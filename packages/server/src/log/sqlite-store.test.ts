import { openSqliteStore } from "./sqlite-store.ts";
import { testLogStore } from "./store.contract.ts";
import { origin, temporaryFolder } from "./testing/sample-log.ts";

testLogStore("SQLite", async (t) => {
  const folder = temporaryFolder(t);
  return { open: async () => openSqliteStore({ folder, origin }) };
});
