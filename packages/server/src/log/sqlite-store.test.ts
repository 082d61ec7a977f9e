import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openSqliteStore } from "./sqlite-store.ts";
import { appendEntries, testLogStore } from "./store.contract.ts";
import type { LogStore } from "./store.ts";
import { checkWholeLog, readAll } from "./testing/check-whole-log.ts";
import { openSequencer, origin, sampleEntries, sampleEntry, temporaryFolder } from "./testing/sample-log.ts";

testLogStore("SQLite", async (t) => {
  const folder = temporaryFolder(t);
  return { open: async () => openSqliteStore({ folder, origin }) };
});

/** A log of some entries, left as a killed process leaves it: with a write-ahead log that was not yet written home. */
async function makeKilledLog(t: TestContext): Promise<string> {
  const [folder, killed] = [temporaryFolder(t), temporaryFolder(t)];
  const store = openSqliteStore({ folder, origin });
  for (let i = 0; i < 10; i++) await appendEntries(store, sampleEntries(100, `batch-${i}`));
  for (const file of ["log.db", "log.db-wal", "log.mark"]) copyFileSync(join(folder, file), join(killed, file));
  await store.close();
  return killed;
}

async function sizeOf(folder: string): Promise<number | undefined> {
  const store = openSqliteStore({ folder });
  try {
    return (await store.readHead())?.size;
  } finally {
    await store.close();
  }
}

test("SQLite: a log that was killed is opened with all that was acknowledged", async (t) => {
  const folder = await makeKilledLog(t);
  const store = openSqliteStore({ folder });
  t.after(() => store.close());
  assert.equal((await checkWholeLog(store)).length, 1000);
});

test("SQLite: a commit is synced before it returns", async (t) => {
  const { tell } = await openTold(t);
  assert.deepEqual(await tell("PRAGMA synchronous"), [{ synchronous: 2 }]);
  assert.deepEqual(await tell("PRAGMA journal_mode"), [{ journal_mode: "wal" }]);
});

test("SQLite: a second writer is refused, in this process and in another; a reader is not", async (t) => {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  await appendEntries(store, sampleEntries(3));
  assert.throws(() => openSqliteStore({ folder, origin }), { code: "CONFLICT_LOCKED" });
  const reader = openSqliteStore({ folder, readOnly: true });
  await appendEntries(store, sampleEntries(3, "more"));
  assert.equal((await reader.readHead())?.size, 6);
  await assert.rejects(appendEntries(reader, sampleEntries(1, "forbidden")), { code: "UNAVAILABLE_STORAGE" });
  await reader.close();
  await store.close();

  const holder = spawn(process.execPath, ["--expose-gc", join(import.meta.dirname, "testing/hold-log.ts"), folder]);
  t.after(() => holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  assert.throws(() => openSqliteStore({ folder, origin }), { code: "CONFLICT_LOCKED" });
  holder.kill("SIGKILL");
  await once(holder, "exit");
  assert.equal(await sizeOf(folder), 6);
});

test("SQLite: a log keeps its origin", async (t) => {
  const folder = temporaryFolder(t);
  assert.throws(() => openSqliteStore({ folder }), { code: "USAGE" });
  assert.throws(() => openSqliteStore({ folder, readOnly: true }), { code: "FATAL_CORRUPT" });
  await openSqliteStore({ folder, origin }).close();
  assert.throws(() => openSqliteStore({ folder, origin: "log.example/other" }), { code: "CONFLICT_EXISTS" });
  const store = openSqliteStore({ folder });
  assert.equal(store.origin, origin);
  await store.close();
  assert.throws(() => openSqliteStore({ folder: temporaryFolder(t), readOnly: true }), { code: "NOT_FOUND" });
});

test("SQLite: a log of a newer version, and a file that is no log, are refused", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "log.db");
  await openSqliteStore({ folder, origin }).close();
  const db = new DatabaseSync(path);
  db.exec("PRAGMA user_version = 2");
  db.close();
  assert.throws(() => openSqliteStore({ folder }), { code: "FATAL_VERSION" });
  assert.throws(() => openSqliteStore({ folder, readOnly: true }), { code: "FATAL_VERSION" });

  rmSync(path);
  const other = new DatabaseSync(path);
  other.exec("CREATE TABLE something (a)");
  other.close();
  assert.throws(() => openSqliteStore({ folder, origin }), { code: "FATAL_CORRUPT" });

  writeFileSync(path, "this is not a database, but long enough to be taken for one ".repeat(100));
  assert.throws(() => openSqliteStore({ folder, origin }), { code: "FATAL_CORRUPT" });
});

