import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeHex, encodeUtf8 } from "../bytes.ts";
import { leafHash } from "./hash.ts";
import { naiveLeaves, naiveTree } from "./naive.ts";
import {
  encodeEntryBundle,
  entriesPath,
  expandTile,
  nodeFromTile,
  parseEntryBundle,
  parseTilePath,
  tilePath,
  tileReader,
  tileWidth,
} from "./tile.ts";
import { createFrontier, proveConsistency, proveInclusion, treeRoot } from "./tree.ts";

const vectors = join(import.meta.dirname, "../../../../../shared/vectors/tlog-tiles");
const entries = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten"
  .split(" ")
  .map(encodeUtf8);
const hex = (hashes: readonly Uint8Array[]) => hashes.map(encodeHex);

test("tiles have the paths that tlog-tiles gives", () => {
  for (const [path, level, index, width] of [
    ["tile/0/x001/067.p/8", 0, 1067, 8],
    ["tile/0/000", 0, 0, 256],
    ["tile/63/999", 63, 999, 256],
    ["tile/2/x001/000", 2, 1000, 256],
    ["tile/0/x001/x234/067", 0, 1234067, 256],
    ["tile/0/x001/x000/000.p/255", 0, 1_000_000, 255],
    ["tile/1/x009/x007/x199/x254/x740/991.p/1", 1, Number.MAX_SAFE_INTEGER, 1],
  ] as const) {
    assert.equal(tilePath(level, index, width), path);
    assert.deepEqual(parseTilePath(path), { kind: "tile", level, index, width });
  }
  assert.equal(entriesPath(1067, 8), "tile/entries/x001/067.p/8");
  assert.deepEqual(parseTilePath("tile/entries/x001/067"), { kind: "entries", level: 0, index: 1067, width: 256 });
});

test("every address has one path, which reads back as it", () => {
  const address = fc.tuple(fc.nat(63), fc.maxSafeInteger().map(Math.abs), fc.integer({ min: 1, max: 256 }));
  fc.assert(
    fc.property(address, ([level, index, width]) => {
      assert.deepEqual(parseTilePath(tilePath(level, index, width)), { kind: "tile", level, index, width });
      assert.deepEqual(parseTilePath(entriesPath(index, width)), { kind: "entries", level: 0, index, width });
    }),
  );
});

test("other spellings of an address are refused", () => {
  for (const path of [
    "",
    "tile",
    "/tile/0/000",
    "tile/0/000/",
    "tile/0/000\n",
    "tile//000",
    "tile/00/000",
    "tile/01/000",
    "tile/64/000",
    "tile/100/000",
    "tile/-1/000",
    "tile/+1/000",
    "tile/0x1/000",
    "tile/1e1/000",
    "tile/٣/000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000",
    "tile/0/x000/001",
    "tile/0/001/002",
    "tile/0/x001/x002",
    "tile/0/X001/002",
    "tile/0/x1/002",
    "tile/0/x001//002",
    "tile/0/٠٠١",
    "tile/0/x009/x007/x199/x254/x740/992",
    "tile/0/x001/x000/x000/x000/x000/x000/000",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/08",
    "tile/0/000.p/256",
    "tile/0/000.p/257",
    "tile/0/000.p/0x8",
    "tile/0/000.p/-8",
    "tile/0/000.p/8/",
    "tile/0/000.p8",
    "tile/0/000.P/8",
    "tile/0/000.p/8.p/8",
    "tile/entries/0/000",
    "tile/Entries/000",
    "tile/entries/000.p/0",
    "tile/data/000",
    "tile/0/../000",
    "tile/0/%30%30%30",
  ]) {
    assert.throws(() => parseTilePath(path), { code: "MALFORMED_TILE" }, path);
  }
});

test("an address out of range has no path", () => {
  for (const [level, index, width] of [
    [-1, 0, 1],
    [64, 0, 1],
    [0.5, 0, 1],
    [0, -1, 1],
    [0, 0.5, 1],
    [0, 2 ** 53, 1],
    [0, 0, 0],
    [0, 0, 257],
    [0, 0, 1.5],
    [0, 0, Number.NaN],
  ] as const) {
    assert.throws(() => tilePath(level, index, width), { code: "MALFORMED_TILE" });
    if (level === 0) assert.throws(() => entriesPath(index, width), { code: "MALFORMED_TILE" });
  }
});

