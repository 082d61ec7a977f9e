/**
 * The one judge of a log after faults: rebuilds everything from the entries by the definitions of RFC 9162 §2.1.1, without the
 * code under test, and compares with all that is stored.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { entriesPerRun, type LogRows, type LogStore, splitKeys } from "../store.ts";
import { checkHead, checkNote, deriveEntry } from "./sample-log.ts";

/** Gives the leaf hashes, in hexadecimal and in order. @throws AssertionError at the first thing that does not hold */
export async function checkWholeLog(store: LogStore): Promise<string[]> {
  const rows = await readAll(store);
  const leaves = rows.entries.map(({ entry }) => sha256(Buffer.of(0), entry));
  assert.deepEqual(
    rows.entries.map(({ index }) => index),
    leaves.map((_, i) => i),
    "entries have gaps",
  );
  await checkHeads(store, rows, leaves);
  checkTiles(rows, leaves);
  checkIndexRows(rows);
  return leaves.map((leaf) => leaf.toString("hex"));
}

type Rows = { [T in keyof LogRows]: LogRows[T][] };

/** Every row of every table, read a few at a time. */
export async function readAll(store: LogStore, limit = 500): Promise<Rows> {
  const read = async <T extends keyof LogRows>(table: T): Promise<LogRows[T][]> => {
    const rows: LogRows[T][] = [];
    for (;;) {
      const page = await store.scan(table, rows.at(-1), limit);
      if (page.length === 0) return rows;
      rows.push(...page);
    }
  };
  return {
    entries: await read("entries"),
    tiles: await read("tiles"),
    seen: await read("seen"),
    lookUps: await read("lookUps"),
    heads: await read("heads"),
    cosigned: await read("cosigned"),
  };
}

async function checkHeads(store: LogStore, { heads }: Rows, leaves: readonly Buffer[]): Promise<void> {
  let before = { size: 0, time: 0 };
  for (const head of heads) {
    assert.equal(hex(head.rootHash), naiveRoot(leaves.slice(0, head.size)).toString("hex"), `root at ${head.size}`);
    assert.equal(head.previousSize, before.size);
    assert.ok(head.time >= before.time, "times go back");
    await checkHead(head);
    before = head;
  }
  assert.equal(before.size, leaves.length, "the last head does not cover the entries");
  const current = await store.readHead();
  assert.equal(current?.size ?? 0, leaves.length);
  if (current !== undefined) assert.equal((await checkNote(current.note)).size, leaves.length);
}

function checkTiles({ tiles }: Rows, leaves: readonly Buffer[]): void {
  const expected: string[] = [];
  for (let level = 0; 256 ** level <= leaves.length; level++) {
    const span = 256 ** level;
    const hashes = Array.from({ length: Math.floor(leaves.length / span) }, (_, i) =>
      naiveRoot(leaves.slice(i * span, (i + 1) * span)),
    );
    for (let i = 0; i * 256 < hashes.length; i++) {
      expected.push(`${level}/${i} ${Buffer.concat(hashes.slice(i * 256, (i + 1) * 256)).toString("hex")}`);
    }
  }
  assert.deepEqual(
    tiles.map(({ level, index, hashes }) => `${level}/${index} ${hex(hashes)}`),
    expected,
    "tiles",
  );
}

function checkIndexRows({ entries, seen, lookUps }: Rows): void {
  const expectedSeen: string[] = [];
  const expectedLookUps: string[] = [];
  for (const { index, entry } of entries) {
    const { issuedAt, keys } = deriveEntry(entry);
    expectedSeen.push(`${issuedAt} ${sha256(Buffer.of(0), entry).toString("hex")} ${index}`);
    for (const key of splitKeys(keys))
      expectedLookUps.push(`${Math.floor(index / entriesPerRun)} ${hex(key)} ${index}`);
  }
  const storedSeen = seen.map(({ issuedAt, leafHash, index }) => `${issuedAt} ${hex(leafHash)} ${index}`);
  assert.deepEqual(storedSeen.sort(), expectedSeen.sort(), "seen rows");
  const storedLookUps = lookUps.map(({ run, key, index }) => `${run} ${hex(key)} ${index}`);
  assert.deepEqual(storedLookUps.sort(), expectedLookUps.sort(), "look-up rows");
}

/** RFC 9162 §2.1.1: MTH, as it is written there. */
export function naiveRoot(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0] as Buffer;
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return sha256(Buffer.of(1), naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  return createHash("sha256").update(Buffer.concat(parts)).digest();
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
