/**
 * The main pass of the audit, over entries and heads in order. Where an entry and its tile disagree, the signed root hash of
 * the next head tells which is right; failing that, the row that was stored when the entry was seen.
 */
import { createFrontier, encodeHex, equalBytes, type Frontier, fullWidth, hashLength, leafHash } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { checkHeads, checkRoot, createCosignedChecker } from "./audit-heads.ts";
import { createLookUpChecker, type LookUpChecker } from "./audit-look-ups.ts";
import { readPresent, reasonOf } from "./audit-scan.ts";
import type { SeenChecker } from "./audit-seen.ts";
import { createTileChecker, type TileChecker } from "./audit-tiles.ts";
import type { AdmittedEntry, Head } from "./store.ts";

/** Entries read at a time; a divisor of `entriesPerRun`. */
const chunkSize = 1024;
/** How many leaves may wait for a head. Batches are smaller; only where heads were removed is the wait cut short. */
const maxPending = 65_536;

/** Gives the size up to which the log was audited. */
export async function* checkTree(context: AuditContext, seen: SeenChecker): AsyncGenerator<void, number> {
  const parts = { seen, lookUps: createLookUpChecker(context), tiles: createTileChecker(context) };
  const cosigned = createCosignedChecker(context);
  let frontier = createFrontier();
  let from = 0;
  for await (const heads of checkHeads(context)) {
    for (const head of heads) {
      const first = from;
      let leaves: Leaf[] = [];
      while (from < head.size) {
        const to = Math.min(head.size, from + chunkSize - (from % chunkSize));
        leaves.push(...(await readLeaves(context, parts, from, to)));
        from = to;
        if (leaves.length < maxPending && from < head.size) continue;
        frontier = await settle(context, parts.tiles, frontier, leaves, from === head.size ? head : undefined);
        leaves = [];
        context.onProgress?.(from, context.newest?.size ?? from);
        yield;
      }
      checkRoot(context, head, first, frontier.root());
      await cosigned.checkAt(head.size, frontier.root());
    }
    yield;
  }
  await parts.tiles.finish();
  await parts.lookUps.finish(from);
  await cosigned.finish();
  yield;
  return from;
}

interface Parts {
  readonly seen: SeenChecker;
  readonly lookUps: LookUpChecker;
  readonly tiles: TileChecker;
}

/** A leaf hash as the entry and as the tile have it. */
interface Leaf {
  readonly index: number;
  readonly byEntry: Uint8Array | undefined;
  readonly byTile: Uint8Array | undefined;
  /** The index under which the rows of seen statements have the stored entry. */
  readonly seenAt: number | undefined;
  readonly isUnreadable: boolean;
}

interface Derived {
  readonly leafHash: Uint8Array;
  readonly rows: Pick<AdmittedEntry, "issuedAt" | "keys"> | { readonly reason: string };
}

async function readLeaves(context: AuditContext, parts: Parts, from: number, to: number): Promise<Leaf[]> {
  const { entries, unreadable } = await readPresent(context, from, to);
  const byTile = await parts.tiles.readLeaves(from, to);
  const derived = new Map([...entries].map(([index, entry]) => [index, derive(context, entry)]));
  const seenAt = await findSeen(parts.seen, derived);
  const leaves: Leaf[] = [];
  for (let index = from; index < to; index++) {
    const byEntry = derived.get(index)?.leafHash;
    const isUnreadable = unreadable.has(index);
    const leaf = { index, byEntry, byTile: byTile[index - from], seenAt: seenAt.get(index), isUnreadable };
    checkRowsOf(context, parts, leaf, derived.get(index));
    leaves.push(leaf);
  }
  await parts.lookUps.checkRunBefore(to);
  return leaves;
}

function derive({ deriveEntry }: AuditContext, entry: Uint8Array): Derived {
  const hash = leafHash(entry);
  try {
    return { leafHash: hash, rows: deriveEntry(entry) };
  } catch (error) {
    return { leafHash: hash, rows: { reason: reasonOf(error) } };
  }
}

