/** The names under which a client certificate (RFC 5280) can be enrolled. The TLS layer has checked its chain before. */
import { AttestryError } from "@attestry/core";

/**
 * Its subject (RFC 4514), and its alternative names as `DNS:`, `URI:` and `email:`.
 * @throws POLICY_UNAUTHORISED when the certificate cannot be read strictly
 */
export async function certificateKeys(der: Uint8Array): Promise<string[]> {
  const { parseCertificate } = await import("@attestry/core/x509"); // loaded where somebody shows a certificate
  try {
    const { subject, subjectAltNames } = parseCertificate(der);
    const { dns, uri, email } = subjectAltNames;
    const alternatives = [
      dns.map((name) => `DNS:${name}`),
      uri.map((name) => `URI:${name}`),
      email.map((name) => `email:${name}`),
    ];
    return [subject, ...alternatives.flat()].filter((name) => name !== "");
  } catch (cause) {
    throw new AttestryError("POLICY_UNAUTHORISED", undefined, { data: { why: "unreadable certificate" }, cause });
  }
}
