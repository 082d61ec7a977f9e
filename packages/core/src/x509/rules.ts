/** What RFC 5280 §6.1 asks of each certificate on a path and of each two that meet there, however the path was found. */
import { equalBytes } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";
import type { KeyUsage } from "./extensions.ts";
import { isSignedBy, parseSignatureScheme } from "./signature.ts";

/** `data.reason` of VERIFY_CERTIFICATE; `data.subject` names the certificate that it is about. */
export type ChainFault =
  | "expired"
  | "not_yet_valid"
  | "untrusted_root"
  | "unrelated"
  | "bad_signature"
  | "weak_algorithm"
  | "unsupported_algorithm"
  | "not_a_ca"
  | "key_usage"
  | "path_length"
  | "name_constraints"
  | "critical_extension";

/** Certificates from the first to the root: more are refused, whatever they say. */
export const longestPath = 8;
const rsaBits = { least: 2048, most: 8192 } as const;
/** CAs use 65537, a few 3 or 17. Windows takes 32 bits and BoringSSL, so Chrome, 33: no CA for the public has a longer one. */
const mostExponentBits = 33;

/** §6.1.3 a 4. Byte for byte, because §4.1.2.4 has CAs repeat their subject as it is. */
export function isNamedIssuer(issuer: Certificate, certificate: Certificate): boolean {
  return equalBytes(issuer.raw.subject, certificate.raw.issuer);
}

/** §6.1.3 a 1. @throws VERIFY_CERTIFICATE weak_algorithm, unsupported_algorithm or bad_signature */
export async function checkSigned(certificate: Certificate, issuer: Certificate): Promise<void> {
  const scheme = parseSignatureScheme(certificate.raw.signatureAlgorithm);
  if (scheme === "weak") throw certificateFault("weak_algorithm", certificate, "It is signed with a broken hash.");
  if (scheme === "unsupported")
    throw certificateFault("unsupported_algorithm", certificate, "It is signed in an unknown way.");
  checkKeyLength(issuer);
  const signed = await isSignedBy(certificate, issuer, scheme);
  if (signed === undefined) throw certificateFault("unsupported_algorithm", issuer, "Its key cannot be used here.");
  if (!signed) throw certificateFault("bad_signature", certificate, "Its signature is wrong.");
}

/** @throws VERIFY_CERTIFICATE weak_algorithm or unsupported_algorithm */
export function checkKeyLength(certificate: Certificate): void {
  const { rsa } = certificate.subjectKey;
  if (rsa === undefined) return;
  const { modulus: bits, exponent } = rsa;
  if (bits < rsaBits.least) throw certificateFault("weak_algorithm", certificate, `Its RSA key has only ${bits} bits.`);
  // the time that a signature takes to check grows with the square of its key, and with the length of the exponent
  if (bits > rsaBits.most)
    throw certificateFault("unsupported_algorithm", certificate, `Its RSA key has ${bits} bits.`);
  if (exponent > mostExponentBits)
    throw certificateFault("unsupported_algorithm", certificate, `Its RSA key has an exponent of ${exponent} bits.`);
}

/**
 * §6.1.3 a 2, §6.1.4 o and §6.1.5 f. Name constraints are refused even if not critical, rather than passed over.
 * @param at seconds since the epoch
 * @throws VERIFY_CERTIFICATE not_yet_valid, expired, name_constraints or critical_extension
 */
export function checkUsable(certificate: Certificate, at: number): void {
  const { notBefore, notAfter, hasNameConstraints, unknownCritical } = certificate;
  // written so that a time that is no number fails
  if (!(at >= notBefore)) throw certificateFault("not_yet_valid", certificate, "It was not valid yet at that time.");
  if (!(at <= notAfter)) throw certificateFault("expired", certificate, "It had expired by that time.");
  if (hasNameConstraints) throw certificateFault("name_constraints", certificate, "It has name constraints.");
  const [unknown] = unknownCritical;
  if (unknown !== undefined)
    throw certificateFault("critical_extension", certificate, `Its critical extension ${unknown} is unknown.`);
}

/**
 * §6.1.4 k to n. @param below the CAs between it and the first certificate of the path
 * @throws VERIFY_CERTIFICATE not_a_ca, key_usage or path_length
 */
export function checkIssuer(certificate: Certificate, below: readonly Certificate[]): void {
  if (!certificate.isCa)
    throw certificateFault("not_a_ca", certificate, "It is not a CA's, but it issued the one before it.");
  if (!allows(certificate, "keyCertSign"))
    throw certificateFault("key_usage", certificate, "It may not sign certificates.");
  const counted = below.filter((other) => !isNamedIssuer(other, other)).length;
  const { pathLength = longestPath } = certificate;
  if (counted > pathLength)
    throw certificateFault(
      "path_length",
      certificate,
      `It allows ${pathLength} CAs below it, and there are ${counted}.`,
    );
}

/** §4.2.1.3: a certificate that names no uses may be used for all. */
export function allows({ keyUsage }: Certificate, use: KeyUsage): boolean {
  return keyUsage === undefined || keyUsage.includes(use);
}

export function certificateFault(reason: ChainFault, { subject }: Certificate, problem: string): AttestryError {
  return new AttestryError("VERIFY_CERTIFICATE", `The certificate of ${subject || "(no name)"}: ${problem}`, {
    data: { reason, subject },
  });
}
