/** Certificates in PEM (RFC 7468 §5.1): strict base64 between the markers; text around the markers is commentary. */
import { decodeBase64 } from "../bytes.ts";
import { AttestryError } from "../errors.ts";

const block = /-----BEGIN CERTIFICATE-----\r?\n([A-Za-z0-9+/=\r\n]+?)\r?\n?-----END CERTIFICATE-----/g;

/** The DER bytes of every certificate in the text, in order; at least one. @throws MALFORMED_CERTIFICATE */
export function parsePemCertificates(text: string): Uint8Array[] {
  const found = [...text.matchAll(block)].map(([, base64 = ""]) =>
    decodeBase64(base64.replace(/[\r\n]/g, ""), "MALFORMED_CERTIFICATE"),
  );
  const begun = text.split("-----BEGIN CERTIFICATE-----").length - 1;
  if (found.length === 0 || found.length !== begun) {
    throw new AttestryError("MALFORMED_CERTIFICATE", "The text holds no PEM certificate, or one that is cut short.");
  }
  return found;
}
