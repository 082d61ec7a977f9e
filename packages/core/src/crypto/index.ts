/** The cryptography of this runtime, and the one way to make a `PublicKey`. */
import { provider } from "#crypto";
import { encodeBase64 } from "../bytes.ts";
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

// Checking a key costs tens of microseconds and providers cache by the object, while proofs of one issuer and one log bring
// the same few keys over and over.
const recentKeys = new Map<string, PublicKey>();
const recentKeysKept = 256;

/**
 * Checks that the bytes are a key of that algorithm: right length, on the curve, not of small order. Keeps a copy of them.
 * @throws MALFORMED_KEY
 */
export function publicKey(algorithm: Algorithm, bytes: Uint8Array): PublicKey {
  if (bytes.length !== publicKeyLength[algorithm]) {
    const message = `An ${algorithm} key has ${publicKeyLength[algorithm]} bytes, not ${bytes.length}.`;
    throw new AttestryError("MALFORMED_KEY", message);
  }
  const name = `${algorithm} ${encodeBase64(bytes)}`;
  const known = recentKeys.get(name);
  if (known !== undefined) return known;
  const key: PublicKey = { algorithm, bytes: Uint8Array.from(bytes) };
  if (!provider.isValidPublicKey(key)) {
    throw new AttestryError("MALFORMED_KEY", `The bytes are not a valid ${algorithm} key.`);
  }
  const [oldest] = recentKeys.keys();
  if (recentKeys.size >= recentKeysKept && oldest !== undefined) recentKeys.delete(oldest);
  recentKeys.set(name, key);
  return key;
}

/** True only when `signature` (raw, r ‖ s for ECDSA) is the key's signature over `data`. Never rejects. */
export function verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  return provider.verifySignature(key, data, signature);
}
