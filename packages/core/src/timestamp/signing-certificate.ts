/**
 * The signed attribute that names the signer's certificate: SigningCertificateV2 (RFC 5035 §3, RFC 5816 §2.2.1) or its forerunner
 * SigningCertificate (RFC 2634 §5.4), whose SHA-1 is no weakness here: it would take a second certificate from the authority's CA.
 */
import { equalBytes } from "../bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { DerReader, tag } from "../x509/der.ts";
import { type DigestName, digestOf, parseDigestAlgorithm } from "./digest.ts";
import { fault } from "./fault.ts";
import { attributeValue, type Signer } from "./signed-data.ts";

interface CertificateId {
  readonly algorithm: DigestName | "SHA-1";
  readonly hash: Uint8Array;
  readonly issuer: Uint8Array | undefined;
  readonly serialNumber: string | undefined;
}

const types = { v1: "1.2.840.113549.1.9.16.2.12", v2: "1.2.840.113549.1.9.16.2.47" } as const;

/**
 * Checks that the certificate is the one that the signer names, and gives those of `certificates` that its chain may be made of:
 * all, unless further ones are named (RFC 5035 §3).
 * @throws VERIFY_TIME_STAMP signing_certificate
 */
export function checkSigningCertificate(
  signer: Signer,
  certificate: Certificate,
  certificates: readonly Certificate[],
): readonly Certificate[] {
  const lists = [parseList(signer, "v1"), parseList(signer, "v2")].filter((list) => list !== undefined);
  // RFC 3161 §2.4.2 and RFC 5816 §2.2.1: one of the two there must be.
  if (lists.length === 0) throw fault("signing_certificate", "The signer does not name its certificate.");
  for (const [first] of lists) {
    if (first === undefined || !names(first, certificate))
      throw fault("signing_certificate", "The signer names another certificate.", certificate.subject);
  }
  return certificates.filter((other) =>
    lists.every((list) => list.length === 1 || list.some((id) => names(id, other))),
  );
}

function names({ algorithm, hash, issuer, serialNumber }: CertificateId, certificate: Certificate): boolean {
  if (!equalBytes(hash, digestOf(algorithm, certificate.der))) return false;
  if (issuer === undefined) return true;
  return equalBytes(issuer, certificate.raw.issuer) && serialNumber === certificate.serialNumber;
}

function parseList(signer: Signer, version: keyof typeof types): CertificateId[] | undefined {
  const value = attributeValue(signer, types[version]);
  if (value === undefined) return undefined;
  const outer = new DerReader(value.whole);
  const reader = outer.inside();
  outer.end();
  const list = reader.inside();
  reader.optional(tag.sequence); // policies, of which none is ever asked for
  reader.end();
  const ids: CertificateId[] = [];
  while (!list.atEnd) ids.push(parseId(list.inside(), version));
  return ids;
}

function parseId(reader: DerReader, version: keyof typeof types): CertificateId {
  const algorithm = version === "v1" ? "SHA-1" : parseAlgorithm(reader);
  const hash = reader.element(tag.octetString).value;
  if (reader.atEnd) return { algorithm, hash, issuer: undefined, serialNumber: undefined };
  const issuerSerial = reader.inside();
  reader.end();
  const generalNames = issuerSerial.inside();
  const directoryName = generalNames.inside(0xa4);
  const issuer = directoryName.element(tag.sequence).whole;
  directoryName.end();
  generalNames.end();
  const serialNumber = issuerSerial.unsigned().toHex();
  issuerSerial.end();
  return { algorithm, hash, issuer, serialNumber };
}

// The default is SHA-256. Some write it out, which DER does not want and a signature covers.
function parseAlgorithm(reader: DerReader): DigestName {
  return reader.peek() === tag.sequence ? parseDigestAlgorithm(reader) : "SHA-256";
}
