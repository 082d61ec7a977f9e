/**
 * The `ObjectStore` port: where the vault keeps encrypted objects, segment by segment. An object is visible only when it is
 * whole, and then never changes. Nothing here is secret and nothing is trusted: every segment is authenticated when it is
 * decrypted. Every driver passes `object-store.contract.ts`.
 */
import { AttestryError } from "@attestry/core";
import { segmentLength } from "./format/geometry.ts";
import { parseObjectId } from "./object-id.ts";

/** The length of every segment of an object but its last, which has 1 byte to as many. */
export { segmentLength } from "./format/geometry.ts";

/** What a driver can say of an object without reading it. */
export interface ObjectState {
  /** The number of segments that make the object whole; undefined while it is being written. */
  readonly sealed: number | undefined;
  /** How many segments are there. */
  readonly written: number;
}

/**
 * Errors of every call: UNAVAILABLE_STORAGE when the storage refused or cannot be reached (trying again may help),
 * MALFORMED_REQUEST for an id, index or segment that can be none. An object has one writer at a time, which the caller sees to;
 * that writer may have several segments under way at once.
 */
export interface ObjectStore {
  /** How many segments are worth writing at once, over all objects: as many as share a sync, or as connections carry. */
  readonly writesAtOnce: number;
  /** Memory of `segmentLength` bytes of the kind that it writes the quickest. Any other will do. */
  readonly newMemory?: () => Uint8Array;
  /**
   * Writes one segment (1 to `segmentLength` bytes) of an object that is not whole yet; the same index again replaces it. Durable
   * when it resolves. One that was cut short left the segment, the one before it, or none: never a part.
   * @throws CONFLICT_EXISTS when the object is whole
   */
  writeSegment(id: string, index: number, segment: Uint8Array): Promise<void>;
  /**
   * Makes the object whole with exactly the segments 0 to `segments` - 1. Durable when it resolves; the same again changes nothing.
   * @throws CONFLICT_INCOMPLETE when one of them is missing or there is another, CONFLICT_EXISTS when it is whole with another
   *   number of segments
   */
  seal(id: string, segments: number): Promise<void>;
  /** A segment of an object, whole or not yet. Undefined when there is none. */
  readSegment(id: string, index: number): Promise<Uint8Array | undefined>;
  /** Undefined when there is nothing of the object. */
  stat(id: string): Promise<ObjectState | undefined>;
  /** Removes all of the object, whole or not. Durable when it resolves; the same again changes nothing. */
  remove(id: string): Promise<void>;
  /** Every id with anything stored, whole or not, in ascending order: those after the given one, up to `limit`. */
  list(after: string | undefined, limit: number): Promise<string[]>;
  /** What the storage finds wrong with itself, a line each. Nothing is wrong with an object that is not whole yet. */
  check(): Promise<string[]>;
  /** Every call after it rejects. */
  close(): Promise<void>;
}

export { newObjectId } from "./object-id.ts";

export function isObjectId(text: string): boolean {
  try {
    return parseObjectId(text) === text;
  } catch {
    return false;
  }
}

/** @throws MALFORMED_REQUEST when the text can be no object's id */
export function checkObjectId(text: string): void {
  parseObjectId(text);
}

/** What a driver checks before it writes. @throws MALFORMED_REQUEST */
export function checkSegment(id: string, index: number, segment: Uint8Array): void {
  checkObjectId(id);
  checkIndex(index);
  if (segment.length < 1 || segment.length > segmentLength) {
    throw new AttestryError("MALFORMED_REQUEST", `A segment has 1 to ${segmentLength} bytes.`);
  }
}

/** An index is a 32-bit number, as in the nonce of Tink's streaming AEAD. @throws MALFORMED_REQUEST */
export function checkIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index > 0xffff_ffff) {
    throw new AttestryError("MALFORMED_REQUEST", "A segment's index is a whole number of 32 bits.");
  }
}

/** The error of a `seal` that finds `written` segments where `segments` make the object whole. */
export function incompleteObject(id: string, segments: number, written: number): AttestryError {
  const message = `The object is not complete: ${written} of its ${segments} segments can be made whole.`;
  return new AttestryError("CONFLICT_INCOMPLETE", message, { data: { id, segments, written } });
}

/** The error of a write to an object that is whole. */
export function wholeObject(id: string): AttestryError {
  return new AttestryError("CONFLICT_EXISTS", "The object is whole and does not change any more.", { data: { id } });
}