test("any other text is refused with the same error", () => {
  const near = fc.string({ unit: fc.constantFrom(..."tile/entries0123456789x.p"), maxLength: 30 });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        near,
        near.map((text) => `tile/0/${text}`),
      ),
      (path) => {
        try {
          const { kind, level, index, width } = parseTilePath(path);
          assert.equal(kind === "entries" ? entriesPath(index, width) : tilePath(level, index, width), path);
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, "MALFORMED_TILE");
        }
      },
    ),
  );
});

test("a tree of 70,000 has the tiles that tlog-tiles counts, and no empty ones", () => {
  const widths = (level: number, size: number) => {
    const all: number[] = [];
    for (let width = tileWidth(level, 0, size); width > 0; width = tileWidth(level, all.length, size)) all.push(width);
    return all;
  };
  const full = (n: number) => Array(n).fill(256);
  assert.deepEqual(widths(0, 70_000), [...full(273), 112]);
  assert.deepEqual(widths(1, 70_000), [...full(1), 17]);
  assert.deepEqual(widths(2, 70_000), [1]);
  assert.deepEqual(widths(3, 70_000), []);
  assert.deepEqual(widths(0, 256), [256]);
  assert.deepEqual(widths(1, 256), [1]);
  assert.deepEqual(widths(0, 0), []);
  assert.equal(tileWidth(6, 0, Number.MAX_SAFE_INTEGER), 31);
  assert.equal(tileWidth(63, 0, Number.MAX_SAFE_INTEGER), 0);
});

test("an entry bundle reads back as its entries, the empty and the longest ones too", () => {
  const bundle = fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 256 });
  fc.assert(
    fc.property(bundle, (list) =>
      assert.deepEqual(hex(parseEntryBundle(encodeEntryBundle(list), list.length)), hex(list)),
    ),
  );
  const longest = [new Uint8Array(0xffff).fill(1), new Uint8Array()];
  assert.deepEqual(hex(parseEntryBundle(encodeEntryBundle(longest), 2)), hex(longest));
});

test("an entry bundle that is not exactly its width of entries is refused", () => {
  const two = encodeEntryBundle([Uint8Array.of(1, 2), Uint8Array.of(3)]);
  for (const [bytes, width] of [
    [two, 1],
    [two, 3],
    [two.subarray(0, -1), 2],
    [two.subarray(0, 5), 2],
    [concatBytes(two, Uint8Array.of(0)), 2],
    [concatBytes(two, Uint8Array.of(0)), 3],
    [concatBytes(two, Uint8Array.of(0, 0)), 2],
    [new Uint8Array(), 0],
    [new Uint8Array(), 1],
    [new Uint8Array(2 * 257), 257],
  ] as const) {
    assert.throws(() => parseEntryBundle(bytes, width), { code: "MALFORMED_TILE" });
  }
  assert.throws(() => encodeEntryBundle([]), { code: "MALFORMED_TILE" });
  assert.throws(() => encodeEntryBundle(Array(257).fill(new Uint8Array())), { code: "MALFORMED_TILE" });
  assert.throws(() => encodeEntryBundle([new Uint8Array(0x10000)]), { code: "MALFORMED_TILE" });
});

test("any bytes are an entry bundle that encodes to them again, or are refused", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(fc.constantFrom(0, 0, 1, 2), { maxLength: 20 }).map((list) => Uint8Array.from(list)),
  );
  fc.assert(
    fc.property(bytes, fc.nat(12), (given, width) => {
      try {
        assert.deepEqual(encodeEntryBundle(parseEntryBundle(given, width)), Uint8Array.from(given));
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "MALFORMED_TILE");
      }
    }),
  );
});

const size = 600;
const leaves = naiveLeaves(size);
const naive = naiveTree(leaves);
/** A tile as wide as it is in a tree of `treeSize`, from the naive tree. */
const tileAt = (treeSize: number) => (level: number, index: number) =>
  concatBytes(
    ...Array.from({ length: tileWidth(level, index, treeSize) }, (_, at) => naive.read(8 * level, 256 * index + at)),
  );

