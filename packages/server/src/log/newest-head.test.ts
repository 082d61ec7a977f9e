import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createNewestHead } from "./newest-head.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { appendEntries } from "./store.contract.ts";
import type { LogStore } from "./store.ts";
import { checkHead, origin, sampleEntries, temporaryFolder } from "./testing/sample-log.ts";

function openStore(t: TestContext): LogStore {
  const store = openSqliteStore({ folder: temporaryFolder(t), origin });
  t.after(() => store.close());
  return store;
}

const corrupt = { code: "FATAL_CORRUPT" };

test("it moves on to what others wrote, telling each head once, but not what was there at the start", async (t) => {
  const store = openStore(t);
  const first = await appendEntries(store, sampleEntries(300));
  const told: number[] = [];
  const newest = createNewestHead({ store, checkHead, onHead: ({ size }) => void told.push(size) });
  const follow = () => newest.follow(async () => ({ head: await store.readHead() }));
  await follow();
  assert.deepEqual(newest.value, first);
  const second = await appendEntries(store, sampleEntries(20, "more"));
  await follow();
  await follow();
  newest.moveTo(second);
  newest.moveTo(first);
  assert.deepEqual(newest.value, second);
  assert.deepEqual(told, [320]);
});

test("a head that is older, forked or signed by others is not believed, and what was known stays", async (t) => {
  const [store, fork] = [openStore(t), openStore(t)];
  await appendEntries(store, sampleEntries(300));
  await appendEntries(fork, sampleEntries(300));
  const before = await store.readHead();
  const known = await appendEntries(store, sampleEntries(20, "more"));
  const newest = createNewestHead({ store: fork, checkHead });
  newest.moveTo(known);
  await assert.rejects(
    newest.follow(async () => ({ head: before })),
    corrupt,
  );
  await assert.rejects(
    newest.follow(async () => ({ head: undefined })),
    corrupt,
  );
  // The other branch: shorter, as long, and longer.
  for (const width of [19, 1, 40]) {
    const head = await appendEntries(fork, sampleEntries(width, `fork-${width}`), 2000 + width);
    await assert.rejects(
      newest.follow(async () => ({ head })),
      corrupt,
      `${head.size}`,
    );
  }
  const more = await appendEntries(store, sampleEntries(1, "last"));
  const forged = { ...more, noteSignature: new Uint8Array(64) };
  const honest = createNewestHead({ store, checkHead });
  honest.moveTo(known);
  await assert.rejects(
    honest.follow(async () => ({ head: forged })),
    corrupt,
  );
  assert.equal(honest.value, known);
  await honest.follow(async () => ({ head: more }));
  assert.equal(honest.value, more);
  assert.equal(newest.value, known);
});
