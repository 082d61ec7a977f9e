import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "@attestry/core";
import type { Sequenced, Sequencer } from "../log/sequencer.ts";
import { appendEntries, nextBatch, testLogStore } from "../log/store.contract.ts";
import type { AdmittedEntry, LogStore } from "../log/store.ts";
import { checkWholeLog } from "../log/testing/check-whole-log.ts";
import { collectAudit, openSequencer, origin, sampleEntries, temporaryFolder } from "../log/testing/sample-log.ts";
import { createLine } from "../vault/testing/line.ts";
import { openDatabase } from "./database.ts";
import { openPostgresLogStore, type PostgresLogStoreOptions } from "./log-store.ts";
import { createLateLine } from "./testing/late-line.ts";
import { postgresForTests, type TestPostgres } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const postgres = postgresForTests();
const skip = { skip: postgres.skip ?? false };

async function openStore(
  url: string,
  options: Omit<PostgresLogStoreOptions, "database"> = { origin },
): Promise<LogStore> {
  const database = await openDatabase(url);
  try {
    return await openPostgresLogStore({ database, ...options });
  } finally {
    await database.close();
  }
}

testLogStore(
  "PostgreSQL",
  async () => {
    const url = await (await postgres.server()).createDatabase();
    return { open: () => openStore(url) };
  },
  postgres.skip,
);

test(
  "PostgreSQL: a log keeps its origin; an older program refuses a newer schema; nothing is made when only reading",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    await assert.rejects(openStore(url, { readOnly: true }), { code: "NOT_FOUND" });
    await assert.rejects(openStore(url, {}), { code: "USAGE" });
    await assert.rejects(openStore(url, { readOnly: true }), { code: "NOT_FOUND" });
    // Two processes begin it at the same time.
    const stores = await Promise.all([openStore(url), openStore(url)]);
    for (const store of stores) t.after(() => store.close());
    await assert.rejects(openStore(url, { origin: "log.example/other" }), { code: "CONFLICT_EXISTS" });
    const again = await openStore(url, {});
    t.after(() => again.close());
    assert.equal(again.origin, origin);
    await server.sql(url, "UPDATE attestry.part SET version = 2 WHERE name = 'log'");
    for (const readOnly of [false, true]) await assert.rejects(openStore(url, { readOnly }), { code: "FATAL_VERSION" });
  },
);

test(
  "PostgreSQL: when the line is cut during an append, the head says for good whether it was written",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = new URL(await server.createDatabase());
    const line = await createLine(server.port);
    t.after(() => line.close());
    url.port = String(line.port);
    const store = await openStore(url.href);
    t.after(() => store.close());
    const outcomes = { written: 0, lost: 0 };
    // The statement is some 20 kB long: cut before it, within it, at its end, and after it.
    for (const afterBytes of [1, 200, 5000, 15_000, 19_000, 20_000, 21_000, 22_000, 23_000, 24_000, 25_000, 40_000]) {
      const batch = await nextBatch(store, sampleEntries(60, `cut-${afterBytes}`));
      line.cut(afterBytes);
      const failed = await store.append(batch).then(
        () => undefined,
        (error) => error.code,
      );
      line.cut(0);
      line.mend();
      const size = (await store.readHead())?.size ?? 0;
      assert.ok(size === batch.head.size || size === batch.expectedSize);
      if (failed === undefined) assert.equal(size, batch.head.size);
      else assert.equal(failed, "UNAVAILABLE_STORAGE");
      outcomes[size === batch.head.size ? "written" : "lost"] += 1;
      const busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'attestry'";
      await until(async () => (await server.sql(url.href, busy))[0]?.[0] === "0");
      assert.equal((await store.readHead())?.size ?? 0, size, "what was not written came all the same");
    }
    assert.ok(outcomes.written > 0 && outcomes.lost > 0, JSON.stringify(outcomes));
    await checkWholeLog(store);
  },
);

