/** Authorities for the tests: one of ours, with keys made for it, and any at all over HTTP. */
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
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

/** A server on a free loopback port that ends with the test. */
export async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`;
}

/** An authority over HTTP that answers with what `answer` makes of the request. */
export function serveAnswers(
  t: TestContext,
  answer: (request: Uint8Array) => Uint8Array | Promise<Uint8Array>,
): Promise<string> {
  return serve(t, async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    assert.equal(request.method, "POST");
    assert.equal(request.headers["content-type"], "application/timestamp-query");
    response.setHeader("content-type", "application/timestamp-reply");
    response.end(await answer(Buffer.concat(parts)));
  });
}
