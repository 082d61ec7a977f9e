/** What every `LogStore` driver must do. A driver's test file calls `testLogStore` once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "@attestry/core";
import fc from "fast-check";
import type { AdmittedEntry, Batch, CurrentHead, LogStore } from "./store.ts";
import { entriesPerRun } from "./store.ts";
import { checkWholeLog, readAll } from "./testing/check-whole-log.ts";
import { lookUpKey, sampleEntries, sampleEntry, signHead } from "./testing/sample-log.ts";
import { growTree, loadTree } from "./tree.ts";

/** Where a test's log is kept: `open` opens the same one each time. */
export interface StorePlace {
  open(): Promise<LogStore>;
}

type TestContext = { after(clean: () => void | Promise<void>): void };

/** A batch that fits the store as it is now. */
export async function nextBatch(store: LogStore, entries: readonly AdmittedEntry[], time?: number): Promise<Batch> {
  const { tree, head: before } = await loadTree(store);
  const leafHashes = entries.map(({ leafHash }) => leafHash);
  const { tree: grown, tiles } = growTree(tree, leafHashes);
  const head = { size: grown.size, rootHash: grown.rootHash, time: time ?? (before?.time ?? 1000) + 1 };
  return { expectedSize: tree.size, entries, tiles, head: { ...head, ...(await signHead(head)) } };
}

export async function appendEntries(
  store: LogStore,
  entries: readonly AdmittedEntry[],
  time?: number,
): Promise<CurrentHead> {
  const batch = await nextBatch(store, entries, time);
  await store.append(batch);
  return batch.head;
}

