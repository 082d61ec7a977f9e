import assert from "node:assert/strict";
import { test } from "node:test";
import { testLedger } from "../../test-kit/ledger.ts";
import { type TestLog, type TestSigner, testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import {
  type CborValue,
  createNoteSigner,
  encodeEvmAnchor,
  encodeSign1,
  encodeUtf8,
  keyThumbprint,
  leafHash,
  type NoteSigner,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  parseSign1,
  parseStatement,
  type Relation,
  type Report,
  sha256,
  signatureType,
  signStatement,
  type Trust,
  type TrustedLedger,
  thumbprintUri,
  verify,
} from "../index.ts";
import { encodeImprint } from "../timestamp/request.ts";
import { issueAuthority, makeToken, stampedAt } from "../timestamp/test-tokens.ts";
import { issue } from "../x509/test-certificates.ts";

const time = 1_790_000_000;
const digest = sha256(encodeUtf8("deed 4711"));

function statementOf(signer: TestSigner, relation?: Relation): Promise<Uint8Array> {
  const issuer = thumbprintUri(keyThumbprint(signer.publicKey));
  return signStatement({ issuer, subject: "deed-4711", issuedAt: time, digest, ...(relation && { relation }) }, signer);
}

interface Notarised {
  readonly log: TestLog;
  readonly issuer: TestSigner;
  readonly index: number;
  /** Registers a revocation of the entry; gives its index. */
  revoke(): Promise<number>;
}

async function notarised(): Promise<Notarised> {
  const log = testLog("log.example.gov/1", time);
  const issuer = testSigner();
  const statement = await statementOf(issuer);
  const target = leafHash(parseStatement(statement).entry);
  const revocation = { kind: "revokes", target, reason: "issued in error" } as const;
  return {
    log,
    issuer,
    index: log.append(statement),
    revoke: async () => log.append(await statementOf(issuer, revocation)),
  };
}

/** The proof with that header beside its receipt. */
function withBeside(proof: Uint8Array, label: string, value: CborValue): Uint8Array {
  const whole = parseSign1(proof);
  const receipt = parseSign1((whole.unprotected.get(394) as Uint8Array[])[0] as Uint8Array);
  receipt.unprotected.set(label, value);
  whole.unprotected.set(394, [encodeSign1(receipt)]);
  return encodeSign1(whole);
}

/** The first proof with the receipts of all of them, in their order. */
function withReceiptsOf(...proofs: readonly [Uint8Array, ...Uint8Array[]]): Uint8Array {
  const [whole] = proofs.map((proof) => parseSign1(proof));
  const receipts = proofs.flatMap((proof) => parseSign1(proof).unprotected.get(394) as Uint8Array[]);
  whole?.unprotected.set(394, receipts);
  return encodeSign1(whole as ReturnType<typeof parseSign1>);
}

function witnessed(trust: Trust, quorum: number, witnesses: readonly NoteSigner[]): Trust {
  return { ...trust, witnesses: witnesses.map(({ verifierKey }) => verifierKey), quorum };
}

const check = (report: Report, name: string) => report.checks.find((one) => one.name === name);

test("the proof of a revocation, which is of the same content, does not pass for the proof of what it revoked", async () => {
  const { log, revoke } = await notarised();
  const report = await verify({ proof: await log.proof(await revoke()), digest, trust: log.trust });
  assert.equal(report.verdict, "revoked");
  assert.match(report.summary, /issued in error/);
});

test("a revocation that the log has and too few witnesses have seen leaves the verdict open, and is shown", async () => {
  const { log, index, revoke } = await notarised();
  const witness = testWitness("w1.example", time);
  const trust = witnessed(log.trust, 1, [witness]);
  const proof = await log.proof(index, { witnesses: [witness] });
  const revocation = await revoke();
  const unseen = await verify({
    proof,
    digest,
    trust,
    later: [await log.proof(revocation)],
    askedForLater: "a notary",
  });
  assert.equal(unseen.verdict, "incomplete");
  assert.match(unseen.summary, /issued in error.*not proven yet: 0 of the 1 witnesses/);
  assert.equal(check(unseen, "later")?.status, "unknown");
  const later = [await log.proof(revocation, { witnesses: [witness] })];
  assert.equal((await verify({ proof, digest, trust, later })).verdict, "revoked");
});

test("a notary cannot revoke what another has, by enrolling somebody else under the issuer's name", async () => {
  const [log, rogue] = [testLog("log.example.gov/1", time), testLog("rogue.example/log", time)];
  const [issuer, impostor] = [testSigner(), testSigner()];
  const claims = { issuer: "https://clerk.example.gov", subject: "deed-4711", issuedAt: time, digest };
  const statement = await signStatement(claims, issuer);
  const relation = { kind: "revokes", target: leafHash(parseStatement(statement).entry), reason: "spite" } as const;
  const index = log.append(statement);
  const later = [await rogue.proof(rogue.append(await signStatement({ ...claims, relation }, impostor)))];
  const enrolled = { ...log.trust, logs: [...log.trust.logs, ...rogue.trust.logs] };
  const report = await verify({ proof: await log.proof(index), digest, trust: enrolled, later });
  assert.equal(report.verdict, "verified");
  assert.match(check(report, "later")?.detail ?? "", /Not counted: .*rogue/);

  const keys = [keyThumbprint(issuer.publicKey)];
  const named = { ...enrolled, acceptEnrolled: false, issuers: [{ issuer: claims.issuer, keys }] };
  const own = [await rogue.proof(rogue.append(await signStatement({ ...claims, relation }, issuer)))];
  const proof = await log.proof(index);
  assert.equal((await verify({ proof, digest, trust: named, later })).verdict, "verified");
  assert.equal((await verify({ proof, digest, trust: named, later: own })).verdict, "revoked", "whatever log has it");
});

test("a later statement without its key, by an issuer whose name is a broken thumbprint, leaves the verdict open", async () => {
  const log = testLog("log.example.gov/1", time);
  const signer = testSigner();
  const claims = { issuer: "urn:ietf:params:oauth:ckt:sha-256:x", subject: "deed-4711", issuedAt: time, digest };
  const statement = await signStatement(claims, signer);
  const relation = { kind: "revokes", target: leafHash(parseStatement(statement).entry), reason: "error" } as const;
  const index = log.append(statement);
  const revocation = log.append(await signStatement({ ...claims, relation }, signer));
  const [proof, ...later] = [await log.proof(index, { evidence: {} }), await log.proof(revocation, { evidence: {} })];
  assert.equal((await verify({ proof, digest, trust: log.trust, later })).verdict, "incomplete");
});

test("an issuer that is named by its key may revoke in any trusted log, and in none by a statement that no log has", async () => {
  const { log, issuer, index } = await notarised();
  const other = testLog("other.example/log", time);
  const trust = { ...log.trust, logs: [...log.trust.logs, ...other.trust.logs] };
  const proof = await log.proof(index);
  const target = leafHash(parseProofFile(proof).statement.entry);
  const revocation = await statementOf(issuer, { kind: "revokes", target, reason: "error" });
  assert.equal((await verify({ proof, digest, trust, later: [revocation] })).verdict, "verified");
  const later = [await other.proof(other.append(revocation))];
  assert.equal((await verify({ proof, digest, trust, later })).verdict, "revoked");
});

test("a later statement that came twice is listed once", async () => {
  const { log, index, revoke } = await notarised();
  const later = [await log.proof(await revoke())];
  const report = await verify({ proof: await log.proof(index, { later }), digest, trust: log.trust, later });
  assert.equal(report.later.length, 1);
});

test("fewer witnesses than the quorum cannot set the time back; a witness with two keys has one vote", async () => {
  const { log, index } = await notarised();
  const liar = testWitness("liar.example", time - 100_000_000);
  const again = createNoteSigner(
    "liar.example",
    testSigner("ML-DSA-44"),
    signatureType.mlDsaCosignature,
    () => time - 90_000_000,
  );
  const honest = [testWitness("w1.example", time + 20), testWitness("w2.example", time + 30)];
  const all = [liar, again, ...honest];
  const proof = await log.proof(index, { witnesses: all });
  const report = await verify({ proof, digest, trust: witnessed(log.trust, 2, all) });
  assert.equal(report.verdict, "verified");
  assert.deepEqual(report.notAfter, {
    time: time + 20,
    basis: "the witnesses liar.example, w1.example",
    source: "witnesses",
    names: ["liar.example", "w1.example"],
    independent: true,
  });
  const alone = await log.proof(index, { witnesses: [liar, again] });
  const open = await verify({ proof: alone, digest, trust: witnessed(log.trust, 2, all) });
  assert.equal(open.verdict, "incomplete");
  assert.equal(open.notAfter?.time, time, "the log's own clock, since there is no quorum");
});

test("an ML-DSA cosignature that states no time counts towards the quorum, and dates nothing", async () => {
  const { log, index } = await notarised();
  const signer = testSigner("ML-DSA-44");
  const timeless = createNoteSigner("w1.example", signer, signatureType.mlDsaCosignature, () => 0);
  const proof = await log.proof(index, { witnesses: [timeless] });
  const report = await verify({ proof, digest, trust: witnessed(log.trust, 1, [timeless]) });
  assert.equal(report.verdict, "verified");
  assert.equal(report.notAfter?.independent, false);
});

test("a quorum is asked for even where no witness is named", async () => {
  const { log, index } = await notarised();
  const report = await verify({ proof: await log.proof(index), digest, trust: { ...log.trust, quorum: 1 } });
  assert.equal(report.verdict, "incomplete");
});

test("of two generations of a log's keys with one receipt key, the one that signed the checkpoint is taken", async () => {
  const { log, index } = await notarised();
  const own = log.trust.logs[0] as Trust["logs"][number];
  const former = { ...own, verifierKeys: testLog(log.origin, time).trust.logs[0]?.verifierKeys ?? [] };
  const proof = await log.proof(index);
  const verdict = async (logs: Trust["logs"]) =>
    (await verify({ proof, digest, trust: { ...log.trust, logs } })).verdict;
  assert.equal(await verdict([former, own]), "verified");
  assert.equal(await verdict([own, former]), "verified");
  assert.equal(await verdict([former]), "untrusted", "other keys are no sign of damage");
});

test("a verifier key that a trust file names twice is asked for once", async () => {
  const { log, index } = await notarised();
  const [own] = log.trust.logs as [Trust["logs"][number]];
  const copies = own.verifierKeys.map((key) => ({ ...key }));
  const trust = { ...log.trust, logs: [{ ...own, verifierKeys: [...own.verifierKeys, ...copies] }] };
  assert.equal((await verify({ proof: await log.proof(index), digest, trust })).verdict, "verified");
});

test("a second receipt, of a log that nobody vouches for or whose clock is wrong, changes neither verdict nor time", async () => {
  const { log, index } = await notarised();
  const proof = await log.proof(index);
  const forger = testLog("forger.example/log", 1000);
  const forged = await forger.proof(forger.append(proof));
  const both = { ...log.trust, logs: [...log.trust.logs, ...forger.trust.logs] };
  for (const trust of [log.trust, both]) {
    const report = await verify({ proof: withReceiptsOf(proof, forged), digest, trust });
    assert.deepEqual([report.verdict, report.entry?.origin, report.notAfter?.time], ["verified", log.origin, time]);
  }
  const first = await verify({ proof: withReceiptsOf(forged, proof), digest, trust: log.trust });
  assert.deepEqual([first.verdict, first.entry?.origin, first.notAfter?.time], ["verified", log.origin, time]);
  const waiting = witnessed(log.trust, 1, [testWitness("w1.example", time)]);
  assert.equal((await verify({ proof: withReceiptsOf(forged, proof), digest, trust: waiting })).verdict, "incomplete");
});

test("the summary says what the verdict rests on, not what else is wrong", async () => {
  const { log, index } = await notarised();
  const proof = await log.proof(index);
  const other = sha256(encodeUtf8("another deed"));
  const untrusted = await verify({ proof, digest: other, trust: { ...log.trust, logs: [] } });
  assert.match(untrusted.summary, /Nothing vouches for the log/);
  const broken = await verify({
    proof: withBeside(proof, "c2sp.org/checkpoint", encodeUtf8("x")),
    digest: other,
    trust: log.trust,
  });
  assert.equal(broken.verdict, "invalid");
  assert.match(broken.summary, /note/);
  const waiting = witnessed(log.trust, 1, [testWitness("w1.example", time)]);
  assert.match((await verify({ proof, digest, trust: waiting })).summary, /0 of the 1 witnesses/);
});

async function anchored(log: TestLog, index: number, block = time): Promise<Uint8Array> {
  const proof = await log.proof(index);
  const checkpoint = parseProofFile(proof).receipts[0]?.evidence.checkpoint ?? new Uint8Array();
  const anchor = await testLedger().anchor(parseCheckpoint(parseNote(checkpoint).text), block);
  return withBeside(proof, "attestry/anchors", [encodeEvmAnchor(anchor)]);
}

test("an anchor on a ledger that nobody vouches for proves nothing and spoils nothing", async () => {
  const { log, index, revoke } = await notarised();
  const { trusted } = testLedger();
  const elsewhere: TrustedLedger = { ...testLedger("qbft", 7).trusted, chainId: 5 };
  const trusting = (...ledgers: readonly TrustedLedger[]): Trust => ({ ...log.trust, ledgers });
  const proof = await anchored(log, index, time - 50);

  const known = await verify({ proof, digest, trust: trusting(trusted) });
  assert.deepEqual([known.verdict, known.notAfter?.time], ["verified", time - 50]);
  const unknown = await verify({ proof, digest, trust: trusting(elsewhere) });
  assert.deepEqual([unknown.verdict, unknown.notAfter?.time], ["verified", time]);
  assert.equal(check(unknown, "anchors")?.status, "unknown");
  // Validators that changed cannot be told from a block that was made up: it is not trusted, and not called damaged.
  const former = testLedger("qbft", 7).trusted;
  const pinned = { ...elsewhere, chainId: trusted.chainId, validators: [], blockHashes: [new Uint8Array(32)] };
  assert.equal((await verify({ proof, digest, trust: trusting(former) })).verdict, "untrusted");
  assert.equal((await verify({ proof, digest, trust: trusting(pinned) })).verdict, "untrusted");

  const later = [await anchored(log, await revoke())];
  for (const ledger of [trusted, elsewhere, former, pinned]) {
    const report = await verify({ proof: await log.proof(index), digest, trust: trusting(ledger), later });
    assert.equal(report.verdict, "revoked");
  }
});

test("a time stamp by an authority that nobody vouches for proves nothing and spoils nothing", async () => {
  const { log, index } = await notarised();
  const proof = await log.proof(index);
  const checkpoint = parseProofFile(proof).receipts[0]?.evidence.checkpoint ?? new Uint8Array();
  const ofCheckpoint = sha256(encodeUtf8(parseNote(checkpoint).text));
  const [root, other] = [await issue({ subject: "CN=Root", ca: {} }), await issue({ subject: "CN=Other", ca: {} })];
  const authority = await issueAuthority({ by: root });
  const stamped = async (of: Uint8Array): Promise<Uint8Array> => {
    const token = await makeToken({ authority, imprint: encodeImprint({ algorithm: "SHA-256", digest: of }) });
    return withBeside(proof, "attestry/time-stamps", [token]);
  };
  const judge = async (of: Uint8Array, ...roots: readonly Uint8Array[]) =>
    verify({ proof: await stamped(of), digest, trust: { ...log.trust, timeStampRoots: roots } });

  const known = await judge(ofCheckpoint, root.der);
  assert.deepEqual([known.verdict, known.notAfter?.time], ["verified", stampedAt]);
  for (const roots of [[], [other.der]]) {
    const unknown = await judge(ofCheckpoint, ...roots);
    assert.deepEqual([unknown.verdict, unknown.notAfter?.time], ["verified", time]);
    assert.equal(check(unknown, "time_stamps")?.status, "unknown");
  }
  assert.equal((await judge(digest, root.der)).verdict, "invalid", "a stamp of something else");
});
