/** Makes tokens for the tests, right in every part or wrong in the parts that a test asks for. */
import { webcrypto } from "node:crypto";
import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { extension, type Issued, issue, noon } from "../x509/test-certificates.ts";
import { derContext, derElement, derInteger, derOctets, derOid, derSequence, derSet, derTrue } from "./der-writer.ts";
import { type DigestName, digestOf, encodeDigestAlgorithm, type Imprint } from "./digest.ts";
import { encodeImprint } from "./request.ts";

export const purpose = {
  timeStamping: "1.3.6.1.5.5.7.3.8",
  codeSigning: "1.3.6.1.5.5.7.3.3",
  documentSigning: "1.3.6.1.5.5.7.3.36",
} as const;

/** The extended key usage extension with exactly these purposes. */
export function purposes(critical: boolean, ...ids: readonly string[]): ReturnType<typeof extension> {
  return extension("2.5.29.37", critical, derSequence(...ids.map(derOid)));
}

/** An authority's certificate as it should be. */
export function issueAuthority(options: Partial<Parameters<typeof issue>[0]> = {}): Promise<Issued> {
  return issue({ subject: "CN=Time", extensions: [purposes(true, purpose.timeStamping)], ...options });
}

export const imprint: Imprint = { algorithm: "SHA-256", digest: digestOf("SHA-256", encodeUtf8("a deed\n")) };
/** The time of the tokens. */
export const stampedAt: number = noon("2026-06-01");

