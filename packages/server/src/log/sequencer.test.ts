import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeHex } from "@attestry/core";
import fc from "fast-check";
import type { Sequenced, Sequencer } from "./sequencer.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { AdmittedEntry, Batch, Head, LogStore } from "./store.ts";
import { checkWholeLog } from "./testing/check-whole-log.ts";
import { createFaultyStore, type Fault, type Step } from "./testing/faulty-store.ts";
import {
  openSequencer,
  origin,
  sampleEntries,
  sampleEntry,
  signHead,
  temporaryFolder,
  testClock,
} from "./testing/sample-log.ts";

function openStore(t: TestContext): LogStore {
  const store = openSqliteStore({ folder: temporaryFolder(t), origin });
  t.after(() => store.close());
  return store;
}

const indexes = (sequenced: readonly Sequenced[]) => sequenced.map(({ index }) => index);

/** A gate before every append: a test decides when the batch that is being written may go on. */
function gateAppends(store: LogStore) {
  const batches: Batch[] = [];
  const waiting: (() => void)[] = [];
  const append = async (batch: Batch) => {
    batches.push(batch);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return store.append(batch);
  };
  const letOne = async () => {
    while (waiting.length === 0) await new Promise(setImmediate);
    waiting.shift()?.();
  };
  return { store: { ...store, append }, batches, letOne };
}

test("a new log is given a head of size 0, once", async (t) => {
  const store = openStore(t);
  const first = await openSequencer(store);
  assert.equal(first.head.size, 0);
  const second = await openSequencer(store);
  assert.deepEqual(second.head, first.head);
  await checkWholeLog(store);
});

test("entries get consecutive indexes in the order of submission, and a durable head that covers them", async (t) => {
  const store = openStore(t);
  const sequencer = await openSequencer(store);
  const first = await sequencer.submit(sampleEntries(3, "first"));
  const [second, third] = await Promise.all([
    sequencer.submit(sampleEntries(2, "second")),
    sequencer.submit(sampleEntries(1, "third")),
  ]);
  assert.deepEqual(indexes(first), [0, 1, 2]);
  assert.deepEqual(indexes([...second, ...third]), [3, 4, 5]);
  assert.ok([...first, ...second, ...third].every(({ isNew, index, head }) => isNew && head.size > index));
  assert.deepEqual(await store.readHead(), third[0]?.head);
  assert.deepEqual(sequencer.head, third[0]?.head);
  assert.deepEqual(await sequencer.submit([]), []);
  const leaves = await checkWholeLog(store);
  assert.deepEqual(
    [...first, ...second, ...third].map(({ leafHash }) => encodeHex(leafHash)),
    leaves,
  );
});

test("what is registered again gets the first one's index, in the log, in a batch, and in batches side by side", async (t) => {
  const store = openStore(t);
  const sequencer = await openSequencer(store);
  const [a, b, c] = sampleEntries(3) as [AdmittedEntry, AdmittedEntry, AdmittedEntry];
  await sequencer.submit([a]);
  const [mixed, beside] = await Promise.all([sequencer.submit([b, a, b, c]), sequencer.submit([c, b])]);
  assert.deepEqual(indexes(mixed), [1, 0, 1, 2]);
  assert.deepEqual(
    mixed.map(({ isNew }) => isNew),
    [true, false, false, true],
  );
  assert.deepEqual(indexes(beside), [2, 1]);
  const before = sequencer.head;
  const again = await sequencer.submit([c, a]);
  assert.deepEqual(indexes(again), [2, 0]);
  assert.deepEqual(again[0]?.head, before);
  assert.equal((await checkWholeLog(store)).length, 3);
});

