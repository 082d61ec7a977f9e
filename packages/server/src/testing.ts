/** What the tests of this package share: folders, servers, issuers and statements of their own. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import {
  type CborMap,
  type CborValue,
  decodeCbor,
  type ErrorCode,
  emptyTrust,
  encodeCbor,
  isAttestryError,
  keyThumbprint,
  parseThumbprintUri,
  parseVerifierKey,
  type Signer,
  type StatementClaims,
  sha256,
  signStatement,
  type Trust,
  thumbprintUri,
} from "@attestry/core";
import { publicKeyOf } from "./keys/pkcs8.ts";
import type { Notary } from "./notary.ts";
import { type RunningServer, type ServerOptions, startServer } from "./server.ts";

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "attestry-server-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** For `assert.throws` and `assert.rejects`. */
export function refusal(code: ErrorCode): (error: unknown) => boolean {
  return (error) => isAttestryError(error) && error.code === code;
}

export interface Issuer {
  readonly signer: Signer;
  readonly name: string;
  /** A new statement about random content. */
  statement(claims?: Partial<StatementClaims>): Promise<Uint8Array>;
}

export function createIssuer(kind: "P-256" | "P-384" | "ed25519" = "P-256"): Issuer {
  const { privateKey } =
    kind === "ed25519" ? generateKeyPairSync("ed25519") : generateKeyPairSync("ec", { namedCurve: kind });
  const signer = signerOf(privateKey);
  const name = thumbprintUri(keyThumbprint(signer.publicKey));
  return { signer, name, statement: (claims) => signStatement(claimsOf(name, claims), signer) };
}

export function signerOf(key: KeyObject): Signer {
  const publicKey = publicKeyOf(key);
  const digest = { ES256: "sha256", ES384: "sha384", EdDSA: null, "ML-DSA-44": null }[publicKey.algorithm];
  return { publicKey, sign: async (data) => sign(digest, data, { key, dsaEncoding: "ieee-p1363" }) };
}

export function claimsOf(issuer: string, claims: Partial<StatementClaims> = {}): StatementClaims {
  return { issuer, subject: "record 17", issuedAt: now(), digest: randomDigest(), ...claims };
}

export function randomDigest(): Uint8Array {
  return sha256(randomBytes(16));
}

export const now = (): number => Math.floor(Date.now() / 1000);

export interface BatchAnswer {
  readonly checkpoints: readonly Uint8Array[];
  readonly entries: readonly CborMap[];
}

export interface TestServer extends RunningServer {
  readonly data: string;
  readonly issuer: Issuer;
  readonly token: string;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Registers a batch; each member of `entries` as it was answered. */
  batch(statements: readonly Uint8Array[]): Promise<BatchAnswer>;
}

/** A real server on a free loopback port with an enrolled issuer. Closed when the test ends. */
export async function startTestServer(t: TestContext, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const data = options.data ?? temporaryFolder(t);
  const server = await startServer({ data, port: 0, ...options });
  t.after(() => server.close());
  const issuer = createIssuer();
  await server.notary.issuers.addKey(issuer.signer.publicKey);
  const request = (path: string, init?: RequestInit): Promise<Response> => fetch(server.url + path, init);
  return {
    ...server,
    data,
    issuer,
    token: readFileSync(join(data, "admin.token"), "utf8").trim(),
    fetch: request,
    async batch(statements: readonly Uint8Array[]) {
      const response = await request("/v1/entries", postCbor([...statements]));
      if (response.status !== 200) throw new Error(`status ${response.status}: ${await response.text()}`);
      return readAnswer(response);
    },
  };
}

export async function readAnswer(response: Response): Promise<BatchAnswer> {
  const answer = decodeCbor(await bytesOf(response)) as Map<string, CborValue>;
  return { checkpoints: answer.get("checkpoints") as Uint8Array[], entries: answer.get("entries") as CborMap[] };
}

export function postCbor(value: CborValue): RequestInit {
  return { method: "POST", headers: { "content-type": "application/cbor" }, body: encodeCbor(value) as BodyInit };
}

export function postCose(body: Uint8Array): RequestInit {
  return { method: "POST", headers: { "content-type": "application/cose" }, body: body as BodyInit };
}

export function postJson(body: unknown, token?: string): RequestInit {
  const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization },
    body: JSON.stringify(body),
  };
}

export async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer());
}

/** Trust in one notary's log, as a verifier has it that pinned it. */
export function trustIn(notary: Pick<Notary, "origin" | "verifierKeys" | "receiptKeyUri">): Trust {
  const thumbprint = parseThumbprintUri(notary.receiptKeyUri);
  const verifierKeys = notary.verifierKeys.map(parseVerifierKey);
  const receiptKeys = thumbprint === undefined ? [] : [thumbprint];
  return { ...emptyTrust, logs: [{ origin: notary.origin, verifierKeys, receiptKeys, basis: "the test" }] };
}
