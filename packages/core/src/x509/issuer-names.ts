/** Whom a certificate may speak for: which `iss` claims (RFC 8392 §3.1.1) go with its names. */
import { AttestryError } from "../errors.ts";
import type { Certificate } from "./certificate.ts";

type Names = Pick<Certificate, "subject" | "commonName" | "subjectAltNames">;

/**
 * Every `iss` that the leaf may use: its URIs; its DNS names, bare and as `https://`; its subject (RFC 4514); its common name,
 * unless that reads like a URI or a subject, which might be somebody else's. The preferred one comes first.
 */
export function certificateNames({ subject, commonName, subjectAltNames }: Names): string[] {
  const dns = subjectAltNames.dns.flatMap((name) => [`https://${name}`, name]);
  const common = commonName === undefined || /[:=]/.test(commonName) ? "" : commonName;
  const names = [...subjectAltNames.uri, ...dns, subject, common];
  return [...new Set(names.filter((name) => name !== ""))];
}

/** The `iss` to write into a statement; `undefined` for a certificate without any name. */
export function preferredIssuerName(certificate: Names): string | undefined {
  return certificateNames(certificate)[0];
}

/** @throws VERIFY_ISSUER if `iss` is not one of the certificate's names; `data` holds both. */
export function checkCertificateNames(certificate: Names, iss: string): void {
  const names = certificateNames(certificate);
  if (!names.includes(iss)) {
    throw new AttestryError(
      "VERIFY_ISSUER",
      "The certificate does not belong to the issuer that the statement names.",
      {
        data: { iss, names },
      },
    );
  }
}
