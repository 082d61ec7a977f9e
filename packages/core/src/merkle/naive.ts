/** The tree and its proofs written down as RFC 9162 §2.1 defines them, by recursion over all leaves. For tests to compare with. */
import { emptyRoot, leafHash, nodeHash } from "./hash.ts";
import type { ReadNode } from "./tree.ts";

/** The leaf hashes of `size` entries, each its index as two bytes. */
export function naiveLeaves(size: number): Uint8Array[] {
  return Array.from({ length: size }, (_, at) => leafHash(Uint8Array.of(at >> 8, at & 0xff)));
}

/** A tree over `leaves` that forgets no subtree's hash. */
export interface NaiveTree {
  /** MTH(D[start:end]), §2.1.1 */
  root(start: number, end: number): Uint8Array;
  /** PATH(m, D[start:end]), §2.1.3.1; m counts from start */
  path(m: number, start: number, end: number): Uint8Array[];
  /** SUBPROOF(m, D[start:end], b), §2.1.4.1; m counts from start */
  subproof(m: number, start: number, end: number, b: boolean): Uint8Array[];
  /** Complete subtrees only; fails on any other. */
  read: ReadNode;
}

export function naiveTree(leaves: readonly Uint8Array[]): NaiveTree {
  const known = new Map<string, Uint8Array>();
  const split = (n: number): number => {
    let k = 1;
    while (2 * k < n) k *= 2;
    return k;
  };
  const compute = (start: number, end: number): Uint8Array => {
    if (start === end) return emptyRoot;
    if (end - start === 1) return leaves[start] as Uint8Array;
    const middle = start + split(end - start);
    return nodeHash(tree.root(start, middle), tree.root(middle, end));
  };
  const tree: NaiveTree = {
    root(start, end) {
      const key = `${start}-${end}`;
      const hash = known.get(key) ?? compute(start, end);
      known.set(key, hash);
      return hash;
    },
    path(m, start, end) {
      if (end - start === 1) return [];
      const k = split(end - start);
      if (m < k) return [...tree.path(m, start, start + k), tree.root(start + k, end)];
      return [...tree.path(m - k, start + k, end), tree.root(start, start + k)];
    },
    subproof(m, start, end, b) {
      if (m === end - start) return b ? [] : [tree.root(start, end)];
      const k = split(end - start);
      if (m <= k) return [...tree.subproof(m, start, start + k, b), tree.root(start + k, end)];
      return [...tree.subproof(m - k, start + k, end, false), tree.root(start, start + k)];
    },
    read(level, index) {
      const end = (index + 1) * 2 ** level;
      if (!Number.isInteger(index) || end > leaves.length) throw new Error(`node ${level}/${index} is not complete`);
      return tree.root(index * 2 ** level, end);
    },
  };
  return tree;
}
