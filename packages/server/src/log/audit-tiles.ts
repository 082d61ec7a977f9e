/** The audit of tiles: their leaf hashes beside the entries, and all hashes above against those derived. */
import { encodeHex, equalBytes, fullWidth, hashLength } from "@attestry/core";
import type { AuditContext, Finding } from "./audit.ts";
import { reasonOf } from "./audit-scan.ts";

export interface TileChecker {
  /** The leaf hashes that the tiles hold for these entries. A tile that lacks any is one finding. */
  readLeaves(from: number, to: number): Promise<(Uint8Array | undefined)[]>;
  /** Takes a derived node, in the order in which the tree grows. */
  readonly push: (level: number, index: number, hash: Uint8Array) => void;
  /** Holds the tiles that have become full against the stored ones. */
  checkFull(): Promise<void>;
  /** The same for those at the right edge. */
  finish(): Promise<void>;
}

interface DerivedTile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array[];
}

export function createTileChecker(context: AuditContext): TileChecker {
  let leafTile: { readonly index: number; readonly hashes: Uint8Array; isShort: boolean } | undefined; // the last one read
  const growing = new Map<number, DerivedTile>(); // by level
  const full: DerivedTile[] = [];

  async function readTile(level: number, index: number): Promise<Uint8Array> {
    try {
      const hashes = await context.store.readTile(level, index);
      if (hashes === undefined) report(context, { level, index }, "missing", "is missing");
      return hashes ?? new Uint8Array();
    } catch (error) {
      report(context, { level, index }, "unreadable", `cannot be read: ${reasonOf(error)}`);
      return new Uint8Array();
    }
  }

  async function readLeafTile(index: number, width: number): Promise<Uint8Array> {
    if (leafTile?.index !== index) leafTile = { index, hashes: await readTile(0, index), isShort: false };
    // One that is too narrow is told of once, at the first of the entries that it lacks.
    if (!leafTile.isShort) leafTile.isShort = reportIfShort(context, { level: 0, index }, leafTile.hashes, width);
    return leafTile.hashes;
  }

  async function check({ level, index, hashes }: DerivedTile): Promise<void> {
    const stored = await readTile(level, index);
    if (reportIfShort(context, { level, index }, stored, hashes.length)) return;
    hashes.forEach((hash, position) => {
      const found = stored.subarray(position * hashLength, (position + 1) * hashLength);
      if (equalBytes(hash, found)) return;
      const differing = { expected: encodeHex(hash), found: encodeHex(found) };
      report(context, { level, index, position }, "changed", `has another hash at ${position}`, differing);
    });
  }

  return {
    async readLeaves(from: number, to: number): Promise<(Uint8Array | undefined)[]> {
      const leaves: (Uint8Array | undefined)[] = [];
      for (let index = from; index < to; index++) {
        const position = index % fullWidth;
        const tile = Math.floor(index / fullWidth);
        const hashes = await readLeafTile(tile, Math.min(fullWidth, to - tile * fullWidth));
        const hash = hashes.subarray(position * hashLength, (position + 1) * hashLength);
        leaves.push(hash.length === hashLength ? hash : undefined);
      }
      return leaves;
    },
    push: (level: number, index: number, hash: Uint8Array): void => {
      if (level === 0 || level % 8 !== 0) return;
      const tile = growing.get(level / 8) ?? { level: level / 8, index: Math.floor(index / fullWidth), hashes: [] };
      growing.set(tile.level, tile);
      if (tile.hashes.push(hash) < fullWidth) return;
      growing.delete(tile.level);
      full.push(tile);
    },
    async checkFull(): Promise<void> {
      for (const tile of full.splice(0)) await check(tile);
    },
    async finish(): Promise<void> {
      for (const tile of growing.values()) await check(tile);
    },
  };
}

type TilePlace = { readonly level: number; readonly index: number; readonly position?: number };

function report(
  { found }: AuditContext,
  at: TilePlace,
  problem: Finding["problem"],
  what: string,
  differing: Pick<Finding, "expected" | "found"> = {},
): void {
  const message = `The tile at level ${at.level}, index ${at.index} ${what}.`;
  found.push({ record: "tile", problem, at: { ...at }, ...differing, message });
}

/** A tile that is missing altogether has been reported before. */
function reportIfShort(context: AuditContext, at: TilePlace, stored: Uint8Array, width: number): boolean {
  const isShort = stored.length < width * hashLength;
  const found = stored.length / hashLength;
  if (isShort && found > 0) {
    report(context, at, "changed", "is too narrow", { expected: `${width} hashes`, found: `${found} hashes` });
  }
  return isShort;
}
