/** The roles that docs/operate.md gives are enough, and not more than enough. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createIssuers } from "../issuers/issuers.ts";
import { appendEntries } from "../log/store.contract.ts";
import { collectAudit, openSequencer, origin, sampleEntries } from "../log/testing/sample-log.ts";
import { createIssuer, refusal } from "../testing.ts";
import { addObject } from "../vault/catalogue/catalogue.contract.ts";
import { newObjectId } from "../vault/object-store.ts";
import { storeObject } from "../vault/testing/segments.ts";
import { openPostgresCatalogue } from "./catalogue.ts";
import { type Database, openDatabase } from "./database.ts";
import { openPostgresIssuerStore } from "./issuer-store.ts";
import { openPostgresLogStore } from "./log-store.ts";
import { openPostgresObjectStore } from "./object-store.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();

test("a notary and an audit do with the privileges that are documented, and can do no more", {
  skip: postgres.skip ?? false,
}, async (t) => {
  const server = await postgres.server();
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/operate.md"), "utf8");
  const [roles = "", log = "", vault = ""] = [...page.matchAll(/```sql\n(.*?)```/gs)].map(([, text]) => text ?? "");
  for (const statement of roles.trim().split("\n")) {
    await server.sql("postgres://x/postgres", statement.replace("…", server.password));
  }
  const connect = async (role: string): Promise<Database> => {
    const database = await openDatabase(`postgres://${role}:${server.password}@127.0.0.1:${server.port}/attestry`);
    t.after(() => database.close());
    return database;
  };
  const open = async (database: Database) => {
    const all = {
      store: await openPostgresLogStore({ database, origin }),
      issuers: await openPostgresIssuerStore(database),
      objects: await openPostgresObjectStore(database),
      catalogue: await openPostgresCatalogue(database),
    };
    for (const one of Object.values(all)) t.after(() => one.close());
    return all;
  };

  const notary = await connect("attestry");
  await assert.rejects(openPostgresLogStore({ database: notary, origin }), refusal("USAGE"), "it makes no tables");
  await open(await connect("attestry_owner"));
  await assert.rejects(
    openPostgresLogStore({ database: notary, origin }),
    refusal("USAGE"),
    "it was granted nothing yet",
  );
  await server.sql("postgres://x/attestry", log);
  await server.sql("postgres://x/attestry", vault);

  const { store, issuers, objects, catalogue } = await open(notary);
  const sequencer = await openSequencer(store);
  await sequencer.submit(sampleEntries(300));
  await store.putCosigned(300, new Uint8Array(9));
  await store.putCosigned(300, sequencer.head.note);
  const enrolled = await createIssuers(issuers, () => 1);
  const { id } = await enrolled.addKey(createIssuer().signer.publicKey);
  await enrolled.revoke(id, "left");
  await issuers.putChain(new Uint8Array(32), [new Uint8Array(3)]);
  const object = newObjectId();
  await storeObject(objects, object, [new Uint8Array(5)]);
  await objects.remove(object);
  const stored = await addObject(catalogue);
  await catalogue.addEvent({
    objectId: stored.id,
    sequence: 1,
    event: new Uint8Array(1),
    statement: new Uint8Array(1),
  });
  await catalogue.withdrawEvent(stored.id, 1);
  for (const forbidden of [
    "UPDATE entry SET entry = ''",
    "DELETE FROM entry",
    "DELETE FROM head",
    "UPDATE head SET time = 1",
    "DELETE FROM issuer",
    "DROP TABLE log",
    "UPDATE part SET version = 9",
    "TRUNCATE seen",
  ]) {
    const error = await notary.query(forbidden).then(() => undefined, (error) => error.data.sqlState); // biome-ignore format: one line
    assert.equal(error, "42501", forbidden);
  }

  const reader = await connect("attestry_audit");
  const audit = await openPostgresLogStore({ database: reader, readOnly: true });
  const audited = [await openPostgresObjectStore(reader, true), await openPostgresCatalogue(reader, true)] as const;
  for (const one of [audit, ...audited]) t.after(() => one.close());
  assert.deepEqual(await audited[0].check(), []);
  assert.equal((await audited[1].readObject(stored.id))?.id, stored.id);
  assert.deepEqual((await collectAudit(audit)).findings, []);
  await assert.rejects(appendEntries(audit, sampleEntries(1, "forbidden")), refusal("UNAVAILABLE_STORAGE"));
});
