import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DummyDriver, Kysely, MssqlAdapter, MssqlIntrospector, MssqlQueryCompiler } from "kysely";
import { refusal, temporaryFolder } from "../../testing.ts";
import { addObject, sampleFacts, sampleUpload, testCatalogue } from "./catalogue.contract.ts";
import { type CatalogueTables, createTables, sqlServer } from "./flavours.ts";
import { openSqlCatalogue } from "./sql-catalogue.ts";
import { openSqliteCatalogue } from "./sqlite-catalogue.ts";

testCatalogue("SQLite", async (t) => {
  const folder = temporaryFolder(t as Parameters<typeof temporaryFolder>[0]);
  return { isShared: false, open: () => openSqliteCatalogue({ folder }) };
});

test("SQLite: the wrapped key of an erased object is in no file any more", async (t) => {
  const folder = temporaryFolder(t);
  const catalogue = await openSqliteCatalogue({ folder });
  t.after(() => catalogue.close());
  const stored = await addObject(catalogue);
  const wrappedKey = (await catalogue.readObject(stored.id))?.wrappedKey ?? new Uint8Array();
  const files = () => globSync("**", { cwd: folder }).filter((name) => name.includes("vault.db"));
  const holders = () => files().filter((name) => readFileSync(join(folder, name)).includes(wrappedKey));
  assert.ok(holders().length > 0);
  await catalogue.addEvent({
    objectId: stored.id,
    sequence: 1,
    event: new Uint8Array(9),
    statement: new Uint8Array(9),
  });
  await catalogue.settleEvent(stored.id, 1, 20, { ...stored, state: "erased", erasedAt: 1_800_000_000, events: 2 });
  assert.deepEqual(holders(), []);
});

test("SQLite: a row that no writer of ours makes, a damaged file and a newer schema are told apart", async (t) => {
  const folder = temporaryFolder(t);
  await assert.rejects(openSqliteCatalogue({ folder, readOnly: true }), refusal("NOT_FOUND"));
  const catalogue = await openSqliteCatalogue({ folder });
  const { id } = await addObject(catalogue);
  await catalogue.close();
  const path = join(folder, "vault.db");
  for (const change of ["size = -1", "content_hash = 'x'", "holds = '{}'", "state = 'gone'"]) {
    const database = new DatabaseSync(path);
    database.exec(`BEGIN; UPDATE vault_object SET ${change};`);
    database.exec("COMMIT");
    database.close();
    const opened = await openSqliteCatalogue({ folder, readOnly: true });
    await assert.rejects(opened.readObject(id), refusal("FATAL_CORRUPT"), change);
    await opened.close();
  }
  const database = new DatabaseSync(path);
  database.exec("UPDATE vault_schema SET version = 2");
  database.close();
  await assert.rejects(openSqliteCatalogue({ folder }), refusal("FATAL_VERSION"));
  writeFileSync(path, "no database at all, whatever its name says");
  await assert.rejects(openSqliteCatalogue({ folder }), refusal("FATAL_CORRUPT"));
});

test("no statement for SQL Server has a word that T-SQL lacks", async () => {
  const statements: string[] = [];
  const driver = new DummyDriver();
  const db = new Kysely<CatalogueTables>({
    dialect: {
      createAdapter: () => new MssqlAdapter(),
      createDriver: () => driver,
      createIntrospector: (given) => new MssqlIntrospector(given),
      createQueryCompiler: () => new MssqlQueryCompiler(),
    },
    log: ({ query }) => void statements.push(query.sql),
  });
  for (const step of createTables(db, sqlServer)) await step.execute();
  // The dummy driver finds nothing, so opening makes the tables again, and then misses the version that it wrote.
  const options = { db, flavour: sqlServer, translate: (error: unknown) => error as never };
  await assert.rejects(openSqlCatalogue(options), /no result/);
  assert.ok(statements.includes("select 1 as found where object_id('vault_schema') is not null"));
  const made = statements.filter((text) => text.startsWith("create table"));
  assert.match(made[0] ?? "", /"content_hash" varchar\(64\) collate Latin1_General_100_BIN2 not null/);
  assert.match(made[1] ?? "", /"event" varbinary\(max\) not null.*primary key \("object_id", "sequence"\)/);
  const { parts } = await import("./sql-catalogue.ts");
  const catalogue = parts(options);
  const { id } = sampleUpload();
  await catalogue.listUploads(undefined, 5);
  await catalogue.listObjects(id, 5);
  await catalogue.listIds(id, 5);
  await catalogue.findObjects({ subject: "record 17", limit: 5, below: 7 });
  await catalogue.listPending(5);
  await catalogue.scanEvents(-1, 5);
  await catalogue.listKeys("wrapper-2", undefined, 5);
  await assert.rejects(catalogue.settleEvent(id, 0, 1, sampleFacts(id)), refusal("FATAL_CORRUPT"));
  await catalogue.settleEvent(id, 1, 1, sampleFacts(id));
  for (const text of statements) assert.doesNotMatch(text, /\blimit\b|\bif not exists\b|\breturning\b/i);
  assert.equal(statements.filter((text) => /^select (distinct )?top\(5\)/.test(text)).length, 9);
});
