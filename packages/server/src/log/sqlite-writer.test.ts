import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { concatBytes } from "@attestry/core";
import fc from "fast-check";
import { packBatch, unpackBatch } from "./sqlite-batch.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { writerThread } from "./sqlite-writer.ts";
import { appendEntries, nextBatch } from "./store.contract.ts";
import { keyLength } from "./store.ts";
import { checkWholeLog } from "./testing/check-whole-log.ts";
import { origin, sampleEntries, temporaryFolder } from "./testing/sample-log.ts";

test("a batch arrives at the thread as it left", async (t) => {
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
  const entry = fc.record({
    entry: fc.uint8Array({ maxLength: 300 }),
    leafHash: bytes(32),
    issuedAt: fc.maxSafeInteger(),
    keys: fc.array(bytes(keyLength), { maxLength: 6 }).map((keys) => concatBytes(...keys)),
  });
  const store = openSqliteStore({ folder: temporaryFolder(t), origin });
  t.after(() => store.close());
  const { tiles, head } = await nextBatch(store, sampleEntries(300));
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 20 }), fc.nat(), (entries, expectedSize) => {
      const batch = { expectedSize, entries, tiles, head };
      const packed = packBatch(batch);
      const sent = structuredClone(packed, { transfer: [packed.numbers.buffer, packed.bytes.buffer] });
      assert.deepEqual(structuredClone(unpackBatch(sent)), structuredClone(batch)); // both without Node's own kind of bytes
    }),
  );
});

test("while a batch waits for the disk, the event loop turns and what is there can be read", async (t) => {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  t.after(() => store.close());
  await appendEntries(store, sampleEntries(5));
  const other = new DatabaseSync(join(folder, "log.db"));
  t.after(() => other.close());
  other.exec("BEGIN IMMEDIATE"); // as long as it has the lock, whoever writes waits
  let written = false;
  const writing = appendEntries(store, sampleEntries(5, "next")).then(() => {
    written = true;
  });
  for (let turn = 0; turn < 200; turn++) {
    assert.equal((await store.readEntries(0, 5)).length, 5);
    await new Promise(setImmediate);
  }
  assert.equal(written, false);
  other.exec("ROLLBACK");
  await writing;
  assert.equal((await store.readHead())?.size, 10);
});

test("closing does what was asked before, ends the thread, and leaves nothing beside the database", async (t) => {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  const batch = await nextBatch(store, sampleEntries(500));
  const writing = store.append(batch);
  await store.close();
  await writing;
  assert.equal(existsSync(join(folder, "log.db-wal")), false);
  assert.ok(!process.getActiveResourcesInfo().includes("MessagePort"));
  await assert.rejects(store.append(batch), { code: "FATAL_INTERNAL" });
  const again = openSqliteStore({ folder });
  t.after(() => again.close());
  assert.equal((await checkWholeLog(again)).length, 500);
});

test("a thread that ends leaves nothing unanswered, and the next write starts another", async (t) => {
  const folder = temporaryFolder(t);
  const mark = JSON.stringify(join(folder, "ended"));
  const source = `
    import { existsSync, writeFileSync } from "node:fs";
    import { parentPort } from "node:worker_threads";
    if (existsSync(${mark})) await import(${JSON.stringify(writerThread.href)});
    else parentPort.once("message", () => { writeFileSync(${mark}, ""); throw new Error("ended"); });
  `;
  const thread = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  const store = openSqliteStore({ folder, origin, thread });
  t.after(() => store.close());
  const batch = await nextBatch(store, sampleEntries(3));
  const outcomes = await Promise.allSettled([store.append(batch), store.putCosigned(3, batch.head.note)]);
  for (const outcome of outcomes) assert.equal(outcome.status === "rejected" && outcome.reason.code, "FATAL_INTERNAL");
  assert.equal(await store.readHead(), undefined);
  await store.append(batch);
  assert.equal((await checkWholeLog(store)).length, 3);
});
