/**
 * ECDSA has two signatures where the issuer made one: of (r, s) anybody makes (r, n − s), which holds as well (SEC 1 §4.1.4), and
 * so a second entry. What is said of the one is said of the other, or a mirrored copy would escape its own revocation.
 */
import { concatBytes, encodeHex } from "../bytes.ts";
import { leafHash } from "../merkle/hash.ts";
import type { Statement } from "./statement.ts";

/** Orders of the curves' groups, and their length in bytes (SEC 2 §2.4.2, §2.5.1). */
const groups = {
  ES256: { length: 32, order: 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n },
  ES384: {
    length: 48,
    order: 0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973n,
  },
} as const;

/** Leaf hashes of all entries that can be made of what the issuer signed: the statement's own, and its twin's where it has one. */
export function entryHashes({ entry, algorithm, signature }: Statement): [Uint8Array, ...Uint8Array[]] {
  const own = leafHash(entry);
  if (algorithm === "EdDSA") return [own]; // RFC 8032 §5.1.7: S is below the order
  const { length, order } = groups[algorithm];
  if (signature.length !== 2 * length) return [own];
  const s = BigInt(`0x${encodeHex(signature.subarray(length))}`);
  if (s >= order) return [own];
  const mirrored = Uint8Array.fromHex((order - s).toString(16).padStart(2 * length, "0"));
  // an entry ends with its signature (COSE_Sign1, RFC 9052 §4.2)
  return [own, leafHash(concatBytes(entry.subarray(0, -length), mirrored))];
}
