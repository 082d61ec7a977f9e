/** Whether a certificate chain led to a trusted root at a given time (RFC 5280 §6, without revocation, policies and names). */
import { equalBytes } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import {
  allows,
  certificateFault,
  checkIssuer,
  checkSigned,
  checkUsable,
  isNamedIssuer,
  longestPath,
} from "./rules.ts";

export { type Certificate, parseCertificate } from "./certificate.ts";
export { certificateNames, checkCertificateNames, preferredIssuerName } from "./issuer-names.ts";
export type { ChainFault } from "./rules.ts";

export interface CheckChainOptions {
  /** DER certificates as in COSE x5chain (RFC 9360 §2): the leaf, then each one's issuer; the root may be left out. */
  readonly chain: readonly Uint8Array[];
  /** Trusted certificates, DER: roots, or any certificate that is to be trusted as such. */
  readonly roots: readonly Uint8Array[];
  /** The time that the chain must have been valid at, in seconds since the epoch. */
  readonly at: number;
}

export interface CheckedChain {
  readonly leaf: Certificate;
  readonly root: Certificate;
  /** From the leaf to the root, both included; one certificate if the leaf itself is trusted. */
  readonly path: readonly Certificate[];
}

/**
 * Checks a chain whose leaf signs statements. It says nothing about revocation, nor about whom the leaf may speak for
 * (`checkCertificateNames`).
 * @throws MALFORMED_CERTIFICATE if a certificate does not parse or there is none, VERIFY_CERTIFICATE with a `ChainFault`
 */
export async function checkChain({ chain, roots, at }: CheckChainOptions): Promise<CheckedChain> {
  const [leafDer] = chain;
  if (leafDer === undefined) throw new AttestryError("MALFORMED_CERTIFICATE", "There is no certificate in the chain.");
  const leaf = parseCertificate(leafDer);
  if (chain.length > longestPath)
    throw certificateFault("path_length", leaf, `The chain has more than ${longestPath} certificates.`);
  const certificates = [leaf, ...chain.slice(1).map(parseCertificate)];
  checkNamesMeet(certificates);
  // A root may have been renewed under the same name: the chain holds if it holds with any of them.
  let failure: unknown;
  for (const path of pathsToRoots(certificates, roots.map(parseCertificate))) {
    try {
      await checkPath(path, at);
      return { leaf, root: path.at(-1) ?? leaf, path };
    } catch (error) {
      failure ??= error;
    }
  }
  throw (
    failure ??
    certificateFault("untrusted_root", certificates.at(-1) ?? leaf, "The chain does not lead to a trusted root.")
  );
}

function checkNamesMeet(certificates: readonly Certificate[]): void {
  for (const [i, certificate] of certificates.entries()) {
    const issuer = certificates[i + 1];
    if (issuer !== undefined && !isNamedIssuer(issuer, certificate))
      throw certificateFault("unrelated", certificate, "The next certificate of the chain is not its issuer's.");
  }
}

function pathsToRoots(certificates: readonly Certificate[], roots: readonly Certificate[]): readonly Certificate[][] {
  const isRoot = (certificate: Certificate) => roots.some((root) => equalBytes(root.der, certificate.der));
  const trusted = certificates.findIndex(isRoot);
  if (trusted >= 0) return [certificates.slice(0, trusted + 1)];
  const last = certificates.at(-1);
  return roots.filter((root) => last !== undefined && isNamedIssuer(root, last)).map((root) => [...certificates, root]);
}

// From the root down, so that no certificate's key is used before the certificate is known to be good.
async function checkPath(path: readonly Certificate[], at: number): Promise<void> {
  for (let i = path.length - 1; i >= 0; i--) {
    const certificate = path[i] as Certificate;
    const issuer = path[i + 1];
    if (issuer !== undefined) await checkSigned(certificate, issuer);
    checkUsable(certificate, at);
    if (i === 0) checkLeaf(certificate);
    else checkIssuer(certificate, path.slice(1, i));
  }
}

function checkLeaf(certificate: Certificate): void {
  if (certificate.publicKey === undefined) {
    throw certificateFault(
      "unsupported_algorithm",
      certificate,
      "Its key is not of an algorithm that signs statements.",
    );
  }
  // §4.2.1.3: either bit is for signatures on data; certificates for legally binding signatures often have the second alone.
  if (!allows(certificate, "digitalSignature") && !allows(certificate, "nonRepudiation")) {
    throw certificateFault("key_usage", certificate, "It may not sign data.");
  }
  const purposes = certificate.extendedKeyUsage;
  if (purposes !== undefined && !purposes.some((purpose) => signingPurposes.has(purpose))) {
    throw certificateFault("key_usage", certificate, "It is for other purposes than signing data.");
  }
}

// §4.2.1.12: a certificate that names purposes is good for these only.
const signingPurposes = new Set([
  "2.5.29.37.0", // any
  "1.3.6.1.5.5.7.3.36", // document signing, RFC 9336
  "1.3.6.1.5.5.7.3.3", // code signing
  "1.3.6.1.5.5.7.3.4", // e-mail protection
  "1.3.6.1.4.1.311.10.3.12", // document signing, Microsoft
  "1.2.840.113583.1.1.5", // document signing, Adobe
]);
