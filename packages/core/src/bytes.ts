/** Bytes and their text forms. Every decoder is strict: what it accepts, the matching encoder gives back unchanged. */
import { AttestryError, type ErrorCode } from "./errors.ts";

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function encodeUtf8(text: string): Uint8Array {
  return utf8Encoder.encode(text);
}

/** @throws the given code when the bytes are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array, code: ErrorCode = "MALFORMED_REQUEST"): string {
  try {
    return utf8Decoder.decode(bytes);
  } catch (cause) {
    throw new AttestryError(code, "The text is not valid UTF-8.", { cause });
  }
}

export function encodeHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Lower-case hexadecimal of an even length. @throws the given code otherwise. */
export function decodeHex(text: string, code: ErrorCode = "MALFORMED_REQUEST"): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) throw new AttestryError(code, "The text is not lower-case hexadecimal.");
  return Uint8Array.fromHex(text);
}

export function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64();
}

/** RFC 4648 §4, padded and canonical: unused bits are zero. @throws the given code otherwise. */
export function decodeBase64(text: string, code: ErrorCode = "MALFORMED_REQUEST"): Uint8Array {
  return decodeStrictly(text, "base64", code);
}

export function encodeBase64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** RFC 4648 §5 without padding, canonical. @throws the given code otherwise. */
export function decodeBase64Url(text: string, code: ErrorCode = "MALFORMED_REQUEST"): Uint8Array {
  return decodeStrictly(text, "base64url", code);
}

function decodeStrictly(text: string, alphabet: "base64" | "base64url", code: ErrorCode): Uint8Array {
  try {
    const isPadded = alphabet === "base64";
    const bytes = Uint8Array.fromBase64(text, { alphabet, lastChunkHandling: isPadded ? "strict" : "loose" });
    const tail = bytes.length % 3;
    const length = isPadded ? 4 * Math.ceil(bytes.length / 3) : Math.ceil((4 * bytes.length) / 3);
    // Of another length it has white space in it, or padding where there is none; loosely read, the last character may have stray bits.
    const isCanonical = isPadded || tail === 0 || text.endsWith(encodeBase64Url(bytes.subarray(bytes.length - tail)));
    if (text.length === length && isCanonical) return bytes;
  } catch {
    // falls through to the one refusal below
  }
  throw new AttestryError(code, `The text is not canonical ${alphabet}.`);
}
