/** Writes DER (X.690 §8 to §11), as far as time stamps and the certificates of an authority need it. */
import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { AttestryError } from "../errors.ts";

/** One element with that tag octet, whose contents are the parts one after another. */
export function derElement(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = concatBytes(...parts);
  return concatBytes(Uint8Array.of(tag, ...encodeLength(contents.length)), contents);
}

// X.690 §10.1: as few octets as possible.
function encodeLength(length: number): number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function derSequence(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(0x30, ...parts);
}

/** SET OF; the elements are put in their order (X.690 §11.6). */
export function derSet(...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(0x31, ...parts.toSorted(compareElements));
}

/** X.690 §11.6: as octet strings, a shorter one padded with zeros. */
export function compareElements(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** `[n]` around whole elements: explicit tagging, or implicit of something constructed. */
export function derContext(n: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return derElement(0xa0 | n, ...parts);
}

/** A non-negative integer, given as a number or as big-endian bytes. */
export function derInteger(value: number | Uint8Array): Uint8Array {
  return derElement(0x02, integerContents(typeof value === "number" ? numberBytes(value) : value));
}

/** The contents octets of a non-negative integer given as big-endian bytes: two's complement, as short as can be. */
export function integerContents(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first < 0) return Uint8Array.of(0);
  const digits = bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80 ? digits : concatBytes(Uint8Array.of(0), digits);
}

function numberBytes(value: number): Uint8Array {
  const digits = value.toString(16);
  return Uint8Array.fromHex(digits.padStart(digits.length + (digits.length % 2), "0"));
}

/** @throws USAGE when the text is not an object identifier such as `1.2.840.113549` */
export function derOid(text: string): Uint8Array {
  if (!/^(?:[01]\.[1-3]?\d|2\.(?:0|[1-9]\d*))(?:\.(?:0|[1-9]\d*))+$/.test(text))
    throw new AttestryError("USAGE", `${text} is not an object identifier.`);
  const [first = 0n, second = 0n, ...rest] = text.split(".").map(BigInt);
  return derElement(0x06, ...[first * 40n + second, ...rest].map(encodeArc));
}

// X.690 §8.19.2: seven bits an octet, all but the last marked.
function encodeArc(arc: bigint): Uint8Array {
  const octets = [Number(arc & 0x7fn)];
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80);
  return Uint8Array.from(octets);
}

export function derOctets(bytes: Uint8Array): Uint8Array {
  return derElement(0x04, bytes);
}

/** A bit string; the last `unused` bits of the bytes must be zero and are left out. */
export function derBits(bytes: Uint8Array, unused = 0): Uint8Array {
  return derElement(0x03, Uint8Array.of(unused), bytes);
}

export function derText(text: string): Uint8Array {
  return derElement(0x0c, encodeUtf8(text));
}

export const derTrue: Uint8Array = Uint8Array.of(0x01, 0x01, 0xff);
export const derNull: Uint8Array = Uint8Array.of(0x05, 0x00);

/** GeneralizedTime of a whole second since the epoch (X.690 §11.7). @throws USAGE for a time outside the years 0 to 9999 */
export function derTime(seconds: number): Uint8Array {
  return derElement(0x18, encodeUtf8(timeDigits(seconds)));
}

/** What certificates take (RFC 5280 §4.1.2.5): UTCTime until 2049, GeneralizedTime from 2050. @throws USAGE as `derTime` */
export function derCertificateTime(seconds: number): Uint8Array {
  const text = timeDigits(seconds);
  if (text < "1950" || text >= "2050") return derTime(seconds);
  return derElement(0x17, encodeUtf8(text.slice(2)));
}

function timeDigits(seconds: number): string {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  if (!Number.isSafeInteger(seconds) || !(year >= 0 && year <= 9999))
    throw new AttestryError("USAGE", `${seconds} is not a whole second of the years 0 to 9999.`);
  return date
    .toISOString()
    .replace(/\.000Z$|[-:T]/g, "")
    .concat("Z");
}