test("SQLite: a database file that was cut short is refused, wherever it was cut", async (t) => {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  await appendEntries(store, sampleEntries(1000));
  await store.close();
  const path = join(folder, "log.db");
  const whole = readFileSync(path);
  for (const length of [0, 1, 100, 4095, 4096, 20_000, 20_480, whole.length - 4096, whole.length - 1]) {
    writeFileSync(path, whole.subarray(0, length));
    assert.throws(() => openSqliteStore({ folder, origin }), { code: "FATAL_CORRUPT" }, `cut to ${length}`);
  }
  writeFileSync(path, whole);
  assert.equal(await sizeOf(folder), 1000);
});

test("SQLite: a write-ahead log that was cut short is refused, as acknowledged entries are gone", async (t) => {
  const folder = await makeKilledLog(t);
  const path = join(folder, "log.db-wal");
  truncateSync(path, Math.floor(statSync(path).size / 2));
  assert.throws(() => openSqliteStore({ folder }), {
    code: "FATAL_CORRUPT",
    message: /had 1000 entries and now has \d+/,
  });
  rmSync(join(folder, "log.mark")); // what the message says to do
  const store = openSqliteStore({ folder });
  t.after(() => store.close());
  const { length } = await checkWholeLog(store);
  assert.ok(length < 1000 && length % 100 === 0, `${length} entries`);
});

test("SQLite: an older copy put back, another log, and a log that was deleted are refused", async (t) => {
  const [folder, older] = [temporaryFolder(t), temporaryFolder(t)];
  const store = openSqliteStore({ folder, origin });
  await appendEntries(store, sampleEntries(10));
  await store.close();
  copyFileSync(join(folder, "log.db"), join(older, "log.db"));
  const again = openSqliteStore({ folder });
  await appendEntries(again, sampleEntries(10, "more"));
  await again.close();

  copyFileSync(join(older, "log.db"), join(folder, "log.db"));
  assert.throws(() => openSqliteStore({ folder }), { code: "FATAL_CORRUPT", message: /had 20 entries and now has 10/ });
  const audited = openSqliteStore({ folder, readOnly: true });
  assert.match((await audited.check()).join(), /had 20 entries and now has 10/);
  await audited.close();

  const other = openSqliteStore({ folder: older });
  await appendEntries(other, sampleEntries(10, "other"));
  await other.close();
  copyFileSync(join(older, "log.db"), join(folder, "log.db"));
  assert.throws(() => openSqliteStore({ folder }), { code: "FATAL_CORRUPT", message: /another root hash at size 20/ });

  rmSync(join(folder, "log.db"));
  assert.throws(() => openSqliteStore({ folder, origin }), {
    code: "FATAL_CORRUPT",
    message: /had 20 entries and now has 0/,
  });
});

test("SQLite: a mark that cannot be read does not stand in the way", async (t) => {
  const folder = await makeKilledLog(t);
  for (const text of ["", "12", "garbage".repeat(30)]) {
    writeFileSync(join(folder, "log.mark"), text);
    assert.equal(await sizeOf(folder), 1000);
  }
  const store = openSqliteStore({ folder });
  await appendEntries(store, [sampleEntry("one-more")]);
  await store.close();
  assert.match(readFileSync(join(folder, "log.mark"), "latin1"), /^1001 +[0-9a-f]{64}\n$/);
});

test("SQLite: a folder that cannot be used is an error of the storage", (t) => {
  const folder = temporaryFolder(t);
  assert.throws(() => openSqliteStore({ folder: join(folder, "missing"), origin }), { code: "UNAVAILABLE_STORAGE" });
  mkdirSync(join(folder, "log.mark"));
  assert.throws(() => openSqliteStore({ folder, origin }), { code: "UNAVAILABLE_STORAGE" });
});

