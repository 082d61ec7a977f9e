/** An authority of ours for the tests, with keys made for them. */
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import type { Signer } from "@attestry/core";
import { publicKeyOf } from "../keys/pkcs8.ts";
import { createTimeStampAuthority, type TimeStampAuthority, type TimeStampAuthorityOptions } from "./authority.ts";
import { type AuthorityCertificates, createAuthorityCertificates } from "./certificates.ts";

export function testSigner(kind: "P-256" | "P-384" | "Ed25519" = "P-256"): Signer {
  const { privateKey } =
    kind === "Ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: kind });
  const digest = { "P-256": "sha256", "P-384": "sha384", Ed25519: null }[kind];
  return {
    publicKey: publicKeyOf(createPublicKey(privateKey)),
    sign: async (data) => new Uint8Array(sign(digest, data, { key: privateKey, dsaEncoding: "ieee-p1363" })),
  };
}

export const day = 86_400;
export const now = (): number => Math.floor(Date.now() / 1000);

export interface TestAuthority {
  readonly authority: TimeStampAuthority;
  readonly signer: Signer;
  readonly certificates: AuthorityCertificates;
  /** What it logged. */
  readonly logged: unknown[];
}

/** Of policy 1.2.3.4, with certificates that hold from yesterday until in a year. */
export async function testAuthority(options: Partial<TimeStampAuthorityOptions> = {}): Promise<TestAuthority> {
  const signer = options.signer ?? testSigner();
  const certificates = await createAuthorityCertificates({
    root: testSigner(),
    authority: signer.publicKey,
    name: "log.example",
    notBefore: now() - day,
    notAfter: now() + 365 * day,
  });
  const logged: unknown[] = [];
  const logger = { error: (...args: unknown[]) => void logged.push(args) };
  const chain = [certificates.leaf, certificates.root];
  const authority = createTimeStampAuthority({ signer, chain, policy: "1.2.3.4", now, logger, ...options });
  return { authority, signer, certificates, logged };
}
