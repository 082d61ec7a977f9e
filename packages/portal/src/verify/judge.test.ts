/** What the page concludes with a notary that answers, is away, or is somebody else: without a browser. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { isAttestryError, sha256 } from "@attestry/core";
import { createIssuer, startTestServer, type TestServer } from "../../../server/src/testing.ts";
import { flipByte, register, relationTo } from "../../test/records.ts";
import { judge } from "./judge.ts";
import type { Answer, Pin, Question } from "./question.ts";

function pinOf({ notary }: TestServer, more: Partial<Pin> = {}): Pin {
  const { origin, verifierKeys, receiptKeyUri } = notary;
  return { origin, verifierKeys, receiptKey: receiptKeyUri, firstSeen: "2026-11-22T10:00:00.000Z", ...more };
}

function question({ url }: TestServer, more: Partial<Question>): Question {
  return { notary: url, trust: { pins: [] }, ...more };
}

const hashOf = (bytes: Uint8Array): string => sha256(bytes).toHex();
const away: typeof fetch = () => Promise.reject(new TypeError("no network"));

/** The notary's answers, but for one path. */
function except(path: RegExp, answer: () => Response): typeof fetch {
  return async (input, init) => (path.test(String(input)) ? answer() : fetch(input, init));
}

async function setUp(t: TestContext) {
  const server = await startTestServer(t);
  const record = await register(server);
  return { server, record, hash: hashOf(record.file.buffer) };
}

test("a notary is met once: its keys are given to be noted, and the verdict rests on them", async (t) => {
  const { server, hash } = await setUp(t);
  const first = await judge(question(server, { hash }));
  assert.deepEqual(
    [first.outcome, first.basis, first.firstContact?.origin],
    ["verified", "noted", server.notary.origin],
  );
  const again = await judge(question(server, { hash, trust: { pins: [pinOf(server)] } }));
  assert.deepEqual([again.outcome, again.firstContact], ["verified", undefined]);
  assert.equal(again.notedOn, "2026-11-22T10:00:00.000Z");
});

test("a notary with other keys than those noted is not asked, and what it shows verifies nothing", async (t) => {
  const { server, record, hash } = await setUp(t);
  const other = await startTestServer(t);
  const pins = [pinOf(server, { verifierKeys: other.notary.verifierKeys, receiptKey: other.notary.receiptKeyUri })];
  const answer = await judge(question(server, { hash, proof: record.proof.buffer, trust: { pins } }));
  assert.notEqual(answer.outcome, "verified");
  assert.deepEqual([answer.contact, answer.firstContact, answer.warnings], ["other_keys", undefined, ["keys_changed"]]);
});

test("a quoted checkpoint that nothing vouches for keeps no record from being found", async (t) => {
  const server = await startTestServer(t);
  const after = { origin: "another.example/log", size: 3, rootHash: new Uint8Array(32) };
  const { file, proof } = await register(server, { claims: { after } });
  const { outcome, report } = await judge(question(server, { proof: proof.buffer }));
  assert.equal(outcome, "registered");
  assert.equal(report?.checks.find(({ name }) => name === "not_before")?.status, "unknown");
  assert.equal((await judge(question(server, { hash: hashOf(file.buffer) }))).outcome, "verified");
});

test("a notary that is away takes nothing from a proof, and says nothing of a file without one", async (t) => {
  const { server, record, hash } = await setUp(t);
  const trust = { pins: [pinOf(server)] };
  const proof = record.proof.buffer;
  const whole = await judge(question(server, { hash, proof, trust }), away);
  assert.deepEqual([whole.outcome, whole.contact], ["verified", "unreachable"]);
  assert.equal((await judge(question(server, { hash, trust }), away)).outcome, "unreachable");
  assert.equal((await judge(question(server, { link: { index: 0 }, trust }), away)).outcome, "unreachable");
  // Keys that come with the proof alone vouch for nothing: anyone can make both.
  assert.equal((await judge(question(server, { hash, proof }), away)).outcome, "untrusted");
});

test("a notary that breaks off leaves questions open and makes nothing look forged", async (t) => {
  const { server, record, hash } = await setUp(t);
  const broken = except(/\/proof$/, () => new Response("busy", { status: 503 }));
  const alone = await judge(question(server, { hash }), broken);
  assert.equal(alone.outcome, "unreachable");
  const whole = await judge(question(server, { hash, proof: record.proof.buffer }), broken);
  assert.deepEqual([whole.outcome, whole.contact], ["verified", "unreachable"]);
});

