/**
 * Reads DER (X.690 §10), as far as certificates use it. Every value has one encoding, so whatever is longer than it need be is
 * refused; asn1js, for one, takes BER and writes it back unchanged.
 */
import { AttestryError } from "../errors.ts";

export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** One element: its tag octet, its contents, and the whole of it with tag and length. */
export interface DerElement {
  readonly tag: number;
  readonly value: Uint8Array;
  readonly whole: Uint8Array;
}

export function malformed(message: string, cause?: unknown): AttestryError {
  return new AttestryError("MALFORMED_CERTIFICATE", message, { cause });
}

/** Reads elements one after another. Every method throws MALFORMED_CERTIFICATE if the next element is not the one asked for. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** The tag of the next element, `undefined` at the end. */
  peek(): number | undefined {
    return this.#bytes[this.#offset];
  }

  element(expected?: number): DerElement {
    const start = this.#offset;
    const tag = this.#octet();
    if (expected !== undefined && tag !== expected) {
      throw malformed(`Found tag ${tag.toString(16)} where ${expected.toString(16)} belongs.`);
    }
    if (tag === 0 || (tag & 0x1f) === 0x1f) throw malformed("A tag is reserved, or of several octets.");
    const length = this.#length();
    const from = this.#offset;
    if (length > this.#bytes.length - from) throw malformed("The data is cut short.");
    this.#offset = from + length;
    return { tag, value: this.#bytes.subarray(from, this.#offset), whole: this.#bytes.subarray(start, this.#offset) };
  }

  /** The next element if it has this tag; otherwise nothing is read. */
  optional(expected: number): DerElement | undefined {
    return this.peek() === expected ? this.element() : undefined;
  }

  /** A reader of the contents of the next element. */
  inside(expected: number = tag.sequence): DerReader {
    return new DerReader(this.element(expected).value);
  }

  /** Refuses what follows the last element. */
  end(): void {
    if (!this.atEnd) throw malformed("Something follows where the data should end.");
  }

  oid(): string {
    return decodeOid(this.element(tag.oid).value);
  }

  boolean(): boolean {
    const { value } = this.element(tag.boolean);
    if (value.length !== 1 || (value[0] !== 0 && value[0] !== 0xff)) throw malformed("A boolean is neither 00 nor ff.");
    return value[0] === 0xff;
  }

  /** A non-negative integer as big-endian bytes without leading zeros; zero is one zero byte. */
  unsigned(): Uint8Array {
    const { value } = this.element(tag.integer);
    const [first, second] = value;
    if (first === undefined || first >= 0x80) throw malformed("An integer is empty or negative.");
    if (first !== 0 || second === undefined) return value;
    if (second < 0x80) throw malformed("An integer takes more octets than it needs.");
    return value.subarray(1);
  }

  smallUnsigned(): number {
    const bytes = this.unsigned();
    if (bytes.length > 4) throw malformed("An integer is out of range.");
    return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  }

  /** A bit string; unused bits must be zero. */
  bitString(): { readonly unused: number; readonly bytes: Uint8Array } {
    const { value } = this.element(tag.bitString);
    const unused = value[0] ?? 8;
    if (unused > 7 || (value.length === 1 && unused > 0))
      throw malformed("A bit string has a wrong count of unused bits.");
    const last = value.length > 1 ? (value.at(-1) ?? 0) : 0;
    if ((last & ((1 << unused) - 1)) !== 0) throw malformed("Unused bits of a bit string are set.");
    return { unused, bytes: value.subarray(1) };
  }

  /** A bit string of whole octets. */
  octetAlignedBits(): Uint8Array {
    const { unused, bytes } = this.bitString();
    if (unused !== 0) throw malformed("A bit string is not of whole octets.");
    return bytes;
  }

  #octet(): number {
    const octet = this.#bytes[this.#offset];
    if (octet === undefined) throw malformed("The data is cut short.");
    this.#offset++;
    return octet;
  }

  // X.690 §10.1: the definite form, in as few octets as possible.
  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const octets = first & 0x7f;
    if (octets === 0 || octets > 3) throw malformed("A length is indefinite or absurd.");
    let length = 0;
    for (let i = 0; i < octets; i++) length = length * 256 + this.#octet();
    if (length < 0x80 || length < 2 ** (8 * (octets - 1))) throw malformed("A length takes more octets than it needs.");
    return length;
  }
}

const deepest = 16;

/** Refuses bytes that are not DER elements all the way down, so that parts nobody reads have one encoding too. */
export function checkDer(bytes: Uint8Array, depth = 0): void {
  const reader = new DerReader(bytes);
  while (!reader.atEnd) {
    const element = reader.element();
    const isConstructed = (element.tag & 0x20) !== 0;
    const isUniversal = element.tag < 0x40;
    const isCollection = element.tag === tag.sequence || element.tag === tag.set;
    if (isUniversal && isConstructed && !isCollection) throw malformed("A string is in pieces."); // X.690 §10.2
    if (isConstructed && depth === deepest) throw malformed("The data is nested too deeply.");
    if (isConstructed) checkDer(element.value, depth + 1);
    else if (isUniversal) checkPrimitive(element);
  }
}

function checkPrimitive({ tag: type, value, whole }: DerElement): void {
  const [first, second = 0] = value;
  if (type === tag.boolean) new DerReader(whole).boolean();
  if (type === tag.bitString) new DerReader(whole).bitString();
  if (type === tag.oid) decodeOid(value);
  if (type === tag.null && value.length > 0) throw malformed("A null has contents.");
  if (type !== tag.integer) return;
  const isPadded = value.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (first === undefined || isPadded) throw malformed("An integer is empty, or takes more octets than it needs.");
}

// Real ones have at most a few dozen octets, and arcs take time that grows with the square of their length.
const longestOid = 128;

// X.690 §8.19
function decodeOid(bytes: Uint8Array): string {
  if (bytes.length > longestOid) throw malformed(`An object identifier has more than ${longestOid} octets.`);
  const arcs: bigint[] = [];
  let arc = 0n;
  let fresh = true;
  for (const octet of bytes) {
    if (fresh && octet === 0x80) throw malformed("An object identifier has a needless leading octet.");
    arc = (arc << 7n) | BigInt(octet & 0x7f);
    fresh = octet < 0x80;
    if (!fresh) continue;
    if (arcs.length > 0) arcs.push(arc);
    else arcs.push(...(arc < 80n ? [arc / 40n, arc % 40n] : [2n, arc - 80n]));
    arc = 0n;
  }
  if (!fresh || arcs.length === 0) throw malformed("An object identifier is empty or cut short.");
  return arcs.join(".");
}