async function findSeen(seen: SeenChecker, derived: ReadonlyMap<number, Derived>): Promise<Map<number, number>> {
  const known = [...derived].flatMap(([index, { leafHash, rows }]) =>
    "keys" in rows ? [{ index, leafHash, issuedAt: rows.issuedAt }] : [],
  );
  const found = await seen.find(known);
  return new Map(known.flatMap(({ index }, at) => (found[at] === undefined ? [] : [[index, found[at]]])));
}

/** Holds the rows of an entry against it, unless the entry itself seems to be what is wrong. */
function checkRowsOf(context: AuditContext, { seen, lookUps }: Parts, leaf: Leaf, derived: Derived | undefined): void {
  const { index } = leaf;
  const isTrusted = derived !== undefined && equalBytes(believeSeen(leaf), derived.leafHash);
  if (isTrusted && "keys" in derived.rows) {
    const { issuedAt, keys } = derived.rows;
    seen.check({ issuedAt, leafHash: derived.leafHash }, index, leaf.seenAt);
    lookUps.add(index, keys);
    return;
  }
  lookUps.add(index, undefined);
  if (isTrusted && "reason" in derived.rows) {
    const message = `Entry ${index} is not a statement: ${derived.rows.reason}`;
    context.found.push({ record: "entry", problem: "changed", at: { index }, message });
  }
}

/** Grows the tree by leaves that end at a head, and says of each that is in doubt which side of it does not hold. */
async function settle(
  context: AuditContext,
  tiles: TileChecker,
  frontier: Frontier,
  leaves: readonly Leaf[],
  head: Head | undefined,
): Promise<Frontier> {
  const doubtful = leaves.filter(({ byEntry, byTile }) => !byEntry || !byTile || !equalBytes(byEntry, byTile));
  const beliefs =
    doubtful.length === 0 || head === undefined ? [believeSeen] : [believeSeen, believeEntry, believeTile];
  const grow = (belief: Belief, onNode?: TileChecker["push"]): Frontier => {
    const grown = createFrontier(frontier.size, frontier.nodes);
    for (const leaf of leaves) grown.append(belief(leaf), onNode);
    return grown;
  };
  const leadsToHead = (belief: Belief) => head !== undefined && equalBytes(grow(belief).root(), head.rootHash);
  const belief = (beliefs.length > 1 ? beliefs.find(leadsToHead) : undefined) ?? believeSeen;
  for (const leaf of doubtful) reportLeaf(context, leaf, belief(leaf));
  const grown = grow(belief, tiles.push);
  await tiles.checkFull();
  return grown;
}

/** Which hash of a leaf to go on with. */
type Belief = (leaf: Leaf) => Uint8Array;

const unknownHash = new Uint8Array(hashLength);

const believeEntry: Belief = ({ byEntry, byTile }) => byEntry ?? byTile ?? unknownHash;
const believeTile: Belief = ({ byEntry, byTile }) => byTile ?? byEntry ?? unknownHash;
const believeSeen: Belief = (leaf) => (leaf.seenAt === leaf.index ? believeEntry(leaf) : believeTile(leaf));

function reportLeaf({ found }: AuditContext, leaf: Leaf, believed: Uint8Array): void {
  const { index, byEntry, byTile, seenAt, isUnreadable } = leaf;
  const at = { index };
  if (byEntry === undefined) {
    const message = `Entry ${index} is missing.`;
    if (!isUnreadable) found.push({ record: "entry", problem: "missing", at, expected: encodeHex(believed), message });
  } else if (!equalBytes(byEntry, believed)) {
    const message = `Entry ${index} is not the one that the log holds${seenAt === undefined ? "" : `; it is entry ${seenAt}`}.`;
    const hashes = { expected: encodeHex(believed), found: encodeHex(byEntry) };
    found.push({ record: "entry", problem: "changed", at, ...hashes, message });
  } else if (byTile !== undefined) {
    const place = { level: 0, index: Math.floor(index / fullWidth), position: index % fullWidth };
    const message = `The tile's leaf hash of entry ${index} is not that entry's.`;
    const hashes = { expected: encodeHex(byEntry), found: encodeHex(byTile) };
    found.push({ record: "tile", problem: "changed", at: place, ...hashes, message });
  }
}