test("PostgreSQL: an append that waits for a lock when its line is cut is shut out, or seen", skip, async (t) => {
  const server = await postgres.server();
  const direct = await server.createDatabase();
  const url = new URL(direct);
  const line = await createLine(server.port);
  t.after(() => line.close());
  url.port = String(line.port);
  const store = await openStore(url.href);
  t.after(() => store.close());
  const other = await openDatabase(direct);
  t.after(() => other.close());
  await appendEntries(store, sampleEntries(5));
  const batch = await nextBatch(store, sampleEntries(7, "late"));
  const waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'";
  let reading: Promise<number | undefined> | undefined;
  await other.transaction(async (querier) => {
    await querier.query("SELECT 1 FROM log FOR UPDATE");
    const appending = store.append(batch).catch((error) => error.code);
    await until(async () => (await server.sql(direct, waiting))[0]?.[0] === "1");
    line.cut(0);
    assert.equal(await appending, "UNAVAILABLE_STORAGE");
    line.mend();
    reading = store.readHead().then((head) => head?.size);
    await until(async () => (await server.sql(direct, waiting))[0]?.[0] === "2"); // the one that was cut off waits still, and so does the reader
  });
  const size = await reading;
  const busy = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND application_name = 'attestry'";
  await until(async () => (await server.sql(direct, busy))[0]?.[0] === "0");
  assert.equal((await store.readHead())?.size, size);
  await checkWholeLog(store);
});

test("PostgreSQL: an append that reaches the server after it was given up is shut out for good", skip, async (t) => {
  const server = await postgres.server();
  const url = new URL(await server.createDatabase());
  const line = await createLateLine(server.port);
  t.after(() => line.close());
  url.port = String(line.port);
  const store = await openStore(url.href);
  t.after(() => store.close());
  await appendEntries(store, sampleEntries(5));
  const batch = await nextBatch(store, sampleEntries(60, "late"));
  line.hold(10_000); // less than the batch, more than anything else that is said
  await assert.rejects(store.append(batch), { code: "UNAVAILABLE_STORAGE" });
  assert.equal((await store.readHead())?.size, 5);
  await line.deliver();
  assert.equal((await store.readHead())?.size, 5, "it was told that the batch was not written, and then it was");
  await store.append(batch);
  assert.equal((await checkWholeLog(store)).length, 65);
});

test("PostgreSQL: a fence that one process moves is no conflict for another", skip, async (t) => {
  const server = await postgres.server();
  const url = await server.createDatabase();
  const store = await openStore(url);
  t.after(() => store.close());
  await appendEntries(store, sampleEntries(5));
  await server.sql(url, "UPDATE attestry.log SET fence = fence + 3");
  await appendEntries(store, sampleEntries(5, "more"));
  assert.equal((await checkWholeLog(store)).length, 10);
});

