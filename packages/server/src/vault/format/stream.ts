/**
 * One stored object: Tink's streaming AEAD AES256-GCM-HKDF-1MB, byte for byte
 * (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming, 2024; HKDF is RFC 5869, AES-GCM is NIST SP 800-38D).
 * Functions on single segments over `node:crypto`; who stores them is of no concern here.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from "node:crypto";
import { AttestryError, encodeUtf8, equalBytes } from "@attestry/core";
import { headerLength, maxSegments, segmentCapacity, tagLength } from "./geometry.ts";

/** Bytes of the key that each object has of its own. */
export const dataKeyLength = 32;

const saltLength = 32;

/** Seals and opens the segments of one object. Holds the object's key in memory and nothing else of it. */
export interface SegmentStream {
  /** 40 bytes, not secret, stored as the beginning of segment 0. */
  readonly header: Uint8Array;
  /**
   * The stored form of a segment; that of segment 0 begins with the header. Every segment but the last must be full. A
   * segment must never be sealed again with another plaintext: its nonce would repeat, and that opens the object.
   * @throws FATAL_INTERNAL when the length does not fit the place
   */
  sealSegment(index: number, plaintext: Uint8Array, isLast: boolean): Uint8Array;
  /**
   * The plaintext of a stored segment, which is just what was sealed for this object, at this place and as its last or not.
   * @throws FATAL_CORRUPT otherwise
   */
  openSegment(index: number, segment: Uint8Array, isLast: boolean): Uint8Array;
}

/** A new key for one object. */
export function newDataKey(): Uint8Array {
  return randomBytes(dataKeyLength);
}

/**
 * @param dataKey 32 bytes, of this object alone
 * @param objectId the associated data
 * @param header of the object as it is stored; a new one when left out
 * @throws FATAL_CORRUPT when the header is not one of this format
 */
export function createStream(dataKey: Uint8Array, objectId: string, header: Uint8Array = newHeader()): SegmentStream {
  checkHeader(header);
  const kept = header.slice();
  const salt = kept.subarray(1, 1 + saltLength);
  const key = createSecretKey(new Uint8Array(hkdfSync("sha256", dataKey, salt, encodeUtf8(objectId), dataKeyLength)));
  const prefix = kept.subarray(1 + saltLength);
  return {
    header: kept,
    sealSegment: (index, plaintext, isLast) => seal(key, prefix, kept, index, plaintext, isLast),
    openSegment: (index, segment, isLast) => open(key, prefix, kept, index, segment, isLast),
  };
}

/** The header at the beginning of an object's segment 0. @throws FATAL_CORRUPT */
export function parseHeader(segment: Uint8Array): Uint8Array {
  const header = segment.subarray(0, headerLength);
  checkHeader(header);
  return header;
}

function newHeader(): Uint8Array {
  const header = randomBytes(headerLength);
  header[0] = headerLength;
  return header;
}

function checkHeader(header: Uint8Array): void {
  if (header.length !== headerLength || header[0] !== headerLength) {
    throw new AttestryError("FATAL_CORRUPT", "The stored object does not begin with a header of its format.");
  }
}

function nonceOf(prefix: Uint8Array, index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(prefix);
  new DataView(nonce.buffer).setUint32(7, index); // big-endian
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

function fits(index: number, length: number, isLast: boolean): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= maxSegments) return false;
  const capacity = segmentCapacity(index);
  // Only an empty object has an empty segment.
  return isLast ? length <= capacity && (length > 0 || index === 0) : length === capacity;
}

function seal(
  key: KeyObject,
  prefix: Uint8Array,
  header: Uint8Array,
  index: number,
  plaintext: Uint8Array,
  isLast: boolean,
): Uint8Array {
  if (!fits(index, plaintext.length, isLast)) {
    throw new AttestryError("FATAL_INTERNAL", `${plaintext.length} bytes do not make segment ${index}.`);
  }
  const cipher = createCipheriv("aes-256-gcm", key, nonceOf(prefix, index, isLast));
  const start = index === 0 ? headerLength : 0;
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  const segment = new Uint8Array(start + plaintext.length + tagLength);
  if (index === 0) segment.set(header);
  segment.set(ciphertext, start);
  segment.set(cipher.getAuthTag(), start + plaintext.length);
  return segment;
}

function open(
  key: KeyObject,
  prefix: Uint8Array,
  header: Uint8Array,
  index: number,
  segment: Uint8Array,
  isLast: boolean,
): Uint8Array {
  const start = index === 0 ? headerLength : 0;
  const end = segment.length - tagLength;
  const isWhole = fits(index, end - start, isLast) && equalBytes(segment.subarray(0, start), header.subarray(0, start));
  if (!isWhole) throw damaged(index);
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(prefix, index, isLast), { authTagLength: tagLength });
  decipher.setAuthTag(segment.subarray(end));
  const plaintext = decipher.update(segment.subarray(start, end));
  try {
    decipher.final();
  } catch {
    throw damaged(index);
  }
  return plaintext;
}

function damaged(index: number): AttestryError {
  return new AttestryError("FATAL_CORRUPT", `Segment ${index} is not as it was stored: changed, moved or cut short.`, {
    data: { segment: index },
  });
}
