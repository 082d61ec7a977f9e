/** Whether a time stamp token holds: RFC 3161 §2.2 and §2.4.2, RFC 5816, RFC 5652 §5.4 to §5.6. */
import { encodeHex, equalBytes } from "../bytes.ts";
import { type Certificate, parseCertificate } from "../x509/certificate.ts";
import { DerReader, tag } from "../x509/der.ts";
import { checkKeyLength } from "../x509/rules.ts";
import { isSignedBy, parseSignatureScheme, type SignatureScheme } from "../x509/signature.ts";
import { checkAuthorityCertificate, checkAuthorityName, findSigner } from "./authority.ts";
import { integerContents } from "./der-writer.ts";
import { type DigestName, digestNamed, digestOf, type Imprint } from "./digest.ts";
import { fault, judging, misfit, reading } from "./fault.ts";
import type { TimeStampInfo } from "./info.ts";
import { checkNoStrays, findPath, mostSignatures } from "./path.ts";
import { attributeValue, type Signer } from "./signed-data.ts";
import { checkSigningCertificate } from "./signing-certificate.ts";
import { infoType, parseTimeStampToken, type TimeStampToken } from "./token.ts";

export interface CheckTimeStampOptions {
  /** DER; with the authority's certificates in it, as `certReq` asks for. */
  readonly token: Uint8Array;
  /** What it must be a stamp of. */
  readonly imprint: Imprint;
  /** Trusted certificates, DER. */
  readonly roots: readonly Uint8Array[];
  /** The nonce that was sent, big-endian; absent: any or none will do. */
  readonly nonce?: Uint8Array | undefined;
  /** Seconds since the epoch that the stamp must not be later than; absent: any time will do. */
  readonly at?: number | undefined;
}

/** What a token that holds proves: the data with that imprint existed by then, so says the authority. */
export interface TimeStamp {
  /** Whole seconds since the epoch, as the authority states it; a fraction is cut off. */
  readonly time: number;
  /** Seconds by which the time may be off either way; `undefined` when the authority does not say. */
  readonly accuracy: number | undefined;
  /** The subject of the authority's certificate, RFC 4514. */
  readonly authority: string;
  /** Object identifier. */
  readonly policy: string;
  /** Lower-case hexadecimal, unique for each stamp of the authority. */
  readonly serial: string;
}

/**
 * Checks a token fully. It says nothing about revocation; the chain is judged as of the time that the token states.
 *
 * Any changed byte is refused, but for one: the authorities that sign with RSA name the algorithm in either of two ways, with the
 * digest or without (RFC 3370 §3.2), and the signature does not cover which.
 * @throws MALFORMED_TIME_STAMP, VERIFY_TIME_STAMP with a `TimeStampFault`, MALFORMED_CERTIFICATE if a root is none
 */
export async function checkTimeStamp(options: CheckTimeStampOptions): Promise<TimeStamp> {
  const roots = options.roots.map(parseCertificate);
  const token = parseTimeStampToken(options.token);
  const { info, signer } = token;
  checkInfo(info, options);
  const { authority, certificates, between } = reading(() => findAuthority(token));
  const digest = digestNamed(signer.digestAlgorithm);
  const scheme = reading(() => parseScheme(signer, digest, authority));
  reading(() => checkContent(token, digest));
  const pathOptions = { certificate: authority, between, roots, at: info.time, budget: { left: mostSignatures } };
  const path = await findPath(pathOptions);
  await checkNoStrays(path, certificates, pathOptions);
  await checkSignature(signer, authority, scheme);
  const { time, accuracy, policy, serial } = info;
  return { time, accuracy, authority: authority.subject, policy, serial };
}

function checkInfo(info: TimeStampInfo, { imprint, nonce, at }: CheckTimeStampOptions): void {
  if (info.imprint.algorithm !== imprint.algorithm || !equalBytes(info.imprint.digest, imprint.digest))
    throw fault("imprint", "The time stamp is of other data.");
  // §2.4.2: a nonce that was sent must come back.
  if (nonce !== undefined && !(info.nonce !== undefined && equalBytes(info.nonce, integerContents(nonce))))
    throw fault("nonce", "The time stamp is not the answer to this request.");
  if (at !== undefined && !(info.time <= at)) throw fault("time", "The time stamp is of a later time than it can be.");
}

interface Found {
  readonly authority: Certificate;
  readonly certificates: readonly Certificate[];
  readonly between: readonly Certificate[];
}

function findAuthority({ info, signer, certificates: ders }: TimeStampToken): Found {
  const certificates = ders.map(parseCertificate);
  const authority = findSigner(signer.id, certificates);
  const between = checkSigningCertificate(signer, authority, certificates);
  checkAuthorityCertificate(authority);
  checkAuthorityName(info.authority, authority);
  return { authority, certificates, between };
}

const contentType = "1.2.840.113549.1.9.3";
const messageDigest = "1.2.840.113549.1.9.4";

// RFC 5652 §11.1 and §11.2: both attributes must be there, since there are signed attributes.
function checkContent({ signer, content }: TimeStampToken, algorithm: DigestName): void {
  const type = attributeValue(signer, contentType);
  if (type === undefined || new DerReader(type.whole).oid() !== infoType)
    throw fault("message_digest", "The signature is not over a time stamp.");
  const digest = attributeValue(signer, messageDigest);
  const isSame = digest?.tag === tag.octetString && equalBytes(digest.value, digestOf(algorithm, content));
  if (!isSame) throw fault("message_digest", "The time stamp is not the one that was signed.");
}

async function checkSignature(
  { signed, signature }: Signer,
  authority: Certificate,
  scheme: SignatureScheme,
): Promise<void> {
  await judging(() => checkKeyLength(authority));
  // The attributes stand where a certificate's signed part does: what is checked is the same.
  const statement = { ...authority, raw: { ...authority.raw, signed, signature } };
  const isSigned = await isSignedBy(statement, authority, scheme);
  if (isSigned === undefined) throw fault("unsupported_algorithm", "The authority's key cannot be used here.");
  if (!isSigned) throw fault("bad_signature", "The authority's signature is wrong.");
}

const rsaEncryption = "300d06092a864886f70d0101010500";

function parseScheme({ signatureAlgorithm }: Signer, digest: DigestName, authority: Certificate): SignatureScheme {
  if (encodeHex(signatureAlgorithm) === rsaEncryption) return { name: "RSASSA-PKCS1-v1_5", hash: digest };
  const scheme = parseSignatureScheme(signatureAlgorithm);
  if (scheme === "weak") throw fault("weak_algorithm", "The time stamp is signed with a broken hash.");
  if (scheme === "unsupported" || scheme.name === "Ed25519") {
    const { kind } = authority.subjectKey;
    const isStrange = kind === "other" || kind === "Ed25519";
    const message = "The time stamp is signed in an unknown way.";
    throw isStrange ? fault("unsupported_algorithm", message) : misfit(message);
  }
  // RFC 5754 §3, RFC 4056 §3
  if (scheme.hash !== digest) throw misfit("The signature uses another digest.");
  return scheme;
}
