/**
 * One stored object: Tink's streaming AEAD AES256-GCM-HKDF-1MB, byte for byte
 * (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming, called "Tink" below; HKDF: RFC 5869,
 * AES-GCM: NIST SP 800-38D). Functions on single segments over `node:crypto`; who keeps them is of no concern here.
 */
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from "node:crypto";
import { AttestryError, encodeUtf8, equalBytes } from "@attestry/core";
import { headerLength, maxSegments, segmentCapacity, tagLength } from "./geometry.ts";

/** Bytes of the key that each object has of its own. */
export const dataKeyLength = 32;

const saltLength = 32;
const algorithm = "aes-256-gcm";
/** `Cipher.update` allocates what it returns; pieces of this size stay in the cache. */
const pieceLength = 131_072;

/** Seals and opens the segments of one object. */
export interface SegmentStream {
  /** 40 bytes, not secret: the beginning of segment 0. Whoever keeps it elsewhere too can open any segment alone. */
  readonly header: Uint8Array;
  /**
   * The stored form of a segment; that of segment 0 begins with the header. Every segment but the last must be full,
   * and only an empty object has an empty one. A segment must never be sealed again with another plaintext: its nonce
   * would repeat, and that opens the object.
   * @param into memory of `segmentLength` bytes for the result, to be used again; new memory when left out
   * @throws FATAL_INTERNAL when a plaintext of that length has no place there
   */
  sealSegment(index: number, plaintext: Uint8Array, isLast: boolean, into?: Uint8Array): Uint8Array;
  /**
   * The plaintext of a stored segment, when it is just what was sealed for this object, at this index, as the last or
   * not.
   * @throws FATAL_CORRUPT otherwise
   */
  openSegment(index: number, segment: Uint8Array, isLast: boolean): Uint8Array;
}

/** A new key for one object. */
export function newDataKey(): Uint8Array {
  return new Uint8Array(randomBytes(dataKeyLength));
}

/**
 * The stream of one object.
 * @param dataKey 32 bytes, of this object alone
 * @param objectId what the segments are bound to, as associated data
 * @param header of the stored object; a new one when left out
 * @throws FATAL_CORRUPT when the header is not one of this format
 */
export function createStream(dataKey: Uint8Array, objectId: string, header: Uint8Array = newHeader()): SegmentStream {
  checkHeader(header);
  const kept = header.slice(); // the caller's may be a view into memory that is used again
  const key = deriveKey(dataKey, kept.subarray(1, 1 + saltLength), objectId);
  const noncePrefix = kept.subarray(1 + saltLength);
  const headerOf = (index: number) => (index === 0 ? kept : kept.subarray(0, 0));

  function sealSegment(index: number, plaintext: Uint8Array, isLast: boolean, into?: Uint8Array): Uint8Array {
    if (!fits(index, plaintext.length, isLast)) {
      throw new AttestryError("FATAL_INTERNAL", `${plaintext.length} bytes do not make segment ${index}.`);
    }
    const start = headerOf(index).length;
    const end = start + plaintext.length;
    const segment = into?.subarray(0, end + tagLength) ?? new Uint8Array(end + tagLength);
    segment.set(headerOf(index));
    const cipher = createCipheriv(algorithm, key, nonceOf(noncePrefix, index, isLast));
    for (let at = 0; at < plaintext.length; at += pieceLength) {
      const piece = cipher.update(plaintext.subarray(at, at + pieceLength));
      segment.set(piece, start + at);
      piece.buffer.transfer(0); // frees it: left to the collector, these buffers cost more time than the encryption
    }
    cipher.final();
    segment.set(cipher.getAuthTag(), end);
    return segment;
  }

  function openSegment(index: number, segment: Uint8Array, isLast: boolean): Uint8Array {
    const start = headerOf(index).length;
    const end = segment.length - tagLength;
    const isHeaderSame = equalBytes(segment.subarray(0, start), headerOf(index));
    if (!isHeaderSame || !fits(index, end - start, isLast)) throw damaged(index);
    const nonce = nonceOf(noncePrefix, index, isLast);
    const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength });
    decipher.setAuthTag(segment.subarray(end));
    const plaintext = decipher.update(segment.subarray(start, end));
    try {
      decipher.final();
    } catch {
      throw damaged(index);
    }
    return plaintext;
  }

  return { header: kept, sealSegment, openSegment };
}

/** The header that an object's segment 0 begins with. @throws FATAL_CORRUPT */
export function parseHeader(segment: Uint8Array): Uint8Array {
  const header = segment.subarray(0, headerLength);
  checkHeader(header);
  return header;
}

/** Tink, "Creating the header": its length in one byte, salt, nonce prefix. */
function newHeader(): Uint8Array {
  const header = new Uint8Array(randomBytes(headerLength));
  header[0] = headerLength;
  return header;
}

function checkHeader(header: Uint8Array): void {
  if (header.length !== headerLength || header[0] !== headerLength) {
    throw new AttestryError("FATAL_CORRUPT", "The stored object does not begin with a header of its format.");
  }
}

/** Tink, "Creating the header": HKDF-SHA256 with the data key, the salt, and the associated data for info. */
function deriveKey(dataKey: Uint8Array, salt: Uint8Array, objectId: string): ReturnType<typeof createSecretKey> {
  if (dataKey.length !== dataKeyLength) throw new AttestryError("FATAL_INTERNAL", "A data key has 32 bytes.");
  return createSecretKey(new Uint8Array(hkdfSync("sha256", dataKey, salt, encodeUtf8(objectId), dataKeyLength)));
}

/** Tink, "Encrypting the blocks": prefix, index in four bytes, big-endian, and 1 for the last segment. */
function nonceOf(prefix: Uint8Array, index: number, isLast: boolean): Uint8Array {
  const nonce = new Uint8Array(12);
  nonce.set(prefix);
  new DataView(nonce.buffer).setUint32(prefix.length, index);
  nonce[11] = isLast ? 1 : 0;
  return nonce;
}

/** Tink, "Splitting the message": all segments but the last are full, and only the first can be empty. */
function fits(index: number, length: number, isLast: boolean): boolean {
  if (!Number.isInteger(index) || index < 0 || index >= maxSegments) return false;
  const capacity = segmentCapacity(index);
  if (!isLast) return length === capacity;
  return length <= capacity && length >= (index === 0 ? 0 : 1);
}

function damaged(index: number): AttestryError {
  return new AttestryError("FATAL_CORRUPT", `Segment ${index} is not as it was stored: changed, moved or cut short.`, {
    data: { segment: index },
  });
}