test("a full tile gives its 511 nodes, a partial one those that are complete", () => {
  for (const width of [1, 2, 3, 127, 128, 255, 256]) {
    const tile = expandTile(tileAt(width)(0, 0));
    let nodes = 0;
    for (let level = 0; level < 8; level++) {
      for (let index = 0; index < 256 / 2 ** level; index++) {
        if ((index + 1) * 2 ** level > width) {
          assert.throws(() => nodeFromTile(tile, level, index), { code: "MALFORMED_TILE" });
        } else {
          assert.equal(encodeHex(nodeFromTile(tile, level, index)), encodeHex(naive.read(level, index)));
          nodes += 1;
        }
      }
    }
    assert.equal(tile.width, width);
    const above = tile.rows[8] as Uint8Array; // the 511th belongs to the tile above
    assert.equal(encodeHex(above), width === 256 ? encodeHex(naive.root(0, 256)) : "");
    if (width === 256) assert.equal(nodes, 510);
  }
});

test("bytes that are no tile are refused", () => {
  for (const length of [0, 1, 31, 33, 8191, 8193, 8224, 16_384]) {
    assert.throws(() => expandTile(new Uint8Array(length)), { code: "MALFORMED_TILE" }, String(length));
  }
});

test("roots and proofs read from tiles equal those of the naive tree, whatever the cache holds", () => {
  for (const cacheSize of [1, 2, 64]) {
    const read = tileReader(tileAt(size), cacheSize);
    for (let at = 0; at <= size; at += 7) {
      assert.equal(encodeHex(treeRoot(at, read)), encodeHex(naive.root(0, at)));
      assert.deepEqual(hex(proveConsistency(at, size, read)), hex(proveConsistency(at, size, naive.read)));
      if (at < size) assert.deepEqual(hex(proveInclusion(at, size, read)), hex(proveInclusion(at, size, naive.read)));
    }
  }
});

test("a reader outlives the tree's growth, reads a tile again only for what it lacks, and keeps few tiles", () => {
  let current = 1;
  const reads: string[] = [];
  const read = tileReader((level, index) => {
    reads.push(`${level}/${index}`);
    return tileAt(current)(level, index);
  }, 2);
  for (; current <= size; current++)
    assert.equal(encodeHex(treeRoot(current, read)), encodeHex(naive.root(0, current)));
  current = size;

  reads.length = 0;
  read(0, 0);
  read(3, 5);
  read(0, 255);
  assert.deepEqual(reads, ["0/0"]);
  read(0, 256);
  read(0, 0);
  read(0, 512); // the third tile puts out 0/1, which was used least lately
  read(0, 0);
  read(0, 300);
  assert.deepEqual(reads, ["0/0", "0/1", "0/2", "0/1"]);
});

test("a tile that is narrower than the tree needs is refused", () => {
  const read = tileReader(tileAt(5));
  assert.throws(() => treeRoot(6, read), { code: "MALFORMED_TILE" });
});

test("Tessera's log is derived byte for byte from its entries", (t) => {
  if (!existsSync(vectors)) return t.skip(`the vectors are not at ${vectors}`);
  const tiles = globSync("tile/**/*", { cwd: vectors, withFileTypes: true })
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(vectors.length + 1));
  for (const path of tiles) {
    const { kind, level, index, width } = parseTilePath(path);
    assert.equal(`${level}/${index}`, "0/0");
    const bytes = readFileSync(join(vectors, path));
    const own = entries.slice(0, width);
    const expected = kind === "entries" ? encodeEntryBundle(own) : concatBytes(...own.map(leafHash));
    assert.equal(encodeHex(bytes), encodeHex(expected), path);
    if (kind === "entries") assert.deepEqual(hex(parseEntryBundle(bytes, width)), hex(own));
  }
  assert.equal(tiles.length, 30);

  const frontier = createFrontier();
  for (const [at, entry] of entries.entries()) {
    frontier.append(leafHash(entry));
    const read = tileReader((level, index) => readFileSync(join(vectors, tilePath(level, index, at + 1))));
    assert.equal(encodeHex(treeRoot(at + 1, read)), encodeHex(frontier.root()));
  }
});