export const attributeType = {
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;

const sha1 = derSequence(derOid("1.3.14.3.2.26"), derElement(0x05));
export const sha1Imprint: Uint8Array = derSequence(sha1, derOctets(new Uint8Array(20)));

/** Each part is DER, in the place of the right one. */
export interface Parts {
  readonly authority: Issued;
  /** Default: the authority's alone. */
  readonly certificates?: readonly Uint8Array[];
  readonly infoVersion?: number;
  readonly imprint?: Uint8Array;
  readonly time?: string;
  /** What follows the time in TSTInfo. */
  readonly infoRest?: readonly Uint8Array[];
  /** What follows TSTInfo where it should end. */
  readonly afterInfo?: Uint8Array;
  readonly infoType?: string;
  readonly version?: number;
  readonly digest?: DigestName;
  readonly digestAlgorithm?: Uint8Array;
  /** The contents of the set of digest algorithms; default: the signer's. */
  readonly digestAlgorithms?: Uint8Array;
  readonly signerVersion?: number;
  readonly signerId?: Uint8Array;
  /** Attributes by type; `null` leaves one out, further types are added. */
  readonly attributes?: Readonly<Record<string, Uint8Array | null>>;
  /** The contents of the set of attributes, from those made. */
  readonly arrange?: (attributes: readonly Uint8Array[]) => readonly Uint8Array[];
  readonly signatureAlgorithm?: Uint8Array;
  /** What follows the signature in SignerInfo. */
  readonly unsigned?: Uint8Array;
  /** What stands between the certificates and the signers. */
  readonly revocation?: Uint8Array;
  /** The contents of the set of signers, from the one made. */
  readonly signers?: (signer: Uint8Array) => readonly Uint8Array[];
}

export async function makeToken(parts: Parts): Promise<Uint8Array> {
  const infoType = parts.infoType ?? "1.2.840.113549.1.9.16.1.4";
  const info = concatBytes(makeInfo(parts), parts.afterInfo ?? new Uint8Array());
  const signer = await makeSigner(parts, info, infoType);
  const signedData = derSequence(
    derInteger(parts.version ?? 3),
    derSet(parts.digestAlgorithms ?? parts.digestAlgorithm ?? encodeDigestAlgorithm(parts.digest ?? "SHA-256")),
    derSequence(derOid(infoType), derContext(0, derOctets(info))),
    derContext(0, ...(parts.certificates ?? [parts.authority.der])),
    parts.revocation ?? new Uint8Array(),
    derElement(0x31, ...(parts.signers?.(signer) ?? [signer])),
  );
  return derSequence(derOid("1.2.840.113549.1.7.2"), derContext(0, signedData));
}

function makeInfo(parts: Parts): Uint8Array {
  return derSequence(
    derInteger(parts.infoVersion ?? 1),
    derOid("1.2.3.4"),
    parts.imprint ?? encodeImprint(imprint),
    derInteger(0x1234),
    derElement(0x18, encodeUtf8(parts.time ?? "20260601120000Z")),
    ...(parts.infoRest ?? []),
  );
}

/** ESSCertIDv2, or ESSCertID with SHA-1. */
export function certificateId(
  der: Uint8Array,
  algorithm: DigestName | "SHA-1" = "SHA-256",
  issuerSerial?: Uint8Array,
): Uint8Array {
  const named = algorithm === "SHA-256" || algorithm === "SHA-1" ? new Uint8Array() : encodeDigestAlgorithm(algorithm);
  return derSequence(named, derOctets(digestOf(algorithm, der)), issuerSerial ?? new Uint8Array());
}

/** SigningCertificate and SigningCertificateV2 alike. */
export function signingCertificate(...ids: readonly Uint8Array[]): Uint8Array {
  return derSequence(derSequence(...ids));
}

export function issuerSerial(der: Uint8Array, serial?: number): Uint8Array {
  const { raw, serialNumber } = parseCertificate(der);
  const number = derInteger(serial ?? Uint8Array.fromHex(serialNumber));
  return derSequence(derSequence(derElement(0xa4, raw.issuer)), number);
}

async function makeSigner(parts: Parts, info: Uint8Array, infoType: string): Promise<Uint8Array> {
  const { authority, digest = "SHA-256" } = parts;
  const attributes: Record<string, Uint8Array | null> = {
    [attributeType.contentType]: derOid(infoType),
    [attributeType.messageDigest]: derOctets(digestOf(digest, info)),
    [attributeType.signingCertificateV2]: signingCertificate(certificateId(authority.der)),
    ...parts.attributes,
  };
  const made = Object.entries(attributes).flatMap(([type, value]) =>
    value === null ? [] : [derSequence(derOid(type), derSet(value))],
  );
  const set = parts.arrange === undefined ? derSet(...made) : derElement(0x31, ...parts.arrange(made));
  const { raw, serialNumber } = parseCertificate(authority.der);
  const id = derSequence(raw.issuer, derInteger(Uint8Array.fromHex(serialNumber)));
  return derSequence(
    derInteger(parts.signerVersion ?? 1),
    parts.signerId ?? id,
    parts.digestAlgorithm ?? encodeDigestAlgorithm(digest),
    Uint8Array.of(0xa0, ...set.subarray(1)),
    parts.signatureAlgorithm ?? signatureAlgorithm(authority, digest),
    derOctets(await sign(authority, digest, set)),
    parts.unsigned ?? new Uint8Array(),
  );
}

const ecdsa: Readonly<Record<DigestName, string>> = {
  "SHA-256": "1.2.840.10045.4.3.2",
  "SHA-384": "1.2.840.10045.4.3.3",
  "SHA-512": "1.2.840.10045.4.3.4",
};

function signatureAlgorithm({ kind }: Issued, digest: DigestName): Uint8Array {
  if (kind === "Ed25519") return derSequence(derOid("1.3.101.112"));
  if (kind.startsWith("P-")) return derSequence(derOid(ecdsa[digest]));
  return rsaPkcs1[digest];
}

const rsa = (arc: number): Uint8Array => derSequence(derOid(`1.2.840.113549.1.1.${arc}`), derElement(0x05));
export const rsaPkcs1: Readonly<Record<DigestName | "unnamed", Uint8Array>> = {
  "SHA-256": rsa(11),
  "SHA-384": rsa(12),
  "SHA-512": rsa(13),
  unnamed: rsa(1),
};

async function sign({ keys, kind }: Issued, hash: DigestName, data: Uint8Array): Promise<Uint8Array> {
  const algorithm = { name: keys.privateKey.algorithm.name, hash, saltLength: 32 };
  const signature = new Uint8Array(await webcrypto.subtle.sign(algorithm, keys.privateKey, Uint8Array.from(data)));
  if (!kind.startsWith("P-")) return signature;
  const half = signature.length / 2;
  return derSequence(derInteger(signature.subarray(0, half)), derInteger(signature.subarray(half)));
}

/** A granting response around a token, as files for `openssl ts` have it. */
export function grant(token: Uint8Array): Uint8Array {
  return derSequence(derSequence(derInteger(0)), token);
}

/** An extension of TSTInfo. */
export function infoExtension(critical: boolean): Uint8Array {
  const parts = [derOid("1.2.3.4.5.6"), critical ? derTrue : new Uint8Array(), derOctets(new Uint8Array())];
  return derContext(1, derSequence(...parts));
}
