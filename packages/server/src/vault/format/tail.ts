/**
 * The unfinished last segment of an upload between two requests. It grows as bytes arrive, so it is never sealed with
 * the object's stream, whose nonces count up: AES-256-GCM under a key of its own (HKDF, RFC 5869 §2) with random nonces
 * (NIST SP 800-38D §8.2.2).
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { AttestryError, concatBytes, encodeUtf8 } from "@attestry/core";
import { tagLength } from "./geometry.ts";
import { dataKeyLength } from "./stream.ts";

const nonceLength = 12;

/**
 * `nonce ‖ ciphertext ‖ tag`: 28 bytes longer than the plaintext, other bytes each time.
 * @param start offset in the object's plaintext at which the tail begins; the same opens it
 */
export function sealTail(dataKey: Uint8Array, objectId: string, start: number, plaintext: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceLength);
  const cipher = createCipheriv("aes-256-gcm", tailKey(dataKey, objectId), nonce);
  cipher.setAAD(offsetBytes(start));
  return concatBytes(nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** What was sealed with this key, for this object and this place. @throws FATAL_CORRUPT when it is anything else */
export function openTail(dataKey: Uint8Array, objectId: string, start: number, tail: Uint8Array): Uint8Array {
  const end = tail.length - tagLength;
  if (end < nonceLength) throw damaged();
  const nonce = tail.subarray(0, nonceLength);
  const decipher = createDecipheriv("aes-256-gcm", tailKey(dataKey, objectId), nonce, { authTagLength: tagLength });
  decipher.setAAD(offsetBytes(start));
  decipher.setAuthTag(tail.subarray(end));
  const plaintext = decipher.update(tail.subarray(nonceLength, end));
  try {
    decipher.final();
  } catch {
    throw damaged();
  }
  return plaintext;
}

function tailKey(dataKey: Uint8Array, objectId: string): KeyObject {
  const info = encodeUtf8(`attestry/vault-tail ${objectId}`);
  return createSecretKey(new Uint8Array(hkdfSync("sha256", dataKey, new Uint8Array(0), info, dataKeyLength)));
}

function offsetBytes(start: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start));
  return bytes;
}

function damaged(): AttestryError {
  return new AttestryError("FATAL_CORRUPT", "The end of the upload is not as it was stored. Start the upload again.");
}
