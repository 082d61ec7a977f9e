import assert from "node:assert/strict";
import { KeyObject } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import {
  type CborMap,
  certificateThumbprint,
  encodeBase64Url,
  encodeEvidence,
  encodeSign1,
  keyThumbprint,
  parseSign1,
  signStatement,
  verify,
} from "@attestry/core";
import { type Issued, issue, noon, pem } from "../../../core/src/x509/test-certificates.ts";
import {
  claimsOf,
  createIssuer,
  now,
  postJson,
  randomDigest,
  refusal,
  signerOf,
  startTestServer,
  type TestServer,
  temporaryFolder,
  trustIn,
} from "../testing.ts";
import { openSqliteIssuerStore } from "./sqlite-store.ts";
import { testIssuerStore } from "./store.contract.ts";

testIssuerStore("SQLite", async (t) => {
  const path = join(temporaryFolder(t), "issuers.db");
  return { open: async () => openSqliteIssuerStore(path) };
});

test("a damaged issuers' store, and one of a newer version, are refused by their own codes", async (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "a"));
  writeFileSync(
    join(folder, "a", "issuers.db"),
    "not a database, but long enough to be read as the header of one".repeat(20),
  );
  assert.throws(() => openSqliteIssuerStore(join(folder, "a", "issuers.db")), refusal("FATAL_CORRUPT"));
  const path = join(folder, "issuers.db");
  await openSqliteIssuerStore(path).close();
  const database = new DatabaseSync(path);
  database.exec("PRAGMA user_version = 2");
  database.close();
  assert.throws(() => openSqliteIssuerStore(path), refusal("FATAL_VERSION"));
});

test("enrolments and revocations outlive a restart", async (t) => {
  const server = await startTestServer(t);
  const other = createIssuer();
  const { id } = await server.notary.issuers.addKey(other.signer.publicKey, "https://kent.example");
  await server.notary.issuers.revoke(id, "left");
  await server.close();
  const again = await startTestServer(t, { data: server.data });
  const found = again.notary.issuers.findKey(keyThumbprint(other.signer.publicKey));
  assert.deepEqual([found?.issuer, found?.revoked?.reason], ["https://kent.example", "left"]);
  await assert.rejects(
    again.notary.issuers.addKey(other.signer.publicKey, "https://kent.example"),
    refusal("CONFLICT_EXISTS"),
  );
});

interface Certified {
  readonly root: Issued;
  readonly chain: readonly Uint8Array[];
  statement(claims?: Parameters<typeof claimsOf>[1], chain?: readonly Uint8Array[]): Promise<Uint8Array>;
}

const validity = { notBefore: noon("2020-01-01"), notAfter: noon("2049-01-01") };

async function certify(options: { notAfter?: number } = {}): Promise<Certified> {
  const root = await issue({ subject: "CN=State Root", ca: {}, ...validity });
  const middle = await issue({ subject: "CN=Kent County", by: root, ca: {}, ...validity });
  const names = [{ type: "url", value: "https://kent.example" } as const];
  const leaf = await issue({ subject: "CN=Registrar", by: middle, names, ...validity, ...options });
  const signer = signerOf(KeyObject.from(leaf.keys.privateKey));
  const chain = [leaf.der, middle.der];
  return {
    root,
    chain,
    statement: (claims, own = chain) => signStatement(claimsOf("https://kent.example", claims), signer, { chain: own }),
  };
}

async function codeOf(server: TestServer, statement: Uint8Array): Promise<unknown> {
  const { entries } = await server.batch([statement]);
  return (entries[0]?.get("error") as CborMap | undefined)?.get("code") ?? "registered";
}

