import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { encodeBase64Url, equalBytes, keyThumbprint, sha256, verify } from "@attestry/core";
import { now, refusal, startTestServer, type TestServer, trustIn } from "../testing.ts";
import { type NotaryIssuer, openNotaryIssuer } from "./notary-issuer.ts";

const about = { contentType: "application/vnd.attestry.custody+cbor", subject: "record 17" };

function openIn({ notary, data }: TestServer, passphrase?: string): Promise<NotaryIssuer> {
  return openNotaryIssuer({ notary, path: join(data, "keys", "own.pem"), passphrase, now });
}

test("an event's hash is in the log under the notary's own key, and its proof verifies", async (t) => {
  const server = await startTestServer(t);
  const issuer = await openIn(server);
  const event = Uint8Array.of(1, 2, 3);
  const { index, leafHash } = await issuer.register(event, about);
  const entry = await server.notary.entry(index);
  assert.ok(equalBytes(entry.statement.digest, sha256(event)));
  assert.ok(equalBytes(entry.leafHash, leafHash));
  assert.deepEqual([entry.statement.issuer, entry.statement.subject], [issuer.name, "record 17"]);
  assert.equal(entry.statement.contentType, about.contentType);
  const proof = await server.notary.proofFile(index);
  assert.equal((await verify({ proof, digest: sha256(event), trust: trustIn(server.notary) })).verdict, "verified");
});

test("the first event enrols the key, and many at once enrol it once", async (t) => {
  const server = await startTestServer(t);
  const issuer = await openIn(server);
  assert.ok(!server.notary.issuers.list().some(({ issuer: name }) => name === issuer.name));
  const events = Array.from({ length: 20 }, (_, at) => issuer.register(Uint8Array.of(at), about));
  assert.equal(new Set((await Promise.all(events)).map(({ index }) => index)).size, 20);
  assert.equal(server.notary.issuers.list().filter(({ issuer: name }) => name === issuer.name).length, 1);
});

test("the key is made once, for its owner alone, and encrypted where there is a passphrase", async (t) => {
  const server = await startTestServer(t);
  const first = await openIn(server, "correct horse");
  const again = await openIn(server, "correct horse");
  assert.equal(again.name, first.name);
  assert.equal(statSync(join(server.data, "keys", "own.pem")).mode & 0o777, 0o600);
  await assert.rejects(openIn(server, "wrong"), refusal("USAGE_PASSPHRASE"));
});

test("with a revoked key the notary starts, and records nothing", async (t) => {
  const server = await startTestServer(t);
  const issuer = await openIn(server);
  await issuer.register(Uint8Array.of(1), about);
  await server.notary.issuers.revoke(encodeBase64Url(keyThumbprint(issuer.publicKey)), "lost");
  const again = await openIn(server);
  await assert.rejects(again.register(Uint8Array.of(1), about), refusal("POLICY_ISSUER_REVOKED"));
});