test("SQLite: reading an entry that is gone names it", async (t) => {
  const { store, tell } = await openTold(t);
  await appendEntries(store, sampleEntries(10));
  await tell("DELETE FROM entry WHERE idx = 4");
  await assert.rejects(store.readEntries(2, 8), { code: "FATAL_CORRUPT", data: { index: 4 } });
});

test("SQLite: damaged pages under the newest head are found when the log is opened for writing", async (t) => {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  await appendEntries(store, sampleEntries(1000));
  await store.close();
  const path = join(folder, "log.db");
  const whole = readFileSync(path);
  const [before, last] = sampleEntries(1000).slice(998);
  const inTile = Buffer.concat([before?.leafHash ?? Buffer.of(), last?.leafHash ?? Buffer.of()]);
  for (const needle of [Buffer.from("entry-999"), inTile]) {
    const at = whole.indexOf(needle) + needle.length - 1;
    for (const damage of [Buffer.of(0x00), Buffer.alloc(4096 - (at % 4096), 0xff)]) {
      const damaged = Buffer.from(whole);
      damaged.set(damage, at);
      writeFileSync(path, damaged);
      const opened = openSqliteStore({ folder });
      await assert.rejects(openSequencer(opened), { code: "FATAL_CORRUPT" });
      await opened.close();
    }
  }
});

/** A store, and what runs SQL on the connection that it writes with. */
async function openTold(t: TestContext): Promise<{ store: LogStore; tell(sql: string): Promise<unknown> }> {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin, thread: new URL("testing/told-thread.ts", import.meta.url) });
  t.after(() => store.close());
  await appendEntries(store, []); // before the first write there is no thread
  const channel = new BroadcastChannel(folder);
  t.after(() => channel.close());
  const tell = async (sql: string): Promise<unknown> => {
    const answer = once(channel, "message");
    channel.postMessage(sql);
    const [{ data }] = await answer;
    return data;
  };
  return { store, tell };
}

/** Appends until the storage refuses, then checks that nothing is half written, makes room, and goes on. */
async function fillUp(store: LogStore, makeRoom: () => void | Promise<void>): Promise<void> {
  await appendEntries(store, sampleEntries(10));
  let appended = 0;
  let before = await readAll(store);
  await assert.rejects(
    async () => {
      for (; appended < 10_000; appended++) {
        before = await readAll(store);
        await appendEntries(store, sampleEntries(200, `fill-${appended}`));
      }
    },
    { code: "UNAVAILABLE_STORAGE" },
  );
  assert.ok(appended > 0, "there was room for something");
  assert.deepEqual(await readAll(store), before);
  await assert.rejects(appendEntries(store, sampleEntries(200, "refused")), { code: "UNAVAILABLE_STORAGE" });
  await makeRoom();
  await appendEntries(store, sampleEntries(200, "fits"));
  assert.equal((await checkWholeLog(store)).length, 10 + 200 * appended + 200);
}

test("SQLite: a database that may not grow refuses whole batches, and goes on when it may (max_page_count)", async (t) => {
  const { store, tell } = await openTold(t);
  assert.deepEqual(await tell("PRAGMA max_page_count = 150"), [{ max_page_count: 150 }]);
  await fillUp(store, async () => void (await tell("PRAGMA max_page_count = 100000")));
});

test("SQLite: a full disk refuses whole batches, and the log goes on when there is room (tmpfs)", async (t) => {
  const folder = temporaryFolder(t);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "none", folder], { stdio: "pipe" });
  } catch {
    t.skip("a small file system cannot be mounted here (it takes root on Linux)");
    return;
  }
  try {
    const ballast = join(folder, "ballast");
    writeFileSync(ballast, new Uint8Array(300_000));
    mkdirSync(join(folder, "data"));
    const store = openSqliteStore({ folder: join(folder, "data"), origin });
    await fillUp(store, () => rmSync(ballast));
    await store.close();
    assert.ok(((await sizeOf(join(folder, "data"))) ?? 0) > 200);
  } finally {
    execFileSync("umount", ["-l", folder]);
  }
});
