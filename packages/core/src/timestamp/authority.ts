/** The certificate of a time stamp authority: which one it is, and what it must be like (RFC 3161 §2.3). */
import { equalBytes } from "../bytes.ts";
import type { Certificate } from "../x509/certificate.ts";
import { DerReader, tag } from "../x509/der.ts";
import { parseDistinguishedName } from "../x509/distinguished-name.ts";
import { fault } from "./fault.ts";
import type { SignerId } from "./signed-data.ts";

const extension = {
  subjectKeyIdentifier: "2.5.29.14",
  subjectAltName: "2.5.29.17",
  extendedKeyUsage: "2.5.29.37",
} as const;
const timeStamping = "1.3.6.1.5.5.7.3.8";

/** RFC 5652 §5.3. @throws VERIFY_TIME_STAMP signer if none of the certificates is the signer's */
export function findSigner(id: SignerId, certificates: readonly Certificate[]): Certificate {
  const signer = certificates.find((certificate) => {
    if (id.kind === "issuer")
      return certificate.serialNumber === id.serialNumber && equalBytes(certificate.raw.issuer, id.issuer);
    const value = findExtension(certificate, extension.subjectKeyIdentifier)?.value;
    return value !== undefined && equalBytes(new DerReader(value).element(tag.octetString).value, id.keyId);
  });
  if (signer === undefined) throw fault("signer", "The signer's certificate did not come along.");
  return signer;
}

/**
 * Checks that the certificate is good for time stamps and nothing else.
 * @throws VERIFY_TIME_STAMP purpose or key_usage
 */
export function checkAuthorityCertificate(certificate: Certificate): void {
  const { extendedKeyUsage, keyUsage, subject } = certificate;
  // RFC 3161 §2.3: critical, and the only purpose.
  const isSole = extendedKeyUsage?.length === 1 && extendedKeyUsage[0] === timeStamping;
  if (!isSole || !findExtension(certificate, extension.extendedKeyUsage)?.critical)
    throw fault("purpose", "The certificate is not for time stamps alone.", subject);
  const signs = ["digitalSignature", "nonRepudiation"];
  if (keyUsage !== undefined && !keyUsage.every((use) => signs.includes(use)))
    throw fault("key_usage", "The certificate's key has other uses than signing.", subject);
}

/**
 * Checks that a name which the authority gives itself is one of its certificate's (RFC 3161 §2.4.2).
 * @throws VERIFY_TIME_STAMP authority_name
 */
export function checkAuthorityName(name: Uint8Array | undefined, certificate: Certificate): void {
  if (name === undefined || isSubject(name, certificate)) return;
  const value = findExtension(certificate, extension.subjectAltName)?.value;
  const names = new DerReader(value ?? new Uint8Array());
  const list = names.atEnd ? names : names.inside();
  while (!list.atEnd) if (equalBytes(list.element().whole, name)) return;
  throw fault(
    "authority_name",
    "The authority calls itself by a name that its certificate lacks.",
    certificate.subject,
  );
}

// As text: authorities write the same name with other string types than their CA did.
function isSubject(name: Uint8Array, { subject }: Certificate): boolean {
  const reader = new DerReader(name);
  if (reader.peek() !== 0xa4) return false;
  const directoryName = reader.inside(0xa4);
  const { text } = parseDistinguishedName(directoryName.element(tag.sequence));
  directoryName.end();
  return text === subject;
}

interface RawExtension {
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function findExtension({ raw }: Certificate, wanted: string): RawExtension | undefined {
  const fields = new DerReader(raw.signed).inside();
  while (!fields.atEnd && fields.peek() !== 0xa3) fields.element();
  if (fields.atEnd) return undefined;
  const list = fields.inside(0xa3).inside();
  while (!list.atEnd) {
    const reader = list.inside();
    const isWanted = reader.oid() === wanted;
    const critical = reader.optional(tag.boolean) !== undefined;
    if (isWanted) return { critical, value: reader.element(tag.octetString).value };
  }
  return undefined;
}
