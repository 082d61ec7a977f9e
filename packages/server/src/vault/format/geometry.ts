/**
 * Where the bytes of a plaintext lie in an object of Tink's AES256-GCM-HKDF-1MB layout
 * (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming): segments of 1 MiB, each with a tag at its
 * end, and the object's header before the first one's ciphertext. Offsets and sizes are safe integers.
 */
import { AttestryError } from "@attestry/core";

/** Bytes of a full stored segment, the first one's header among them. */
export const segmentLength = 1_048_576;
/** Bytes of the header: its own length, a salt of 32, a nonce prefix of 7. */
export const headerLength = 40;
/** Bytes of an AES-GCM tag. */
export const tagLength = 16;
/** Plaintext bytes in the first segment when it is full. */
export const firstPlaintextLength: number = segmentLength - headerLength - tagLength;
/** Plaintext bytes in every other full segment. */
export const plaintextLength: number = segmentLength - tagLength;
/** The index is 32 bits of the nonce. */
export const maxSegments: number = 2 ** 32;
/** Plaintext bytes of the largest object: 4 PiB less the header and the tags. */
export const maxObjectSize: number = firstPlaintextLength + (maxSegments - 1) * plaintextLength;

/** Offset in the plaintext at which a segment begins. */
export function segmentStart(index: number): number {
  return index === 0 ? 0 : firstPlaintextLength + (index - 1) * plaintextLength;
}

/** Plaintext bytes in that segment when it is full. */
export function segmentCapacity(index: number): number {
  return index === 0 ? firstPlaintextLength : plaintextLength;
}

/** The segment that the byte at that offset of the plaintext is in. */
export function segmentAt(offset: number): number {
  return offset < firstPlaintextLength ? 0 : 1 + Math.floor((offset - firstPlaintextLength) / plaintextLength);
}

/**
 * How many segments a plaintext of `size` bytes makes. An empty one makes one.
 * @throws POLICY_TOO_LARGE beyond `maxObjectSize`
 */
export function segmentCount(size: number): number {
  if (size > maxObjectSize) throw new AttestryError("POLICY_TOO_LARGE", "The object is larger than its format allows.");
  return size === 0 ? 1 : segmentAt(size - 1) + 1;
}

/** What of one segment's plaintext belongs to a range: `plaintext.subarray(from, to)`. */
export interface SegmentSlice {
  readonly index: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The segments that the bytes from `start` up to `end`, not included, are in, in order, each with its part of them. An
 * empty range touches none. The caller has checked that `0 <= start` and that `end` is not beyond the object.
 */
export function* segmentsOfRange(start: number, end: number): Generator<SegmentSlice, void, undefined> {
  for (let at = start; at < end; ) {
    const index = segmentAt(at);
    const begin = segmentStart(index);
    const to = Math.min(end - begin, segmentCapacity(index));
    yield { index, from: at - begin, to };
    at = begin + to;
  }
}

/** Bytes that an object of `size` plaintext bytes takes when stored. @throws POLICY_TOO_LARGE */
export function ciphertextSize(size: number): number {
  return headerLength + size + segmentCount(size) * tagLength;
}

/** Plaintext bytes in a stored object. @throws FATAL_CORRUPT when no object can have that many bytes */
export function plaintextSize(ciphertextBytes: number): number {
  const segments = Math.ceil(ciphertextBytes / segmentLength);
  const size = ciphertextBytes - headerLength - segments * tagLength;
  if (size < 0 || size > maxObjectSize || ciphertextSize(size) !== ciphertextBytes) {
    throw new AttestryError("FATAL_CORRUPT", `No stored object has ${ciphertextBytes} bytes: it was cut short.`);
  }
  return size;
}
