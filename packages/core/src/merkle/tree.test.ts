import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../bytes.ts";
import { emptyRoot, nodeHash } from "./hash.ts";
import { naiveLeaves, naiveTree } from "./naive.ts";
import { checkConsistency, checkInclusion } from "./proof.ts";
import { createFrontier, frontierNodes, proveConsistency, proveInclusion, type ReadNode, treeRoot } from "./tree.ts";

const max = 600;
const leaves = naiveLeaves(max);
const naive = naiveTree(leaves);
const hex = (hashes: readonly Uint8Array[]) => hashes.map(encodeHex);
/** Reads nodes of the tree as it was with `size` leaves, and fails on any that was not complete then. */
const readAt = (size: number): ReadNode => naiveTree(leaves.slice(0, size)).read;
const leaf = (index: number) => leaves[index] as Uint8Array;

function inclusionHolds(index: number, size: number): void {
  const path = proveInclusion(index, size, naive.read);
  assert.deepEqual(hex(path), hex(naive.path(index, 0, size)));
  checkInclusion({ index, size, leafHash: leaf(index), path, root: naive.root(0, size) });
}

function consistencyHolds(size1: number, size2: number): void {
  const path = proveConsistency(size1, size2, naive.read);
  assert.deepEqual(hex(path), hex(size1 === 0 ? [] : naive.subproof(size1, 0, size2, true)));
  checkConsistency({ size1, root1: naive.root(0, size1), size2, root2: naive.root(0, size2), path });
}

test("roots equal those of a naive tree for every size to 600, read from nodes or grown leaf by leaf", () => {
  const frontier = createFrontier();
  for (let size = 0; size <= max; size++) {
    const expected = encodeHex(naive.root(0, size));
    assert.equal(encodeHex(treeRoot(size, readAt(size))), expected);
    assert.equal(encodeHex(frontier.root()), expected);
    assert.equal(frontier.size, size);
    if (size < max) frontier.append(leaf(size));
  }
});

test("inclusion proofs equal the naive ones: every index of some sizes, and some indexes of every size", () => {
  for (const size of [1, 2, 3, 7, 8, 9, 255, 256, 257, 600]) for (let i = 0; i < size; i++) inclusionHolds(i, size);
  for (let size = 1; size <= max; size++) {
    for (const index of new Set([0, size - 1, Math.floor(size / 2), Math.floor(size / 3)])) inclusionHolds(index, size);
  }
});

test("consistency proofs equal the naive ones: all pairs of sizes to 64, and a sample to 600", () => {
  for (let size2 = 0; size2 <= 64; size2++) for (let size1 = 0; size1 <= size2; size1++) consistencyHolds(size1, size2);
  const sizes = fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]): [number, number] => (a <= b ? [a, b] : [b, a]));
  fc.assert(
    fc.property(sizes, ([size1, size2]) => consistencyHolds(size1, size2)),
    { numRuns: 500 },
  );
});

test("proofs read no node that the tree does not have yet", () => {
  for (let size = 1; size <= 70; size++) {
    const read = readAt(size);
    for (let at = 0; at < size; at++) {
      proveInclusion(at, size, read);
      proveConsistency(at, size, read);
    }
  }
});

test("trees larger than 2^32 leaves prove like small ones", () => {
  const all = [emptyRoot]; // every leaf the same, so a node depends on its level alone
  for (let level = 1; level <= 53; level++) all.push(nodeHash(all.at(-1) as Uint8Array, all.at(-1) as Uint8Array));
  const read: ReadNode = (level, index) => {
    assert.ok(Number.isSafeInteger((index + 1) * 2 ** level - 1), `node ${level}/${index} is beyond the tree`);
    return all[level] as Uint8Array;
  };
  const big = fc.maxSafeInteger().map(Math.abs);
  fc.assert(
    fc.property(big, big, (a, b) => {
      const [size1, size2] = [Math.min(a, b), Math.max(a, b)];
      const [root1, root2] = [treeRoot(size1, read), treeRoot(size2, read)];
      checkConsistency({ size1, root1, size2, root2, path: proveConsistency(size1, size2, read) });
      if (size1 === size2) return;
      const path = proveInclusion(size1, size2, read);
      assert.ok(path.length <= 53);
      checkInclusion({ index: size1, size: size2, leafHash: emptyRoot, path, root: root2 });
    }),
  );
});

test("a frontier goes on from any size, and names each subtree that a leaf completes", () => {
  fc.assert(
    fc.property(fc.nat(max), fc.nat(40), (size, more) => {
      const end = Math.min(max, size + more);
      const frontier = createFrontier(size, frontierNodes(size, readAt(size)));
      const completed = new Map<string, string>();
      for (let at = size; at < end; at++) {
        frontier.append(leaf(at), (level, index, hash) => completed.set(`${level}/${index}`, encodeHex(hash)));
      }
      assert.equal(encodeHex(frontier.root()), encodeHex(naive.root(0, end)));
      assert.deepEqual(hex(frontier.nodes), hex(frontierNodes(end, readAt(end))));

      const expected = new Map<string, string>();
      for (let level = 0; 2 ** level <= end; level++) {
        const index = (n: number) => Math.floor(n / 2 ** level);
        for (let i = index(size); i < index(end); i++) expected.set(`${level}/${i}`, encodeHex(naive.read(level, i)));
      }
      assert.deepEqual(new Map([...completed].sort()), new Map([...expected].sort()));
    }),
  );
});

test("a batch on a copy of the frontier leaves the frontier as it was", () => {
  const frontier = createFrontier(7, frontierNodes(7, naive.read));
  const batch = createFrontier(frontier.size, frontier.nodes);
  batch.append(leaf(7));
  assert.equal(encodeHex(batch.root()), encodeHex(naive.root(0, 8)));
  assert.equal(encodeHex(frontier.root()), encodeHex(naive.root(0, 7)));
});

test("sizes and indexes that the tree does not have are refused", () => {
  const bad: (() => unknown)[] = [
    () => proveInclusion(0, 0, naive.read),
    () => proveInclusion(3, 3, naive.read),
    () => proveInclusion(-1, 3, naive.read),
    () => proveInclusion(0.5, 3, naive.read),
    () => proveInclusion(0, Number.NaN, naive.read),
    () => proveInclusion(0, 2 ** 53, naive.read),
    () => proveConsistency(4, 3, naive.read),
    () => proveConsistency(-1, 3, naive.read),
    () => proveConsistency(1.5, 3, naive.read),
    () => proveConsistency(1, Number.POSITIVE_INFINITY, naive.read),
    () => treeRoot(-1, naive.read),
    () => treeRoot(1.5, naive.read),
    () => treeRoot(Number.POSITIVE_INFINITY, naive.read),
    () => createFrontier(3, [emptyRoot]),
    () => createFrontier(0, [emptyRoot]),
    () => createFrontier(-1),
    () => createFrontier(Number.POSITIVE_INFINITY),
  ];
  for (const act of bad) assert.throws(act, { code: "MALFORMED_REQUEST" }, String(act));
});
