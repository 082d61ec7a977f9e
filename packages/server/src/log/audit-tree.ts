/**
 * The main pass of the audit, over entries and heads in order. Where an entry and its tile disagree, the signed root hash of
 * the next head tells which is right; failing that, the row that was stored when the entry was seen.
 */
import { createFrontier, encodeHex, equalBytes, type Frontier, fullWidth, hashLength, leafHash } from "@attestry/core";
import type { AuditContext } from "./audit.ts";
import { checkHeads, createRootChecker } from "./audit-heads.ts";
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
  const roots = createRootChecker(context);
  let frontier = createFrontier();
  for await (const heads of checkHeads(context)) {
    for (const head of heads) {
      let leaves: Leaf[] = [];
      for (let from = frontier.size; from < head.size; ) {
        const to = Math.min(head.size, from + chunkSize - (from % chunkSize));
        leaves.push(...(await readLeaves(context, parts, from, to)));
        from = to;
        if (leaves.length < maxPending && from < head.size) continue;
        frontier = await settle(context, parts, frontier, leaves, from === head.size ? head : undefined);
        leaves = [];
        context.onProgress?.(from, context.newest?.size ?? from);
        yield;
      }
      await roots.check(head, frontier.root());
    }
    yield;
  }
  await parts.tiles.finish();
  await parts.lookUps.finish(frontier.size);
  await roots.finish();
  yield;
  return frontier.size;
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
  /** The rows that the stored entry calls for, or why there are none. */
  readonly rows: DerivedRows | undefined;
  /** The index under which the rows of seen statements have the stored entry. */
  readonly seenAt: number | undefined;
  readonly isUnreadable: boolean;
}

type DerivedRows = Pick<AdmittedEntry, "issuedAt" | "keys"> | { readonly reason: string };

interface Derived {
  readonly leafHash: Uint8Array;
  readonly rows: DerivedRows;
}

async function readLeaves(context: AuditContext, parts: Parts, from: number, to: number): Promise<Leaf[]> {
  const { entries, unreadable } = await readPresent(context, from, to);
  const byTile = await parts.tiles.readLeaves(from, to);
  const derived = new Map([...entries].map(([index, entry]) => [index, derive(context, entry)]));
  const seenAt = await findSeen(parts.seen, derived);
  return byTile.map((hash, at): Leaf => {
    const index = from + at;
    const { leafHash: byEntry, rows } = derived.get(index) ?? {};
    return { index, byEntry, byTile: hash, rows, seenAt: seenAt.get(index), isUnreadable: unreadable.has(index) };
  });
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

/** Grows the tree by leaves that end at a head; says what is wrong with them and with their rows. */
async function settle(
  context: AuditContext,
  parts: Parts,
  frontier: Frontier,
  leaves: readonly Leaf[],
  head: Head | undefined,
): Promise<Frontier> {
  const { belief, grown, nodes } = await chooseBelief(parts.seen, frontier, leaves, head);
  for (const leaf of leaves) {
    reportLeaf(context, leaf, belief(leaf));
    checkRowsOf(context, parts, leaf, belief(leaf));
    await parts.lookUps.checkRunBefore(leaf.index + 1);
  }
  for (const node of nodes) parts.tiles.push(...node);
  await parts.tiles.checkFull();
  return grown;
}

/** Which hash of a leaf to go on with. */
type Belief = (leaf: Leaf) => Uint8Array;

const unknownHash = new Uint8Array(hashLength);

const believeEntry: Belief = ({ byEntry, byTile }) => byEntry ?? byTile ?? unknownHash;
const believeTile: Belief = ({ byEntry, byTile }) => byTile ?? byEntry ?? unknownHash;
const believeSeen: Belief = (leaf) => (leaf.seenAt === leaf.index ? believeEntry(leaf) : believeTile(leaf));

interface Grown {
  readonly belief: Belief;
  readonly grown: Frontier;
  readonly nodes: Parameters<TileChecker["push"]>[];
}

/** The belief that leads to the head's root hash; where none does, the one that the rows of seen statements speak for. */
async function chooseBelief(
  seen: SeenChecker,
  frontier: Frontier,
  leaves: readonly Leaf[],
  head: Head | undefined,
): Promise<Grown> {
  const usual = grow(frontier, leaves, believeSeen);
  const leadsToHead = ({ grown }: Grown) => head === undefined || equalBytes(grown.root(), head.rootHash);
  if (leadsToHead(usual)) return usual;
  for (const belief of [believeEntry, believeTile]) {
    const other = grow(frontier, leaves, belief);
    if (leadsToHead(other)) return other;
  }
  // Entry and tile may have been changed alike: then the row that was stored with the entry still has its leaf hash.
  const recalled = await seen.recall(leaves.filter(({ seenAt, index }) => seenAt !== index).map(({ index }) => index));
  const other = grow(frontier, leaves, (leaf) => recalled.get(leaf.index) ?? believeSeen(leaf));
  return leadsToHead(other) ? other : usual;
}

function grow(frontier: Frontier, leaves: readonly Leaf[], belief: Belief): Grown {
  const grown = createFrontier(frontier.size, frontier.nodes);
  const nodes: Grown["nodes"] = [];
  for (const leaf of leaves) {
    grown.append(belief(leaf), (level, index, hash) => {
      if (level > 0 && level % 8 === 0) nodes.push([level, index, hash]);
    });
  }
  return { belief, grown, nodes };
}

/** Holds the rows of an entry against it, unless the entry itself is what is wrong. */
function checkRowsOf(context: AuditContext, { seen, lookUps }: Parts, leaf: Leaf, believed: Uint8Array): void {
  const { index, byEntry, rows, seenAt } = leaf;
  const isRight = byEntry !== undefined && equalBytes(byEntry, believed);
  if (isRight && rows !== undefined && "keys" in rows) {
    seen.check({ issuedAt: rows.issuedAt, leafHash: byEntry }, index, seenAt);
    lookUps.add(index, rows.keys);
    return;
  }
  lookUps.add(index, undefined);
  if (!isRight) seen.expect(index, believed);
  if (isRight && rows !== undefined && "reason" in rows) {
    const message = `Entry ${index} is not a statement: ${rows.reason}`;
    context.found.push({ record: "entry", problem: "changed", at: { index }, message });
  }
}

function reportLeaf({ found }: AuditContext, leaf: Leaf, believed: Uint8Array): void {
  const { index, byEntry, byTile, seenAt, isUnreadable } = leaf;
  const expected = encodeHex(believed);
  if (byEntry === undefined) {
    const message = `Entry ${index} is missing.`;
    if (!isUnreadable) found.push({ record: "entry", problem: "missing", at: { index }, expected, message });
  } else if (!equalBytes(byEntry, believed)) {
    const message = `Entry ${index} is not the one that was registered${seenAt === undefined ? "" : `; it is entry ${seenAt}`}.`;
    found.push({ record: "entry", problem: "changed", at: { index }, expected, found: encodeHex(byEntry), message });
  }
  if (byTile !== undefined && !equalBytes(byTile, believed)) {
    const at = { level: 0, index: Math.floor(index / fullWidth), position: index % fullWidth };
    const message = `The leaf hash of entry ${index} in its tile is not that of the entry that was registered.`;
    found.push({ record: "tile", problem: "changed", at, expected, found: encodeHex(byTile), message });
  }
}
