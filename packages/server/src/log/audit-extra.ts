/** The audit's last part: entries and tiles that the tree has no place for. */
import { fullWidth, hashLength } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { scanPages } from "./audit-scan.ts";
import type { Tile } from "./store.ts";

export async function* checkUnexpectedEntries(context: AuditContext, size: number): AsyncGenerator<void> {
  for await (const page of scanPages(context, "entries", 256, { index: size - 1, entry: new Uint8Array() })) {
    for (const { index } of page) {
      if (await context.hasGrownTo(index + 1)) return; // from here on the log has grown
      const message = `Entry ${index} is beyond the log's size of ${size}.`;
      context.found.push({ record: "entry", problem: "extra", at: { index }, message });
    }
    yield;
  }
}

/** Finds tiles, or hashes of a tile, that a tree of this size does not have. */
export async function* checkTileRows(context: AuditContext, size: number): AsyncGenerator<void> {
  for await (const page of scanPages(context, "tiles", 32)) {
    for (const tile of page) {
      const needed = sizeFor(tile);
      if (needed <= size || (await context.hasGrownTo(needed))) continue;
      const { level, index } = tile;
      const message = `The tile at level ${level}, index ${index} has more hashes than a log of ${size} entries calls for.`;
      context.found.push({ record: "tile", problem: "extra", at: { level, index }, message });
    }
    yield;
  }
}

/** The smallest size of a tree that has all of the tile's hashes; part of a hash is too much for any. */
function sizeFor({ level, index, hashes }: Tile): number {
  const width = hashes.length / hashLength;
  if (level < 0 || index < 0 || !Number.isInteger(width) || width > fullWidth) return Number.POSITIVE_INFINITY;
  return (index * fullWidth + width) * fullWidth ** level;
}
