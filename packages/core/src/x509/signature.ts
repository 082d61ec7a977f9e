/** Whether one certificate's key made the signature on another (RFC 5280 §6.1.3 a 1), and whether that counts for anything. */
import { concatBytes } from "../bytes.ts";
import { verifySignature } from "../crypto/index.ts";
import type { Certificate } from "./certificate.ts";
import { DerReader, malformed, tag } from "./der.ts";

type Hash = "SHA-256" | "SHA-384" | "SHA-512";

/** How a certificate is signed, in the words of WebCrypto. */
export type SignatureScheme =
  | { readonly name: "ECDSA"; readonly hash: Hash }
  | { readonly name: "RSASSA-PKCS1-v1_5"; readonly hash: Hash }
  | { readonly name: "RSA-PSS"; readonly hash: Hash; readonly saltLength: number }
  | { readonly name: "Ed25519" };

const schemes = new Map<string, SignatureScheme | "weak">([
  ["1.2.840.10045.4.3.2", { name: "ECDSA", hash: "SHA-256" }], // RFC 5758 §3.2
  ["1.2.840.10045.4.3.3", { name: "ECDSA", hash: "SHA-384" }],
  ["1.2.840.10045.4.3.4", { name: "ECDSA", hash: "SHA-512" }],
  ["1.3.101.112", { name: "Ed25519" }], // RFC 8410 §3
  ["1.2.840.113549.1.1.11", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }], // RFC 4055 §5
  ["1.2.840.113549.1.1.12", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-384" }],
  ["1.2.840.113549.1.1.13", { name: "RSASSA-PKCS1-v1_5", hash: "SHA-512" }],
  ["1.2.840.10045.4.1", "weak"], // ECDSA with SHA-1
  ["1.2.840.113549.1.1.2", "weak"], // RSA with MD2
  ["1.2.840.113549.1.1.4", "weak"], // RSA with MD5
  ["1.2.840.113549.1.1.5", "weak"], // RSA with SHA-1
]);

const hashes = new Map<string, Hash>([
  ["2.16.840.1.101.3.4.2.1", "SHA-256"],
  ["2.16.840.1.101.3.4.2.2", "SHA-384"],
  ["2.16.840.1.101.3.4.2.3", "SHA-512"],
]);

/** Reads an AlgorithmIdentifier; `weak` is one with a broken hash. @throws MALFORMED_CERTIFICATE */
export function parseSignatureScheme(algorithm: Uint8Array): SignatureScheme | "weak" | "unsupported" {
  const reader = new DerReader(algorithm).inside();
  const id = reader.oid();
  if (id === "1.2.840.113549.1.1.10") return parsePss(reader);
  const scheme = schemes.get(id) ?? "unsupported";
  if (scheme === "weak" || scheme === "unsupported") return scheme;
  if (scheme.name === "RSASSA-PKCS1-v1_5") reader.optional(tag.null); // RFC 4055 §5: take it present or absent
  return reader.atEnd ? scheme : "unsupported";
}

// RFC 4055 §3.1. The defaults are SHA-1's, so for SHA-2 the first two parameters are there.
function parsePss(reader: DerReader): SignatureScheme | "weak" | "unsupported" {
  if (reader.atEnd) return "weak";
  const parameters = reader.inside();
  if (parameters.peek() !== 0xa0) return "weak";
  const hash = parseHash(parameters.inside(0xa0));
  if (parameters.peek() !== 0xa1) return "weak";
  const mask = parameters.inside(0xa1).inside();
  const isMgf1 = mask.oid() === "1.2.840.113549.1.1.8";
  if (hash === undefined || !isMgf1 || parseHash(mask) !== hash) return "unsupported";
  const saltLength = parameters.peek() === 0xa2 ? parameters.inside(0xa2).smallUnsigned() : 20;
  return parameters.atEnd && reader.atEnd ? { name: "RSA-PSS", hash, saltLength } : "unsupported";
}

function parseHash(reader: DerReader): Hash | undefined {
  const algorithm = reader.inside();
  const hash = hashes.get(algorithm.oid());
  algorithm.optional(tag.null);
  return algorithm.atEnd && reader.atEnd ? hash : undefined;
}

/**
 * Whether `issuer`'s key signed `certificate` by that scheme; `undefined` if the key is of an unknown kind, or this runtime cannot use
 * it. Never rejects. RSA, P-521 and a hash other than the curve's own need WebCrypto, which browsers have in secure contexts only.
 */
export async function isSignedBy(
  { raw }: Certificate,
  { subjectKey }: Certificate,
  scheme: SignatureScheme,
): Promise<boolean | undefined> {
  const { kind, publicKey } = subjectKey;
  if (kind === "other") return undefined;
  if (scheme.name === "Ed25519") {
    return kind === "Ed25519" && publicKey !== undefined && verifySignature(publicKey, raw.signed, raw.signature);
  }
  if (scheme.name !== "ECDSA") {
    return kind === "RSA" && verifyWithWebCrypto(subjectKey.spki, scheme, scheme, raw.signed, raw.signature);
  }
  if (kind !== "P-256" && kind !== "P-384" && kind !== "P-521") return false;
  const signature = rawEcdsaSignature(raw.signature, coordinateSize[kind]);
  if (signature === undefined) return false;
  if (publicKey !== undefined && scheme.hash === ownHash[kind])
    return verifySignature(publicKey, raw.signed, signature);
  return verifyWithWebCrypto(subjectKey.spki, { ...scheme, namedCurve: kind }, scheme, raw.signed, signature);
}

const coordinateSize = { "P-256": 32, "P-384": 48, "P-521": 66 } as const;
const ownHash = { "P-256": "SHA-256", "P-384": "SHA-384", "P-521": "SHA-512" } as const;

/** From the SEQUENCE of r and s (RFC 3279 §2.2.3) to r ‖ s; `undefined` if it is not that, or does not fit. */
function rawEcdsaSignature(der: Uint8Array, size: number): Uint8Array | undefined {
  try {
    const outer = new DerReader(der);
    const reader = outer.inside();
    const parts = [reader.unsigned(), reader.unsigned()];
    reader.end();
    outer.end();
    if (parts.some((part) => part.length > size)) throw malformed("A half of the signature is too long.");
    return concatBytes(...parts.flatMap((part) => [new Uint8Array(size - part.length), part]));
  } catch {
    return undefined;
  }
}

async function verifyWithWebCrypto(
  spki: Uint8Array,
  keyKind: RsaHashedImportParams | EcKeyImportParams,
  scheme: AlgorithmIdentifier | EcdsaParams | RsaPssParams,
  signed: Uint8Array,
  signature: Uint8Array,
): Promise<boolean | undefined> {
  try {
    const { subtle } = globalThis.crypto;
    const key = await subtle.importKey("spki", Uint8Array.from(spki), keyKind, false, ["verify"]);
    return await subtle.verify(scheme, key, Uint8Array.from(signature), Uint8Array.from(signed));
  } catch {
    return undefined;
  }
}
