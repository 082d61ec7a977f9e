/** noble behind the crypto port, for browsers: audited, no WebAssembly, the same answers as `node:crypto`. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { bytesToNumberLE } from "@noble/curves/utils.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { concatBytes, equalBytes } from "../bytes.ts";
import type { CryptoProvider, Hasher, PublicKey } from "./port.ts";
import { strictProvider } from "./strict.ts";

/**
 * RFC 8032 §5.1.7 without the cofactor, as OpenSSL does. noble's own check multiplies by the cofactor, so a signer could make
 * signatures that hold in a browser and fail on a server.
 */
function verifyEd25519(publicKey: Uint8Array, data: Uint8Array, signature: Uint8Array): boolean {
  const { Point } = ed25519;
  const r = signature.subarray(0, 32);
  const s = bytesToNumberLE(signature.subarray(32));
  if (s >= Point.Fn.ORDER) return false; // or S + L would be a second signature
  const k = Point.Fn.create(bytesToNumberLE(sha512(concatBytes(r, publicKey, data))));
  const kA = Point.fromBytes(publicKey).multiplyUnsafe(k);
  return equalBytes(Point.BASE.multiplyUnsafe(s).subtract(kA).toBytes(), r);
}

export const provider: CryptoProvider = strictProvider({
  sha256: (data: Uint8Array): Uint8Array => sha256(data),
  createSha256: (): Hasher => {
    const state = sha256.create();
    return { update: (data: Uint8Array) => void state.update(data), digest: () => state.digest() };
  },
  async verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
    switch (key.algorithm) {
      case "ES256":
        return p256.verify(signature, data, key.bytes, { lowS: false });
      case "ES384":
        return p384.verify(signature, data, key.bytes, { lowS: false });
      case "EdDSA":
        return verifyEd25519(key.bytes, data, signature);
      case "ML-DSA-44":
        return ml_dsa44.verify(signature, data, key.bytes);
    }
  },
  isValidPublicKey(key: PublicKey): boolean {
    switch (key.algorithm) {
      case "ES256":
        return p256.utils.isValidPublicKey(key.bytes, false);
      case "ES384":
        return p384.utils.isValidPublicKey(key.bytes, false);
      default:
        return true; // every 1,312 bytes are an ML-DSA-44 key; Ed25519 points are checked for both providers alike
    }
  },
});