test("certificates under an enrolled root register, and the proof carries their chain", async (t) => {
  const server = await startTestServer(t);
  const { root, chain, statement } = await certify();
  const enrolled = await server.fetch("/v1/issuers", postJson({ certificateRoot: pem(root.der) }, server.token));
  assert.equal(enrolled.status, 200);
  const digest = randomDigest();
  assert.equal(await codeOf(server, await statement({ digest })), "registered");
  const proof = await server.notary.proofFile(server.notary.status.head.size - 1);
  const report = await verify({
    proof,
    digest,
    trust: { ...trustIn(server.notary), issuerRoots: [root.der], acceptEnrolled: false },
  });
  assert.equal(report.verdict, "verified", report.summary);
  // Once seen, the chain need not come along again: not now, and not after a restart.
  assert.equal(await codeOf(server, await statement({}, [chain[0] as Uint8Array])), "registered");
  await server.close();
  const again = await startTestServer(t, { data: server.data });
  assert.equal(await codeOf(again, await statement()), "registered");
});

test("a chain that does not hold, or to nobody who is enrolled, is refused", async (t) => {
  const server = await startTestServer(t);
  const kent = await certify();
  assert.equal(await codeOf(server, await kent.statement()), "VERIFY_CERTIFICATE");
  await server.notary.issuers.addRoot(kent.root.der);
  const stranger = await certify();
  assert.equal(await codeOf(server, await stranger.statement()), "VERIFY_CERTIFICATE");
  const expired = await certify({ notAfter: noon("2025-01-01") });
  await server.notary.issuers.addRoot(expired.root.der);
  assert.equal(await codeOf(server, await expired.statement()), "VERIFY_CERTIFICATE");
  const [leaf, middle] = kent.chain as [Uint8Array, Uint8Array];
  for (const chain of [[leaf], [leaf, middle, ...stranger.chain], [middle, leaf]]) {
    assert.match(String(await codeOf(server, await kent.statement({}, chain))), /^VERIFY_/);
  }
  assert.equal(await codeOf(server, await kent.statement({ issuer: "https://else.example" })), "VERIFY_ISSUER");
  assert.equal(await codeOf(server, await kent.statement()), "registered");
});

test("a root enrolled for one issuer lets its certificates speak for no other, and a revoked root for none", async (t) => {
  const server = await startTestServer(t);
  const kent = await certify();
  const { id } = await server.notary.issuers.addRoot(kent.root.der, "https://kent.example");
  assert.equal(id, encodeBase64Url(certificateThumbprint(kent.root.der)));
  assert.equal(await codeOf(server, await kent.statement()), "registered");
  assert.equal(await codeOf(server, await kent.statement({ issuer: "CN=Registrar" })), "VERIFY_ISSUER");
  await server.notary.issuers.revoke(id, "compromised");
  assert.equal(await codeOf(server, await kent.statement()), "POLICY_ISSUER_REVOKED");
  const proof = await server.fetch("/v1/entries/0/proof");
  assert.equal(proof.status, 200, "what it registered stays");
});

test("a statement that names one certificate and brings another's chain is refused, and leaves nothing behind", async (t) => {
  const server = await startTestServer(t);
  const kent = await certify();
  await server.notary.issuers.addRoot(kent.root.der);
  const [leaf] = kent.chain as [Uint8Array];
  const names = [{ type: "url", value: "https://kent.example" } as const];
  const other = await issue({ subject: "CN=Clerk", by: kent.root, names, ...validity });
  // The clerk signs, names the registrar's certificate, and hands in the own one.
  const signer = signerOf(KeyObject.from(other.keys.privateKey));
  const parts = parseSign1(await signStatement(claimsOf("https://kent.example"), signer, { chain: [leaf] }));
  const forged = encodeSign1({ ...parts, unprotected: encodeEvidence({ chain: [other.der] }) });
  assert.equal(await codeOf(server, forged), "VERIFY_KEY_MISMATCH");
  assert.equal(await codeOf(server, await kent.statement()), "registered");
});

test("a certificate's own limits are kept while it is remembered", async (t) => {
  let time = Date.now();
  const server = await startTestServer(t, { clock: () => time });
  const kent = await certify({ notAfter: now() + 1000 });
  await server.notary.issuers.addRoot(kent.root.der);
  assert.equal(await codeOf(server, await kent.statement()), "registered");
  time += 2_000_000;
  assert.equal(await codeOf(server, await kent.statement()), "VERIFY_CERTIFICATE");
});
