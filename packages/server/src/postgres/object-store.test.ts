import assert from "node:assert/strict";
import { test } from "node:test";
import { testObjectStore } from "../vault/object-store.contract.ts";
import { newObjectId, type ObjectStore } from "../vault/object-store.ts";
import { createLine } from "../vault/testing/line.ts";
import { randomSegment, storeObject } from "../vault/testing/segments.ts";
import { openDatabase } from "./database.ts";
import { openPostgresObjectStore } from "./object-store.ts";
import { postgresForTests } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const postgres = postgresForTests();
const skip = { skip: postgres.skip ?? false };

async function openStore(url: string): Promise<ObjectStore> {
  const database = await openDatabase(url);
  try {
    return await openPostgresObjectStore(database);
  } finally {
    await database.close();
  }
}

testObjectStore(
  "PostgreSQL",
  async (t) => {
    const server = await postgres.server();
    const url = new URL(await server.createDatabase());
    const line = await createLine(server.port);
    t.after(() => line.close());
    url.port = String(line.port);
    return { open: () => openStore(url.href), line };
  },
  { hasLine: true, skip: postgres.skip },
);

test(
  "PostgreSQL: a write that the server gets to late does not touch an object that is whole by then",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    const store = await openStore(url);
    const late = await openDatabase(url);
    t.after(() => store.close());
    t.after(() => late.close());
    const id = newObjectId();
    const segments = [randomSegment(1000), randomSegment(500)];
    for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
    // The object's row is locked as by `seal`, whose transaction is still open while the write waits.
    let written: Promise<unknown> | undefined;
    const other = await openStore(url);
    t.after(() => other.close());
    await late.transaction(async (querier) => {
      await querier.query("SELECT sealed FROM object WHERE id = $1 FOR UPDATE", [id]);
      written = assert.rejects(other.writeSegment(id, 0, randomSegment(1000)), { code: "CONFLICT_EXISTS" });
      const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
      await until(async () => (await server.sql(url, waiting))[0]?.[0] === "1");
      await querier.query("UPDATE object SET sealed = 2 WHERE id = $1", [id]);
    });
    await written;
    assert.deepEqual(await store.readSegment(id, 0), new Uint8Array(segments[0] as Uint8Array));
  },
);

test("PostgreSQL: the check names an object whose rows the database's administrator removed", skip, async (t) => {
  const server = await postgres.server();
  const url = await server.createDatabase();
  const store = await openStore(url);
  t.after(() => store.close());
  const [a, b] = [newObjectId(), newObjectId()];
  for (const id of [a, b]) await storeObject(store, id, [randomSegment(10), randomSegment(10)]);
  await server.sql(url, `DELETE FROM attestry.segment WHERE id = '${a}' AND idx = 1`);
  const found = await store.check();
  assert.equal(found.length, 1);
  assert.match(found[0] ?? "", new RegExp(`^Object ${a} `));
});

test("PostgreSQL: the server dies while segments are written, and keeps all that it acknowledged", skip, async (t) => {
  const server = await postgres.server();
  const store = await openStore(await server.createDatabase());
  t.after(() => store.close());
  const id = newObjectId();
  const segments: Uint8Array[] = [];
  const acknowledged: number[] = [];
  let isRefused = false;
  const writers = Array.from({ length: 8 }, async () => {
    while (!isRefused) {
      const segment = randomSegment(300_000);
      const index = segments.push(segment) - 1;
      await store.writeSegment(id, index, segment).then(
        () => void acknowledged.push(index),
        (error) => {
          assert.equal(error.code, "UNAVAILABLE_STORAGE");
          isRefused = true;
        },
      );
    }
  });
  await until(() => acknowledged.length >= 5);
  await server.kill();
  await Promise.all(writers);
  await server.start();
  for (const index of acknowledged) assert.deepEqual(await store.readSegment(id, index), segments[index]);
  for (const [index, segment] of segments.entries()) {
    const read = await store.readSegment(id, index);
    if (read === undefined) await store.writeSegment(id, index, segment);
    else assert.deepEqual(read, segment);
  }
  await store.seal(id, segments.length);
  assert.deepEqual(await store.check(), []);
});
