/**
 * What the formats need of cryptography, behind one interface: `node:crypto` in Node, noble in browsers (`#crypto` in
 * package.json picks). Both must pass `crypto.test.ts`.
 */

/**
 * ES256, ES384 (RFC 9053 §2.1), EdDSA with Ed25519 (RFC 9053 §2.2) and ML-DSA-44 (FIPS 204), the last for notes only.
 */
export type Algorithm = "ES256" | "ES384" | "EdDSA" | "ML-DSA-44";

/**
 * A public key that was checked to be well formed. `bytes`: for ES256 and ES384 the uncompressed point (04 ‖ x ‖ y; 65 or 97
 * bytes), for EdDSA the 32-byte Ed25519 key, for ML-DSA-44 the 1,312-byte key. Make one with `publicKey()`.
 */
export interface PublicKey {
  readonly algorithm: Algorithm;
  readonly bytes: Uint8Array;
}

/** Signs with a key that it never shows. Signatures are raw: r ‖ s for ECDSA, never DER. */
export interface Signer {
  readonly publicKey: PublicKey;
  sign(data: Uint8Array): Promise<Uint8Array>;
}

/** SHA-256 of content that arrives in pieces. Call `digest` once. */
export interface Hasher {
  update(data: Uint8Array): void;
  digest(): Uint8Array;
}

export interface CryptoProvider {
  sha256(data: Uint8Array): Uint8Array;
  createSha256(): Hasher;
  /**
   * Whether `signature` (raw, r ‖ s for ECDSA; high s is accepted) is the key's over `data`. Never rejects: garbage in key or
   * signature is false. Ed25519 is checked without the cofactor (RFC 8032 §5.1.7), and a nonce point of small order is refused.
   */
  verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /**
   * Whether the bytes have the key's length and form, an ES256 or ES384 point is on its curve, and an Ed25519 key is a canonical
   * point on its curve and not one of small order.
   */
  isValidPublicKey(key: PublicKey): boolean;
}

export const publicKeyLength: Readonly<Record<Algorithm, number>> = {
  ES256: 65,
  ES384: 97,
  EdDSA: 32,
  "ML-DSA-44": 1312,
};
export const signatureLength: Readonly<Record<Algorithm, number>> = {
  ES256: 64,
  ES384: 96,
  EdDSA: 64,
  "ML-DSA-44": 2420,
};
