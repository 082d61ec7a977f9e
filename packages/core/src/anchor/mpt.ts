/**
 * Proofs in Merkle-Patricia tries (Yellow Paper, appendix D), as `eth_getProof` (EIP-1186) gives them: the nodes from the root
 * to the key's value, or to the place where it would be.
 */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { encodeHex, equalBytes } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { asRlpBytes, asRlpList, decodeRlp, encodeRlp, type RlpItem } from "./rlp.ts";

export interface TrieProof {
  /** Keccak-256 of the root node: 32 bytes. */
  readonly root: Uint8Array;
  /** The key as the trie has it. Ethereum's state and storage tries have the Keccak-256 of the address or slot. */
  readonly key: Uint8Array;
  /** Nodes that are referred to by their hash, from the root down. */
  readonly proof: readonly Uint8Array[];
}

/** Keccak-256 of the empty string's RLP: the trie with no keys. */
const emptyRoot = keccak_256(Uint8Array.of(0x80));

/**
 * The key's value, or undefined when the trie has none. Every node of the proof must be on the way, and none may be missing; the
 * empty trie needs no node.
 * @throws the given code, for a proof that shows neither
 */
export function checkTrieProof({ root, key, proof }: TrieProof, code: ErrorCode): Uint8Array | undefined {
  const nodes = new ProofNodes(proof, code);
  const path = toNibbles(key);
  let at = 0;
  let node: RlpItem = proof.length === 0 && equalBytes(root, emptyRoot) ? empty : nodes.take(root, false);
  for (;;) {
    if (isEmpty(node)) return nodes.finish(undefined);
    const items = asRlpList(node, "A trie node", code);
    if (items.length === 17) {
      if (at === path.length) return nodes.finish(asRlpBytes(items[16], "A branch's value", code));
      node = nodes.follow(items[path[at] ?? 0]);
      at += 1;
      continue;
    }
    const { isLeaf, nibbles } = parseShortcut(items, code);
    const goesOn = nibbles.every((nibble, i) => nibble === path[at + i]);
    if (!goesOn || (isLeaf && at + nibbles.length !== path.length)) return nodes.finish(undefined);
    if (isLeaf) return nodes.finish(asRlpBytes(items[1], "A leaf's value", code));
    at += nibbles.length;
    node = nodes.follow(items[1]);
  }
}

const empty = new Uint8Array();

function isEmpty(item: RlpItem): boolean {
  return item instanceof Uint8Array && item.length === 0;
}

/** The proof's nodes, taken one after the other. */
class ProofNodes {
  readonly proof: readonly Uint8Array[];
  readonly code: ErrorCode;
  used = 0;

  constructor(proof: readonly Uint8Array[], code: ErrorCode) {
    this.proof = proof;
    this.code = code;
  }

  /** What a node refers to: nothing, the next node of the proof, or a node that stands in its place. */
  follow(child: RlpItem | undefined): RlpItem {
    if (child instanceof Uint8Array) return child.length === 0 ? child : this.take(child, true);
    // Yellow Paper eq. 194: a node shorter than its hash stands in its parent itself.
    if (child !== undefined && encodeRlp(child).length < 32) return child;
    throw this.refuse("a node of 32 bytes or more stands where its hash belongs");
  }

  take(hash: Uint8Array, mustBeLong: boolean): RlpItem {
    const node = this.proof[this.used];
    if (node === undefined) throw this.refuse("it ends too early");
    const found = keccak_256(node);
    if (!equalBytes(found, hash)) {
      const data = { node: this.used, expected: encodeHex(hash), found: encodeHex(found) };
      throw this.refuse(`node ${this.used} is not the one that comes there`, data);
    }
    if (mustBeLong && node.length < 32) throw this.refuse("a node shorter than its hash does not stand in its parent");
    this.used += 1;
    return decodeRlp(node, this.code);
  }

  /** An empty value is no value. */
  finish(value: Uint8Array | undefined): Uint8Array | undefined {
    if (this.used !== this.proof.length) throw this.refuse("it has nodes that are not on the key's way");
    return value?.length === 0 ? undefined : value;
  }

  refuse(what: string, data: Record<string, unknown> = {}): AttestryError {
    return new AttestryError(this.code, `The trie proof does not hold: ${what}.`, { data });
  }
}

/** A leaf or an extension: a path in hex-prefix encoding (appendix C), and the value or the node it leads to. */
function parseShortcut(items: readonly RlpItem[], code: ErrorCode): { isLeaf: boolean; nibbles: number[] } {
  if (items.length !== 2) throw new AttestryError(code, "A trie node has neither 2 nor 17 items.");
  const [flag, second, ...nibbles] = toNibbles(asRlpBytes(items[0], "A trie node's path", code));
  const isLeaf = flag === 2 || flag === 3;
  const isOdd = flag === 1 || flag === 3;
  if (flag === undefined || flag > 3 || second === undefined || (!isOdd && second !== 0)) {
    throw new AttestryError(code, "A trie node's path is not in hex-prefix encoding.");
  }
  if (isOdd) nibbles.unshift(second);
  if (!isLeaf && nibbles.length === 0) throw new AttestryError(code, "An extension node goes nowhere.");
  return { isLeaf, nibbles };
}

function toNibbles(bytes: Uint8Array): number[] {
  return [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
}
