/**
 * Whether an authority's certificate leads to a trusted root at the time of the stamp (RFC 5280 §6, without revocation, policies and
 * names). The certificates of a token are in no order and may hold more than one way, so the way is looked for.
 */
import { equalBytes } from "../bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { isSignedBy, parseSignatureScheme } from "../x509/signature.ts";
import { fault } from "./fault.ts";

export interface PathOptions {
  readonly certificate: Certificate;
  /** Those that may stand between it and a root. */
  readonly between: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** Seconds since the epoch. */
  readonly at: number;
}

const longestPath = 8;
const rsaBits = { least: 2048, most: 8192 } as const;

/** The certificates from the given one to a root, both included. @throws VERIFY_TIME_STAMP with a `ChainFault` */
export async function findPath(options: PathOptions): Promise<readonly Certificate[]> {
  checkUsable(options.certificate, options.at);
  // Each certificate is tried in one place only: a crafted set of them must not take exponential time.
  return climb([options.certificate], options, new Set());
}

async function climb(
  path: readonly Certificate[],
  options: PathOptions,
  tried: Set<Certificate>,
): Promise<readonly Certificate[]> {
  const last = path.at(-1) ?? options.certificate;
  if (isAmong(last, options.roots)) return path;
  let failure: unknown;
  for (const issuer of [...options.roots, ...options.between].filter((other) => isNamedIssuer(other, last))) {
    if (tried.has(issuer)) continue;
    tried.add(issuer);
    try {
      checkIssuer(issuer, path, options.at);
      await checkSigned(last, issuer);
      return await climb([...path, issuer], options, tried);
    } catch (error) {
      failure ??= error;
    }
  }
  throw (
    failure ?? fault("untrusted_root", "The authority's certificate does not lead to a trusted root.", last.subject)
  );
}

/**
 * Checks that what came along and is not on the path was signed by something that came along or is trusted. It decides nothing,
 * but whoever keeps a token should see any change of it.
 * @throws VERIFY_TIME_STAMP stray_certificate
 */
export async function checkNoStrays(
  path: readonly Certificate[],
  certificates: readonly Certificate[],
  roots: readonly Certificate[],
): Promise<void> {
  for (const certificate of certificates.filter((other) => !isAmong(other, [...path, ...roots]))) {
    if (await isSignedByAny(certificate, [...certificates, ...roots])) continue;
    throw fault("stray_certificate", "A certificate came along that nothing vouches for.", certificate.subject);
  }
}

async function isSignedByAny(certificate: Certificate, issuers: readonly Certificate[]): Promise<boolean> {
  for (const issuer of issuers.filter((other) => isNamedIssuer(other, certificate))) {
    const problem = await checkSigned(certificate, issuer).catch((error: unknown) => error);
    if (problem === undefined) return true;
  }
  return false;
}

/** @throws VERIFY_TIME_STAMP weak_algorithm, unsupported_algorithm or bad_signature */
async function checkSigned(certificate: Certificate, issuer: Certificate): Promise<void> {
  const { subject } = certificate;
  const scheme = parseSignatureScheme(certificate.raw.signatureAlgorithm);
  if (scheme === "weak") throw fault("weak_algorithm", "The certificate is signed with a broken hash.", subject);
  if (scheme === "unsupported")
    throw fault("unsupported_algorithm", "The certificate is signed in an unknown way.", subject);
  checkKeyLength(issuer);
  if (!(await isSignedBy(certificate, issuer, scheme)))
    throw fault("bad_signature", "The certificate's signature is wrong, or its kind cannot be checked here.", subject);
}

/** @throws VERIFY_TIME_STAMP weak_algorithm or unsupported_algorithm */
export function checkKeyLength({ subjectKey, subject }: Certificate): void {
  if (subjectKey.kind !== "RSA") return;
  if (subjectKey.rsaBits < rsaBits.least)
    throw fault("weak_algorithm", `The RSA key has only ${subjectKey.rsaBits} bits.`, subject);
  if (subjectKey.rsaBits > rsaBits.most)
    throw fault("unsupported_algorithm", `The RSA key has ${subjectKey.rsaBits} bits.`, subject);
}

// §6.1.4 k to n
function checkIssuer(issuer: Certificate, path: readonly Certificate[], at: number): void {
  checkUsable(issuer, at);
  const { subject, isCa, keyUsage, pathLength = longestPath } = issuer;
  if (!isCa) throw fault("not_a_ca", "A certificate was issued by one that is not a CA's.", subject);
  if (keyUsage !== undefined && !keyUsage.includes("keyCertSign"))
    throw fault("key_usage", "A certificate was issued by one that may not sign certificates.", subject);
  const below = path.slice(1).filter((certificate) => !isNamedIssuer(certificate, certificate)).length;
  if (below > pathLength || path.length >= longestPath)
    throw fault("path_length", "There are more CAs below one than it allows.", subject);
}

// §6.1.3 a 2, §6.1.4 o and §6.1.5 f. Name constraints are refused even if not critical, rather than passed over.
function checkUsable(
  { notBefore, notAfter, hasNameConstraints, unknownCritical, subject }: Certificate,
  at: number,
): void {
  if (!(at >= notBefore))
    throw fault("not_yet_valid", "A certificate was not valid yet at the time of the stamp.", subject);
  if (!(at <= notAfter)) throw fault("expired", "A certificate had expired by the time of the stamp.", subject);
  if (hasNameConstraints) throw fault("name_constraints", "A certificate has name constraints.", subject);
  if (unknownCritical.length > 0)
    throw fault("critical_extension", `The critical extension ${unknownCritical[0]} is unknown.`, subject);
}

function isAmong(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => equalBytes(other.der, certificate.der));
}

// Byte for byte, because RFC 5280 §4.1.2.4 has CAs repeat their subject as it is.
function isNamedIssuer(issuer: Certificate, certificate: Certificate): boolean {
  return equalBytes(issuer.raw.subject, certificate.raw.issuer);
}
