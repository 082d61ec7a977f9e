/**
 * Whether an authority's certificate leads to a trusted root at the time of the stamp (RFC 5280 §6, without revocation, policies and
 * names). The certificates of a token are in no order and may hold more than one way, so the way is looked for.
 */
import { equalBytes } from "../bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { certificateFault, checkIssuer, checkSigned, checkUsable, isNamedIssuer, longestPath } from "../x509/rules.ts";
import { fault, judging } from "./fault.ts";

/** How many signatures on certificates may still be checked for a token. */
export interface Budget {
  left: number;
}

/**
 * A good token takes two or three, the longest path seven. Whoever hands it on can add certificates that all seem to have issued
 * each other.
 */
export const mostSignatures = 8;

export interface PathOptions {
  readonly certificate: Certificate;
  /** Those that may stand between it and a root. */
  readonly between: readonly Certificate[];
  readonly roots: readonly Certificate[];
  /** Seconds since the epoch. */
  readonly at: number;
  readonly budget: Budget;
}

/** The certificates from the given one to a root, both included. @throws VERIFY_TIME_STAMP with a `ChainFault`, too_many_certificates */
export async function findPath(options: PathOptions): Promise<readonly Certificate[]> {
  return judging(() => {
    checkUsable(options.certificate, options.at);
    // Each certificate is tried in one place only: a crafted set of them must not take exponential time.
    return climb([options.certificate], options, new Set());
  });
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
      checkUsable(issuer, options.at);
      checkIssuer(issuer, path.slice(1));
      if (path.length >= longestPath)
        throw certificateFault("path_length", issuer, `There are ${path.length} certificates below it.`);
      spend(options.budget);
      await checkSigned(last, issuer);
      return await climb([...path, issuer], options, tried);
    } catch (error) {
      if (options.budget.left < 0) throw error;
      failure ??= error;
    }
  }
  throw failure ?? certificateFault("untrusted_root", last, "It does not lead to a trusted root.");
}

/**
 * Checks that what came along and is not on the path was signed by something that came along or is trusted. It decides nothing,
 * but whoever keeps a token should see any change of it.
 * @throws VERIFY_TIME_STAMP stray_certificate, too_many_certificates
 */
export async function checkNoStrays(
  path: readonly Certificate[],
  certificates: readonly Certificate[],
  { roots, budget }: PathOptions,
): Promise<void> {
  for (const certificate of certificates.filter((other) => !isAmong(other, [...path, ...roots]))) {
    if (await isSignedByAny(certificate, [...certificates, ...roots], budget)) continue;
    throw fault("stray_certificate", "A certificate came along that nothing vouches for.", certificate.subject);
  }
}

async function isSignedByAny(
  certificate: Certificate,
  issuers: readonly Certificate[],
  budget: Budget,
): Promise<boolean> {
  for (const issuer of issuers.filter((other) => isNamedIssuer(other, certificate))) {
    spend(budget);
    const problem = await checkSigned(certificate, issuer).catch((error: unknown) => error);
    if (problem === undefined) return true;
  }
  return false;
}

function spend(budget: Budget): void {
  if (--budget.left < 0) throw fault("too_many_certificates", "Too many of its certificates would have to be checked.");
}

function isAmong(certificate: Certificate, others: readonly Certificate[]): boolean {
  return others.some((other) => equalBytes(other.der, certificate.der));
}
