/**
 * Tiles, entry bundles and their addresses: C2SP tlog-tiles v0.1.0 (https://c2sp.org/tlog-tiles@v0.1.0). A tile holds 256
 * hashes of one level, so levels of tiles are eight levels of the tree apart.
 */
import { concatBytes } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { hashLength, nodeHash } from "./hash.ts";
import type { ReadNode } from "./tree.ts";

/** Hashes in a full tile, and entries in a full bundle. */
export const fullWidth = 256;
/** Levels of the tree that one tile spans. */
const tileHeight = 8;
const maxLevel = 63;

/** What a path names. `width` is 256 for a full tile or bundle, else 1 to 255. Entry bundles have level 0. */
export interface TileAddress {
  readonly kind: "tile" | "entries";
  readonly level: number;
  readonly index: number;
  readonly width: number;
}

/** `tile/<L>/<N>[.p/<W>]`, as in `tile/0/x001/067.p/8`. @throws MALFORMED_TILE when a number is out of range. */
export function tilePath(level: number, index: number, width: number): string {
  check(isBetween(level, 0, maxLevel), `A tile's level is 0 to ${maxLevel}, not ${level}.`);
  return `tile/${level}/${encodeIndex(index)}${encodeWidth(width)}`;
}

/** `tile/entries/<N>[.p/<W>]`. @throws MALFORMED_TILE when a number is out of range. */
export function entriesPath(index: number, width: number): string {
  return `tile/entries/${encodeIndex(index)}${encodeWidth(width)}`;
}

/**
 * Reads a path, without a leading slash or the log's prefix. There is one path for each tile; every other spelling of its
 * numbers is refused.
 * @throws MALFORMED_TILE
 */
export function parseTilePath(path: string): TileAddress {
  const match = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  check(match !== null, "The path is not that of a tile or entry bundle.");
  const [, place, digits = "", partial] = match;
  const index = Number(digits.replace(/[x/]/g, ""));
  const width = partial === undefined ? fullWidth : Number(partial);
  const level = place === "entries" ? 0 : Number(place);
  const again = place === "entries" ? entriesPath(index, width) : tilePath(level, index, width);
  check(again === path, "The path is not the one way to write its level, index and width.");
  return { kind: place === "entries" ? "entries" : "tile", level, index, width };
}

/** How many hashes the tile has in a tree of `size` leaves: 256, 1 to 255 for a partial one, 0 when there is no such tile. */
export function tileWidth(level: number, index: number, size: number): number {
  return Math.min(fullWidth, Math.max(0, Math.floor(size / fullWidth ** level) - index * fullWidth));
}

/** 1 to 256 entries, each after its length as a big-endian uint16. @throws MALFORMED_TILE for more, none, or one too long. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  check(isBetween(entries.length, 1, fullWidth), `An entry bundle has 1 to 256 entries, not ${entries.length}.`);
  return concatBytes(
    ...entries.flatMap((entry) => {
      check(entry.length <= 0xffff, `An entry has at most 65,535 bytes, not ${entry.length}.`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** The `width` entries of a bundle, as views of its bytes. @throws MALFORMED_TILE when there are not exactly that many. */
export function parseEntryBundle(bytes: Uint8Array, width: number): Uint8Array[] {
  check(isBetween(width, 1, fullWidth), `An entry bundle has 1 to 256 entries, not ${width}.`);
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length) {
    check(entries.length < width, `The entry bundle has more than ${width} entries.`);
    const start = offset + 2;
    const end = start + (bytes[offset] ?? 0) * 0x100 + (bytes[offset + 1] ?? 0);
    check(end <= bytes.length, "The entry bundle is cut short.");
    entries.push(bytes.subarray(start, end));
    offset = end;
  }
  check(entries.length === width, `The entry bundle has ${entries.length} entries, not ${width}.`);
  return entries;
}

/** A tile with the nodes above its hashes, as far as they are complete: 511 of a full one. Make one with `expandTile`. */
export interface ExpandedTile {
  readonly width: number;
  /** For each height in the tile, 0 to 8, its ⌊width / 2^height⌋ nodes side by side. */
  readonly rows: readonly Uint8Array[];
}

/** Hashes a full or partial tile up, at a cost of one node hash for each node. @throws MALFORMED_TILE unless 1 to 256 hashes. */
export function expandTile(tile: Uint8Array): ExpandedTile {
  const width = tile.length / hashLength;
  check(isBetween(width, 1, fullWidth), `A tile has 1 to 256 hashes of 32 bytes, not ${tile.length} bytes.`);
  const rows = [tile];
  for (let below = tile, height = 1; height <= tileHeight; height++) {
    const row = new Uint8Array(Math.floor(below.length / hashLength / 2) * hashLength);
    for (let at = 0; at < row.length; at += hashLength)
      row.set(nodeHash(hashAt(below, 2 * at), hashAt(below, 2 * at + hashLength)), at);
    rows.push(row);
    below = row;
  }
  return { width, rows };
}

/**
 * The tree's node at `level` and `index`, from the tile that holds it (tile level ⌊level / 8⌋).
 * @throws MALFORMED_TILE when the tile is too narrow to hold it.
 */
export function nodeFromTile(tile: ExpandedTile, level: number, index: number): Uint8Array {
  const height = level % tileHeight;
  const row = tile.rows[height] as Uint8Array;
  const offset = (index % 2 ** (tileHeight - height)) * hashLength;
  check(
    offset < row.length,
    `The tile of width ${tile.width} does not hold the node at level ${level}, index ${index}.`,
  );
  return hashAt(row, offset);
}

/**
 * Reads nodes from tiles. `readTile(tileLevel, tileIndex)` gives the tile, full or as wide as it is so far. The last
 * `cacheSize` tiles are kept hashed up; a partial one is read again once a node beyond it is asked for, so a reader may outlive
 * the tree's growth, but not a change to what was read.
 */
export function tileReader(readTile: (level: number, index: number) => Uint8Array, cacheSize = 64): ReadNode {
  const cache = new Map<string, ExpandedTile>();
  return (level: number, index: number): Uint8Array => {
    const tileLevel = Math.floor(level / tileHeight);
    const nodesInRow = 2 ** (tileHeight - (level % tileHeight));
    const tileIndex = Math.floor(index / nodesInRow);
    const key = `${tileLevel}/${tileIndex}`;
    const widthNeeded = ((index % nodesInRow) + 1) * 2 ** (level % tileHeight);
    let tile = cache.get(key);
    if (tile === undefined || tile.width < widthNeeded) tile = expandTile(readTile(tileLevel, tileIndex));
    cache.delete(key); // and set again: a Map gives its keys in the order they were set, so the first is the least used
    cache.set(key, tile);
    if (cache.size > cacheSize) cache.delete(cache.keys().next().value as string);
    return nodeFromTile(tile, level, index);
  };
}

function hashAt(row: Uint8Array, offset: number): Uint8Array {
  return row.subarray(offset, offset + hashLength);
}

function encodeIndex(index: number): string {
  check(isBetween(index, 0, Number.MAX_SAFE_INTEGER), `A tile's index is a whole number, not ${index}.`);
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) as string[];
  return groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
}

function encodeWidth(width: number): string {
  check(isBetween(width, 1, fullWidth), `A tile's width is 1 to 256, not ${width}.`);
  return width === fullWidth ? "" : `.p/${width}`;
}

function isBetween(n: number, low: number, high: number): boolean {
  return Number.isSafeInteger(n) && low <= n && n <= high;
}

function check(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AttestryError("MALFORMED_TILE", message);
}
