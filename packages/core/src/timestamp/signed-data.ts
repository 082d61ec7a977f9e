/**
 * CMS SignedData (RFC 5652 §5) as RFC 3161 §2.4.2 narrows it: DER, one signer, signed attributes. What no signature covers is
 * held to one form, so that a token cannot change and still be read.
 */
import { checkDer, type DerElement, DerReader, tag } from "../x509/der.ts";
import { compareElements, derElement } from "./der-writer.ts";
import { readDigestAlgorithm } from "./digest.ts";
import { malformed } from "./fault.ts";

/** Who signed: SignerIdentifier, either by issuer and serial number or by key identifier. */
export type SignerId =
  | { readonly kind: "issuer"; readonly issuer: Uint8Array; readonly serialNumber: string }
  | { readonly kind: "key"; readonly keyId: Uint8Array };

export interface SignedData {
  readonly contentType: string;
  readonly content: Uint8Array;
  /** DER, in no particular order. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: Signer;
}

export interface Signer {
  readonly id: SignerId;
  /** Object identifier; it may be of a digest that is broken or unknown. */
  readonly digestAlgorithm: string;
  /** The values of each signed attribute, by its type. */
  readonly attributes: ReadonlyMap<string, readonly DerElement[]>;
  /** What the signature is over (§5.4): the signed attributes as a SET. */
  readonly signed: Uint8Array;
  /** AlgorithmIdentifier, DER. */
  readonly signatureAlgorithm: Uint8Array;
  readonly signature: Uint8Array;
}

const mostCertificates = 16;
/** Names in signed attributes lie deeper than any part of a certificate. */
const furtherDepth = 8;

/** Throws what `DerReader` throws, and MALFORMED_TIME_STAMP. */
export function parseSignedData(der: Uint8Array): SignedData {
  checkDer(der, -furtherDepth);
  const outer = new DerReader(der);
  const info = outer.inside();
  outer.end();
  if (info.oid() !== "1.2.840.113549.1.7.2") throw malformed("It is not CMS signed data.");
  const explicit = info.inside(0xa0);
  info.end();
  const reader = explicit.inside();
  explicit.end();
  if (reader.smallUnsigned() !== 3) throw malformed("The signed data is not of version 3."); // §5.1
  const algorithms = reader.inside(tag.set);
  const digestAlgorithm = readDigestAlgorithm(algorithms);
  algorithms.end();
  const { contentType, content } = parseContent(reader.inside());
  const certificates = reader.peek() === 0xa0 ? parseCertificates(reader.inside(0xa0)) : [];
  if (reader.peek() === 0xa1) throw malformed("It carries revocation lists, which nothing here would check.");
  const signers = reader.inside(tag.set);
  reader.end();
  const signer = parseSigner(signers.inside());
  signers.end(); // RFC 3161 §2.4.2: no signature but the authority's
  if (signer.digestAlgorithm !== digestAlgorithm) throw malformed("Its digest algorithm is not the signer's.");
  return { contentType, content, certificates, signer };
}

function parseContent(reader: DerReader): Pick<SignedData, "contentType" | "content"> {
  const contentType = reader.oid();
  const explicit = reader.inside(0xa0);
  const content = explicit.element(tag.octetString).value;
  explicit.end();
  reader.end();
  return { contentType, content };
}

function parseCertificates(reader: DerReader): Uint8Array[] {
  const certificates: Uint8Array[] = [];
  while (!reader.atEnd) certificates.push(reader.element(tag.sequence).whole);
  if (certificates.length > mostCertificates) throw malformed(`It carries more than ${mostCertificates} certificates.`);
  return certificates;
}

// §5.3
function parseSigner(reader: DerReader): Signer {
  const version = reader.smallUnsigned();
  const id = parseSignerId(reader);
  if (version !== (id.kind === "issuer" ? 1 : 3)) throw malformed("The signer's version does not fit its identifier.");
  const digestAlgorithm = readDigestAlgorithm(reader);
  const attributes = reader.element(0xa0);
  const signatureAlgorithm = reader.element(tag.sequence).whole;
  const signature = reader.element(tag.octetString).value;
  if (!reader.atEnd) throw malformed("It carries unsigned attributes, which nothing here would check.");
  return {
    id,
    digestAlgorithm,
    attributes: parseAttributes(new DerReader(attributes.value)),
    signed: derElement(tag.set, attributes.value),
    signatureAlgorithm,
    signature,
  };
}

function parseSignerId(reader: DerReader): SignerId {
  const keyId = reader.optional(0x80);
  if (keyId !== undefined) return { kind: "key", keyId: keyId.value };
  const inner = reader.inside();
  const issuer = inner.element(tag.sequence).whole;
  const serialNumber = inner.unsigned().toHex();
  inner.end();
  return { kind: "issuer", issuer, serialNumber };
}

function parseAttributes(reader: DerReader): Map<string, DerElement[]> {
  const attributes = new Map<string, DerElement[]>();
  let previous: Uint8Array | undefined;
  while (!reader.atEnd) {
    const attribute = reader.element(tag.sequence);
    // §5.3: signed attributes are DER, whose sets are sorted (X.690 §11.6); else it is not clear what was signed.
    if (previous !== undefined && compareElements(previous, attribute.whole) >= 0)
      throw malformed("The signed attributes are not in their order.");
    previous = attribute.whole;
    const inner = new DerReader(attribute.value);
    const type = inner.oid();
    const values = inner.inside(tag.set);
    inner.end();
    if (attributes.has(type)) throw malformed(`The signed attribute ${type} occurs twice.`); // §5.3
    const list: DerElement[] = [];
    while (!values.atEnd) list.push(values.element());
    attributes.set(type, list);
  }
  return attributes;
}

/** The one value of a signed attribute; `undefined` if there is no such attribute. @throws MALFORMED_TIME_STAMP if it has more */
export function attributeValue({ attributes }: Signer, type: string): DerElement | undefined {
  const values = attributes.get(type);
  if (values !== undefined && values.length !== 1)
    throw malformed(`The signed attribute ${type} does not have one value.`);
  return values?.[0];
}
