/**
 * What every driver must do, done against a real server when there is one: `ATTESTRY_TEST_SQLSERVER=… npm test --
 * packages/server/src/sqlserver/contracts.test.ts`. All in one file, since its tests have one database and take turns.
 */
import { test } from "node:test";
import { testNotaries } from "../database/notary.contract.ts";
import { testIssuerStore } from "../issuers/store.contract.ts";
import { testLogStore } from "../log/store.contract.ts";
import { origin } from "../log/testing/sample-log.ts";
import { testCatalogue } from "../vault/catalogue/catalogue.contract.ts";
import { testObjectStore } from "../vault/object-store.contract.ts";
import { testTampering } from "../vault/tampering.contract.ts";
import { createLine } from "../vault/testing/line.ts";
import { openSqlServerCatalogue, tablesOf } from "./catalogue.ts";
import { openDatabase } from "./database.ts";
import { openSqlServerIssuerStore } from "./issuer-store.ts";
import { openSqlServerLogStore } from "./log-store.ts";
import { openSqlServerObjectStore } from "./object-store.ts";
import { opening, sqlServerForTests } from "./testing/server.ts";

const { skip, port, emptyDatabase, sql } = sqlServerForTests();
const name = "SQL Server";

testLogStore(
  name,
  async () => {
    const url = await emptyDatabase();
    return { open: () => opening(url, (database) => openSqlServerLogStore({ database, origin })) };
  },
  skip,
);

testIssuerStore(
  name,
  async () => {
    const url = await emptyDatabase();
    return { open: () => opening(url, openSqlServerIssuerStore) };
  },
  skip,
);

testObjectStore(
  name,
  async (t) => {
    const url = new URL(await emptyDatabase());
    const open = () => opening(url.href, openSqlServerObjectStore);
    if (port === undefined) return { open };
    const line = await createLine(port);
    t.after(() => line.close());
    url.port = String(line.port);
    return { open, line };
  },
  { hasLine: port !== undefined, skip },
);

testNotaries(name, emptyDatabase, skip);

if (skip !== undefined) test("SQL Server: the catalogue, and the audit over it", { skip }, () => {});
else {
  testCatalogue(name, async () => {
    const url = await emptyDatabase();
    return { isShared: true, open: () => opening(url, openSqlServerCatalogue) };
  });

  testTampering(name, async () => {
    const url = await emptyDatabase();
    return {
      openCatalogue: () => opening(url, openSqlServerCatalogue),
      openObjects: () => opening(url, openSqlServerObjectStore),
      openTables: async () => tablesOf(await openDatabase(url)),
      dropSegment: (id, index) => sql(`DELETE FROM attestry.segment WHERE id = N'${id}' AND idx = ${index}`),
    };
  });
}
