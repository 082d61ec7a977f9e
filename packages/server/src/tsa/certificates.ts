/** Certificates for an authority's first run (RFC 5280 §4, RFC 3161 §2.3): a root of its own, and under it the authority's. */
import { randomBytes } from "node:crypto";
import { AttestryError, type PublicKey, type Signer } from "@attestry/core";
import {
  derBits,
  derCertificateTime,
  derContext,
  derElement,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  derSet,
  derText,
  derTrue,
  digestOf,
} from "@attestry/core/timestamp";
import { encodeEcdsaSignature } from "./authority.ts";

export interface AuthorityCertificateOptions {
  /** ES256; signs the two certificates and nothing after. Whoever needs no third one forgets it. */
  readonly root: Signer;
  /** ES256, the authority's key. */
  readonly authority: PublicKey;
  /** Whose authority it is, such as the log's origin; at most 48 characters. */
  readonly name: string;
  /** Whole seconds of Unix time, both included; for both certificates. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** DER. Clients trust `root`; `leaf` is the authority's, its chain is both. */
export interface AuthorityCertificates {
  readonly root: Uint8Array;
  readonly leaf: Uint8Array;
}

/** @throws MALFORMED_KEY when a key is not P-256, USAGE when the name is empty or too long */
export async function createAuthorityCertificates(
  options: AuthorityCertificateOptions,
): Promise<AuthorityCertificates> {
  const { root, authority, name } = options;
  if (root.publicKey.algorithm !== "ES256" || authority.algorithm !== "ES256")
    throw new AttestryError("MALFORMED_KEY", "A time stamp authority's keys are P-256 keys.");
  if (name === "" || name.length > 48) throw new AttestryError("USAGE", "An authority's name has 1 to 48 characters."); // RFC 5280 §A.1: ub-common-name is 64
  const issuer = commonName(`${name} time root`);
  const rootKeyId = keyId(root.publicKey);
  const forRoot = [
    extension("2.5.29.19", derSequence(derTrue, derInteger(0)), "critical"), // basicConstraints: a CA with no CA below
    extension("2.5.29.15", derBits(Uint8Array.of(0x04), 2), "critical"), // keyUsage: keyCertSign
    extension("2.5.29.14", derOctets(rootKeyId)), // subjectKeyIdentifier
  ];
  const forLeaf = [
    extension("2.5.29.15", derBits(Uint8Array.of(0x80), 7), "critical"), // keyUsage: digitalSignature
    extension("2.5.29.37", derSequence(derOid("1.3.6.1.5.5.7.3.8")), "critical"), // extendedKeyUsage: timeStamping alone
    extension("2.5.29.14", derOctets(keyId(authority))),
    extension("2.5.29.35", derSequence(derElement(0x80, rootKeyId))), // authorityKeyIdentifier
  ];
  const subject = commonName(`${name} time stamps`);
  return {
    root: await sign(root, options, { issuer, subject: issuer, key: root.publicKey, extensions: forRoot }),
    leaf: await sign(root, options, { issuer, subject, key: authority, extensions: forLeaf }),
  };
}

interface Content {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly key: PublicKey;
  readonly extensions: readonly Uint8Array[];
}

// RFC 5280 §4.1
async function sign(
  signer: Signer,
  { notBefore, notAfter }: AuthorityCertificateOptions,
  { issuer, subject, key, extensions }: Content,
): Promise<Uint8Array> {
  const algorithm = derSequence(derOid("1.2.840.10045.4.3.2")); // ecdsa-with-SHA256
  const signed = derSequence(
    derContext(0, derInteger(2)), // version 3
    derInteger(randomBytes(16)),
    algorithm,
    issuer,
    derSequence(derCertificateTime(notBefore), derCertificateTime(notAfter)),
    subject,
    encodeSubjectKey(key),
    derContext(3, derSequence(...extensions)),
  );
  return derSequence(signed, algorithm, derBits(encodeEcdsaSignature(await signer.sign(signed))));
}

// RFC 5480 §2: id-ecPublicKey on secp256r1
function encodeSubjectKey({ bytes }: PublicKey): Uint8Array {
  return derSequence(derSequence(derOid("1.2.840.10045.2.1"), derOid("1.2.840.10045.3.1.7")), derBits(bytes));
}

function commonName(text: string): Uint8Array {
  return derSequence(derSet(derSequence(derOid("2.5.4.3"), derText(text))));
}

// RFC 7093 §2, method 1
function keyId({ bytes }: PublicKey): Uint8Array {
  return digestOf("SHA-256", bytes).subarray(0, 20);
}

function extension(id: string, value: Uint8Array, critical?: "critical"): Uint8Array {
  return derSequence(derOid(id), critical === undefined ? new Uint8Array() : derTrue, derOctets(value));
}
