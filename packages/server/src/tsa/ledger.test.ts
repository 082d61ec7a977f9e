import assert from "node:assert/strict";
import { after, test } from "node:test";
import { encodeBase64, encodeCheckpoint, sha256 } from "@attestry/core";
import { checkTimeStamp } from "@attestry/core/timestamp";
import { type AnchorTarget, awaitFinality, type Ledger } from "@attestry/ledger";
import { noOpenssl, opensslAuthority, opensslFolder } from "../../../core/src/timestamp/test-openssl.ts";
import { refusal } from "../testing.ts";
import { createTimeStampLedger } from "./ledger.ts";
import { now, serve, serveAnswers, type TestAuthority, testAuthority, testSigner } from "./testing.ts";

const openssl = opensslFolder();
after(() => openssl.remove());

const target: AnchorTarget = { origin: "log.example/1", size: 12, rootHash: sha256(new Uint8Array()) };
const text = encodeCheckpoint({ ...target, extensions: [] });
const imprint = { algorithm: "SHA-256", digest: sha256(new TextEncoder().encode(text)) } as const;
const nowhere = { block: 0, id: "", time: 0 };

/** Has the target stamped; gives what the ledger asked to be kept, if it did. */
async function submit(ledger: Ledger, journal?: string): Promise<string | undefined> {
  let saved: string | undefined;
  const save = async (kept: string): Promise<void> => {
    saved = kept;
  };
  await ledger.submitAnchor(target, { signForLedger: testSigner(), journal, save });
  return saved;
}

/** A ledger at an authority of ours over HTTP, and how often it was asked. */
async function atAuthority(t: Parameters<typeof serve>[0], { authority, certificates }: TestAuthority) {
  const count = { asked: 0 };
  const url = await serveAnswers(t, (request) => {
    count.asked += 1;
    return authority.respond(request);
  });
  return { ledger: createTimeStampLedger({ name: "tsa test", url, roots: [certificates.root] }), count };
}

test("openssl stamps the checkpoint's text, as its authority and as its verifier", { skip: noOpenssl }, async (t) => {
  const authority = opensslAuthority(openssl, "P-256");
  const url = await serveAnswers(t, (request) => authority.reply(request));
  const ledger = createTimeStampLedger({ name: "tsa test", url, roots: [authority.root] });
  assert.deepEqual(await ledger.readAnchor(target), { state: "absent" });
  const journal = await submit(ledger);
  const place = await awaitFinality(ledger, target, { journal });
  assert.ok(Math.abs(place.time - now()) < 60);
  const { proof: token } = await ledger.collectProof(target, place, journal);
  const stamp = await checkTimeStamp({ token, imprint, roots: [authority.root] });
  assert.deepEqual([stamp.time, stamp.serial], [place.time, place.id]);
  openssl.write("checkpoint", text);
  openssl.write("token.der", token);
  openssl.run("ts", "-verify", "-data", "checkpoint", "-in", "token.der", "-token_in", "-CAfile", "p-256-root.pem");
});

test("one stamp is asked for, before and after a restart", async (t) => {
  const authority = await testAuthority();
  const { ledger, count } = await atAuthority(t, authority);
  const journal = await submit(ledger);
  assert.equal(await submit(ledger, journal), undefined);
  const again = createTimeStampLedger({
    name: "tsa test",
    url: "http://127.0.0.1:1",
    roots: [authority.certificates.root],
  });
  assert.equal(await submit(again, journal), undefined);
  const { state } = await again.readAnchor(target, journal);
  assert.deepEqual([state, count.asked], ["final", 1]);
  assert.equal(encodeBase64((await again.collectProof(target, nowhere, journal)).proof), journal);
});

test("a stamp that could not be kept is none", async (t) => {
  const { ledger } = await atAuthority(t, await testAuthority());
  const full = new Error("disk full");
  const save = (): Promise<void> => Promise.reject(full);
  await assert.rejects(ledger.submitAnchor(target, { signForLedger: testSigner(), save }), full);
  assert.deepEqual(await ledger.readAnchor(target), { state: "absent" });
});

test("what was kept and does not hold, or no longer, counts as nothing, and is asked for anew", async (t) => {
  const { ledger, count } = await atAuthority(t, await testAuthority());
  const strange = (await atAuthority(t, await testAuthority())).ledger;
  const other = { ...target, size: 13 };
  const [good, stranger] = [await submit(ledger), await submit(strange)];
  assert.deepEqual(await ledger.readAnchor(other, good), { state: "absent" });
  for (const journal of ["{", encodeBase64(new Uint8Array(9)), stranger]) {
    assert.deepEqual(await ledger.readAnchor(target, journal), { state: "absent" });
    const renewed = await submit(ledger, journal);
    assert.equal((await ledger.readAnchor(target, renewed)).state, "final");
  }
  assert.equal(count.asked, 4);
});

test("an authority that refuses, is away, or is not the trusted one is told apart", async (t) => {
  const { certificates } = await testAuthority();
  const at = (url: string): Ledger => createTimeStampLedger({ name: "tsa test", url, roots: [certificates.root] });
  const closed = await serve(t, (_request, response) => void response.writeHead(403).end());
  const stranger = await testAuthority();
  const strange = await serveAnswers(t, (request) => stranger.authority.respond(request));
  await assert.rejects(submit(at(closed)), refusal("POLICY_TIME_STAMP"));
  await assert.rejects(submit(at("http://127.0.0.1:1/tsr")), refusal("UNAVAILABLE_SERVER"));
  await assert.rejects(submit(at(strange)), refusal("VERIFY_TIME_STAMP"));
});
