/** What every `ObjectStore` driver must do. A driver's test file calls `testObjectStore` once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testLine } from "./object-line.contract.ts";
import { newObjectId, type ObjectStore, segmentLength } from "./object-store.ts";
import type { Line } from "./testing/line.ts";
import { createModel } from "./testing/object-model.ts";
import { assertSegments, digest, full, listAll, randomSegment, storeObject } from "./testing/segments.ts";

/** Where a test's objects are kept: `open` opens the same place each time. */
export interface ObjectPlace {
  open(): Promise<ObjectStore>;
  /** What all stores of this place talk through, when there is a server to talk to: then `hasLine` is true. */
  readonly line?: Line;
}

export interface ContractOptions {
  /** How many segments the big object has; 24 unless told. */
  readonly bigSegments?: number;
  /** How many random histories are played; 12 unless told. */
  readonly histories?: number;
  /** Whether places have a line to cut. */
  readonly hasLine?: boolean;
  /** Why the tests cannot run here; they are skipped with it. */
  readonly skip?: string | undefined;
}

export type TestContext = { after(clean: () => void | Promise<void>): void };

export function testObjectStore(
  driver: string,
  createPlace: (t: TestContext) => Promise<ObjectPlace>,
  options: ContractOptions = {},
): void {
  const { bigSegments = 24, histories = 12, skip } = options;
  const promise = (behaviour: string, run: (t: TestContext) => Promise<void>): void =>
    void test(`${driver}: ${behaviour}`, { skip: skip ?? false }, run);

  async function openNew(t: TestContext): Promise<ObjectStore> {
    const store = await (await createPlace(t)).open();
    t.after(() => store.close());
    return store;
  }

  promise("of an object that was never written there is nothing", async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    assert.equal(await store.stat(id), undefined);
    assert.equal(await store.readSegment(id, 0), undefined);
    await store.remove(id);
    await assert.rejects(store.seal(id, 1), { code: "CONFLICT_INCOMPLETE" });
    assert.deepEqual(await store.list(undefined, 10), []);
    assert.equal(await store.stat(id), undefined);
  });

  promise("segments are read back, each alone and in any order, before the object is whole and after", async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    const segments = [full(), full(), full(), randomSegment(777)];
    for (const index of [2, 0, 3, 1]) await store.writeSegment(id, index, segments[index] as Uint8Array);
    assert.deepEqual(await store.stat(id), { sealed: undefined, written: 4 });
    await assertSegments(store, id, segments);
    await store.seal(id, 4);
    assert.deepEqual(await store.stat(id), { sealed: 4, written: 4 });
    await assertSegments(store, id, segments);
    for (const index of [3, 1, 2, 0]) {
      assert.equal(digest(await store.readSegment(id, index)), digest(segments[index]));
    }
    assert.deepEqual(await store.check(), []);
  });

  promise("an object may be as small as one byte, and its last segment as long as the others", async (t) => {
    const store = await openNew(t);
    for (const segments of [[randomSegment(1)], [full()], [full(), full()], [full(), randomSegment(1)]]) {
      const id = newObjectId();
      await storeObject(store, id, segments);
      await assertSegments(store, id, segments);
      assert.deepEqual(await store.stat(id), { sealed: segments.length, written: segments.length });
    }
  });

  promise("an object that lacks a segment, or has another, is not made whole, and nothing changes", async (t) => {
    const store = await openNew(t);
    for (const missing of [0, 1, 2]) {
      const id = newObjectId();
      const segments = [full(), full(), randomSegment(5)];
      for (const index of [0, 1, 2].filter((index) => index !== missing)) {
        await store.writeSegment(id, index, segments[index] as Uint8Array);
      }
      for (const count of [0, 3, 4]) await assert.rejects(store.seal(id, count), { code: "CONFLICT_INCOMPLETE" });
      assert.deepEqual(await store.stat(id), { sealed: undefined, written: 2 });
      await store.writeSegment(id, missing, segments[missing] as Uint8Array);
      for (const count of [0, 1, 2, 4]) await assert.rejects(store.seal(id, count), { code: "CONFLICT_INCOMPLETE" });
      assert.deepEqual(await store.stat(id), { sealed: undefined, written: 3 });
      await store.seal(id, 3);
      await assertSegments(store, id, segments);
    }
  });

  promise("a whole object does not change any more", async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    const segments = [full(), randomSegment(100)];
    await storeObject(store, id, segments);
    for (const index of [0, 1, 2]) {
      await assert.rejects(store.writeSegment(id, index, full()), { code: "CONFLICT_EXISTS" });
    }
    for (const count of [0, 1, 3]) await assert.rejects(store.seal(id, count), { code: "CONFLICT_EXISTS" });
    await store.seal(id, 2);
    assert.deepEqual(await store.stat(id), { sealed: 2, written: 2 });
    await assertSegments(store, id, segments);
    assert.deepEqual(await store.check(), []);
  });

  promise("the same index again replaces a segment, also by a shorter or longer one", async (t) => {
    const store = await openNew(t);
    for (const lengths of [
      [segmentLength, 9],
      [9, segmentLength],
      [500, 3],
      [3, 500],
    ]) {
      const id = newObjectId();
      const first = full();
      await store.writeSegment(id, 0, full());
      await store.writeSegment(id, 0, first);
      let last = new Uint8Array();
      for (const length of lengths) {
        last = new Uint8Array(randomSegment(length));
        await store.writeSegment(id, 1, last);
        await assertSegments(store, id, [first, last]);
      }
      assert.deepEqual(await store.stat(id), { sealed: undefined, written: 2 });
      await store.seal(id, 2);
      await assertSegments(store, id, [first, last]);
    }
  });

  promise("segments that are written at once, of several objects, do not mix", async (t) => {
    const store = await openNew(t);
    const objects = Array.from({ length: 3 }, () => ({
      id: newObjectId(),
      segments: [...Array.from({ length: 7 }, full), randomSegment(1234)],
    }));
    const writes = objects.flatMap(({ id, segments }) => segments.map((segment, index) => ({ id, segment, index })));
    writes.sort(() => Math.random() - 0.5);
    await Promise.all(writes.map(({ id, segment, index }) => store.writeSegment(id, index, segment)));
    await Promise.all(objects.map(({ id }) => store.seal(id, 8)));
    const reads = writes.map(async ({ id, segment, index }) => {
      assert.equal(digest(await store.readSegment(id, index)), digest(segment));
    });
    await Promise.all(reads);
    assert.deepEqual(await store.check(), []);
  });

  promise("an object that is made whole many times at once is whole once", async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    const segments = [full(), randomSegment(10)];
    for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
    const counts = [2, 3, 2, 1, 2, 2];
    const outcomes = await Promise.allSettled(counts.map((count) => store.seal(id, count)));
    assert.deepEqual(
      outcomes.map(({ status }) => status === "fulfilled"),
      counts.map((count) => count === 2),
    );
    assert.deepEqual(await store.stat(id), { sealed: 2, written: 2 });
    await assertSegments(store, id, segments);
  });

  promise("bytes that were given or read are the caller's to change", async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    const given = randomSegment(64);
    const kept = Uint8Array.from(given);
    await store.writeSegment(id, 0, given.subarray());
    given.fill(0);
    (await store.readSegment(id, 0))?.fill(1);
    await assertSegments(store, id, [kept]);
    const slice = randomSegment(64).subarray(10, 20);
    await store.writeSegment(id, 0, slice);
    await assertSegments(store, id, [slice]);
  });

  promise("what is removed is gone, whole or not, and nothing else is", async (t) => {
    const store = await openNew(t);
    const [whole, partial, other] = [newObjectId(), newObjectId(), newObjectId()];
    await storeObject(store, whole, [full(), full(), randomSegment(3)]);
    await store.writeSegment(partial, 1, full());
    await storeObject(store, other, [randomSegment(20)]);
    for (const id of [whole, partial]) {
      await store.remove(id);
      await store.remove(id);
      assert.equal(await store.stat(id), undefined);
      for (const index of [0, 1, 2]) assert.equal(await store.readSegment(id, index), undefined);
      await assert.rejects(store.seal(id, 1), { code: "CONFLICT_INCOMPLETE" });
    }
    assert.deepEqual(await listAll(store), [other]);
    assert.deepEqual(await store.check(), []);
    const again = [randomSegment(30)];
    await storeObject(store, whole, again);
    await assertSegments(store, whole, again);
    assert.deepEqual(await store.stat(whole), { sealed: 1, written: 1 });
  });

  promise("the list has every id once and in order, whatever its pages", async (t) => {
    const store = await openNew(t);
    const ids = Array.from({ length: 25 }, newObjectId);
    for (const [i, id] of ids.entries()) {
      await store.writeSegment(id, 0, randomSegment(10));
      if (i % 5 === 0) await store.writeSegment(id, 4, randomSegment(10));
      if (i % 2 === 1 && i % 5 !== 0) await store.seal(id, 1);
    }
    const expected = [...ids].sort();
    for (const limit of [1, 2, 7, 25, 1000]) assert.deepEqual(await listAll(store, limit), expected);
    const middle = newObjectId();
    assert.deepEqual(await store.list(middle, 3), expected.filter((id) => id > middle).slice(0, 3));
    await store.remove(expected[12] as string);
    assert.deepEqual(await store.list(expected[11], 2), expected.slice(13, 15));
  });

  promise("everything is there after closing and opening", async (t) => {
    const place = await createPlace(t);
    const first = await place.open();
    const [whole, partial, gone] = [newObjectId(), newObjectId(), newObjectId()];
    const segments = [full(), randomSegment(50)];
    await storeObject(first, whole, segments);
    await first.writeSegment(partial, 0, segments[0] as Uint8Array);
    await storeObject(first, gone, [full()]);
    await first.remove(gone);
    await first.close();
    await assert.rejects(first.readSegment(whole, 0));
    await assert.rejects(first.writeSegment(partial, 1, full()));

    const second = await place.open();
    t.after(() => second.close());
    assert.deepEqual(await listAll(second), [whole, partial].sort());
    await assertSegments(second, whole, segments);
    assert.deepEqual(await second.stat(whole), { sealed: 2, written: 2 });
    assert.deepEqual(await second.stat(partial), { sealed: undefined, written: 1 });
    await assert.rejects(second.writeSegment(whole, 0, full()), { code: "CONFLICT_EXISTS" });
    await assert.rejects(second.seal(partial, 2), { code: "CONFLICT_INCOMPLETE" });
    await second.writeSegment(partial, 1, segments[1] as Uint8Array);
    await second.seal(partial, 2);
    await assertSegments(second, partial, segments);
    assert.deepEqual(await second.check(), []);
  });

  promise("two stores of one place see each other's objects, and one of them makes an object whole", async (t) => {
    const place = await createPlace(t);
    const [a, b] = [await place.open(), await place.open()];
    t.after(() => a.close());
    t.after(() => b.close());
    const id = newObjectId();
    const segments = [full(), randomSegment(50)];
    await a.writeSegment(id, 0, segments[0] as Uint8Array);
    await b.writeSegment(id, 1, segments[1] as Uint8Array);
    await assertSegments(a, id, segments);
    await Promise.all([a.seal(id, 2), b.seal(id, 2)]);
    await assertSegments(b, id, segments);
    await assert.rejects(a.writeSegment(id, 0, full()), { code: "CONFLICT_EXISTS" });
    await assert.rejects(b.writeSegment(id, 0, full()), { code: "CONFLICT_EXISTS" });
    await b.remove(id);
    assert.equal(await a.stat(id), undefined);
    await storeObject(a, id, [full()]);
    assert.deepEqual(await b.stat(id), { sealed: 1, written: 1 });
  });

  promise("what can be no id, index or segment is refused by every call", async (t) => {
    const store = await openNew(t);
    const bad = { code: "MALFORMED_REQUEST" };
    const id = newObjectId();
    for (const wrong of [
      "",
      "../../etc/passwd",
      id.toUpperCase(),
      `${id}a`,
      id.slice(1),
      `${id}\n`,
      `${"b".repeat(26)}`,
    ]) {
      await assert.rejects(store.writeSegment(wrong, 0, full()), bad, wrong);
      await assert.rejects(store.seal(wrong, 1), bad, wrong);
      await assert.rejects(store.readSegment(wrong, 0), bad, wrong);
      await assert.rejects(store.stat(wrong), bad, wrong);
      await assert.rejects(store.remove(wrong), bad, wrong);
    }
    for (const wrong of [-1, 0.5, Number.NaN, 2 ** 32]) {
      await assert.rejects(store.writeSegment(id, wrong, full()), bad, String(wrong));
      await assert.rejects(store.readSegment(id, wrong), bad, String(wrong));
    }
    await assert.rejects(store.writeSegment(id, 0, new Uint8Array()), bad);
    await assert.rejects(store.writeSegment(id, 0, new Uint8Array(segmentLength + 1)), bad);
    assert.deepEqual(await listAll(store), []);
  });

  promise(`a big object of ${bigSegments} MiB is written and read, several segments at once`, async (t) => {
    const store = await openNew(t);
    const id = newObjectId();
    const digests: (string | undefined)[] = [];
    const lanes = async (act: (index: number) => Promise<void>) => {
      let next = 0;
      const lane = async () => {
        while (next < bigSegments) await act(next++);
      };
      await Promise.all(Array.from({ length: 4 }, lane));
    };
    await lanes(async (index) => {
      const segment = index === bigSegments - 1 ? randomSegment(4321) : full();
      digests[index] = digest(segment);
      await store.writeSegment(id, index, segment);
    });
    await store.seal(id, bigSegments);
    await lanes(async (index) => assert.equal(digest(await store.readSegment(id, index)), digests[index]));
    assert.deepEqual(await store.stat(id), { sealed: bigSegments, written: bigSegments });
    await store.remove(id);
    assert.deepEqual(await listAll(store), []);
  });

  promise("any history of calls leaves what a model in memory has", async (t) => {
    const place = await createPlace(t);
    let store = await place.open();
    t.after(() => store.close());
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ act: fc.constant("write" as const), object: fc.nat(1), index: fc.nat(2) }) },
      { weight: 3, arbitrary: fc.record({ act: fc.constant("seal" as const), object: fc.nat(1), index: fc.nat(3) }) },
      { weight: 1, arbitrary: fc.record({ act: fc.constant("remove" as const), object: fc.nat(1), index: fc.nat(0) }) },
      { weight: 1, arbitrary: fc.record({ act: fc.constant("open" as const), object: fc.nat(0), index: fc.nat(0) }) },
    );
    const history = fc.array(step, { minLength: 4, maxLength: 16 });
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const model = createModel();
        const ids = [newObjectId(), newObjectId()];
        for (const { act, object, index } of steps) {
          const id = ids[object] as string;
          if (act === "open") {
            await store.close();
            store = await place.open();
          } else if (act === "remove") {
            model.remove(id);
            await store.remove(id);
          } else if (act === "seal") {
            await agree(model.seal(id, index), store.seal(id, index));
          } else {
            const segment = full();
            await agree(model.write(id, index, segment), store.writeSegment(id, index, segment));
          }
          assert.deepEqual(await store.stat(id), model.stat(id));
        }
        assert.deepEqual(await listAll(store), model.list());
        for (const id of ids) {
          for (const index of [0, 1, 2, 3]) {
            assert.equal(digest(await store.readSegment(id, index)), digest(model.read(id, index)));
          }
        }
        assert.deepEqual(await store.check(), []);
        for (const id of ids) await store.remove(id);
      }),
      { numRuns: histories },
    );
  });

  if (options.hasLine === true) testLine(promise, createPlace);
}

/** Expects the error of that code, or none. */
async function agree(code: string | undefined, call: Promise<void>): Promise<void> {
  if (code === undefined) await call;
  else await assert.rejects(call, { code });
}