test("while one batch is written the next gathers, and each is signed once", async (t) => {
  const { store, batches, letOne } = gateAppends(openStore(t));
  let signed = 0;
  const starting = openSequencer(store, {
    signHead: (head: Head) => {
      signed += 1;
      return signHead(head);
    },
  });
  await letOne();
  const sequencer = await starting;
  const entries = sampleEntries(101);
  const first = sequencer.submit(entries.slice(0, 1));
  while (batches.length < 2) await new Promise(setImmediate);
  const rest = entries.slice(1).map((entry) => sequencer.submit([entry]));
  assert.equal(sequencer.queued.entries, 101);
  await letOne();
  await letOne();
  await Promise.all([first, ...rest]);
  assert.deepEqual(
    batches.map(({ entries }) => entries.length),
    [0, 1, 100],
  );
  assert.equal(signed, 3);
  assert.deepEqual(sequencer.queued, { entries: 0, bytes: 0 });
});

test("what arrives in one turn of the event loop is one batch", async (t) => {
  const store = openStore(t);
  const sequencer = await openSequencer(store);
  const answers = await Promise.all(sampleEntries(30).map((entry) => sequencer.submit([entry])));
  assert.deepEqual([...new Set(answers.flat().map(({ head }) => head.size))], [30]);
});

test("an entry alone is written at once, with no timer", async (t) => {
  const sequencer = await openSequencer(openStore(t));
  t.mock.timers.enable({ apis: ["setTimeout", "setInterval"] }); // and never run
  assert.deepEqual(indexes(await sequencer.submit([sampleEntry("alone")])), [0]);
});

test("a submission larger than a batch is answered whole and in order", async (t) => {
  const store = openStore(t);
  const sequencer = await openSequencer(store, { maxBatch: 7 });
  const [large, small] = await Promise.all([
    sequencer.submit(sampleEntries(40)),
    sequencer.submit(sampleEntries(1, "small")),
  ]);
  assert.deepEqual(
    indexes(large),
    Array.from({ length: 40 }, (_, i) => i),
  );
  assert.deepEqual(indexes(small), [40]);
  assert.ok(large.every(({ index, head }) => head.size > index));
  await checkWholeLog(store);
});

test("too many waiting entries, or bytes, are pushed back until there is room", async (t) => {
  for (const limits of [{ maxQueuedEntries: 10 }, { maxQueuedBytes: 300 }]) {
    const { store, letOne } = gateAppends(openStore(t));
    const starting = openSequencer(store, limits);
    await letOne();
    const sequencer = await starting;
    const large = sequencer.submit(sampleEntries(20)); // nothing waits: it is taken, whatever its size
    await assert.rejects(sequencer.submit([sampleEntry("one")]), { code: "PUSHBACK" });
    assert.equal(sequencer.queued.entries, 20);
    await letOne();
    await large;
    const next = sequencer.submit([sampleEntry("one")]);
    await letOne();
    assert.deepEqual(indexes(await next), [20]);
  }
});

test("closing answers what was submitted and takes nothing more", async (t) => {
  const store = openStore(t);
  const sequencer = await openSequencer(store, { maxBatch: 10 });
  const submitted = sequencer.submit(sampleEntries(100));
  await sequencer.close();
  assert.equal(sequencer.queued.entries, 0);
  assert.equal((await submitted).length, 100);
  await assert.rejects(sequencer.submit([sampleEntry("late")]), { code: "UNAVAILABLE_STOPPING" });
  await sequencer.close();
  await checkWholeLog(store);
});

test("each new head is told once, after it is durable", async (t) => {
  const store = openStore(t);
  const told: number[] = [];
  const sequencer = await openSequencer(store, { onHead: (head) => void told.push(head.size) });
  await sequencer.submit(sampleEntries(2));
  await sequencer.submit(sampleEntries(2)); // nothing new
  await sequencer.submit(sampleEntries(1, "more"));
  assert.deepEqual(told, [0, 2, 3]);
});

test("the time of heads follows the clock, and stands still while the clock is a little behind", async (t) => {
  const store = openStore(t);
  const clock = testClock();
  const sequencer = await openSequencer(store, { clock: clock.read });
  const start = sequencer.head.time;
  assert.equal(start, 1_700_000_000);
  const times: number[] = [];
  for (const [i, step] of [1_500, -60_000, 30_000, 40_000].entries()) {
    clock.now += step;
    const [sequenced] = await sequencer.submit([sampleEntry(`entry-${i}`)]);
    times.push((sequenced?.head.time ?? 0) - start);
  }
  assert.deepEqual(times, [1, 1, 1, 11]);
  await checkWholeLog(store);
});

