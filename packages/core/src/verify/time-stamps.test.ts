/** What becomes of time stamps that may be good and cannot be checked, and of those that were made to cost much. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { testLog, testSigner } from "../../test-kit/log.ts";
import {
  encodeProofFile,
  encodeUtf8,
  parseNote,
  parseProofFile,
  type Report,
  sha256,
  signStatement,
  verify,
  withTreeEvidence,
} from "../index.ts";
import { derOid, derSequence } from "../timestamp/der-writer.ts";
import { mostSignatures } from "../timestamp/path.ts";
import { encodeImprint } from "../timestamp/request.ts";
import { issueAuthority, makeToken, type Parts } from "../timestamp/test-tokens.ts";
import { generateKeys, type Issued, issue } from "../x509/test-certificates.ts";

const time = 1_790_000_000;
const digest = sha256(encodeUtf8("deed 4711"));
const log = testLog("log.example.gov/1", time);
const claims = { issuer: "https://clerk.example.gov", subject: "deed-4711", issuedAt: time, digest };
const bare = parseProofFile(await log.proof(log.append(await signStatement(claims, testSigner()))));
const [receipt] = bare.receipts;
assert.ok(receipt?.evidence.checkpoint !== undefined);
const imprintOf = (text: string): Uint8Array =>
  encodeImprint({ algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) });
const imprint = imprintOf(parseNote(receipt.evidence.checkpoint).text);
const root = await issue({ subject: "CN=Root", ca: {} });
const otherRoot = await issue({ subject: "CN=Other root", ca: {} });

/** A key of a kind that no certificate here is checked with. */
async function strangeKeys(): Promise<CryptoKeyPair> {
  const strange = (await crypto.subtle.generateKey("Ed448", true, ["sign", "verify"])) as CryptoKeyPair;
  return { ...(await generateKeys("P-256")), publicKey: strange.publicKey };
}

async function judge(token: Uint8Array, roots: readonly Issued[]): Promise<Report> {
  assert.ok(receipt !== undefined);
  const proof = encodeProofFile({ ...bare, receipts: [withTreeEvidence(receipt, { timeStamps: [token] })] });
  return verify({ proof, digest, trust: { ...log.trust, timeStampRoots: roots.map(({ der }) => der) } });
}

/** That a token of the checkpoint is told to be uncheckable with these roots, and one of other data to be wrong all the same. */
async function cannotBeChecked(parts: Parts, ...roots: readonly Issued[]): Promise<void> {
  const { verdict, checks, notAfter } = await judge(await makeToken({ imprint, ...parts }), roots);
  const check = checks.find(({ name }) => name === "time_stamps");
  assert.deepEqual([verdict, check?.status], ["verified", "unknown"], `${check?.detail}`);
  assert.match(`${check?.detail}`, /^A time stamp came along that cannot be checked here: ./);
  assert.equal(notAfter?.independent, false);
  const ofOtherData = await makeToken({ ...parts, imprint: imprintOf("other data") });
  assert.equal((await judge(ofOtherData, roots)).verdict, "invalid");
}

test("a time stamp that is signed in a way not known here proves nothing and spoils nothing", async () => {
  const edwards = await issueAuthority({ by: root, kind: "Ed25519" });
  const strange = await issueAuthority({ by: root, keys: await strangeKeys() });
  const sha3 = derSequence(derOid("2.16.840.1.101.3.4.2.8"));
  for (const roots of [[root], [otherRoot]]) {
    await cannotBeChecked({ authority: edwards }, ...roots);
    await cannotBeChecked({ authority: await issueAuthority({ by: root }), digestAlgorithm: sha3 }, ...roots);
  }
  await cannotBeChecked({ authority: strange }, root);
});

test("a time stamp under a CA with a key of a kind not known here proves nothing and spoils nothing", async () => {
  const keys = await strangeKeys();
  const strange = await issue({ subject: "CN=Strange", by: root, keys, ca: {} });
  const authority = await issueAuthority({ by: strange });
  await cannotBeChecked({ authority, certificates: [authority.der, strange.der] }, otherRoot);
});

test("where there is no WebCrypto, as in a page over http, a time stamp signed with RSA is one that cannot be checked", async (t) => {
  const rsaRoot = await issue({ subject: "CN=RSA root", ca: {}, kind: "RSA 2048" });
  const authority = await issueAuthority({ by: rsaRoot, kind: "RSA 2048" });
  const underEcdsa = await issueAuthority({ by: root, kind: "RSA 2048" });
  assert.equal((await judge(await makeToken({ authority, imprint }), [rsaRoot])).notAfter?.independent, true);
  t.mock.method(crypto.subtle, "importKey", () => Promise.reject(new TypeError("There is no WebCrypto.")));
  await cannotBeChecked({ authority }, rsaRoot);
  await cannotBeChecked({ authority: underEcdsa }, root);
});

test("certificates that all seem to have issued each other are not checked without end", async (t) => {
  const [wrong, right] = await Promise.all([generateKeys("RSA 2048"), generateKeys("RSA 2048")]);
  const ca = { subject: "CN=Namesake", kind: "RSA 2048", ca: {} } as const;
  const last = await issue({ ...ca, keys: right });
  const others = await Promise.all(Array.from({ length: 14 }, () => issue({ ...ca, keys: wrong, by: last })));
  const namesakes = [...others, last].map(({ der }) => der);
  const authority = await issueAuthority({ by: root });
  const token = await makeToken({ authority, imprint, certificates: [authority.der, ...namesakes] });
  const below = await issueAuthority({ by: last, kind: "RSA 2048" });
  const tokenBelow = await makeToken({ authority: below, imprint, certificates: [below.der, ...namesakes] });
  const counted = t.mock.method(crypto.subtle, "verify");
  for (const crowded of [token, tokenBelow]) {
    counted.mock.resetCalls();
    const { verdict, checks } = await judge(crowded, [root]);
    const check = checks.find(({ name }) => name === "time_stamps");
    assert.deepEqual([verdict, check?.status], ["verified", "unknown"]);
    assert.match(`${check?.detail}`, /Too many of its certificates/);
    assert.ok(counted.mock.callCount() <= mostSignatures, `${counted.mock.callCount()} signatures were checked`);
  }
});
