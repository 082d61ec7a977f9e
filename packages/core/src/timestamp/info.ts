/** TSTInfo, what a time stamp says (RFC 3161 §2.4.2). */
import { isAttestryError } from "../errors.ts";
import { checkDer, DerReader, tag } from "../x509/der.ts";
import { decodeAscii } from "../x509/distinguished-name.ts";
import { digestLength, type Imprint, parseDigestAlgorithm } from "./digest.ts";
import { fault, malformed, misfit } from "./fault.ts";

export interface TimeStampInfo {
  /** Object identifier of the policy that the authority worked by. */
  readonly policy: string;
  readonly imprint: Imprint;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** Whole seconds since the epoch; a fraction is cut off. */
  readonly time: number;
  /** Seconds by which the time may be off either way; `undefined` when the authority does not say. */
  readonly accuracy: number | undefined;
  /** Contents octets of the INTEGER. */
  readonly nonce: Uint8Array | undefined;
  /** The authority's name for itself, a GeneralName. */
  readonly authority: Uint8Array | undefined;
}

/** Throws what `DerReader` and `parseDigestAlgorithm` throw, MALFORMED_TIME_STAMP, and VERIFY_TIME_STAMP critical_extension. */
export function parseTimeStampInfo(der: Uint8Array): TimeStampInfo {
  checkDer(der);
  const outer = new DerReader(der);
  const reader = outer.inside();
  outer.end();
  if (reader.smallUnsigned() !== 1) throw malformed("The time stamp is not of version 1.");
  const policy = reader.oid();
  const imprint = ownImprint(reader.inside());
  const serial = reader.unsigned().toHex();
  const time = parseTime(reader.element(tag.generalizedTime).value);
  const accuracy = reader.peek() === tag.sequence ? parseAccuracy(reader.inside()) : undefined;
  // X.690 §11.5: the default, false, is left out. Ordering says nothing about one token alone.
  if (reader.peek() === tag.boolean && !reader.boolean()) throw malformed("A default value is written out.");
  const nonce = reader.optional(tag.integer)?.value;
  const authority = reader.peek() === 0xa0 ? parseAuthority(reader.inside(0xa0)) : undefined;
  if (reader.peek() === 0xa1) checkExtensions(reader.inside(0xa1));
  reader.end();
  return { policy, imprint, serial, time, accuracy, nonce, authority };
}

/** Whoever asks for a time stamp chooses the digest: one that is not known here is none of ours, or was changed. */
function ownImprint(reader: DerReader): Imprint {
  try {
    return parseImprint(reader);
  } catch (error) {
    if (!isAttestryError(error) || error.data["reason"] !== "unsupported_algorithm") throw error;
    throw misfit(error.message);
  }
}

/** The contents of a MessageImprint. */
export function parseImprint(reader: DerReader): Imprint {
  const algorithm = parseDigestAlgorithm(reader);
  const digest = reader.element(tag.octetString).value;
  reader.end();
  if (digest.length !== digestLength[algorithm]) throw malformed("The imprint has not the length of its digest.");
  return { algorithm, digest };
}

// YYYYMMDDhhmmss[.s...]Z, where a fraction does not end in zero.
function parseTime(bytes: Uint8Array): number {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.\d*[1-9])?Z$/.exec(decodeAscii(bytes));
  const [, year, month, day, hour, minute, second] = match ?? [];
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = Date.parse(iso);
  if (Number.isNaN(time) || new Date(time).toISOString() !== iso)
    throw malformed("The time is not a time of the calendar.");
  return time / 1000;
}

function parseAccuracy(reader: DerReader): number {
  const seconds = reader.peek() === tag.integer ? reader.smallUnsigned() : 0;
  const millis = parseThousandths(reader, 0x80);
  const micros = parseThousandths(reader, 0x81);
  reader.end();
  return (seconds * 1_000_000 + millis * 1000 + micros) / 1_000_000;
}

/** An implicitly tagged integer from 1 to 999, or 0 if it is left out. */
function parseThousandths(reader: DerReader, expected: number): number {
  const element = reader.optional(expected);
  if (element === undefined) return 0;
  const [first = 0, second] = element.value;
  const value = second === undefined ? first : first * 256 + second;
  const isShortest = second === undefined ? first < 0x80 : first > 0 || second >= 0x80;
  if (element.value.length > 2 || !isShortest || value < 1 || value > 999)
    throw malformed("The accuracy is out of range.");
  return value;
}

function parseAuthority(reader: DerReader): Uint8Array {
  const { whole } = reader.element();
  reader.end();
  return whole;
}

// Extensions that are not critical change nothing about the rest.
function checkExtensions(list: DerReader): void {
  do {
    const reader = list.inside();
    const id = reader.oid();
    const critical = reader.optional(tag.boolean) !== undefined;
    reader.element(tag.octetString);
    reader.end();
    if (critical) throw fault("critical_extension", `The critical extension ${id} of the time stamp is unknown.`);
  } while (!list.atEnd);
}
