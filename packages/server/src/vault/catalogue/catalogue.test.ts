import assert from "node:assert/strict";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { refusal, temporaryFolder } from "../../testing.ts";
import { addObject, testCatalogue } from "./catalogue.contract.ts";
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

test("SQLite: a catalogue of the version before is taken over", async (t) => {
  const folder = temporaryFolder(t);
  const before = await openSqliteCatalogue({ folder });
  const { id } = await addObject(before);
  await before.close();
  const database = new DatabaseSync(join(folder, "vault.db"));
  for (const table of ["vault_object", "vault_upload"]) database.exec(`ALTER TABLE ${table} DROP COLUMN place`);
  database.exec("UPDATE vault_schema SET version = 1");
  database.close();
  for (let again = 0; again < 2; again++) {
    const catalogue = await openSqliteCatalogue({ folder });
    assert.equal((await catalogue.readObject(id))?.place, id);
    await catalogue.close();
  }
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
  database.exec("UPDATE vault_schema SET version = 3");
  database.close();
  await assert.rejects(openSqliteCatalogue({ folder }), refusal("FATAL_VERSION"));
  writeFileSync(path, "no database at all, whatever its name says");
  await assert.rejects(openSqliteCatalogue({ folder }), refusal("FATAL_CORRUPT"));
});
