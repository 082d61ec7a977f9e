/** The key that a certificate is about: SubjectPublicKeyInfo (RFC 5280 §4.1.2.7, RFC 5480, RFC 8410, RFC 8017 §A.1.1). */
import { type PublicKey, publicKey } from "../crypto/index.ts";
import { isAttestryError } from "../errors.ts";
import { type DerElement, DerReader, malformed, tag } from "./der.ts";

export interface SubjectKey {
  readonly kind: "P-256" | "P-384" | "P-521" | "Ed25519" | "RSA" | "other";
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array;
  /** For the kinds that sign statements: P-256, P-384, Ed25519. */
  readonly publicKey: PublicKey | undefined;
  /** Lengths in bits of an RSA key; `undefined` for other kinds. */
  readonly rsa: { readonly modulus: number; readonly exponent: number } | undefined;
}

const kinds = new Map<string, SubjectKey["kind"]>([
  ["301306072a8648ce3d020106082a8648ce3d030107", "P-256"],
  ["301006072a8648ce3d020106052b81040022", "P-384"],
  ["301006072a8648ce3d020106052b81040023", "P-521"],
  ["300506032b6570", "Ed25519"],
  ["300d06092a864886f70d0101010500", "RSA"],
]);

const algorithms = { "P-256": "ES256", "P-384": "ES384", Ed25519: "EdDSA" } as const;

/** @throws MALFORMED_CERTIFICATE, also when a key of a known kind is not valid */
export function parseSubjectKey(element: DerElement): SubjectKey {
  const reader = new DerReader(element.value);
  const algorithm = reader.element(tag.sequence);
  new DerReader(algorithm.value).oid();
  const bytes = reader.octetAlignedBits();
  reader.end();
  const kind = kinds.get(algorithm.whole.toHex()) ?? "other";
  const signs = kind === "P-256" || kind === "P-384" || kind === "Ed25519";
  return {
    kind,
    spki: element.whole,
    publicKey: signs ? parsePublicKey(algorithms[kind], bytes) : undefined,
    rsa: kind === "RSA" ? parseRsa(bytes) : undefined,
  };
}

function parsePublicKey(algorithm: PublicKey["algorithm"], bytes: Uint8Array): PublicKey {
  try {
    return publicKey(algorithm, bytes);
  } catch (cause) {
    throw isAttestryError(cause) ? malformed(`The certificate's key is not valid. ${cause.message}`, cause) : cause;
  }
}

function parseRsa(bytes: Uint8Array): SubjectKey["rsa"] {
  const outer = new DerReader(bytes);
  const reader = outer.inside();
  outer.end();
  const [modulus, exponent] = [bitLength(reader.unsigned()), bitLength(reader.unsigned())];
  reader.end();
  return { modulus, exponent };
}

function bitLength(number: Uint8Array): number {
  return number.length * 8 - Math.clz32(number[0] ?? 0) + 24;
}