test("a clock that was set back is refused at start, and while running until it is set right", async (t) => {
  const store = openStore(t);
  const clock = testClock();
  const sequencer = await openSequencer(store, { clock: clock.read });
  const [known] = await sequencer.submit([sampleEntry("known")]);
  clock.now -= 61_000;
  await assert.rejects(openSequencer(store, { clock: clock.read }), { code: "FATAL_CLOCK" });
  await assert.rejects(sequencer.submit([sampleEntry("new")]), { code: "FATAL_CLOCK" });
  assert.deepEqual(await sequencer.submit([sampleEntry("known")]), [{ ...known, isNew: false }]); // needs no new head
  clock.now += 1_000;
  assert.deepEqual(indexes(await sequencer.submit([sampleEntry("new")])), [1]);
  await openSequencer(store, { clock: clock.read });
});

test("a log whose right edge does not hold is not opened", async (t) => {
  const store = openStore(t);
  await (await openSequencer(store)).submit(sampleEntries(300));
  const head = await store.readHead();
  const wrong = { ...head, rootHash: new Uint8Array(32) } as typeof head;
  await assert.rejects(openSequencer({ ...store, readHead: async () => wrong }), { code: "FATAL_CORRUPT" });
  await assert.rejects(openSequencer({ ...store, readTile: async () => undefined }), { code: "FATAL_CORRUPT" });
  const entries = async (from: number, to: number) => (await store.readEntries(from, to)).map(() => Uint8Array.of(1));
  await assert.rejects(openSequencer({ ...store, readEntries: entries }), {
    code: "FATAL_CORRUPT",
    data: { index: 299 },
  });
});

/** Submits until it is answered; a refusal must be one that invites to try again. */
async function submitUntilAnswered(sequencer: Sequencer, entries: readonly AdmittedEntry[]): Promise<Sequenced[]> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await sequencer.submit(entries);
    } catch (error) {
      const { code, facts } = error as { code: string; facts: { retry: boolean } };
      assert.ok(facts.retry, `${code} is no answer to try again on`);
      assert.ok(attempt < 20, "a fault that was to come once came again and again");
    }
  }
}

/** Every entry is in the log once, where its submitter was told. */
async function checkAnswers(store: LogStore, answers: readonly Sequenced[], count: number): Promise<void> {
  const leaves = await checkWholeLog(store);
  for (const { index, leafHash, head } of answers) {
    assert.equal(leaves[index], encodeHex(leafHash));
    assert.ok(head.size > index && head.size <= leaves.length);
  }
  assert.equal(leaves.length, count);
}

const steps: readonly Step[] = ["readHead", "append", "findSeen", "readEntries", "readTile"];
const oneFault: readonly Fault[] = steps.flatMap((step): Fault[] => [
  { step, when: "before" },
  { step, when: "after" },
  { step, when: "after", error: new Error("not foreseen") },
]);

for (const { step, when, error } of oneFault) {
  const what = `${step} fails ${when} it was done${error === undefined ? "" : ", with an error that was not foreseen"}`;
  test(`nothing is lost or doubled when ${what}`, async (t) => {
    const store = createFaultyStore(openStore(t));
    const sequencer = await openSequencer(store);
    const answers = await sequencer.submit(sampleEntries(250, "before"));
    const fault = { step, when, ...(error && { error }) };
    // The steps of recovery come only after an append of unknown outcome.
    if (step !== "append" && step !== "findSeen") store.failNext({ step: "append", when });
    store.failNext(fault);
    const rounds = await Promise.all([
      submitUntilAnswered(sequencer, sampleEntries(10, "during")),
      submitUntilAnswered(sequencer, sampleEntries(4, "before")),
      submitUntilAnswered(sequencer, sampleEntries(1, "alone")),
    ]);
    assert.deepEqual(store.waiting, [], "the fault came to pass");
    answers.push(...rounds.flat(), ...(await sequencer.submit(sampleEntries(5, "after"))));
    await checkAnswers(store, answers, 250 + 10 + 1 + 5);
  });
}

