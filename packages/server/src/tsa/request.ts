/** Requests as our authority takes them (RFC 3161 §2.4.1), each refusal with the failure that §2.4.2 has for it. */
import { AttestryError, isAttestryError } from "@attestry/core";
import { checkDer, DerReader, parseImprint, type TimeStampFailure, tag } from "@attestry/core/timestamp";

export interface AuthorityRequest {
  /** MessageImprint as it came: the token repeats it. */
  readonly imprint: Uint8Array;
  /** Object identifier of the policy asked for. */
  readonly policy: string | undefined;
  /** The INTEGER as it came. */
  readonly nonce: Uint8Array | undefined;
  readonly certReq: boolean;
}

/** @throws what `failureOf` knows */
export function parseAuthorityRequest(der: Uint8Array): AuthorityRequest {
  checkDer(der);
  const outer = new DerReader(der);
  const reader = outer.inside();
  outer.end();
  if (reader.smallUnsigned() !== 1) throw refusal("badRequest", "Requests of version 1 are answered, and no others.");
  const imprint = reader.element(tag.sequence);
  const policy = reader.peek() === tag.oid ? reader.oid() : undefined;
  const nonce = reader.optional(tag.integer)?.whole;
  const certReq = reader.peek() === tag.boolean && reader.boolean(); // some write the default out, which harms nobody
  const hasExtensions = reader.optional(0xa0) !== undefined;
  reader.end();
  parseImprint(new DerReader(imprint.value));
  if (hasExtensions) throw refusal("unacceptedExtension", "Requests with extensions are not answered.");
  return { imprint: imprint.whole, policy, nonce, certReq };
}

export function refusal(failure: TimeStampFailure, message: string): AttestryError {
  return new AttestryError("POLICY_TIME_STAMP", message, { data: { failure } });
}

/** The failure that tells the client of this error. */
export function failureOf(error: unknown): TimeStampFailure {
  if (!isAttestryError(error)) return "systemFailure";
  if (error.code === "POLICY_TIME_STAMP") return error.data["failure"] as TimeStampFailure;
  if (error.code === "VERIFY_TIME_STAMP") return "badAlg"; // the imprint's digest is broken or unknown
  return error.code.startsWith("MALFORMED_") ? "badDataFormat" : "systemFailure";
}
