/** How time stamps fail: bytes that are none (MALFORMED_TIME_STAMP), and tokens that break a rule (VERIFY_TIME_STAMP). */
import { AttestryError, isAttestryError } from "../errors.ts";
import type { ChainFault } from "../x509/rules.ts";

/** `data.reason` of VERIFY_TIME_STAMP. Those of a certificate come with `data.subject`. */
export type TimeStampFault =
  | ChainFault
  | "imprint"
  | "nonce"
  | "time"
  | "signer"
  | "signing_certificate"
  | "purpose"
  | "authority_name"
  | "message_digest"
  | "stray_certificate"
  | "too_many_certificates";

export function fault(reason: TimeStampFault, message: string, subject?: string): AttestryError {
  const data = { reason, ...(subject === undefined ? {} : { subject }) };
  return new AttestryError("VERIFY_TIME_STAMP", message, { data });
}

/** Of a kind that is not known here, beside parts that are: no authority makes such a token. */
export function misfit(message: string): AttestryError {
  const data = { reason: "unsupported_algorithm" satisfies TimeStampFault, misfit: true };
  return new AttestryError("VERIFY_TIME_STAMP", message, { data });
}

export function malformed(message: string, cause?: unknown): AttestryError {
  return new AttestryError("MALFORMED_TIME_STAMP", message, { cause });
}

/** Runs a parser that reads DER; what the reader refuses becomes MALFORMED_TIME_STAMP. */
export function reading<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (isAttestryError(error) && error.code === "MALFORMED_CERTIFICATE") throw malformed(error.message, error);
    throw error;
  }
}

/** Runs what judges certificates; what it refuses becomes VERIFY_TIME_STAMP. */
export async function judging<T>(judge: () => T | Promise<T>): Promise<T> {
  try {
    return await judge();
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "VERIFY_CERTIFICATE") throw error;
    throw new AttestryError("VERIFY_TIME_STAMP", error.message, { data: error.data, cause: error });
  }
}
