import assert from "node:assert/strict";
import { KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import {
  type Evidence,
  encodeUtf8,
  keyThumbprint,
  leafHash,
  parseStatement,
  type Report,
  type Signer,
  sha256,
  signStatement,
  type Trust,
  verify,
} from "../index.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { type Issued, issue, noon } from "../x509/test-certificates.ts";

const digest = sha256(encodeUtf8("deed 4711"));
const name = "https://deeds.kent.gov";
const root = await issue({ subject: "CN=Root", ca: {} });
const leaf = await issue({ subject: "CN=Deeds", by: root, names: [{ type: "url", value: name }] });
const stranger = await issue({ subject: "CN=Root", ca: {} });

function signerOf({ der, keys }: Issued): Signer {
  const { publicKey } = parseCertificate(der);
  assert.ok(publicKey);
  const key = { key: KeyObject.from(keys.privateKey), dsaEncoding: "ieee-p1363" } as const;
  return { publicKey, sign: async (data) => new Uint8Array(sign("sha256", data, key)) };
}

interface Case {
  readonly by?: Issued;
  readonly issuer?: string;
  readonly chain?: readonly Uint8Array[];
  /** The log's clock. */
  readonly time?: number;
  /** Instead of the chain that was signed with. */
  readonly evidence?: Evidence;
  readonly trust?: (trust: Trust) => Trust;
}

const rooted = (trust: Trust): Trust => ({ ...trust, issuerRoots: [root.der], acceptEnrolled: false });

async function judge({
  by = leaf,
  issuer = name,
  time = noon("2026-06-01"),
  trust = rooted,
  ...rest
}: Case = {}): Promise<Report> {
  const chain = rest.chain ?? [by.der, root.der];
  const log = testLog("log.example.gov/1", time);
  const index = log.append(
    await signStatement({ issuer, subject: "4711", issuedAt: time, digest }, signerOf(by), { chain }),
  );
  const proof = await log.proof(index, rest.evidence ? { evidence: rest.evidence } : {});
  return verify({ proof, digest, trust: trust(log.trust) });
}

const codeOf = (report: Report, name: string) => report.checks.find((check) => check.name === name)?.code;

test("a certified issuer is verified as of the proven time, however long ago the certificate has expired", async () => {
  assert.equal((await judge()).verdict, "verified");
  assert.equal((await judge({ chain: [leaf.der] })).verdict, "verified", "the root need not come along");
  const late = await judge({ time: noon("2027-06-01") });
  assert.deepEqual([late.verdict, codeOf(late, "issuer")], ["untrusted", "VERIFY_CERTIFICATE"]);
  const early = await judge({ time: noon("2025-06-01") });
  assert.deepEqual([early.verdict, codeOf(early, "issuer")], ["untrusted", "VERIFY_CERTIFICATE"]);
});

test("a witness alone cannot set the time back to when a certificate was still valid", async () => {
  const time = noon("2027-06-01");
  const liar = testWitness("liar.example", noon("2026-06-01"));
  const honest = testWitness("w1.example", time);
  const log = testLog("log.example.gov/1", time);
  const chain = [leaf.der, root.der];
  const statement = await signStatement({ issuer: name, subject: "4711", issuedAt: time, digest }, signerOf(leaf), {
    chain,
  });
  const proof = await log.proof(log.append(statement), { witnesses: [liar, honest] });
  const witnesses = [liar.verifierKey, honest.verifierKey];
  const report = await verify({ proof, digest, trust: { ...rooted(log.trust), witnesses, quorum: 2 } });
  assert.equal(report.verdict, "untrusted");
});

test("a certificate vouches for its own names, and under a trusted root only", async () => {
  const other = await judge({ issuer: "https://court.kent.gov" });
  assert.deepEqual([other.verdict, codeOf(other, "issuer")], ["untrusted", "VERIFY_ISSUER"]);
  const elsewhere = await issue({ subject: "CN=Deeds", by: stranger, names: [{ type: "url", value: name }] });
  for (const chain of [[elsewhere.der, stranger.der], [elsewhere.der, root.der], [elsewhere.der]]) {
    const report = await judge({ by: elsewhere, chain });
    assert.deepEqual([report.verdict, codeOf(report, "issuer")], ["untrusted", "VERIFY_CERTIFICATE"]);
  }
});

test("only the key that the signed header names counts, whatever else travels beside the statement", async () => {
  const other = testSigner();
  const chain = [leaf.der, root.der];
  assert.equal((await judge({ evidence: { chain, coseKey: other.publicKey } })).verdict, "verified");
  assert.equal((await judge({ evidence: { coseKey: signerOf(leaf).publicKey } })).verdict, "incomplete");
  const swapped = await judge({ evidence: { chain: [root.der, leaf.der] } });
  assert.deepEqual([swapped.verdict, codeOf(swapped, "issuer_key")], ["invalid", "VERIFY_KEY_MISMATCH"]);

  const log = testLog("log.example.gov/1", noon("2026-06-01"));
  const claims = { issuer: name, subject: "4711", issuedAt: 1, digest };
  const index = log.append(await signStatement(claims, other));
  const proof = await log.proof(index, { evidence: { coseKey: other.publicKey, chain } });
  const report = await verify({ proof, digest, trust: rooted(log.trust) });
  assert.deepEqual([report.verdict, codeOf(report, "issuer")], ["untrusted", "VERIFY_UNTRUSTED"]);
  const alone = await log.proof(index, { evidence: { chain } });
  assert.notEqual((await verify({ proof: alone, digest, trust: rooted(log.trust) })).verdict, "verified");
});

test("without roots of our own, the chain must hold together and the log have enrolled the issuer", async () => {
  const enrolled = { trust: (trust: Trust) => trust };
  const report = await judge(enrolled);
  assert.equal(report.verdict, "verified");
  assert.match(report.checks.find((check) => check.name === "issuer")?.trust ?? "", /enrolment/);
  assert.equal((await judge({ ...enrolled, issuer: "https://court.kent.gov" })).verdict, "untrusted");
  assert.equal((await judge({ ...enrolled, chain: [leaf.der, stranger.der] })).verdict, "untrusted");
  assert.equal(
    (await judge({ ...enrolled, trust: (trust) => ({ ...trust, acceptEnrolled: false }) })).verdict,
    "untrusted",
  );
});

test("an issuer that the trust file names is held to its keys, certificate or not", async () => {
  const named =
    (key: Uint8Array) =>
    (trust: Trust): Trust => ({ ...rooted(trust), issuers: [{ issuer: name, keys: [key] }] });
  assert.equal((await judge({ trust: named(keyThumbprint(signerOf(leaf).publicKey)) })).verdict, "verified");
  assert.equal((await judge({ trust: named(keyThumbprint(testSigner().publicKey)) })).verdict, "untrusted");
});

test("hostile certificates make a verdict, never an exception", async () => {
  const junk = [new Uint8Array(), encodeUtf8("x"), leaf.der.subarray(0, -1), new Uint8Array(100_000).fill(0x30)];
  for (const der of junk) {
    assert.equal((await judge({ chain: [der] })).verdict, "invalid");
    assert.equal((await judge({ chain: [leaf.der, der] })).verdict, "untrusted");
  }
  assert.equal((await judge({ chain: [leaf.der, ...Array(100).fill(root.der)] })).verdict, "untrusted");
});

test("a certified issuer may revoke what was signed with an earlier certificate of the same name", async () => {
  const renewed = await issue({ subject: "CN=Deeds", by: root, names: [{ type: "url", value: name }] });
  const time = noon("2026-06-01");
  const log = testLog("log.example.gov/1", time);
  const claims = { issuer: name, subject: "4711", issuedAt: time, digest };
  const statement = await signStatement(claims, signerOf(leaf), { chain: [leaf.der] });
  const relation = { kind: "revokes", target: leafHash(parseStatement(statement).entry), reason: "error" } as const;
  const index = log.append(statement);
  const revoked = log.append(await signStatement({ ...claims, relation }, signerOf(renewed), { chain: [renewed.der] }));
  const later = [await log.proof(revoked)];
  assert.equal(
    (await verify({ proof: await log.proof(index), digest, trust: rooted(log.trust), later })).verdict,
    "revoked",
  );
});
