/** Time stamp responses (RFC 3161 §2.4.2). */
import { decodeUtf8 } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { DerReader, tag } from "../x509/der.ts";
import { malformed, reading } from "./fault.ts";

/** The bits of PKIFailureInfo that RFC 3161 uses. */
export const failureBits = {
  badAlg: 0,
  badRequest: 2,
  badDataFormat: 5,
  timeNotAvailable: 14,
  unacceptedPolicy: 15,
  unacceptedExtension: 16,
  addInfoNotAvailable: 17,
  systemFailure: 25,
} as const;

export type TimeStampFailure = keyof typeof failureBits;

export interface TimeStampResponse {
  /** With modifications: the token may differ from what was asked for, such as in its policy. */
  readonly status: "granted" | "grantedWithMods";
  /** DER, not looked into yet. */
  readonly token: Uint8Array;
}

const statuses = ["granted", "grantedWithMods", "rejection", "waiting", "revocationWarning", "revocationNotification"];

/**
 * Reads an authority's answer.
 * @throws MALFORMED_TIME_STAMP, POLICY_TIME_STAMP when it is a refusal, with `data.status`, `data.failure` (a `TimeStampFailure`,
 * if it names one) and `data.text` (the authority's own words)
 */
export function parseTimeStampResponse(der: Uint8Array): TimeStampResponse {
  return reading(() => {
    const outer = new DerReader(der);
    const reader = outer.inside();
    outer.end();
    const { status, failure, text } = parseStatus(reader.inside());
    const token = reader.optional(tag.sequence)?.whole;
    reader.end();
    const isGranted = status === "granted" || status === "grantedWithMods";
    // §2.4.2: there is a token in these two cases and in no other, and a failure in the others only.
    if (isGranted !== (token !== undefined) || (isGranted && failure !== undefined))
      throw malformed("The answer is neither a token nor a refusal.");
    if (isGranted && token !== undefined) return { status, token };
    throw refusal(status, failure, text);
  });
}

interface Status {
  readonly status: string;
  readonly failure: TimeStampFailure | "unknown" | undefined;
  readonly text: string;
}

function parseStatus(reader: DerReader): Status {
  const status = statuses[reader.smallUnsigned()];
  if (status === undefined) throw malformed("The answer has an unknown status.");
  const texts: string[] = [];
  const list = reader.peek() === tag.sequence ? reader.inside() : undefined;
  while (list !== undefined && !list.atEnd) texts.push(decodeUtf8(list.element(0x0c).value, "MALFORMED_TIME_STAMP"));
  const failure = reader.peek() === tag.bitString ? parseFailure(reader.bitString().bytes) : undefined;
  reader.end();
  return { status, failure, text: texts.join(" ") };
}

function parseFailure(bytes: Uint8Array): TimeStampFailure | "unknown" {
  const isSet = (bit: number): boolean => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  const known = Object.entries(failureBits).find(([, bit]) => isSet(bit));
  return known === undefined ? "unknown" : (known[0] as TimeStampFailure);
}

const longestText = 200;

function refusal(status: string, failure: string | undefined, words: string): AttestryError {
  const text = words.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, " ").slice(0, longestText);
  const data = { status, ...(failure === undefined ? {} : { failure }), text };
  const reason = [failure ?? status, ...(text === "" ? [] : [`“${text}”`])].join(", ");
  return new AttestryError("POLICY_TIME_STAMP", `The authority refused to stamp the time: ${reason}.`, { data });
}
