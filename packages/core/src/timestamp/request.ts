/** Time stamp requests (RFC 3161 §2.4.1). */
import { AttestryError } from "../errors.ts";
import { derInteger, derOctets, derOid, derSequence, derTrue } from "./der-writer.ts";
import { digestLength, encodeDigestAlgorithm, type Imprint } from "./digest.ts";

export interface TimeStampRequest {
  readonly imprint: Imprint;
  /** Big-endian; comes back in the token, which so cannot be an old one. */
  readonly nonce?: Uint8Array | undefined;
  /** Whether the token is to carry the authority's certificates; without them it cannot be checked. Default true. */
  readonly certReq?: boolean | undefined;
  /** Object identifier of the policy that the authority is to work by. */
  readonly policy?: string | undefined;
}

/** @throws USAGE when the digest has not the length of its algorithm, or the policy is no object identifier */
export function encodeTimeStampRequest({ imprint, nonce, certReq = true, policy }: TimeStampRequest): Uint8Array {
  return derSequence(
    derInteger(1),
    encodeImprint(imprint),
    policy === undefined ? absent : derOid(policy),
    nonce === undefined ? absent : derInteger(nonce),
    certReq ? derTrue : absent,
  );
}

/** MessageImprint. @throws USAGE */
export function encodeImprint({ algorithm, digest }: Imprint): Uint8Array {
  if (digest.length !== digestLength[algorithm])
    throw new AttestryError("USAGE", `The digest is not one of ${algorithm}.`);
  return derSequence(encodeDigestAlgorithm(algorithm), derOctets(digest));
}

const absent = new Uint8Array();
