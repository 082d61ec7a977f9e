/** X.501 names as text (RFC 4514), the way people and `iss` claims write them. */
import { decodeUtf8, encodeUtf8 } from "../bytes.ts";
import { unseen } from "../unseen.ts";
import { type DerElement, DerReader, malformed, tag } from "./der.ts";

export interface DistinguishedName {
  /** RFC 4514: the most specific part first. Two names are the same only if their DER is. */
  readonly text: string;
  /** The most specific common name. */
  readonly commonName: string | undefined;
}

// RFC 4514 §3 and the descriptors of RFC 4519 that certificates use; any other type is written as its number.
const shortNames = new Map([
  ["2.5.4.3", "CN"],
  ["2.5.4.4", "SN"],
  ["2.5.4.5", "serialNumber"],
  ["2.5.4.6", "C"],
  ["2.5.4.7", "L"],
  ["2.5.4.8", "ST"],
  ["2.5.4.9", "STREET"],
  ["2.5.4.10", "O"],
  ["2.5.4.11", "OU"],
  ["2.5.4.12", "title"],
  ["2.5.4.42", "givenName"],
  ["2.5.4.97", "organizationIdentifier"],
  ["0.9.2342.19200300.100.1.1", "UID"],
  ["0.9.2342.19200300.100.1.25", "DC"],
  ["1.2.840.113549.1.9.1", "emailAddress"],
]);

/** @throws MALFORMED_CERTIFICATE */
export function parseDistinguishedName(name: DerElement): DistinguishedName {
  const reader = new DerReader(name.value);
  const parts: string[] = [];
  let commonName: string | undefined;
  while (!reader.atEnd) {
    const attributes = reader.inside(tag.set);
    const texts: string[] = [];
    do {
      const attribute = attributes.inside();
      const type = attribute.oid();
      const value = attribute.element();
      attribute.end();
      if (value.tag >= 0x40) throw malformed("A part of a name is of no universal type.");
      const text = decodeText(value);
      if (type === "2.5.4.3" && text !== undefined) commonName = text;
      const short = shortNames.get(type);
      // RFC 4514 §2.4: a type without a short name, or a value that is not text, is written as # and its DER.
      if (short === undefined || text === undefined) texts.push(`${short ?? type}=#${value.whole.toHex()}`);
      else texts.push(`${short}=${escapeText(text)}`);
    } while (!attributes.atEnd);
    parts.push(texts.join("+"));
  }
  return { text: parts.reverse().join(","), commonName };
}

const decoders = new Map<number, (bytes: Uint8Array) => string>([
  [0x0c, (bytes) => new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)], // UTF8String
  [0x12, decodeAscii], // NumericString
  [0x13, decodeAscii], // PrintableString
  [0x14, (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")], // TeletexString, as everybody uses it: Latin-1
  [0x16, decodeAscii], // IA5String
  [0x1a, decodeAscii], // VisibleString
  [0x1e, (bytes) => new TextDecoder("utf-16be", { fatal: true, ignoreBOM: true }).decode(bytes)], // BMPString
]);

function decodeText({ tag, value }: DerElement): string | undefined {
  try {
    return decoders.get(tag)?.(value);
  } catch (cause) {
    throw malformed("A name holds text that does not decode.", cause);
  }
}

/** @throws MALFORMED_CERTIFICATE if a byte is not ASCII */
export function decodeAscii(bytes: Uint8Array): string {
  if (bytes.some((byte) => byte >= 0x80)) throw malformed("A text that must be ASCII is not.");
  return decodeUtf8(bytes, "MALFORMED_CERTIFICATE");
}

// RFC 4514 §2.4. Characters that one cannot see are escaped too, so that no two names look alike by them.
function escapeText(text: string): string {
  return text
    .replace(/["+,;<>\\]|^[ #]| $/g, "\\$&")
    .replace(new RegExp(unseen, "gu"), (character) =>
      encodeUtf8(character).toHex().toUpperCase().replace(/../g, "\\$&"),
    );
}
