/**
 * Deterministic CBOR (RFC 8949 §4.2.1): the subset that COSE uses, read in one pass that refuses every byte string that
 * would not encode back to itself. Integers are safe integers, maps are `Map`s with integer or text keys, and there are no
 * floats, no indefinite lengths, no simple values but false, true and null, at most 16 levels, and at most 131,072 items.
 */
import { decodeUtf8, encodeUtf8 } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";

export type CborKey = number | string;
export type CborMap = Map<CborKey, CborValue>;
export type CborValue = number | string | boolean | null | Uint8Array | CborValue[] | CborMap | Tagged;

/** A tagged data item (RFC 8949 §3.4). */
export class Tagged {
  readonly tag: number;
  readonly value: CborValue;

  constructor(tag: number, value: CborValue) {
    this.tag = tag;
    this.value = value;
  }
}

const maxDepth = 16;
/** An item of one byte takes two hundred in memory. The largest thing that is sent, a batch's answer, has 90,000 items. */
const maxItems = 131_072;
/** An array's memory is taken at once up to here: most are short, and a long one may be a lie. */
const plainLength = 16;

export interface DecodeOptions {
  /** The code that a refusal carries. Default MALFORMED_CBOR. */
  readonly code?: ErrorCode;
  /**
   * `any` accepts map keys in every order, for headers that others signed: COSE does not ask for sorted ones, and the
   * signed bytes are kept as they came. Default `sorted` (RFC 8949 §4.2.1).
   */
  readonly keyOrder?: "sorted" | "any";
}

/**
 * One data item that fills `bytes`. Byte strings in the result are views into `bytes`, so nobody may write to it later.
 * @throws MALFORMED_CBOR or the given code
 */
export function decodeCbor(bytes: Uint8Array, options: DecodeOptions = {}): CborValue {
  const decoder = new Decoder(bytes, options.code ?? "MALFORMED_CBOR", options.keyOrder ?? "sorted");
  const value = decoder.item(0);
  if (decoder.offset !== bytes.length) decoder.refuse("there are bytes after its end");
  return value;
}

class Decoder {
  readonly bytes: Uint8Array;
  readonly code: ErrorCode;
  readonly keyOrder: "sorted" | "any";
  offset = 0;
  items = 0;

  constructor(bytes: Uint8Array, code: ErrorCode, keyOrder: "sorted" | "any") {
    this.bytes = bytes;
    this.code = code;
    this.keyOrder = keyOrder;
  }

  refuse(what: string): never {
    throw new AttestryError(this.code, `The CBOR cannot be read: ${what} (at byte ${this.offset}).`, {
      data: { offset: this.offset },
    });
  }

  item(depth: number): CborValue {
    if (depth > maxDepth) this.refuse(`it is nested deeper than ${maxDepth} levels`);
    if (++this.items > maxItems) this.refuse(`it has more than ${maxItems} items`);
    const initial = this.bytes[this.offset] ?? this.refuse("it ends too early");
    this.offset += 1;
    const major = initial >> 5;
    const info = initial & 31;
    if (major === 7) return this.simple(info);
    const argument = this.argument(info);
    switch (major) {
      case 0:
        return argument;
      case 1:
        if (argument === Number.MAX_SAFE_INTEGER) this.refuse("a number is too small");
        return -1 - argument;
      case 2:
        return this.take(argument);
      case 3:
        return decodeUtf8(this.take(argument), this.code);
      case 4:
        return this.array(argument, depth);
      case 5:
        return this.map(argument, depth);
      default:
        return new Tagged(argument, this.item(depth + 1));
    }
  }

  simple(info: number): boolean | null {
    if (info === 20) return false;
    if (info === 21) return true;
    if (info === 22) return null;
    return this.refuse("it holds a float, undefined or another simple value");
  }

