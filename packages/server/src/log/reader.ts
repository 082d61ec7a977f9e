/**
 * Proofs and tiles from a store. Nodes inside a tile are hashed when first asked for and kept, so the proofs of a batch share
 * the work (RFC 9162 §2.1.3, §2.1.4; C2SP tlog-tiles v0.1.0).
 */
import {
  AttestryError,
  encodeEntryBundle,
  fullWidth,
  hashLength,
  nodeHash,
  proveConsistency,
  type ReadNode,
  type TileAddress,
  tileWidth,
} from "@attestry/core";
import type { LogStore } from "./store.ts";

export interface LogReader {
  /** The inclusion proof of an entry in the tree of `size` leaves, from its sibling up. */
  inclusionPath(index: number, size: number): Promise<Uint8Array[]>;
  /** The same for many entries of one tree. */
  inclusionPaths(indexes: readonly number[], size: number): Promise<Uint8Array[][]>;
  consistencyPath(size1: number, size2: number): Promise<Uint8Array[]>;
  /** What the address names in a tree of `size` leaves, or undefined when the tree is too small for it. */
  readAddress(address: TileAddress, size: number): Promise<Uint8Array | undefined>;
  /** The nodes beside the paths of these leaves, and the tree's right edge. */
  readNodes(indexes: readonly number[], size: number): Promise<ReadNode>;
}

/** The part of a store that proofs are made from. */
export type TileSource = Pick<LogStore, "readTile" | "readEntries">;

/**
 * Keeps up to `cacheSize` tiles, some 17 kB each. Every method rejects with MALFORMED_REQUEST for an index or size that the
 * tree does not have, and with FATAL_CORRUPT when the store lacks a tile that it should have.
 */
export function createLogReader(store: TileSource, cacheSize = 256): LogReader {
  const cache = new Map<string, HashedTile>();

  async function loadTile(level: number, index: number, width: number): Promise<HashedTile> {
    const key = `${level}/${index}`;
    const cached = cache.get(key);
    cache.delete(key);
    const tile = cached !== undefined && cached.width >= width ? cached : await readTile(level, index, width, cached);
    cache.set(key, tile); // a Map gives its keys in the order they were set, so the first is the one least used
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value as string);
    return tile;
  }

  async function readTile(level: number, index: number, width: number, before?: HashedTile): Promise<HashedTile> {
    const hashes = await store.readTile(level, index);
    if (hashes !== undefined && hashes.length >= width * hashLength) {
      // The nodes known so far stay true: a tile only grows.
      return { width: hashes.length / hashLength, hashes, nodes: before?.nodes ?? newNodes() };
    }
    const message = `The tile at level ${level}, index ${index} is missing or too narrow. Run attestry audit.`;
    throw new AttestryError("FATAL_CORRUPT", message, { data: { level, index } });
  }

  async function readNodes(indexes: readonly number[], size: number): Promise<ReadNode> {
    const tiles: Map<number, HashedTile>[] = []; // by level
    for (const [level, inLevel] of tilesBeside([...indexes, size - 1], size).entries()) {
      const loaded = new Map<number, HashedTile>();
      for (const index of inLevel) loaded.set(index, await loadTile(level, index, tileWidth(level, index, size)));
      tiles.push(loaded);
    }
    return (level: number, index: number): Uint8Array => {
      const height = level % tileHeight;
      const inRow = 2 ** (tileHeight - height);
      const tile = tiles[(level - height) / tileHeight]?.get(Math.floor(index / inRow));
      if (tile === undefined) throw new AttestryError("FATAL_INTERNAL", `No tile for node ${index} at level ${level}.`);
      return nodeOf(tile, height, index % inRow);
    };
  }

  async function inclusionPaths(indexes: readonly number[], size: number): Promise<Uint8Array[][]> {
    checkRange(indexes.every((index) => isSize(index) && index < size) && isSize(size));
    const read = await readNodes(indexes, size);
    const edges = rightEdges(size, read);
    const readSibling = siblingReader(size, read, edges);
    return indexes.map((index) => pathOf(index, size, readSibling));
  }

  return {
    inclusionPath: async (index, size) => (await inclusionPaths([index], size))[0] ?? [],
    inclusionPaths,
    async consistencyPath(size1: number, size2: number): Promise<Uint8Array[]> {
      checkRange(isSize(size1) && isSize(size2) && size1 <= size2);
      if (size1 === 0 || size1 === size2) return [];
      return proveConsistency(size1, size2, await readNodes([size1 - 1], size2));
    },
    async readAddress({ kind, level, index, width }: TileAddress, size: number): Promise<Uint8Array | undefined> {
      if (width > tileWidth(level, index, size)) return undefined;
      if (kind === "tile") return (await loadTile(level, index, width)).hashes.subarray(0, width * hashLength);
      const from = index * fullWidth;
      return encodeEntryBundle(await store.readEntries(from, from + width));
    },
    readNodes,
  };
}

