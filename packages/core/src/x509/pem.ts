/** Certificates as files hold them: PEM (RFC 7468 §5), and the hash that COSE names them by (RFC 9360 §2, x5t). */
import { decodeBase64 } from "../bytes.ts";
import { sha256 } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";

/** SHA-256 of the DER. In COSE, x5t is the array of −16 (SHA-256, RFC 9054 §2.1) and this. */
export function certificateThumbprint(der: Uint8Array): Uint8Array {
  return sha256(der);
}

const begin = "-----BEGIN CERTIFICATE-----";
const end = "-----END CERTIFICATE-----";

/**
 * The certificates of a PEM file, DER, in their order. Text between them is passed over; blocks of any other kind, such as keys,
 * and text without a certificate are refused.
 * @throws MALFORMED_CERTIFICATE
 */
export function parsePemCertificates(text: string): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  let block: string[] | undefined;
  for (const [index, line] of text
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .entries()) {
    if (line === begin && block === undefined) block = [];
    else if (line === end && block !== undefined) {
      certificates.push(decodeBase64(block.join(""), "MALFORMED_CERTIFICATE"));
      block = undefined;
    } else if (line.startsWith("-----"))
      throw malformed(`Line ${index + 1} does not belong into a file of certificates.`);
    else block?.push(line);
  }
  if (block !== undefined) throw malformed("The last certificate is cut short.");
  if (certificates.length === 0) throw malformed("There is no certificate in the file.");
  return certificates;
}

function malformed(message: string): AttestryError {
  return new AttestryError("MALFORMED_CERTIFICATE", message);
}
