/**
 * Our own time stamp authority: RFC 3161, with SigningCertificateV2 of RFC 5816. It signs with P-256, which every client checks;
 * `openssl ts`, for one, refuses Ed25519.
 */
import { randomBytes } from "node:crypto";
import { AttestryError, equalBytes, isAttestryError, type Signer } from "@attestry/core";
import {
  type Certificate,
  checkAuthorityCertificate,
  derBits,
  derContext,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derText,
  derTime,
  digestOf,
  encodeDigestAlgorithm,
  failureBits,
  infoType,
  parseCertificate,
  type TimeStampFailure,
} from "@attestry/core/timestamp";
import type { Logger } from "pino";
import { type AuthorityRequest, failureOf, parseAuthorityRequest, refusal } from "./request.ts";

export interface TimeStampAuthority {
  /** The answer to a request, both DER. Never rejects: what goes wrong is answered too. */
  respond(request: Uint8Array): Promise<Uint8Array>;
}

export interface TimeStampAuthorityOptions {
  /** ES256. */
  readonly signer: Signer;
  /** DER, the signer's certificate first; these go into the tokens of those who ask for certificates. */
  readonly chain: readonly Uint8Array[];
  /** Object identifier of the policy that tokens state. */
  readonly policy: string;
  /** Whole seconds of Unix time, right to within a second. */
  readonly now: () => number;
  /** At most 20 bytes, never the same twice. Default: 128 random bits. */
  readonly nextSerial?: () => Uint8Array;
  /** Hears why an answer is a system failure. */
  readonly logger: Pick<Logger, "error">;
}

/**
 * @throws MALFORMED_KEY when the signer's key is not P-256, MALFORMED_CERTIFICATE, VERIFY_KEY_MISMATCH when the certificate is of
 * another key, VERIFY_TIME_STAMP when it is not for time stamps alone, USAGE when the policy is no object identifier
 */
export function createTimeStampAuthority(options: TimeStampAuthorityOptions): TimeStampAuthority {
  const certificate = checkOptions(options);
  return {
    async respond(der: Uint8Array): Promise<Uint8Array> {
      try {
        const token = await createToken(parseAuthorityRequest(der), certificate, options);
        return derSequence(derSequence(derInteger(0)), token);
      } catch (error) {
        const failure = failureOf(error);
        if (failure === "systemFailure") options.logger.error({ err: error }, "a time stamp could not be made");
        return encodeRefusal(
          failure,
          isAttestryError(error) && failure !== "systemFailure" ? error.message : undefined,
        );
      }
    },
  };
}

function checkOptions({ signer, chain, policy }: TimeStampAuthorityOptions): Certificate {
  if (signer.publicKey.algorithm !== "ES256")
    throw new AttestryError("MALFORMED_KEY", "A time stamp authority signs with a P-256 key.");
  const [certificate] = chain.map(parseCertificate);
  if (certificate === undefined) throw new AttestryError("MALFORMED_CERTIFICATE", "The authority has no certificate.");
  if (!equalBytes(certificate.publicKey?.bytes ?? new Uint8Array(), signer.publicKey.bytes))
    throw new AttestryError("VERIFY_KEY_MISMATCH", "The authority's certificate is of another key.");
  checkAuthorityCertificate(certificate);
  derOid(policy);
  return certificate;
}

async function createToken(
  request: AuthorityRequest,
  certificate: Certificate,
  { signer, chain, policy, now, nextSerial = randomSerial }: TimeStampAuthorityOptions,
): Promise<Uint8Array> {
  if (request.policy !== undefined && request.policy !== policy)
    throw refusal("unacceptedPolicy", `The only policy here is ${policy}.`);
  const time = now();
  if (!(time >= certificate.notBefore && time <= certificate.notAfter))
    throw new AttestryError("VERIFY_CERTIFICATE", "The authority's certificate has expired, or is not valid yet.");
  // §2.4.2 TSTInfo; ordering is false, so it is left out.
  const info = derSequence(
    derInteger(1),
    derOid(policy),
    request.imprint,
    derInteger(nextSerial()),
    derTime(time),
    derSequence(derInteger(1)), // accuracy: the second that is cut off
    request.nonce ?? absent,
  );
  return encodeSignedData(info, await encodeSigner(info, certificate, signer), request.certReq ? chain : []);
}

// RFC 5652 §5.1
function encodeSignedData(info: Uint8Array, signer: Uint8Array, chain: readonly Uint8Array[]): Uint8Array {
  const signedData = derSequence(
    derInteger(3),
    derSet(encodeDigestAlgorithm("SHA-256")),
    derSequence(derOid(infoType), derContext(0, derOctets(info))),
    chain.length === 0 ? absent : derContext(0, ...chain),
    derSet(signer),
  );
  return derSequence(derOid("1.2.840.113549.1.7.2"), derContext(0, signedData));
}

// RFC 5652 §5.3
async function encodeSigner(info: Uint8Array, certificate: Certificate, signer: Signer): Promise<Uint8Array> {
  const certificateId = derSequence(derOctets(digestOf("SHA-256", certificate.der))); // ESSCertIDv2, RFC 5035 §4
  const attributes = derSet(
    encodeAttribute("1.2.840.113549.1.9.3", derOid(infoType)),
    encodeAttribute("1.2.840.113549.1.9.4", derOctets(digestOf("SHA-256", info))),
    encodeAttribute("1.2.840.113549.1.9.16.2.47", derSequence(derSequence(certificateId))),
  );
  const signature = await signer.sign(attributes);
  return derSequence(
    derInteger(1),
    derSequence(certificate.raw.issuer, derInteger(Uint8Array.fromHex(certificate.serialNumber))),
    encodeDigestAlgorithm("SHA-256"),
    Uint8Array.of(0xa0, ...attributes.subarray(1)), // signed as a SET, sent as [0] (§5.4)
    derSequence(derOid("1.2.840.10045.4.3.2")), // ecdsa-with-SHA256, RFC 5758 §3.2
    derOctets(encodeEcdsaSignature(signature)),
  );
}

function encodeAttribute(type: string, value: Uint8Array): Uint8Array {
  return derSequence(derOid(type), derSet(value));
}

/** From r ‖ s to a SEQUENCE of both (RFC 3279 §2.2.3). */
export function encodeEcdsaSignature(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2;
  return derSequence(derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half)));
}

// PKIStatusInfo: status 2 is rejection.
function encodeRefusal(failure: TimeStampFailure, message: string | undefined): Uint8Array {
  const bit = failureBits[failure];
  const bits = new Uint8Array((bit >> 3) + 1);
  bits[bit >> 3] = 0x80 >> (bit & 7);
  const text = message === undefined ? absent : derSequence(derText(message));
  return derSequence(derSequence(derInteger(2), text, derBits(bits, 7 - (bit & 7))));
}

function randomSerial(): Uint8Array {
  return randomBytes(16);
}

const absent = new Uint8Array();