const tileHeight = 8;

/** A tile's hashes and the nodes above them. */
interface HashedTile {
  readonly width: number;
  readonly hashes: Uint8Array;
  readonly nodes: Nodes;
}

/** By their place in a heap: 1 is the tile's root, 2 and 3 are below it. In one piece, as tens of thousands are kept. */
interface Nodes {
  readonly hashes: Uint8Array;
  /** 1 for each that was hashed already. */
  readonly known: Uint8Array;
}

const newNodes = (): Nodes => ({ hashes: new Uint8Array(fullWidth * hashLength), known: new Uint8Array(fullWidth) });

function nodeOf(tile: HashedTile, height: number, at: number): Uint8Array {
  if (height === 0) return tile.hashes.subarray(at * hashLength, (at + 1) * hashLength);
  const place = 2 ** (tileHeight - height) + at;
  const { hashes, known } = tile.nodes;
  const node = hashes.subarray(place * hashLength, (place + 1) * hashLength);
  if (known[place] !== 1) {
    node.set(nodeHash(nodeOf(tile, height - 1, 2 * at), nodeOf(tile, height - 1, 2 * at + 1)));
    known[place] = 1;
  }
  return node;
}

/** The tiles above the given leaves, by level. A node's sibling is in its tile, as is the last complete node of a level. */
function tilesBeside(indexes: readonly number[], size: number): number[][] {
  const tiles: number[][] = [];
  let inLevel = indexes;
  for (let level = 0; fullWidth ** level <= size; level++) {
    inLevel = [...new Set(inLevel.map((index) => Math.floor(index / fullWidth)))];
    tiles.push(inLevel.filter((index) => tileWidth(level, index, size) > 0));
  }
  return tiles;
}

/** For each level the hash of the leaves beyond its complete nodes: every proof of that size has the one it needs here. */
function rightEdges(size: number, read: ReadNode): (Uint8Array | undefined)[] {
  const edges: (Uint8Array | undefined)[] = [undefined];
  for (let level = 0, complete = size; complete > 0; level++, complete = Math.floor(complete / 2)) {
    const beyond = edges[level];
    if (complete % 2 === 0) edges.push(beyond);
    else {
      const node = read(level, complete - 1);
      edges.push(beyond === undefined ? node : nodeHash(node, beyond));
    }
  }
  return edges;
}

type ReadSibling = (level: number, at: number) => Uint8Array | undefined;

/**
 * The node beside the one at that place: complete, or the right edge, or not there. Entries that stand together have nearly all of
 * them in common, so the last one of each level is kept.
 */
function siblingReader(size: number, read: ReadNode, edges: readonly (Uint8Array | undefined)[]): ReadSibling {
  const last: { readonly at: number; readonly hash: Uint8Array | undefined }[] = [];
  return (level, at) => {
    const kept = last[level];
    if (kept?.at === at) return kept.hash;
    const sibling = at % 2 === 0 ? at + 1 : at - 1;
    const complete = Math.floor(size / 2 ** level);
    const hash = sibling < complete ? read(level, sibling) : sibling === complete ? edges[level] : undefined;
    last[level] = { at, hash };
    return hash;
  };
}

/** RFC 9162 §2.1.3.1, from the leaf up. */
function pathOf(index: number, size: number, readSibling: ReadSibling): Uint8Array[] {
  const path: Uint8Array[] = [];
  for (let level = 0, at = index; 2 ** level < size; level++, at = Math.floor(at / 2)) {
    const hash = readSibling(level, at);
    if (hash !== undefined) path.push(hash);
  }
  return path;
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function checkRange(holds: boolean): void {
  if (!holds) throw new AttestryError("MALFORMED_REQUEST", "The log has no such index or size.");
}
