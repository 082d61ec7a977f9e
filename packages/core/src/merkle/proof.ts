/**
 * Checks inclusion and consistency proofs, as RFC 9162 §2.1.3.2 and §2.1.4.2 say. A proof is refused unless it has exactly
 * the hashes that its sizes call for, each of 32 bytes.
 */
import { encodeHex, equalBytes } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { emptyRoot, floorLog2, hashLength, nodeHash } from "./hash.ts";

/** That the leaf at `index` is in the tree of `size` leaves; `path` runs from the leaf's sibling up. */
export interface InclusionProof {
  readonly index: number;
  readonly size: number;
  readonly leafHash: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/** That the tree of `size1` leaves with `root1` is the beginning of the tree of `size2` leaves with `root2`. */
export interface ConsistencyProof {
  readonly size1: number;
  readonly root1: Uint8Array;
  readonly size2: number;
  readonly root2: Uint8Array;
  readonly path: readonly Uint8Array[];
}

/**
 * The root hash that the proof leads to.
 * @throws VERIFY_INCLUSION when the path does not fit the index and size.
 */
export function rootFromInclusion(proof: InclusionProof): Uint8Array {
  const walk = startWalk(proof);
  let root = proof.leafHash;
  for (const sibling of proof.path) root = hashUp(walk, root, sibling, proof);
  if (walk.sn !== 0) throw refuseInclusion(proof, "The inclusion proof has fewer hashes than the tree has levels.");
  return root;
}

/** @throws VERIFY_INCLUSION when the index or the hashes cannot be any proof's */
function startWalk(proof: InclusionProof): Walk {
  const { index, size, leafHash, path } = proof;
  if (!isSize(index) || !isSize(size) || index >= size)
    throw refuseInclusion(proof, `There is no index ${index} in a tree of size ${size}.`);
  if (!isHash(leafHash) || !path.every(isHash))
    throw refuseInclusion(proof, "A hash of the inclusion proof does not have 32 bytes.");
  return { fn: index, sn: size - 1, level: 0 };
}

/** The parent's hash, where the walk then is. */
function hashUp(walk: Walk, hash: Uint8Array, sibling: Uint8Array, proof: InclusionProof): Uint8Array {
  if (walk.sn === 0) throw refuseInclusion(proof, "The inclusion proof has more hashes than the tree has levels.");
  return stepUp(walk) ? nodeHash(sibling, hash) : nodeHash(hash, sibling);
}

function refuseInclusion(proof: InclusionProof, message?: string, more: Record<string, unknown> = {}): AttestryError {
  return new AttestryError("VERIFY_INCLUSION", message, { data: { ...inclusionData(proof), ...more } });
}

/**
 * Checks that the proof leads from the leaf to `root`.
 * @throws VERIFY_INCLUSION, with the proof, the root that was expected and the one that was found.
 */
export function checkInclusion(proof: InclusionProof & { readonly root: Uint8Array }): void {
  const found = rootFromInclusion(proof);
  if (!equalBytes(found, proof.root))
    throw refuseInclusion(proof, undefined, { expected: encodeHex(proof.root), found: encodeHex(found) });
}

/** A node that leads to the root by the hashes of `path` from `at` on. */
interface KnownNode {
  readonly fn: number;
  readonly hash: Uint8Array;
  readonly path: readonly Uint8Array[];
  readonly at: number;
}

/**
 * Checks many proofs of one tree, each as `checkInclusion` does. Neighbours soon meet: from a node that led to the root by the same
 * hashes before, nothing is hashed again.
 * @throws VERIFY_INCLUSION
 */
export function inclusionChecker(size: number, root: Uint8Array): (proof: Omit<InclusionProof, "size">) => void {
  let known: (KnownNode | undefined)[] = []; // one a level
  return (given) => {
    const proof = { ...given, size };
    const { leafHash, path } = proof;
    const walk = startWalk(proof);
    const climbed = [...known];
    let hash = leafHash;
    for (let at = 0; !isKnown(known[walk.level], walk.fn, hash, path, at); at++) {
      climbed[walk.level] = { fn: walk.fn, hash, path, at };
      const sibling = path[at];
      if (sibling === undefined) {
        checkInclusion({ ...proof, root });
        break;
      }
      hash = hashUp(walk, hash, sibling, proof);
    }
    known = climbed;
  };
}

function isKnown(
  node: KnownNode | undefined,
  fn: number,
  hash: Uint8Array,
  path: readonly Uint8Array[],
  at: number,
): boolean {
  if (node?.fn !== fn || path.length - at !== node.path.length - node.at || !equalBytes(node.hash, hash)) return false;
  for (let i = at; i < path.length; i++) {
    const sibling = node.path[node.at + i - at];
    if (sibling === undefined || !equalBytes(sibling, path[i] as Uint8Array)) return false;
  }
  return true;
}

/**
 * Checks that the first tree is the beginning of the second. The empty tree begins every tree, with an empty path.
 * @throws VERIFY_CONSISTENCY, with both tree heads and the path: whoever signed both heads is shown to have forked the log,
 *   if the path is the one that the log's own nodes give.
 */
export function checkConsistency(proof: ConsistencyProof): void {
  const { size1, root1, size2, root2, path } = proof;
  const refuse = (message?: string) =>
    new AttestryError("VERIFY_CONSISTENCY", message, { data: consistencyData(proof) });
  if (!isSize(size1) || !isSize(size2) || size1 > size2)
    throw refuse(`Size ${size1} cannot come before size ${size2}.`);
  if ((size1 === 0 || size1 === size2) && path.length > 0)
    throw refuse("Between these sizes no hashes are needed, and the proof has some.");
  if (size1 === size2 && !equalBytes(root1, root2))
    throw refuse("Two tree heads of the same size have different roots.");
  if (size1 === 0 && !equalBytes(root1, emptyRoot)) throw refuse("The first root is not that of an empty tree.");
  if (size1 === size2) return;
  if (![root1, root2, ...path].every(isHash)) throw refuse("A hash of the consistency proof does not have 32 bytes.");
  if (size1 === 0) return; // RFC 9162 has no such proof, tlog-witness asks for an empty one
  const roots = rootsFromConsistency(size1, root1, size2, path);
  if (roots === undefined) throw refuse("The consistency proof does not have as many hashes as its sizes call for.");
  if (!equalBytes(roots.first, root1) || !equalBytes(roots.second, root2)) throw refuse();
}

/** RFC 9162 §2.1.4.2 for 0 < size1 < size2; undefined when the path is too short or too long. */
function rootsFromConsistency(
  size1: number,
  root1: Uint8Array,
  size2: number,
  path: readonly Uint8Array[],
): { first: Uint8Array; second: Uint8Array } | undefined {
  // A first tree that is complete is itself a node of the second, and is left out of the path.
  const [start, ...rest] = size1 === 2 ** floorLog2(size1) ? [root1, ...path] : path;
  if (start === undefined) return undefined;

  const walk = { fn: size1 - 1, sn: size2 - 1, level: 0 };
  while (walk.fn % 2 === 1) shift(walk);
  let first = start;
  let second = start;
  for (const sibling of rest) {
    if (walk.sn === 0) return undefined;
    if (stepUp(walk)) {
      first = nodeHash(sibling, first);
      second = nodeHash(sibling, second);
    } else {
      second = nodeHash(second, sibling);
    }
  }
  return walk.sn === 0 ? { first, second } : undefined;
}

/** RFC 9162's fn and sn: where the walk is on its level, and where that level ends. */
interface Walk {
  fn: number;
  sn: number;
  /** Of the leaf 0. */
  level: number;
}

function shift(walk: Walk): void {
  walk.fn = Math.floor(walk.fn / 2);
  walk.sn = Math.floor(walk.sn / 2);
  walk.level += 1;
}

/** Moves to the parent; true when the sibling just used is to the left. Levels on which the node has none are passed over. */
function stepUp(walk: Walk): boolean {
  const siblingIsLeft = walk.fn % 2 === 1 || walk.fn === walk.sn;
  if (siblingIsLeft) while (walk.fn % 2 === 0 && walk.fn !== 0) shift(walk);
  shift(walk);
  return siblingIsLeft;
}

function isSize(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === hashLength;
}

function inclusionData({ index, size, leafHash, path }: InclusionProof): Record<string, unknown> {
  return { index, size, leafHash: encodeHex(leafHash), path: path.map(encodeHex) };
}

function consistencyData({ size1, root1, size2, root2, path }: ConsistencyProof): Record<string, unknown> {
  return { size1, root1: encodeHex(root1), size2, root2: encodeHex(root2), path: path.map(encodeHex) };
}
