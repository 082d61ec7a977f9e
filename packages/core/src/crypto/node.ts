/**
 * `node:crypto` behind the crypto port. Signatures are checked on the calling thread: the way to the thread pool and back costs
 * up to a third of a check. Who has thousands to check runs threads of his own.
 */
import { createHash, createPublicKey, hash, type KeyObject, verify } from "node:crypto";
import type { CryptoProvider, Hasher, PublicKey } from "./port.ts";
import { strictProvider } from "./strict.ts";

// SubjectPublicKeyInfo up to the key itself (RFC 5480 §2, RFC 8410 §4, RFC 9881 §4).
const spkiPrefix = {
  ES256: Buffer.from("3059301306072a8648ce3d020106082a8648ce3d030107034200", "hex"),
  ES384: Buffer.from("3076301006072a8648ce3d020106052b81040022036200", "hex"),
  EdDSA: Buffer.from("302a300506032b6570032100", "hex"),
  "ML-DSA-44": Buffer.from("30820532300b06096086480165030403110382052100", "hex"),
} as const;

const digestOf = { ES256: "sha256", ES384: "sha384", EdDSA: null, "ML-DSA-44": null } as const;

const keyObjects = new WeakMap<PublicKey, KeyObject>();

function keyObject(key: PublicKey): KeyObject {
  let object = keyObjects.get(key);
  if (object === undefined) {
    object = createPublicKey({
      key: Buffer.concat([spkiPrefix[key.algorithm], key.bytes]),
      format: "der",
      type: "spki",
    });
    keyObjects.set(key, object);
  }
  return object;
}

// A Buffer's slice() shares memory where a Uint8Array's copies: let no Buffer out.
const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);

export const provider: CryptoProvider = strictProvider({
  sha256(data: Uint8Array): Uint8Array {
    // As text of one byte a character: a Buffer has memory outside V8's heap, and takes twice as long.
    const digest = hash("sha256", data, "latin1");
    const bytes = new Uint8Array(32);
    for (let at = 0; at < bytes.length; at++) bytes[at] = digest.charCodeAt(at);
    return bytes;
  },

  createSha256(): Hasher {
    const state = createHash("sha256");
    return {
      update: (data: Uint8Array) => void state.update(data),
      digest: () => plain(state.digest()),
    };
  },

  async verifySignature(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
    const options = { key: keyObject(key), dsaEncoding: "ieee-p1363" as const };
    return verify(digestOf[key.algorithm], data, options, signature);
  },

  isValidPublicKey(key: PublicKey): boolean {
    try {
      keyObject(key);
      return true;
    } catch {
      return false;
    }
  },
});
