/** The cryptography of this runtime, and the one way to make a `PublicKey`. */
import { provider } from "#crypto";
import { AttestryError } from "../errors.ts";
import { type Algorithm, type Hasher, type PublicKey, publicKeyLength } from "./port.ts";

export type { Algorithm, CryptoProvider, Hasher, PublicKey, Signer } from "./port.ts";

export function sha256(data: Uint8Array): Uint8Array {
  return provider.sha256(data);
}

/** For content that does not fit in memory: call `update` as it arrives, then `digest` once. */
export function createSha256(): Hasher {
  return provider.createSha256();
}

/**
 * Checks that the bytes are a key of that algorithm: right length, on the curve, not of small order. Keeps a copy of them.
 * Costs tens of microseconds, and providers cache by the object: keep the key of a known issuer.
 * @throws MALFORMED_KEY
 */
export function publicKey(algorithm: Algorithm, bytes: Uint8Array): PublicKey {
  const key: PublicKey = { algorithm, bytes: Uint8Array.from(bytes) };
  if (bytes.length !== publicKeyLength[algorithm]) {
    throw new AttestryError(
      "MALFORMED_KEY",
      `An ${algorithm} key has ${publicKeyLength[algorithm]} bytes, not ${bytes.length}.`,
    );
  }
  if (!provider.isValidPublicKey(key))
    throw new AttestryError("MALFORMED_KEY", `The bytes are not a valid ${algorithm} key.`);
  return key;
}

/** True only when `signature` (raw, r ‖ s for ECDSA) is the key's signature over `data`. Never rejects. */
export function verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return provider.verifySignature(key, data, signature);
}
