/** The extensions of a certificate that decide what it may do (RFC 5280 §4.2). */
import { DerReader, malformed, tag } from "./der.ts";
import { decodeAscii } from "./distinguished-name.ts";

export type KeyUsage = (typeof keyUsages)[number];

/** The bits of RFC 5280 §4.2.1.3 in their order. */
const keyUsages = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
] as const;

export interface SubjectAltNames {
  readonly dns: readonly string[];
  readonly uri: readonly string[];
  readonly email: readonly string[];
}

export interface Extensions {
  /** What the key may be used for; `undefined` when the certificate does not restrict it. */
  readonly keyUsage: readonly KeyUsage[] | undefined;
  /** Purposes as object identifiers; `undefined` when the certificate does not restrict them. */
  readonly extendedKeyUsage: readonly string[] | undefined;
  readonly isCa: boolean;
  /** How many further CAs may follow below this one. */
  readonly pathLength: number | undefined;
  readonly subjectAltNames: SubjectAltNames;
  /** Whether it limits the names of certificates below it (§4.2.1.10), which Attestry does not evaluate. */
  readonly hasNameConstraints: boolean;
  /** Critical extensions that Attestry does not know. A certificate that has one must be refused. */
  readonly unknownCritical: readonly string[];
}

const extension = {
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  certificatePolicies: "2.5.29.32", // no policy is ever asked for, so any will do (§6.1.1 c, e)
  extendedKeyUsage: "2.5.29.37",
} as const;

const known = new Set<string>(Object.values(extension));

/** `list`: the SEQUENCE OF Extension, or `undefined` for a certificate that has none. @throws MALFORMED_CERTIFICATE */
export function parseExtensions(list: DerReader | undefined): Extensions {
  const values = new Map<string, DerReader>();
  const unknownCritical: string[] = [];
  while (list !== undefined && !list.atEnd) {
    const reader = list.inside();
    const id = reader.oid();
    const critical = reader.peek() === tag.boolean && readTrue(reader);
    const value = reader.element(tag.octetString).value;
    reader.end();
    if (values.has(id)) throw malformed(`The extension ${id} occurs twice.`); // §4.2
    values.set(id, new DerReader(value));
    if (critical && !known.has(id)) unknownCritical.push(id);
  }
  const read = <T>(id: string, parse: (reader: DerReader) => T): T | undefined => {
    const reader = values.get(id);
    if (reader === undefined) return undefined;
    const value = parse(reader);
    reader.end();
    return value;
  };
  return {
    keyUsage: read(extension.keyUsage, parseKeyUsage),
    extendedKeyUsage: read(extension.extendedKeyUsage, parseExtendedKeyUsage),
    ...(read(extension.basicConstraints, parseBasicConstraints) ?? { isCa: false, pathLength: undefined }),
    subjectAltNames: read(extension.subjectAltName, parseSubjectAltNames) ?? { dns: [], uri: [], email: [] },
    hasNameConstraints: values.has(extension.nameConstraints),
    unknownCritical,
  };
}

function parseKeyUsage(reader: DerReader): KeyUsage[] {
  const { unused, bytes } = reader.bitString();
  const isSet = (bit: number) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
  // X.690 §11.2.2: a named bit list ends with a bit that is set; §4.2.1.3 wants at least one.
  const last = bytes.length * 8 - unused - 1;
  if (last < 0 || last >= keyUsages.length || !isSet(last))
    throw malformed("The key usage is not a list of its nine bits.");
  return keyUsages.filter((_, bit) => isSet(bit));
}

function parseExtendedKeyUsage(outer: DerReader): string[] {
  const reader = outer.inside();
  const purposes: string[] = [];
  do purposes.push(reader.oid());
  while (!reader.atEnd);
  return purposes;
}

// §4.2.1.9
function parseBasicConstraints(outer: DerReader): { isCa: boolean; pathLength: number | undefined } {
  const reader = outer.inside();
  const isCa = reader.peek() === tag.boolean && readTrue(reader);
  const pathLength = reader.peek() === tag.integer ? reader.smallUnsigned() : undefined;
  reader.end();
  if (!isCa && pathLength !== undefined) throw malformed("There is a path length, but the certificate is not a CA's.");
  return { isCa, pathLength };
}

// X.690 §11.5: a default value is left out.
function readTrue(reader: DerReader): true {
  if (!reader.boolean()) throw malformed("A default value is written out.");
  return true;
}

// §4.2.1.6. Names of other kinds (directory names, addresses, ...) are passed over.
function parseSubjectAltNames(outer: DerReader): SubjectAltNames {
  const reader = outer.inside();
  const names = { email: [] as string[], dns: [] as string[], uri: [] as string[] };
  const kinds = new Map([
    [0x81, names.email],
    [0x82, names.dns],
    [0x86, names.uri],
  ]);
  do {
    const { tag, value } = reader.element();
    kinds.get(tag)?.push(visibleAscii(value));
  } while (!reader.atEnd);
  return names;
}

// IA5String allows control characters; in a name they serve only to deceive.
function visibleAscii(bytes: Uint8Array): string {
  const text = decodeAscii(bytes);
  if (!/^[\x21-\x7e]+$/.test(text))
    throw malformed("An alternative name is empty, or holds a space or control character.");
  return text;
}