/** @param skip why the tests cannot run here, when they cannot */
export function testLogStore(
  driver: string,
  createPlace: (t: TestContext) => Promise<StorePlace>,
  skip?: string | undefined,
): void {
  const promise = (behaviour: string, run: (t: TestContext) => Promise<void>): void =>
    void test(`${driver}: ${behaviour}`, { skip: skip ?? false }, run);

  async function openNew(t: TestContext): Promise<LogStore> {
    const store = await (await createPlace(t)).open();
    t.after(() => store.close());
    return store;
  }

  promise("a new log has no head, and its first one may be of size 0", async (t) => {
    const store = await openNew(t);
    assert.equal(await store.readHead(), undefined);
    assert.equal(await store.readLatestCosigned(), undefined);
    const head = await appendEntries(store, []);
    assert.deepEqual(await store.readHead(), head);
    await assert.rejects(appendEntries(store, []), { code: "CONFLICT_SIZE" });
    await checkWholeLog(store);
  });

  promise("what was appended is read back, batch after batch", async (t) => {
    const store = await openNew(t);
    const entries = sampleEntries(1200);
    let size = 0;
    for (const width of [1, 1, 254, 1, 300, 643]) {
      await appendEntries(store, entries.slice(size, size + width));
      size += width;
    }
    const stored = await store.readEntries(0, 1200);
    assert.deepEqual(
      stored.map(encodeHex),
      entries.map(({ entry }) => encodeHex(entry)),
    );
    assert.deepEqual((await store.readEntries(255, 257)).map(encodeHex), stored.slice(255, 257).map(encodeHex));
    assert.deepEqual(await store.readEntries(7, 7), []);
    assert.equal(await store.readTile(0, 5), undefined);
    assert.equal((await store.readTile(1, 0))?.length, 4 * 32);
    await checkWholeLog(store);
  });

  promise("an append built on another size is refused and changes nothing", async (t) => {
    const store = await openNew(t);
    const stale = await nextBatch(store, [sampleEntry("stale")]);
    await appendEntries(store, sampleEntries(3));
    const before = await readAll(store);
    await assert.rejects(store.append(stale), { code: "CONFLICT_SIZE" });
    await assert.rejects(store.append({ ...stale, expectedSize: 4 }), { code: "CONFLICT_SIZE" });
    assert.deepEqual(await readAll(store), before);
  });

  promise("of many appends to one size exactly one wins", async (t) => {
    const store = await openNew(t);
    for (let round = 0; round < 5; round++) {
      const rivals = Array.from({ length: 8 }, (_, i) => nextBatch(store, sampleEntries(2, `rival-${round}-${i}`)));
      const batches = await Promise.all(rivals);
      const outcomes = await Promise.allSettled(batches.map((batch) => store.append(batch)));
      const won = outcomes.flatMap(({ status }, i) => (status === "fulfilled" ? [i] : []));
      assert.equal(won.length, 1);
      assert.deepEqual(await store.readHead(), batches[Number(won[0])]?.head);
    }
    assert.equal((await checkWholeLog(store)).length, 10);
  });

  promise("a batch that cannot be written whole is not written at all", async (t) => {
    const store = await openNew(t);
    const entries = sampleEntries(300);
    await appendEntries(store, entries);
    const before = await readAll(store);
    // The last entry has a row already, so the write fails after everything before it was accepted.
    const batch = await nextBatch(store, [...sampleEntries(50, "new"), entries[7] as AdmittedEntry]);
    await assert.rejects(store.append(batch), { code: "FATAL_CORRUPT" });
    assert.deepEqual(await readAll(store), before);
    await appendEntries(store, sampleEntries(50, "new"));
    await checkWholeLog(store);
  });

  promise("everything is there after closing and opening", async (t) => {
    const place = await createPlace(t);
    const first = await place.open();
    await appendEntries(first, sampleEntries(700));
    const head = await appendEntries(first, sampleEntries(5, "more"));
    await first.putCosigned(705, head.note);
    const before = await readAll(first);
    await first.close();
    await assert.rejects(first.readHead());
    const second = await place.open();
    t.after(() => second.close());
    assert.equal(second.origin, first.origin);
    assert.deepEqual(await second.readHead(), head);
    assert.deepEqual(await readAll(second), before);
    await appendEntries(second, sampleEntries(5, "and-more"));
    await checkWholeLog(second);
  });

  promise("a statement is found again by its time of issue and its whole leaf hash", async (t) => {
    const store = await openNew(t);
    const entries = sampleEntries(600);
    await appendEntries(store, entries);
    const [known, other] = [entries[431] as AdmittedEntry, sampleEntry("other")];
    const almost = Uint8Array.from(known.leafHash);
    almost[31] = (almost[31] ?? 0) ^ 1;
    const probes = [known, other, { ...known, issuedAt: known.issuedAt + 1 }, { ...known, leafHash: almost }, known];
    assert.deepEqual(await store.findSeen(probes), [431, undefined, undefined, undefined, 431]);
  });

  promise("a look-up finds what a scan of all entries finds, in order and as many as asked", async (t) => {
    const store = await openNew(t);
    const topics = ["a", "b", "c", "rare"];
    const size = entriesPerRun + 1000;
    const topicOf = (i: number) => (i % 1511 === 0 ? "rare" : (topics[(i * 7 + Math.floor(i / 1000)) % 3] as string));
    for (let from = 0; from < size; from += 4096) {
      const entries = Array.from({ length: Math.min(4096, size - from) }, (_, i) =>
        sampleEntry(`n${from + i}`, from + i, topicOf(from + i)),
      );
      await appendEntries(store, entries);
    }
    const edges = fc.constantFrom(0, 1, entriesPerRun - 1, entriesPerRun, entriesPerRun + 1, size);
    const bound = fc.oneof(edges, fc.nat(size));
    const order = fc.constantFrom("ascending" as const, "descending" as const);
    const topic = fc.constantFrom(...topics, "none");
    await fc.assert(
      fc.asyncProperty(
        topic,
        bound,
        bound,
        fc.integer({ min: 1, max: 50 }),
        order,
        async (topic, from, to, limit, order) => {
          const all = Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i).filter(
            (i) => topicOf(i) === topic,
          );
          const expected = (order === "ascending" ? all : all.reverse()).slice(0, limit);
          const range = { from, to, limit, order };
          assert.deepEqual(await store.lookUp(lookUpKey("topic", topic), range), expected);
        },
      ),
      { numRuns: 60 },
    );
  });

  promise("the head of an entry and the size at a time are those that a scan of the heads finds", async (t) => {
    const store = await openNew(t);
    const heads: CurrentHead[] = [];
    let made = 0;
    for (const [width, step] of [
      [0, 0],
      [1, 0],
      [3, 0],
      [2, 5],
      [1, 1],
      [40, 0],
      [1, 20],
    ] as const) {
      const time = (heads.at(-1)?.time ?? 100) + step;
      heads.push(await appendEntries(store, sampleEntries(width, `batch-${made++}`), time));
    }
    const size = heads.at(-1)?.size ?? 0;
    for (let index = 0; index <= size; index++) {
      const head = heads.find((head) => head.size > index);
      assert.equal((await store.readHeadOf(index))?.size, head?.size);
      assert.equal((await store.readHeadOf(index))?.time, head?.time);
    }
    for (let time = 98; time < 130; time++) {
      const expected = heads.filter((head) => head.time < time).at(-1)?.size ?? 0;
      assert.equal(await store.sizeAt(time), expected, `at ${time}`);
    }
  });

  promise(
    "cosigned checkpoints: the earliest that covers an entry, the latest, and the last of one size",
    async (t) => {
      const store = await openNew(t);
      for (const [size, text] of [
        [10, "ten"],
        [30, "thirty"],
        [20, "twenty"],
        [10, "ten again"],
      ] as const) {
        await store.putCosigned(size, Buffer.from(text));
      }
      const textOf = async (found: Promise<{ note: Uint8Array } | undefined>) => {
        const row = await found;
        return row === undefined ? undefined : Buffer.from(row.note).toString();
      };
      assert.equal(await textOf(store.readCosigned(0)), "ten again");
      assert.equal(await textOf(store.readCosigned(9)), "ten again");
      assert.equal(await textOf(store.readCosigned(10)), "twenty");
      assert.equal(await textOf(store.readCosigned(30)), undefined);
      assert.equal(await textOf(store.readLatestCosigned()), "thirty");
    },
  );

  promise("a scan gives the same rows whatever its pages", async (t) => {
    const store = await openNew(t);
    for (let i = 0; i < 6; i++) {
      const head = await appendEntries(store, sampleEntries(50, `page-${i}`), 1000 + i);
      await store.putCosigned(head.size, head.note);
    }
    const all = await readAll(store, 10_000);
    assert.equal(all.entries.length, 300);
    assert.equal(all.lookUps.length, 900);
    for (const limit of [1, 7, 300]) assert.deepEqual(await readAll(store, limit), all);
  });

  promise("a sound store finds nothing wrong with its files", async (t) => {
    const store = await openNew(t);
    await appendEntries(store, sampleEntries(1000));
    assert.deepEqual(await store.check(), []);
  });
}
