/** X.509 certificates (RFC 5280 §4), parsed strictly: every part that decides something has exactly one encoding. */
import { equalBytes } from "../bytes.ts";
import type { PublicKey } from "../crypto/index.ts";
import { checkDer, type DerElement, DerReader, malformed, tag } from "./der.ts";
import { decodeAscii, parseDistinguishedName } from "./distinguished-name.ts";
import { type Extensions, parseExtensions } from "./extensions.ts";
import { parseSubjectKey, type SubjectKey } from "./subject-key.ts";

/** What a certificate says. That it says so proves nothing: see `checkChain`. */
export interface Certificate extends Extensions {
  readonly der: Uint8Array;
  /** RFC 4514, for example `CN=Registrar,O=Kent County,C=US`. */
  readonly subject: string;
  readonly issuer: string;
  readonly commonName: string | undefined;
  /** Lower-case hexadecimal. */
  readonly serialNumber: string;
  /** Seconds since the epoch; valid from `notBefore` to `notAfter`, both included. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** `undefined` if the key is not of an algorithm that signs statements, such as RSA. */
  readonly publicKey: PublicKey | undefined;
  readonly subjectKey: SubjectKey;
  /** The parts that a check compares or verifies byte for byte, as DER. */
  readonly raw: {
    readonly subject: Uint8Array;
    readonly issuer: Uint8Array;
    readonly signed: Uint8Array;
    readonly signatureAlgorithm: Uint8Array;
    readonly signature: Uint8Array;
  };
}

/** @throws MALFORMED_CERTIFICATE */
export function parseCertificate(der: Uint8Array): Certificate {
  checkDer(der);
  const outer = new DerReader(der);
  const reader = outer.inside();
  outer.end();
  const signed = reader.element(tag.sequence);
  const signatureAlgorithm = reader.element(tag.sequence).whole;
  const signature = reader.octetAlignedBits();
  reader.end();
  const { fields, innerAlgorithm } = parseSigned(signed, signature, signatureAlgorithm);
  // §4.1.1.2
  if (!equalBytes(innerAlgorithm, signatureAlgorithm)) throw malformed("The two signature algorithms differ.");
  return { der, ...fields };
}

function parseSigned(
  signed: DerElement,
  signature: Uint8Array,
  signatureAlgorithm: Uint8Array,
): { fields: Omit<Certificate, "der">; innerAlgorithm: Uint8Array } {
  const reader = new DerReader(signed.value);
  const version = parseVersion(reader);
  const serialNumber = reader.unsigned().toHex();
  const innerAlgorithm = reader.element(tag.sequence).whole;
  const issuer = reader.element(tag.sequence);
  const validity = reader.inside();
  const notBefore = parseTime(validity.element());
  const notAfter = parseTime(validity.element());
  validity.end();
  const subject = reader.element(tag.sequence);
  const subjectKey = parseSubjectKey(reader.element(tag.sequence));
  const extensions = version === 3 ? parseExtensionList(reader) : parseExtensions(undefined);
  reader.end(); // so unique identifiers are refused: §4.1.2.8 forbids CAs to issue them
  const { text, commonName } = parseDistinguishedName(subject);
  const fields = {
    subject: text,
    issuer: parseDistinguishedName(issuer).text,
    commonName,
    serialNumber,
    notBefore,
    notAfter,
    publicKey: subjectKey.publicKey,
    subjectKey,
    ...extensions,
    raw: { subject: subject.whole, issuer: issuer.whole, signed: signed.whole, signatureAlgorithm, signature },
  };
  return { fields, innerAlgorithm };
}

// §4.1.2.1: version 1 is the default, so it is left out.
function parseVersion(reader: DerReader): 1 | 3 {
  if (reader.peek() !== 0xa0) return 1;
  const explicit = reader.inside(0xa0);
  const version = explicit.smallUnsigned();
  explicit.end();
  if (version !== 2) throw malformed("The certificate is of neither version 1 nor version 3.");
  return 3;
}

function parseExtensionList(reader: DerReader): Extensions {
  if (reader.peek() !== 0xa3) return parseExtensions(undefined);
  const explicit = reader.inside(0xa3);
  const list = explicit.inside();
  explicit.end();
  return parseExtensions(list);
}

// §4.1.2.5: YYMMDDHHMMSSZ, in which 50 to 99 are of the last century, or YYYYMMDDHHMMSSZ.
function parseTime(element: DerElement): number {
  const text = decodeAscii(element.value);
  const isShort = element.tag === tag.utcTime;
  if (!isShort && element.tag !== tag.generalizedTime) throw malformed("A time is of another type.");
  const full = isShort ? `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}` : text;
  const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full) ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso)
    throw malformed("A time is not a time of the calendar.");
  return time / 1000;
}
