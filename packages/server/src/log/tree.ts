/** The growing edge of the log's tree: loaded from the store, checked, and grown by one batch at a time. */
import {
  AttestryError,
  createFrontier,
  encodeHex,
  equalBytes,
  frontierNodes,
  fullWidth,
  hashLength,
  leafHash,
} from "@attestry/core";
import { createLogReader } from "./reader.ts";
import type { CurrentHead, LogStore, Tile } from "./store.ts";

/** What it takes to append: the roots of the complete subtrees, and for each level the hashes of its unfinished tile. */
export interface Tree {
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly nodes: readonly Uint8Array[];
  readonly unfinished: readonly Uint8Array[];
}

export interface LoadedTree {
  readonly tree: Tree;
  readonly head: CurrentHead | undefined;
}

/**
 * Reads the newest head and the tiles at the tree's right edge, whatever the log's size.
 * @throws FATAL_CORRUPT when the tiles do not lead to the head's root hash, or the last entry is not the last leaf
 */
export async function loadTree(store: LogStore): Promise<LoadedTree> {
  const head = await store.readHead();
  const size = head?.size ?? 0;
  const nodes = size === 0 ? [] : frontierNodes(size, await createLogReader(store).readNodes([], size));
  const rootHash = createFrontier(size, nodes).root();
  if (head !== undefined && !equalBytes(rootHash, head.rootHash)) {
    const data = { size, expected: encodeHex(head.rootHash), found: encodeHex(rootHash) };
    throw corrupt(`The tiles do not lead to the root hash of the head at size ${size}.`, data);
  }
  const tree = { size, rootHash, nodes, unfinished: await readUnfinished(store, size) };
  if (size > 0) await checkLastEntry(store, tree);
  return { tree, head };
}

async function readUnfinished(store: LogStore, size: number): Promise<Uint8Array[]> {
  const unfinished: Uint8Array[] = [];
  for (let count = size; count > 0; count = Math.floor(count / fullWidth)) {
    const hashes =
      count % fullWidth === 0 ? undefined : await store.readTile(unfinished.length, Math.floor(count / fullWidth));
    unfinished.push((hashes ?? new Uint8Array()).subarray(0, (count % fullWidth) * hashLength));
  }
  return unfinished;
}

async function checkLastEntry(store: LogStore, { size }: Tree): Promise<void> {
  const index = size - 1;
  const [entry] = await store.readEntries(index, size);
  const read = await createLogReader(store).readNodes([index], size);
  if (entry !== undefined && equalBytes(leafHash(entry), read(0, index))) return;
  throw corrupt(`Entry ${index} is not what the tree was built from.`, { index });
}

/** The tree after these leaves, and every tile they touch. The tree given stays as it was. */
export function growTree(tree: Tree, leafHashes: readonly Uint8Array[]): { tree: Tree; tiles: Tile[] } {
  const frontier = createFrontier(tree.size, tree.nodes);
  const added: Uint8Array[][] = [];
  for (const hash of leafHashes) {
    frontier.append(hash, (level, _index, node) => {
      if (level % 8 !== 0) return;
      added[level / 8] ??= [];
      added[level / 8]?.push(node);
    });
  }
  const unfinished = [...tree.unfinished];
  const tiles = added.flatMap((hashes, level) => {
    const inLevel = cutTiles(
      level,
      Math.floor(tree.size / fullWidth ** level),
      unfinished[level] ?? new Uint8Array(),
      hashes,
    );
    const last = inLevel.at(-1)?.hashes;
    unfinished[level] = last === undefined || last.length === fullWidth * hashLength ? new Uint8Array() : last;
    return inLevel;
  });
  return { tree: { size: frontier.size, rootHash: frontier.root(), nodes: frontier.nodes, unfinished }, tiles };
}

/** `count` hashes of the level are stored, the last of them in the unfinished tile; `added` come after. */
function cutTiles(level: number, count: number, unfinished: Uint8Array, added: readonly Uint8Array[]): Tile[] {
  const first = Math.floor(count / fullWidth);
  const hashes = new Uint8Array(unfinished.length + added.length * hashLength);
  hashes.set(unfinished);
  added.forEach((hash, at) => {
    hashes.set(hash, unfinished.length + at * hashLength);
  });
  const length = fullWidth * hashLength;
  return Array.from({ length: Math.ceil(hashes.length / length) }, (_, at) => ({
    level,
    index: first + at,
    hashes: hashes.slice(at * length, (at + 1) * length),
  }));
}

function corrupt(message: string, data: Record<string, unknown>): AttestryError {
  return new AttestryError("FATAL_CORRUPT", `${message} Run attestry audit.`, { data });
}
