import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import {
  checkConsistency,
  checkInclusion,
  emptyRoot,
  encodeHex,
  parseEntryBundle,
  proveConsistency,
  proveInclusion,
  tileReader,
  treeRoot,
} from "@attestry/core";
import fc from "fast-check";
import { createLogReader, type TileSource } from "./reader.ts";
import { growTree, type Tree } from "./tree.ts";

const emptyTree: Tree = { size: 0, rootHash: emptyRoot, nodes: [], unfinished: [] };

/** Tiles in memory, grown batch by batch as the sequencer does; counts how often one is read. */
function createTiles(batches: readonly number[]) {
  const tiles = new Map<string, Uint8Array>();
  const leaves: Uint8Array[] = [];
  let tree = emptyTree;
  const grow = (width: number) => {
    const added = Array.from({ length: width }, () => new Uint8Array(randomBytes(32)));
    leaves.push(...added);
    const grown = growTree(tree, added);
    tree = grown.tree;
    for (const { level, index, hashes } of grown.tiles) tiles.set(`${level}/${index}`, hashes);
  };
  for (const width of batches) grow(width);
  const source = {
    reads: 0,
    async readTile(level: number, index: number): Promise<Uint8Array | undefined> {
      source.reads += 1;
      return tiles.get(`${level}/${index}`);
    },
    readEntries: async (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => Uint8Array.of(from + i)),
  } satisfies TileSource & { reads: number };
  const read = tileReader((level, index) => tiles.get(`${level}/${index}`) as Uint8Array);
  return { source, tiles, leaves, read, grow, size: () => tree.size };
}

const hexes = (hashes: readonly Uint8Array[]) => hashes.map(encodeHex);

test("proofs of every index in every size to 130, and consistency between all sizes, are the ones of RFC 9162", async () => {
  const { source, leaves, read } = createTiles([1, 2, 40, 87]);
  const reader = createLogReader(source);
  for (let size = 1; size <= 130; size++) {
    const root = treeRoot(size, read);
    const paths = await reader.inclusionPaths(
      Array.from({ length: size }, (_, i) => i),
      size,
    );
    for (const [index, path] of paths.entries()) {
      assert.deepEqual(hexes(path), hexes(proveInclusion(index, size, read)));
      checkInclusion({ index, size, leafHash: leaves[index] as Uint8Array, path, root });
    }
    for (let before = 0; before <= size; before++) {
      assert.deepEqual(hexes(await reader.consistencyPath(before, size)), hexes(proveConsistency(before, size, read)));
    }
  }
});

test("proofs reach over the edges of tiles of every level", async () => {
  const { source, leaves, read, size } = createTiles([200, 56, 1, 65_000, 279, 1, 600]);
  const reader = createLogReader(source, 20);
  const edges = fc.constantFrom(1, 255, 256, 257, 511, 512, 65_535, 65_536, 65_537, 65_792, 65_793, size());
  const sizes = fc.oneof(edges, fc.integer({ min: 1, max: size() }));
  await fc.assert(
    fc.asyncProperty(sizes, sizes, fc.nat(), async (size1, size2, nth) => {
      const [small, large] = [Math.min(size1, size2), Math.max(size1, size2)];
      const index = Math.min(nth % large, large - 1);
      const [root1, root2] = [treeRoot(small, read), treeRoot(large, read)];
      const path = await reader.inclusionPath(index, large);
      checkInclusion({ index, size: large, leafHash: leaves[index] as Uint8Array, path, root: root2 });
      const consistency = await reader.consistencyPath(small, large);
      checkConsistency({ size1: small, root1, size2: large, root2, path: consistency });
    }),
    { numRuns: 300 },
  );
});

test("a tile is read once, and again only when the tree has grown beyond what was read of it", async () => {
  const tiles = createTiles([1000]);
  const reader = createLogReader(tiles.source);
  await reader.inclusionPath(999, 1000);
  const reads = tiles.source.reads;
  for (let index = 768; index < 1000; index++) await reader.inclusionPath(index, 1000);
  await reader.inclusionPath(700, 900);
  assert.equal(tiles.source.reads, reads + 1); // the tile of index 700
  tiles.grow(10);
  await reader.inclusionPath(900, 1000);
  assert.equal(tiles.source.reads, reads + 1);
  const path = await reader.inclusionPath(1005, 1010);
  assert.equal(tiles.source.reads, reads + 2);
  const root = treeRoot(
    1010,
    tileReader((level, index) => tiles.tiles.get(`${level}/${index}`) as Uint8Array),
  );
  checkInclusion({ index: 1005, size: 1010, leafHash: tiles.leaves[1005] as Uint8Array, path, root });
});

test("tiles and bundles are served as wide as asked, and not beyond the tree", async () => {
  const { source, tiles } = createTiles([600]);
  const reader = createLogReader(source);
  const whole = tiles.get("0/2") as Uint8Array;
  const address = { kind: "tile" as const, level: 0, index: 2, width: 88 };
  assert.deepEqual(await reader.readAddress(address, 600), whole);
  assert.deepEqual(await reader.readAddress({ ...address, width: 3 }, 600), whole.subarray(0, 96));
  for (const beyond of [
    { ...address, width: 89 },
    { ...address, width: 256 },
    { ...address, index: 3, width: 1 },
    { ...address, level: 2, index: 0, width: 1 },
    { ...address, kind: "entries" as const, width: 89 },
  ]) {
    assert.equal(await reader.readAddress(beyond, 600), undefined);
  }
  assert.equal(await reader.readAddress(address, 599), undefined);
  const bundle = await reader.readAddress({ kind: "entries", level: 0, index: 2, width: 5 }, 600);
  assert.deepEqual(
    parseEntryBundle(bundle ?? new Uint8Array(), 5).map(([byte]) => byte),
    [0, 1, 2, 3, 4],
  );
});

test("an index or size that the log does not have is refused", async () => {
  const reader = createLogReader(createTiles([10]).source);
  for (const [index, size] of [
    [10, 10],
    [-1, 10],
    [0, 0],
    [1.5, 10],
    [0, Number.NaN],
  ] as const) {
    await assert.rejects(reader.inclusionPath(index, size), { code: "MALFORMED_REQUEST" });
  }
  for (const [size1, size2] of [
    [5, 4],
    [-1, 4],
    [0.5, 4],
  ] as const) {
    await assert.rejects(reader.consistencyPath(size1, size2), { code: "MALFORMED_REQUEST" });
  }
});

test("a tile that is missing or too narrow in the store is named", async () => {
  const { source, tiles } = createTiles([600]);
  tiles.delete("0/1");
  tiles.set("0/2", (tiles.get("0/2") as Uint8Array).subarray(0, 32));
  await assert.rejects(createLogReader(source).inclusionPath(300, 550), {
    code: "FATAL_CORRUPT",
    data: { level: 0, index: 1 },
  });
  await assert.rejects(createLogReader(source).inclusionPath(5, 550), {
    code: "FATAL_CORRUPT",
    data: { level: 0, index: 2 },
  });
});