test("an append that failed but is there is answered at once, as new", async (t) => {
  const store = createFaultyStore(openStore(t));
  const sequencer = await openSequencer(store);
  store.failNext({ step: "append", when: "after" });
  const [sequenced] = await sequencer.submit([sampleEntry("one")]);
  assert.deepEqual({ index: sequenced?.index, isNew: sequenced?.isNew }, { index: 0, isNew: true });
  assert.equal(store.calls.append, 2);
});

test("a store that is gone for a while refuses, and the log goes on when it is back", async (t) => {
  const store = createFaultyStore(openStore(t));
  const sequencer = await openSequencer(store);
  store.failNext({ step: "append", when: "after" });
  for (let i = 0; i < 5; i++) store.failNext({ step: "readHead", when: "before" });
  for (let i = 0; i < 5; i++) {
    await assert.rejects(sequencer.submit([sampleEntry("patient")]), { code: "UNAVAILABLE_STORAGE" });
  }
  const [sequenced] = await sequencer.submit([sampleEntry("patient")]);
  assert.deepEqual({ index: sequenced?.index, isNew: sequenced?.isNew }, { index: 0, isNew: false });
  await checkAnswers(store, [sequenced as Sequenced], 1);
});

test("when signing fails the submitters are told, and the next batch is built on the same tree", async (t) => {
  const store = openStore(t);
  let isBroken = false;
  const sign = async (head: Head) => {
    if (isBroken) throw new Error("the key is away");
    return signHead(head);
  };
  const sequencer = await openSequencer(store, { signHead: sign });
  await sequencer.submit(sampleEntries(3));
  isBroken = true;
  await assert.rejects(sequencer.submit(sampleEntries(1, "unsigned")), { code: "FATAL_INTERNAL" });
  isBroken = false;
  assert.deepEqual(indexes(await sequencer.submit(sampleEntries(2, "signed"))), [3, 4]);
  await checkWholeLog(store);
});

test("two sequencers on one store never fork the log: the one that comes late is refused and goes on", async (t) => {
  const store = openStore(t);
  const [one, two] = [await openSequencer(store), await openSequencer(store)];
  const answers: Sequenced[] = [];
  for (let round = 0; round < 20; round++) {
    const both = [sampleEntries(3, `one-${round}`), sampleEntries(2, `two-${round}`)] as const;
    const got = await Promise.all([submitUntilAnswered(one, both[0]), submitUntilAnswered(two, both[1])]);
    answers.push(...got.flat());
  }
  await checkAnswers(store, answers, 20 * 5);
});

test("whatever fails and whenever, every answer holds and every entry is there once", async (t) => {
  const fault = fc.record({
    step: fc.constantFrom(...steps),
    when: fc.constantFrom("before" as const, "after" as const),
  });
  const submission = fc.record({
    width: fc.integer({ min: 1, max: 40 }),
    from: fc.nat(60),
    faults: fc.array(fault, { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(submission, { minLength: 1, maxLength: 8 }), async (submissions) => {
      const inner = openSqliteStore({ folder: temporaryFolder(t), origin });
      const store = createFaultyStore(inner);
      const sequencer = await openSequencer(store, { maxBatch: 25 });
      const pool = sampleEntries(100);
      const answers: Promise<Sequenced[]>[] = [];
      const submitted = new Set<number>();
      for (const { width, from, faults } of submissions) {
        for (const fault of faults) store.failNext(fault);
        for (let i = from; i < from + width; i++) submitted.add(i);
        answers.push(submitUntilAnswered(sequencer, pool.slice(from, from + width)));
        if (from % 2 === 0) await answers.at(-1);
      }
      await checkAnswers(inner, (await Promise.all(answers)).flat(), submitted.size);
      await inner.close();
    }),
    { numRuns: 40 },
  );
});