test("an entry that is proven and that the notary no longer has is told: the log was rewritten", async (t) => {
  const { server, record, hash } = await setUp(t);
  const other = (await register(server)).proof.buffer;
  const headers = { "content-type": "application/problem+json" };
  const gone = (): Response => new Response('{"code":"NOT_FOUND"}', { status: 404, headers });
  const ask = (inItsPlace: () => Response): Promise<Answer> =>
    judge(question(server, { hash, proof: record.proof.buffer }), except(/\/entries\/0\/proof$/, inItsPlace));
  for (const inItsPlace of [gone, () => new Response(Uint8Array.from(other))]) {
    const answer = await ask(inItsPlace);
    assert.deepEqual([answer.outcome, answer.warnings], ["verified", ["entry_lost"]]);
  }
  for (const gateways of [null, "{}", '{"message":"no Route matched"}']) {
    const answer = await ask(() => new Response(gateways, { status: 404 }));
    assert.deepEqual([answer.outcome, answer.contact, answer.warnings], ["verified", "unreachable", []]);
  }
});

test("a proof from another log is not trusted for this notary's word", async (t) => {
  const { server } = await setUp(t);
  const other = await setUp(t);
  const { file, proof } = other.record;
  const answer = await judge(question(server, { hash: hashOf(file.buffer), proof: proof.buffer }));
  assert.deepEqual([answer.outcome, answer.contact, answer.basis], ["untrusted", "another_log", "nothing"]);
});

test("a link to an entry or a hash is answered with the record, and with the file with a verdict", async (t) => {
  const { server, record, hash } = await setUp(t);
  for (const link of [{ index: 0 }, { hash }]) {
    assert.equal((await judge(question(server, { link }))).outcome, "registered");
    assert.equal((await judge(question(server, { link, hash }))).outcome, "verified");
    const altered = hashOf(flipByte(record.file, 5).buffer);
    assert.equal((await judge(question(server, { link, hash: altered }))).outcome, "altered");
  }
  assert.equal((await judge(question(server, { link: { index: 17 } }))).outcome, "not_found");
  assert.equal((await judge(question(server, { link: { hash: "00".repeat(32) } }))).outcome, "not_found");
});

test("a trust file that cannot be used is an error, never a fallback to less", async (t) => {
  const { server, hash } = await setUp(t);
  const trust = { pins: [pinOf(server)], file: '{"log": []}' };
  await assert.rejects(judge(question(server, { hash, trust })), (error) => {
    return isAttestryError(error) && error.code === "MALFORMED_TRUST_FILE";
  });
});

test("a record that its issuer revoked is not brought back by somebody else's of the same content, who is named", async (t) => {
  const { server, record, hash } = await setUp(t);
  const other = createIssuer();
  await server.notary.issuers.addKey(other.signer.publicKey);
  const content = record.file.buffer;
  await register(server, { content, claims: { relation: relationTo(record, "revokes", "forged") } });
  await register(server, { content, issuer: other });
  for (const more of [{ hash }, { link: { hash } }]) {
    const { outcome, report, others } = await judge(question(server, more));
    assert.deepEqual([outcome, report?.entry?.index, others], ["revoked", record.index, [other.name]]);
  }
  const own = await register(server, { content, claims: { subject: "deed 4712" } });
  const { outcome, report } = await judge(question(server, { hash }));
  assert.deepEqual([outcome, report?.entry?.index], ["verified", own.index]);
});

test("revokers that a trust file names are asked for by name; where that cannot be asked, it stays open", async (t) => {
  const { server, record, hash } = await setUp(t);
  const { origin, verifierKeys, receiptKeyUri } = server.notary;
  const [court, other] = [createIssuer(), createIssuer()];
  for (const { signer } of [court, other]) await server.notary.issuers.addKey(signer.publicKey);
  const logs = [{ origin, verifierKeys, receiptKeys: [receiptKeyUri] }];
  const trust = { pins: [], file: JSON.stringify({ logs, revokers: [court.name] }) };
  await register(server, { issuer: court, claims: { relation: relationTo(record, "revokes", "judgment 26-1") } });
  for (let at = 0; at < 16; at++)
    await register(server, { issuer: other, claims: { relation: relationTo(record, "supersedes", "spam") } });
  const asked = question(server, { hash, proof: record.proof.buffer, trust });
  const { outcome, report } = await judge(asked);
  assert.deepEqual([outcome, report?.later[0]?.reason], ["revoked", "judgment 26-1"]);
  const kept = await judge(
    asked,
    except(/relatesTo/, () => new Response(null, { status: 404 })),
  );
  assert.deepEqual([kept.outcome, kept.report?.checks.at(-1)?.status, kept.warnings], ["verified", "unknown", []]);
});
