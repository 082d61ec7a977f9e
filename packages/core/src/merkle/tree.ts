/**
 * Roots and proofs of a tree whose complete subtrees can be read (RFC 9162 §2.1.1–2.1.4), and the frontier that grows a tree
 * by leaves without reading anything back.
 */
import { AttestryError } from "../errors.ts";
import { emptyRoot, floorLog2, nodeHash } from "./hash.ts";

/**
 * The hash of the complete subtree of 2^level leaves that begins at leaf index · 2^level. Only subtrees that lie wholly within
 * the tree are asked for.
 */
export type ReadNode = (level: number, index: number) => Uint8Array;

/** The root hash of the tree of `size` leaves; reads at most log₂ size + 1 nodes. */
export function treeRoot(size: number, read: ReadNode): Uint8Array {
  return foldNodes(frontierNodes(size, read));
}

/** The roots of the complete subtrees that the tree of `size` leaves is made of, left (and largest) to right. */
export function frontierNodes(size: number, read: ReadNode): Uint8Array[] {
  checkRange(size >= 0, size);
  return rangeNodes(0, size, read);
}

/**
 * The inclusion proof for the leaf at `index`, from its sibling up (RFC 9162 §2.1.3.1).
 * @throws MALFORMED_REQUEST when the tree has no such leaf.
 */
export function proveInclusion(index: number, size: number, read: ReadNode): Uint8Array[] {
  checkRange(0 <= index && index < size, index, size);
  const path: Uint8Array[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push(rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, read));
      start = middle;
    }
  }
  return path.reverse();
}

/**
 * The proof that the tree of `size1` leaves begins the tree of `size2` (RFC 9162 §2.1.4.1); empty when `size1` is 0 or `size2`.
 * @throws MALFORMED_REQUEST when `size1` is more than `size2`.
 */
export function proveConsistency(size1: number, size2: number, read: ReadNode): Uint8Array[] {
  checkRange(0 <= size1 && size1 <= size2, size1, size2);
  if (size1 === 0) return [];
  const path: Uint8Array[] = [];
  let [start, end] = [0, size2];
  while (end !== size1) {
    const middle = start + split(end - start);
    if (size1 <= middle) {
      path.push(rangeRoot(middle, end, read));
      end = middle;
    } else {
      path.push(rangeRoot(start, middle, read));
      start = middle;
    }
  }
  if (start > 0) path.push(rangeRoot(start, end, read)); // else it is the first tree's root, which the checker has
  return path.reverse();
}

/** Told of each subtree that an appended leaf completes, the leaf itself (level 0) first. */
export type OnNode = (level: number, index: number, hash: Uint8Array) => void;

/** The right edge of a growing tree: what it takes to append and to know the root, log₂ size hashes in all. */
export interface Frontier {
  readonly size: number;
  /** The roots of the complete subtrees, left to right. With `size`, enough to go on from here later. */
  readonly nodes: readonly Uint8Array[];
  /** Appends a leaf by its hash. The amortised cost is one node hash. */
  append(leafHash: Uint8Array, onNode?: OnNode): void;
  root(): Uint8Array;
}

/**
 * A frontier that goes on from a tree of `size` leaves; `nodes` as `frontierNodes` gives them (copied, so that a batch that
 * fails leaves the caller's frontier as it was).
 * @throws MALFORMED_REQUEST when there are not as many nodes as the size calls for.
 */
export function createFrontier(size = 0, nodes: readonly Uint8Array[] = []): Frontier {
  checkRange(nodes.length === frontierNodes(size, () => emptyRoot).length, size);
  const complete = [...nodes];
  let count = size;
  return {
    get size(): number {
      return count;
    },
    get nodes(): readonly Uint8Array[] {
      return [...complete];
    },
    append(leafHash: Uint8Array, onNode?: OnNode): void {
      let hash = leafHash;
      let index = count;
      onNode?.(0, index, hash);
      for (let level = 1; index % 2 === 1; level++) {
        index = Math.floor(index / 2);
        hash = nodeHash(complete.pop() as Uint8Array, hash);
        onNode?.(level, index, hash);
      }
      complete.push(hash);
      count += 1;
    },
    root: () => foldNodes(complete),
  };
}

/** RFC 9162 §2.1.1: the left subtree has the largest power of two of leaves that is less than n. */
function split(n: number): number {
  return 2 ** floorLog2(n - 1);
}

function rangeRoot(start: number, end: number, read: ReadNode): Uint8Array {
  return foldNodes(rangeNodes(start, end, read));
}

/** The largest complete subtrees of leaves `start` to `end`, left to right. `start` is where a subtree of a tree begins. */
function rangeNodes(start: number, end: number, read: ReadNode): Uint8Array[] {
  const nodes: Uint8Array[] = [];
  while (start < end) {
    const level = floorLog2(end - start);
    nodes.push(read(level, start / 2 ** level));
    start += 2 ** level;
  }
  return nodes;
}

function foldNodes(nodes: readonly Uint8Array[]): Uint8Array {
  return nodes.length === 0 ? emptyRoot : nodes.reduceRight((right, left) => nodeHash(left, right));
}

function checkRange(holds: boolean, ...numbers: readonly number[]): void {
  if (holds && numbers.every(Number.isSafeInteger)) return;
  throw new AttestryError("MALFORMED_REQUEST", `No such index or size in the tree: ${numbers.join(", ")}.`);
}
