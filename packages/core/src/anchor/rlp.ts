/**
 * RLP, the encoding of Ethereum's headers and trie nodes (Yellow Paper, appendix B): byte strings and lists of them. Every byte
 * string has one encoding, and the decoder refuses all others.
 */
import { concatBytes } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";

export type RlpItem = Uint8Array | readonly RlpItem[];

/** Trie nodes nest a few levels, and each costs an attacker one byte. */
const maxDepth = 16;

/** One item that fills `bytes`. Byte strings in the result are views into `bytes`. @throws the given code */
export function decodeRlp(bytes: Uint8Array, code: ErrorCode): RlpItem {
  const { item, end } = decodeAt(bytes, 0, 0, code);
  if (end !== bytes.length) throw refuse(code, "there are bytes after its end");
  return item;
}

function decodeAt(
  bytes: Uint8Array,
  start: number,
  depth: number,
  code: ErrorCode,
): { readonly item: RlpItem; readonly end: number } {
  if (depth > maxDepth) throw refuse(code, `it is nested deeper than ${maxDepth} levels`);
  const prefix = bytes[start];
  if (prefix === undefined) throw refuse(code, "it ends too early");
  if (prefix < 0x80) return { item: bytes.subarray(start, start + 1), end: start + 1 };
  const isList = prefix >= 0xc0;
  const { from, end } = bounds(bytes, start, prefix - (isList ? 0xc0 : 0x80), code);
  if (!isList) {
    const item = bytes.subarray(from, end);
    if (item.length === 1 && (item[0] ?? 0) < 0x80) throw refuse(code, "a single byte has a length before it");
    return { item, end };
  }
  const items: RlpItem[] = [];
  // A list's items are read from its own bytes alone, so that none reaches past its end.
  const own = bytes.subarray(0, end);
  for (let at = from; at < end; ) {
    const next = decodeAt(own, at, depth + 1, code);
    items.push(next.item);
    at = next.end;
  }
  return { item: items, end };
}

/** Where the payload begins and ends, by its first byte less 0x80 or 0xc0: up to 55 is the length, more is that of the length. */
function bounds(bytes: Uint8Array, start: number, info: number, code: ErrorCode): { from: number; end: number } {
  const width = info <= 55 ? 0 : info - 55;
  const from = start + 1 + width;
  let length = info;
  if (width > 0) {
    length = 0;
    for (const byte of bytes.subarray(start + 1, from)) length = length * 256 + byte;
    if (bytes[start + 1] === 0 || length <= 55) throw refuse(code, "a length is not in its shortest form");
  }
  if (from + length > bytes.length) throw refuse(code, "it ends too early");
  return { from, end: from + length };
}

export function encodeRlp(item: RlpItem): Uint8Array {
  if (!(item instanceof Uint8Array)) return withLength(0xc0, concatBytes(...item.map(encodeRlp)));
  return item.length === 1 && (item[0] ?? 0) < 0x80 ? item : withLength(0x80, item);
}

function withLength(offset: number, payload: Uint8Array): Uint8Array {
  if (payload.length <= 55) return concatBytes(Uint8Array.of(offset + payload.length), payload);
  const length = encodeScalar(payload.length);
  return concatBytes(Uint8Array.of(offset + 55 + length.length), length, payload);
}

/** A whole number as big-endian bytes without leading zeros; zero is the empty string. */
export function encodeScalar(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Uint8Array.from(bytes);
}

/** A list, of `length` items when that is given. @throws the given code */
export function asRlpList(
  item: RlpItem | undefined,
  what: string,
  code: ErrorCode,
  length?: number,
): readonly RlpItem[] {
  const isList = item !== undefined && !(item instanceof Uint8Array);
  if (isList && (length === undefined || item.length === length)) return item;
  throw refuse(code, `${what} is not a list${length === undefined ? "" : ` of ${length} items`}`);
}

/** A byte string, of `length` bytes when that is given. @throws the given code */
export function asRlpBytes(item: RlpItem | undefined, what: string, code: ErrorCode, length?: number): Uint8Array {
  if (item instanceof Uint8Array && (length === undefined || item.length === length)) return item;
  throw refuse(code, `${what} is not a byte string${length === undefined ? "" : ` of ${length} bytes`}`);
}

/** The bytes of a whole number: no leading zero, at most `most` of them. @throws the given code */
export function asRlpScalar(item: RlpItem | undefined, what: string, code: ErrorCode, most: number): Uint8Array {
  const bytes = asRlpBytes(item, what, code);
  if (bytes.length <= most && bytes[0] !== 0) return bytes;
  throw refuse(code, `${what} is not a whole number of at most ${most} bytes without leading zeros`);
}

/** A whole number up to 2^53 − 1. @throws the given code */
export function asRlpNumber(item: RlpItem | undefined, what: string, code: ErrorCode): number {
  let value = 0;
  for (const byte of asRlpScalar(item, what, code, 8)) value = value * 256 + byte;
  if (Number.isSafeInteger(value)) return value;
  throw refuse(code, `${what} is larger than 2^53 − 1`);
}

function refuse(code: ErrorCode, what: string): AttestryError {
  return new AttestryError(code, `The RLP cannot be read: ${what}.`);
}
