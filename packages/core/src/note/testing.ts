/** Signers with keys from a seed, for tests: noble signs, so that `node:crypto` checks what another implementation made. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { publicKey, type Signer } from "../crypto/index.ts";
import { createNoteSigner, type NoteSigner } from "./note.ts";
import { signatureType } from "./vkey.ts";

export function ed25519Signer(seed: number): Signer {
  const secret = new Uint8Array(32).fill(seed);
  return {
    publicKey: publicKey("EdDSA", ed25519.getPublicKey(secret)),
    sign: async (data: Uint8Array) => ed25519.sign(data, secret),
  };
}

export function mlDsaSigner(seed: number): Signer {
  const keys = ml_dsa44.keygen(new Uint8Array(32).fill(seed));
  return {
    publicKey: publicKey("ML-DSA-44", keys.publicKey),
    sign: async (data: Uint8Array) => ml_dsa44.sign(data, keys.secretKey),
  };
}

/** A log's Ed25519 key. */
export function logSigner(name: string, seed: number): NoteSigner {
  return createNoteSigner(name, ed25519Signer(seed), signatureType.ed25519);
}

/** A witness's Ed25519 key, whose clock stands at `time`. */
export function witnessSigner(name: string, seed: number, time: number): NoteSigner {
  return createNoteSigner(name, ed25519Signer(seed), signatureType.ed25519Cosignature, () => time);
}

/** An ML-DSA-44 key of a log or witness, whose clock stands at `time`. */
export function postQuantumSigner(name: string, seed: number, time: number): NoteSigner {
  return createNoteSigner(name, mlDsaSigner(seed), signatureType.mlDsaCosignature, () => time);
}