/** Submits until it is answered; a refusal must be one that invites to try again. */
async function submitUntilAnswered(sequencer: Sequencer, entries: readonly AdmittedEntry[]): Promise<Sequenced[]> {
  for (;;) {
    try {
      return await sequencer.submit(entries);
    } catch (error) {
      const { code, facts } = error as { code: string; facts: { retry: boolean } };
      assert.ok(facts.retry, `${code} is no answer to try again on`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Everything that can end a connection, while two sequencers write. */
async function disturb(server: TestPostgres, url: string): Promise<void> {
  const end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'attestry'";
  for (let round = 0; round < 8; round++) {
    await new Promise((resolve) => setTimeout(resolve, 40 + Math.random() * 60));
    if (round % 4 !== 3) await server.sql(url, end);
    else {
      await server.kill();
      await server.start();
    }
  }
}

test(
  "PostgreSQL: connections cut and the server killed under load: every answer holds, every entry is there once",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    const stores = [await openStore(url), await openStore(url)];
    for (const store of stores) t.after(() => store.close());
    const answers: Sequenced[] = [];
    let isOver = false;
    const sequencers = await Promise.all(stores.map((store) => openSequencer(store)));
    const submitters = sequencers.map(async (sequencer, which) => {
      for (let round = 0; !isOver; round++) {
        const batches = Array.from({ length: 4 }, (_, i) => sampleEntries(9, `${which}-${round}-${i}`));
        answers.push(...(await Promise.all(batches.map((batch) => submitUntilAnswered(sequencer, batch)))).flat());
      }
    });
    await disturb(server, url);
    isOver = true;
    await Promise.all(submitters);
    const leaves = await checkWholeLog(stores[0] as LogStore);
    assert.equal(leaves.length, answers.length);
    for (const { index, leafHash, head } of answers) {
      assert.equal(leaves[index], encodeHex(leafHash));
      assert.ok(head.size > index);
    }
    t.diagnostic(`${answers.length} entries`);
  },
);

test(
  "PostgreSQL: the audit names what the database's administrator changed, and an older copy put back",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    const folder = temporaryFolder(t);
    const store = await openStore(url, { origin, folder });
    await appendEntries(store, sampleEntries(300));
    await appendEntries(store, sampleEntries(20, "more"));
    await store.close();
    const problems = async (): Promise<string[]> => {
      const opened = await openStore(url, { readOnly: true, folder });
      try {
        const { findings } = await collectAudit(opened);
        return findings.map(({ record, problem }) => `${record} ${problem}`);
      } finally {
        await opened.close();
      }
    };
    assert.deepEqual(await problems(), []);
    for (const [statement, undo, expected] of [
      [
        "UPDATE entry SET entry = entry || 'x' WHERE idx = 7",
        "UPDATE entry SET entry = substr(entry, 1, length(entry) - 1) WHERE idx = 7",
        "entry changed",
      ],
      ["DELETE FROM look_up WHERE idx = 9", undefined, "lookUp missing"],
      ["UPDATE seen SET idx = 12 WHERE idx = 11", undefined, "seen changed"],
      [
        "UPDATE head SET time = time + 1 WHERE size = 300",
        "UPDATE head SET time = time - 1 WHERE size = 300",
        "head signature",
      ],
      ["UPDATE tile SET hashes = hashes || hashes WHERE idx = 1", undefined, "tile extra"],
      ["UPDATE log SET size = 300", "UPDATE log SET size = 320", "storage unreadable"],
      ["DELETE FROM head WHERE size = 320", undefined, "storage unreadable"],
    ] as const) {
      await server.sql(url, `SET search_path = attestry; ${statement}`);
      assert.ok((await problems()).includes(expected), `${statement}: ${await problems()}`);
      if (undo !== undefined) await server.sql(url, `SET search_path = attestry; ${undo}`);
    }
    await assert.rejects(openStore(url, { folder }), { code: "FATAL_CORRUPT" }); // behind its high-water mark
  },
);

test(
  "PostgreSQL: a process follows the heads of another, and takes none that its log did not grow to",
  skip,
  async (t) => {
    const server = await postgres.server();
    const url = await server.createDatabase();
    const stores = [await openStore(url), await openStore(url)] as const;
    for (const store of stores) t.after(() => store.close());
    const one = await openSequencer(stores[0]);
    const heads: number[] = [];
    const two = await openSequencer(stores[1], { onHead: ({ size }) => void heads.push(size) });
    const [first] = await one.submit(sampleEntries(300));
    await until(() => two.head.size === 300); // it is told within a fraction of a second
    assert.deepEqual(two.head, first?.head);
    assert.deepEqual(heads, [300]);
    // The same statement again, at the process that did not register it.
    const [again] = await two.submit(sampleEntries(1));
    assert.deepEqual([again?.index, again?.isNew], [0, false]);
    // An older copy is put back: what both have seen is more.
    const [saved] = await server.sql(url, "SELECT note FROM attestry.log");
    await one.submit(sampleEntries(5, "more"));
    await until(() => two.head.size === 305);
    const restore = `SET search_path = attestry; DELETE FROM head WHERE size > 300; DELETE FROM entry WHERE idx >= 300;
    DELETE FROM seen WHERE idx >= 300; DELETE FROM look_up WHERE idx >= 300;
    UPDATE tile SET hashes = substr(hashes, 1, 44 * 32) WHERE level = 0 AND idx = 1;
    UPDATE log SET size = 300, note = '\\x${Buffer.from(saved?.[0] as Uint8Array).toString("hex")}'`;
    await server.sql(url, restore);
    await assert.rejects(two.submit(sampleEntries(1, "new")), { code: "FATAL_CORRUPT" });
    // Somebody with the keys goes on from the older copy: that is a fork, and whoever saw the log before says so.
    const forger = await openStore(url);
    t.after(() => forger.close());
    await appendEntries(forger, sampleEntries(20, "forged"), 1_800_000_000);
    await assert.rejects(two.submit(sampleEntries(1, "new")), { code: "FATAL_CORRUPT" });
    assert.equal(two.head.size, 305);
  },
);
