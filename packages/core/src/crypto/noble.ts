/** noble behind the crypto port, for browsers: audited, no WebAssembly, the same answers as `node:crypto`. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { isStrongEd25519 } from "./ed25519.ts";
import type { CryptoProvider, Hasher, PublicKey } from "./port.ts";

export const provider: CryptoProvider = {
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
        return ed25519.verify(signature, data, key.bytes, { zip215: false });
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
      case "EdDSA":
        return isStrongEd25519(key.bytes) && ed25519.utils.isValidPublicKey(key.bytes);
      case "ML-DSA-44":
        return key.bytes.length === 1312;
    }
  },
};
