/** Issues certificates for the tests, with `@peculiar/x509`: another implementation than the one under test. */
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(globalThis.crypto);

export type KeyKind =
  | "P-256"
  | "P-256 with SHA-384"
  | "P-256 with SHA-1"
  | "P-384"
  | "P-384 with SHA-256"
  | "P-521"
  | "Ed25519"
  | "RSA 2048"
  | "RSA with SHA-384"
  | "RSA with SHA-512"
  | "RSA with SHA-1"
  | "RSA 1024"
  | "RSA-PSS with SHA-256"
  | "RSA-PSS with SHA-512";

const ec = (namedCurve: string, hash: string) => ({ name: "ECDSA", namedCurve, hash });
const rsa = (modulusLength: number, hash: string) => {
  return { name: "RSASSA-PKCS1-v1_5", modulusLength, hash, publicExponent: Uint8Array.of(1, 0, 1) };
};
const pss = (hash: string, saltLength: number) => ({ ...rsa(2048, hash), name: "RSA-PSS", saltLength });

const keyKinds: Readonly<Record<KeyKind, { readonly name: string }>> = {
  "P-256": ec("P-256", "SHA-256"),
  "P-256 with SHA-384": ec("P-256", "SHA-384"),
  "P-256 with SHA-1": ec("P-256", "SHA-1"),
  "P-384": ec("P-384", "SHA-384"),
  "P-384 with SHA-256": ec("P-384", "SHA-256"),
  "P-521": ec("P-521", "SHA-512"),
  Ed25519: { name: "Ed25519" },
  "RSA 2048": rsa(2048, "SHA-256"),
  "RSA with SHA-384": rsa(2048, "SHA-384"),
  "RSA with SHA-512": rsa(2048, "SHA-512"),
  "RSA with SHA-1": rsa(2048, "SHA-1"),
  "RSA 1024": rsa(1024, "SHA-256"),
  "RSA-PSS with SHA-256": pss("SHA-256", 32),
  "RSA-PSS with SHA-512": pss("SHA-512", 20),
};

/** A certificate with its private key. */
export interface Issued {
  readonly der: Uint8Array;
  readonly subject: string;
  readonly keys: CryptoKeyPair;
  readonly kind: KeyKind;
}

export interface IssueOptions {
  readonly subject: string;
  /** Absent: self-signed. */
  readonly by?: Issued;
  readonly kind?: KeyKind;
  readonly keys?: CryptoKeyPair;
  /** Absent: not a CA's, with no basic constraints at all. */
  readonly ca?: { readonly pathLength?: number };
  /** Absent: digitalSignature for leafs, keyCertSign for CAs. `null`: no such extension. */
  readonly usage?: number | null;
  readonly notBefore?: number;
  readonly notAfter?: number;
  readonly names?: readonly x509.JsonGeneralName[];
  readonly extensions?: readonly x509.Extension[];
  /** No extension but those asked for: no key identifiers either. */
  readonly bare?: true;
}

/** Seconds since the epoch at noon of a day such as 2026-11-22. */
export function noon(day: string): number {
  return Date.parse(`${day}T12:00:00Z`) / 1000;
}

export { KeyUsageFlags } from "@peculiar/x509";

/** Valid from 2026-01-01 to 2027-01-01 unless told otherwise. */
export async function issue(options: IssueOptions): Promise<Issued> {
  const { subject, by, kind = "P-256", ca, notBefore = noon("2026-01-01"), notAfter = noon("2027-01-01") } = options;
  const keys = options.keys ?? (await generateKeys(kind));
  const defaultUsage = x509.KeyUsageFlags[ca === undefined ? "digitalSignature" : "keyCertSign"];
  const usage = options.usage === undefined ? defaultUsage : options.usage;
  const extensions: x509.Extension[] = [...(options.extensions ?? [])];
  if (options.bare === undefined) {
    extensions.push(await x509.SubjectKeyIdentifierExtension.create(keys.publicKey));
    extensions.push(await x509.AuthorityKeyIdentifierExtension.create((by?.keys ?? keys).publicKey));
  }
  if (ca !== undefined) extensions.push(new x509.BasicConstraintsExtension(true, ca.pathLength, true));
  if (usage !== null) extensions.push(new x509.KeyUsagesExtension(usage, true));
  if (options.names !== undefined) extensions.push(new x509.SubjectAlternativeNameExtension([...options.names]));
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: by?.subject ?? subject,
    publicKey: keys.publicKey,
    signingKey: (by?.keys ?? keys).privateKey,
    signingAlgorithm: keyKinds[by?.kind ?? kind],
    notBefore: new Date(notBefore * 1000),
    notAfter: new Date(notAfter * 1000),
    extensions,
  });
  return { der: new Uint8Array(certificate.rawData), subject, keys, kind };
}

export function generateKeys(kind: KeyKind): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyKinds[kind], true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** An extension of any kind. */
export function extension(id: string, critical: boolean, value: Uint8Array): x509.Extension {
  return new x509.Extension(id, critical, Uint8Array.from(value));
}

export function extendedKeyUsage(...purposes: readonly string[]): x509.Extension {
  return new x509.ExtendedKeyUsageExtension([...purposes], true);
}

export function pem(...certificates: readonly Uint8Array[]): string {
  const block = (der: Uint8Array) => {
    const lines = der.toBase64().match(/.{1,64}/g) ?? [];
    return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
  };
  return certificates.map(block).join("");
}
