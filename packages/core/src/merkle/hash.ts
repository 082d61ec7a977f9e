/** The two hashes that a Merkle tree is built from: RFC 9162 §2.1.1 (the same as RFC 6962 §2.1) with SHA-256. */
import { sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";

/** Bytes of a hash. */
export const hashLength = 32;

/** The root of a tree with no entries: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = sha256(new Uint8Array());

// Reused, so that the usual entry and every node cost no allocation but their digest. An entry of a tiled log fits: its
// length is a uint16.
const leafScratch = new Uint8Array(1 + 0xffff);
const nodeScratch = new Uint8Array(1 + 2 * hashLength);
nodeScratch[0] = 0x01;

/** SHA-256(00 ‖ entry). */
export function leafHash(entry: Uint8Array): Uint8Array {
  const size = 1 + entry.length;
  const input = size <= leafScratch.length ? leafScratch.subarray(0, size) : new Uint8Array(size);
  input.set(entry, 1);
  return sha256(input);
}

/** SHA-256(01 ‖ left ‖ right). Both must be 32 bytes. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  // A shorter one would leave bytes of the call before in the buffer.
  if (left.length !== hashLength || right.length !== hashLength) {
    throw new AttestryError(
      "FATAL_INTERNAL",
      `A node is made of two 32-byte hashes, not ${left.length} and ${right.length}.`,
    );
  }
  nodeScratch.set(left, 1);
  nodeScratch.set(right, 1 + hashLength);
  return sha256(nodeScratch);
}

/** ⌊log₂ n⌋ for a safe integer n ≥ 1; bitwise operators alone stop at 32 bits. */
export function floorLog2(n: number): number {
  const high = Math.floor(n / 2 ** 32);
  return high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(n);
}