  /** RFC 8949 §3, in the shortest form only (§4.2.1). */
  argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) this.refuse("it has an indefinite or reserved length");
    const width = 1 << (info - 24);
    const end = this.offset + width;
    if (end > this.bytes.length) this.refuse("it ends too early");
    let value = 0;
    while (this.offset < end) value = value * 256 + (this.bytes[this.offset++] as number);
    if (value < (width === 1 ? 24 : width === 2 ? 0x100 : width === 4 ? 0x10000 : 0x100000000))
      this.refuse("a number is not in its shortest form");
    if (value > Number.MAX_SAFE_INTEGER) this.refuse("a number is too large");
    return value;
  }

  take(length: number): Uint8Array {
    const end = this.offset + length;
    if (end > this.bytes.length) this.refuse("it ends too early");
    const part = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + this.offset, length); // never a Buffer
    this.offset = end;
    return part;
  }

  array(length: number, depth: number): CborValue[] {
    const items = new Array<CborValue>(Math.min(length, plainLength));
    for (let i = 0; i < length; i++) items[i] = this.item(depth + 1);
    return items;
  }

  map(length: number, depth: number): CborMap {
    const map: CborMap = new Map();
    let previous: number | undefined;
    for (let i = 0; i < length; i++) {
      const start = this.offset;
      const key = this.item(depth + 1);
      if (typeof key !== "number" && typeof key !== "string") this.refuse("a map key is neither an integer nor text");
      if (map.has(key)) this.refuse("a map key stands twice");
      const isSorted = this.keyOrder === "any" || previous === undefined || this.isBefore(previous, start);
      if (!isSorted) this.refuse("its map keys are not in order");
      previous = start;
      map.set(key, this.item(depth + 1));
    }
    return map;
  }

  /** Whether the key that starts at `a` comes before the one at `b`. They differ, and no key's encoding begins another's. */
  isBefore(a: number, b: number): boolean {
    let at = 0;
    while (this.bytes[a + at] === this.bytes[b + at]) at++;
    return (this.bytes[a + at] as number) < (this.bytes[b + at] as number);
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return a.length - b.length;
}

/** The deterministic encoding (RFC 8949 §4.2.1); map keys are sorted here. @throws MALFORMED_CBOR for an unsafe number */
export function encodeCbor(value: CborValue): Uint8Array {
  writer.length = 0;
  writer.item(value);
  const encoded = writer.written().slice();
  if (writer.bytes.length > keptBytes) writer = new CborWriter(keptBytes);
  return encoded;
}

/** What the writer keeps between calls; anything larger is let go of again. */
const keptBytes = 64 * 1024;
const textEncoder = new TextEncoder();

/**
 * Writes items one after the other, for what is too large or too frequent to be built as a value first. The caller sees to it that
 * what comes out is one deterministic item.
 */
export class CborWriter {
  bytes: Uint8Array;
  length = 0;

  /** @param capacity bytes that are expected; more is taken when it is needed */
  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  /** What was written so far, not copied. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** What is encoded already. */
  encoded(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  item(value: CborValue): void {
    if (typeof value === "number") this.integer(value);
    else if (typeof value === "string") this.text(value);
    else if (value instanceof Uint8Array) this.string(value);
    else if (Array.isArray(value)) {
      this.head(4, value.length);
      for (const item of value) this.item(item);
    } else if (value instanceof Map) this.map(value);
    else if (value instanceof Tagged) {
      this.head(6, value.tag);
      this.item(value.value);
    } else this.head(7, value === null ? 22 : value ? 21 : 20);
  }

  integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw new AttestryError("MALFORMED_CBOR", "Only safe integers can be encoded.");
    if (value >= 0) this.head(0, value);
    else this.head(1, -1 - value);
  }

  map(map: CborMap): void {
    this.head(5, map.size);
    const entries = map.size < 2 ? map : [...map].sort((a, b) => compareKeys(a[0], b[0]));
    for (const [key, value] of entries) {
      this.item(key);
      this.item(value);
    }
  }

  string(bytes: Uint8Array): void {
    this.head(2, bytes.length);
    this.encoded(bytes);
  }

  text(text: string): void {
    this.reserve(9 + 3 * text.length); // UTF-8 takes at most three bytes a UTF-16 unit
    const start = this.length;
    // The head comes first and holds the length in bytes: most often that of the text, and otherwise known after one try.
    for (let length = text.length; ; this.length = start) {
      this.head(3, length);
      const { written } = textEncoder.encodeInto(text, this.bytes.subarray(this.length));
      if (written === length) {
        this.length += length;
        return;
      }
      length = written;
    }
  }

