import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, beforeEach, describe, test } from "node:test";
import { rootOf } from "../test-kit/chain.ts";
import type { AnchorRecord, AnchorStore } from "./anchor-store.ts";
import { createMemoryAnchorStore } from "./memory-anchor-store.ts";
import { openSqliteAnchorStore } from "./sqlite-anchor-store.ts";

const root = mkdtempSync(join(tmpdir(), "anchors-"));
after(() => rmSync(root, { recursive: true }));
const newFolder = (): string => mkdtempSync(join(root, "data-"));

const drivers: Record<string, () => AnchorStore> = {
  memory: createMemoryAnchorStore,
  SQLite: () => openSqliteAnchorStore(newFolder()),
};

const record = (size: number, more: Partial<AnchorRecord> = {}): AnchorRecord => ({
  ledger: "besu",
  origin: "example.com/log",
  size,
  rootHash: rootOf(size),
  state: "submitted",
  submittedAt: 1_700_000_000_123,
  ...more,
});
const place = { block: 7, id: "ab".repeat(32), time: 1_700_000_000 };
const full = record(5, { state: "final", journal: '{"a":1}', place, proof: rootOf(1), problem: "it was slow" });

for (const [name, open] of Object.entries(drivers)) {
  describe(`the ${name} store of anchors`, () => {
    let store: AnchorStore;
    beforeEach(() => {
      store = open();
    });
    const list = (options: Partial<Parameters<AnchorStore["list"]>[2]> = {}): Promise<AnchorRecord[]> =>
      store.list("besu", "example.com/log", { limit: 10, order: "ascending", ...options });
    const sizes = async (options: Parameters<typeof list>[0]): Promise<number[]> =>
      (await list(options)).map(({ size }) => size);

    test("gives back what it was given, absent members absent", async () => {
      await store.put(full);
      await store.put(record(9));
      assert.deepEqual(await list(), [full, record(9)]);
    });

    test("replaces the record of the same ledger, log and size, and no other", async () => {
      const others = [record(5, { ledger: "fabric" }), record(5, { origin: "other.example/log" }), record(6)];
      for (const one of [...others, record(5)]) await store.put(one);
      await store.put(full);
      assert.deepEqual(await list(), [full, record(6)]);
      assert.deepEqual(await store.list("fabric", "example.com/log", { limit: 9, order: "ascending" }), [others[0]]);
      await store.put(record(5));
      assert.deepEqual(await list(), [record(5), record(6)], "what the new one lacks is gone");
    });

    test("lists by size, by what covers an entry, and by state", async () => {
      for (const size of [30, 10, 20]) await store.put(record(size, { state: size === 20 ? "lost" : "final" }));
      assert.deepEqual(await sizes({}), [10, 20, 30]);
      assert.deepEqual(await sizes({ order: "descending", limit: 2 }), [30, 20]);
      assert.deepEqual(await sizes({ covering: 9 }), [10, 20, 30]);
      assert.deepEqual(await sizes({ covering: 10 }), [20, 30], "a tree of 10 has no entry 10");
      assert.deepEqual(await sizes({ states: ["final"], covering: 10 }), [30]);
      assert.deepEqual(await sizes({ states: ["submitted"] }), []);
    });

    test("names the ledgers that a log is anchored on", async () => {
      assert.deepEqual(await store.ledgers("example.com/log"), []);
      const others = [record(6, { ledger: "a chain" }), record(5, { ledger: "fabric", origin: "other.example/log" })];
      for (const one of [record(5), record(6), ...others]) await store.put(one);
      assert.deepEqual(await store.ledgers("example.com/log"), ["a chain", "besu"]);
    });

    test("counts each state", async () => {
      assert.deepEqual(await store.count("besu", "example.com/log"), { submitted: 0, included: 0, final: 0, lost: 0 });
      for (const size of [1, 2, 3]) await store.put(record(size, { state: size === 2 ? "included" : "final" }));
      assert.deepEqual(await store.count("besu", "example.com/log"), { submitted: 0, included: 1, final: 2, lost: 0 });
    });
  });
}

test("the SQLite store has everything when it is opened again", async () => {
  const folder = newFolder();
  const first = openSqliteAnchorStore(folder);
  await first.put(full);
  await first.close();
  const again = openSqliteAnchorStore(folder);
  assert.deepEqual(await again.list("besu", "example.com/log", { limit: 9, order: "ascending" }), [full]);
  await again.close();
});

test("the SQLite store opens no file of another kind, of a newer version, or that is damaged", () => {
  const cases: Record<string, (path: string) => void> = {
    FATAL_CORRUPT: (path) =>
      writeFileSync(path, "This is not a database, and it is long enough to be read as one. ".repeat(9)),
    FATAL_VERSION: (path) => {
      openSqliteAnchorStore(join(path, ".."));
      new DatabaseSync(path).exec("PRAGMA user_version = 2");
    },
  };
  for (const [code, spoil] of Object.entries(cases)) {
    const folder = newFolder();
    spoil(join(folder, "anchors.db"));
    assert.throws(() => openSqliteAnchorStore(folder), { code });
  }
  const folder = newFolder();
  new DatabaseSync(join(folder, "anchors.db")).exec("CREATE TABLE accounts (id INTEGER)");
  assert.throws(() => openSqliteAnchorStore(folder), { code: "FATAL_CORRUPT" });
  assert.throws(() => openSqliteAnchorStore(join(folder, "nowhere")), { code: "UNAVAILABLE_STORAGE" });
});