  /** What an item begins with (RFC 8949 §3): a number itself, or how long what follows is. */
  head(major: number, argument: number): void {
    this.reserve(9);
    if (argument < 24) {
      this.bytes[this.length++] = (major << 5) | argument;
      return;
    }
    const width = headLength(argument) - 1;
    this.bytes[this.length++] = (major << 5) | (width === 1 ? 24 : width === 2 ? 25 : width === 4 ? 26 : 27);
    let rest = argument;
    for (let at = this.length + width - 1; at >= this.length; at--) {
      this.bytes[at] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    this.length += width;
  }

  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + more));
    grown.set(this.written());
    this.bytes = grown;
  }
}

/**
 * What stands before and after one byte string of an encoding, for writing many that differ in it alone. `encode` is given that
 * string, and the length of no byte string around it may depend on its length.
 */
export function encodeAround(encode: (string: Uint8Array) => Uint8Array): readonly [Uint8Array, Uint8Array] {
  // Two encodings that have the same around it differ first where it begins.
  const [without, other] = [encode(new Uint8Array()), encode(new Uint8Array(1))];
  const at = without.findIndex((byte, i) => byte !== other[i]);
  return [without.subarray(0, at), without.subarray(at + headLength(0))];
}

/** Bytes of the head that `argument` takes. */
export function headLength(argument: number): number {
  if (argument < 24) return 1;
  return argument < 0x100 ? 2 : argument < 0x10000 ? 3 : argument < 0x100000000 ? 5 : 9;
}

/** Reused: a buffer of its own for each of the many small values would cost more than writing them. */
let writer = new CborWriter(keptBytes);

/** Text that is one byte a character in UTF-8. */
const plain = /^[ -~]*$/;

/** Orders keys as their encodings are ordered: integers before text, then by size, then bytewise. */
function compareKeys(a: CborKey, b: CborKey): number {
  if (typeof a === "number" && typeof b === "number") return a >= 0 === b >= 0 ? Math.abs(a) - Math.abs(b) : b - a;
  if (typeof a === "number" || typeof b === "number") return typeof a === "number" ? -1 : 1;
  // The names that maps commonly have encode as they stand; encoding each for each comparison would cost more than the rest.
  if (plain.test(a) && plain.test(b)) return a.length - b.length || (a < b ? -1 : 1);
  const [left, right] = [encodeUtf8(a), encodeUtf8(b)];
  return left.length - right.length || compareBytes(left, right);
}

/** A value that must be a map. @throws the given code */
export function asMap(value: CborValue | undefined, what: string, code: ErrorCode): CborMap {
  if (value instanceof Map) return value;
  throw new AttestryError(code, `${what} is not a map.`);
}

/** A value that must be a byte string, of `length` bytes when that is given. @throws the given code */
export function asBytes(value: CborValue | undefined, what: string, code: ErrorCode, length?: number): Uint8Array {
  if (value instanceof Uint8Array && (length === undefined || value.length === length)) return value;
  throw new AttestryError(code, `${what} is not a byte string${length === undefined ? "" : ` of ${length} bytes`}.`);
}

/** A value that must be text. @throws the given code */
export function asText(value: CborValue | undefined, what: string, code: ErrorCode): string {
  if (typeof value === "string") return value;
  throw new AttestryError(code, `${what} is not text.`);
}

/** A value that must be an integer of at least `least`. @throws the given code */
export function asInteger(value: CborValue | undefined, what: string, code: ErrorCode, least = 0): number {
  if (typeof value === "number" && value >= least) return value;
  throw new AttestryError(code, `${what} is not an integer of at least ${least}.`);
}

/** A value that must be an array. @throws the given code */
export function asArray(value: CborValue | undefined, what: string, code: ErrorCode): CborValue[] {
  if (Array.isArray(value)) return value;
  throw new AttestryError(code, `${what} is not an array.`);
}
