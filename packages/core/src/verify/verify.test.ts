import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestSigner, testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import {
  encodeSign1,
  encodeUtf8,
  keyThumbprint,
  leafHash,
  parseProofFile,
  parseSign1,
  parseStatement,
  type Relation,
  sha256,
  signStatement,
  thumbprintUri,
  verify,
} from "../index.ts";

const time = 1_790_000_000;
const content = encodeUtf8("deed 4711");
const digest = sha256(content);

function claimsOf(signer: TestSigner, relation?: Relation): Parameters<typeof signStatement>[0] {
  const issuer = thumbprintUri(keyThumbprint(signer.publicKey));
  return {
    issuer,
    subject: "deed-4711",
    issuedAt: time - 5,
    digest,
    contentType: "application/pdf",
    ...(relation ? { relation } : {}),
  };
}

async function notarised(algorithm: "ES256" | "ES384" | "EdDSA" = "ES256", others = 4) {
  const log = testLog("log.example.gov/1", time);
  const issuer = testSigner(algorithm);
  for (let i = 0; i < others; i++)
    log.append(await signStatement({ ...claimsOf(issuer), subject: `other-${i}` }, issuer));
  const statement = await signStatement(claimsOf(issuer), issuer);
  const index = log.append(statement);
  return { log, issuer, statement, index, target: leafHash(parseStatement(statement).entry) };
}

test("a file with its proof is verified, whatever the issuer's algorithm, and the report says who, what, when and where", async () => {
  for (const algorithm of ["ES256", "ES384", "EdDSA"] as const) {
    const { log, issuer, index } = await notarised(algorithm);
    const report = await verify({ proof: await log.proof(index), digest, trust: log.trust });
    assert.equal(report.verdict, "verified", JSON.stringify(report.checks));
    assert.equal(report.statement?.issuer, thumbprintUri(keyThumbprint(issuer.publicKey)));
    assert.equal(report.statement?.subject, "deed-4711");
    assert.equal(report.entry?.index, index);
    assert.equal(report.entry?.origin, "log.example.gov/1");
    assert.deepEqual(report.notAfter, {
      time,
      basis: "the own clock of the log log.example.gov/1",
      source: "log",
      names: ["log.example.gov/1"],
      independent: false,
    });
  }
});

test("the first entry of a log, whose inclusion path is empty, is verified", async () => {
  const { log, index } = await notarised("ES256", 0);
  assert.equal((await verify({ proof: await log.proof(index), digest, trust: log.trust })).verdict, "verified");
});

test("another content is altered, and a proof without its file is incomplete", async () => {
  const { log, index } = await notarised();
  const proof = await log.proof(index);
  assert.equal((await verify({ proof, digest: sha256(encodeUtf8("deed 4712")), trust: log.trust })).verdict, "altered");
  assert.equal((await verify({ proof, trust: log.trust })).verdict, "incomplete");
});

test("a log that nothing vouches for is untrusted, even when all its signatures are good", async () => {
  const { log, index } = await notarised();
  const other = testLog("log.example.gov/1", time); // the same name, other keys
  const proof = await log.proof(index);
  for (const trust of [{ ...log.trust, logs: [] }, other.trust]) {
    const report = await verify({ proof, digest, trust });
    assert.equal(report.verdict, "untrusted");
    assert.equal(report.checks.find(({ name }) => name === "log")?.code, "VERIFY_UNTRUSTED");
  }
});

test("an issuer that the trust file names is held to the key that it names", async () => {
  const { log, issuer, index } = await notarised();
  const proof = await log.proof(index);
  const name = thumbprintUri(keyThumbprint(issuer.publicKey));
  const strict = { ...log.trust, acceptEnrolled: false };
  const named = { ...strict, issuers: [{ issuer: name, keys: [keyThumbprint(issuer.publicKey)] }] };
  const another = { ...strict, issuers: [{ issuer: name, keys: [keyThumbprint(testSigner().publicKey)] }] };
  assert.equal((await verify({ proof, digest, trust: named })).verdict, "verified");
  assert.equal((await verify({ proof, digest, trust: another })).verdict, "untrusted");
  assert.equal((await verify({ proof, digest, trust: strict })).verdict, "untrusted");
});

test("an issuer that calls itself by another key's thumbprint is not believed", async () => {
  const log = testLog("log.example.gov/1", time);
  const [issuer, victim] = [testSigner(), testSigner()];
  const index = log.append(await signStatement({ ...claimsOf(victim) }, issuer));
  const report = await verify({ proof: await log.proof(index), digest, trust: log.trust });
  assert.equal(report.verdict, "untrusted");
  assert.equal(report.checks.find(({ name }) => name === "issuer")?.code, "VERIFY_ISSUER");
});

test("witnesses: a quorum gives an independent time; fewer leave the verdict open; a forged cosignature is invalid", async () => {
  const { log, index } = await notarised();
  const [early, late, absent] = [
    testWitness("w1.example", time + 10),
    testWitness("w2.example", time + 20),
    testWitness("w3.example", time),
  ];
  const witnesses = [early, late, absent].map((witness) => witness.verifierKey);
  const proof = await log.proof(index, { witnesses: [late, early] });
  const two = await verify({ proof, digest, trust: { ...log.trust, witnesses, quorum: 2 } });
  assert.equal(two.verdict, "verified");
  assert.deepEqual(two.notAfter, {
    time: time + 20,
    basis: "the witnesses w1.example, w2.example",
    source: "witnesses",
    names: ["w1.example", "w2.example"],
    independent: true,
  });
  const one = await verify({ proof, digest, trust: { ...log.trust, witnesses, quorum: 1 } });
  assert.deepEqual(one.notAfter, {
    time: time + 10,
    basis: "the witness w1.example",
    source: "witnesses",
    names: ["w1.example"],
    independent: true,
  });
  assert.equal((await verify({ proof, digest, trust: { ...log.trust, witnesses, quorum: 3 } })).verdict, "incomplete");
  const twice = await log.proof(index, { witnesses: [late, late] });
  assert.equal(
    (await verify({ proof: twice, digest, trust: { ...log.trust, witnesses, quorum: 2 } })).verdict,
    "incomplete",
  );
  const forger = { verifierKey: absent.verifierKey, sign: (text: string) => late.sign(text) };
  const forged = await log.proof(index, { witnesses: [early, late, forger] });
  assert.equal(
    (await verify({ proof: forged, digest, trust: { ...log.trust, witnesses, quorum: 2 } })).verdict,
    "invalid",
  );
});

test("a statement that its issuer superseded or revoked is so reported, with the reason; others' attempts are not counted", async () => {
  const { log, issuer, index, target } = await notarised();
  const stranger = testSigner();
  const replace = log.append(
    await signStatement(claimsOf(issuer, { kind: "supersedes", target, reason: "typing error" }), issuer),
  );
  const attempt = log.append(
    await signStatement(claimsOf(stranger, { kind: "revokes", target, reason: "spite" }), stranger),
  );
  const [replacing, attempting] = [await log.proof(replace), await log.proof(attempt)];
  const verdictWith = async (later: Uint8Array[], trust = log.trust) =>
    verify({ proof: await log.proof(index, { later }), digest, trust, askedForLater: "the notary" });

  const superseded = await verdictWith([replacing]);
  assert.equal(superseded.verdict, "superseded");
  assert.match(superseded.summary, /typing error/);
  assert.equal((await verdictWith([attempting])).verdict, "verified");
  const revokers = [thumbprintUri(keyThumbprint(stranger.publicKey))];
  assert.equal((await verdictWith([replacing, attempting], { ...log.trust, revokers })).verdict, "revoked");
});

test("a later statement counts only when it is proven itself and about this entry", async () => {
  const { log, issuer, index, target } = await notarised();
  const elsewhere = testLog("other.example/log", time);
  const unproven = elsewhere.append(
    await signStatement(claimsOf(issuer, { kind: "revokes", target, reason: "x" }), issuer),
  );
  const about = leafHash(encodeUtf8("another entry"));
  const off = log.append(
    await signStatement(claimsOf(issuer, { kind: "revokes", target: about, reason: "x" }), issuer),
  );
  for (const later of [await elsewhere.proof(unproven), await log.proof(off), encodeUtf8("junk")]) {
    const report = await verify({
      proof: await log.proof(index),
      digest,
      trust: log.trust,
      later: [later],
      askedForLater: "the notary",
    });
    assert.equal(report.verdict, "verified");
    assert.match(report.checks.at(-1)?.detail ?? "", /Not counted/);
  }
});

test("that nobody was asked for later statements is said, and does not make the proof fail", async () => {
  const { log, index } = await notarised();
  const report = await verify({ proof: await log.proof(index), digest, trust: log.trust });
  assert.equal(report.verdict, "verified");
  assert.equal(report.checks.find(({ name }) => name === "later")?.status, "unknown");
});

test("a receipt or checkpoint that is left out makes the verdict incomplete, never verified", async () => {
  const { log, index, statement } = await notarised();
  const bare = await verify({ proof: statement, digest, trust: log.trust });
  assert.equal(bare.verdict, "incomplete");
  const sign1 = parseSign1(await log.proof(index));
  const receipts = sign1.unprotected.get(394) as Uint8Array[];
  const receipt = parseSign1(receipts[0] as Uint8Array);
  receipt.unprotected.delete("c2sp.org/checkpoint");
  sign1.unprotected.set(394, [encodeSign1(receipt)]);
  assert.equal((await verify({ proof: encodeSign1(sign1), digest, trust: log.trust })).verdict, "incomplete");
});

test("a checkpoint of another tree, or with a log signature stripped, does not go with the receipt", async () => {
  const { log, issuer, index } = await notarised();
  const older = parseSign1(await log.proof(index));
  log.append(await signStatement(claimsOf(issuer), issuer));
  const newer = parseProofFile(await log.proof(index)).receipts[0];
  const swap = (checkpoint: Uint8Array) => {
    const receipt = parseSign1((older.unprotected.get(394) as Uint8Array[])[0] as Uint8Array);
    receipt.unprotected.set("c2sp.org/checkpoint", checkpoint);
    return encodeSign1({ ...older, unprotected: new Map(older.unprotected).set(394, [encodeSign1(receipt)]) });
  };
  const own = parseProofFile(encodeSign1(older)).receipts[0]?.evidence.checkpoint as Uint8Array;
  const stripped = `${new TextDecoder().decode(own).split("\n").slice(0, 5).join("\n")}\n`;
  for (const checkpoint of [newer?.evidence.checkpoint as Uint8Array, encodeUtf8(stripped)]) {
    const report = await verify({ proof: swap(checkpoint), digest, trust: log.trust });
    assert.equal(report.verdict, "invalid");
    assert.equal(report.checks.find(({ name }) => name === "checkpoint")?.code, "VERIFY_CHECKPOINT");
  }
});

test("one broken receipt is not outvoted by a good one", async () => {
  const { log, index } = await notarised();
  const sign1 = parseSign1(await log.proof(index));
  const good = (sign1.unprotected.get(394) as Uint8Array[])[0] as Uint8Array;
  const broken = Uint8Array.from(good);
  broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
  for (const receipts of [
    [good, broken],
    [broken, good],
  ]) {
    sign1.unprotected.set(394, receipts);
    assert.equal((await verify({ proof: encodeSign1(sign1), digest, trust: log.trust })).verdict, "invalid");
  }
});

test("a statement under one algorithm and a key of another is refused", async () => {
  const { log, issuer } = await notarised();
  const signed = parseSign1(await signStatement(claimsOf(issuer), issuer));
  const confused = encodeSign1({
    ...signed,
    protectedBytes: Uint8Array.from(signed.protectedBytes, (b, i) => (i === 2 && b === 0x26 ? 0x27 : b)),
  });
  assert.equal(parseStatement(confused).algorithm, "EdDSA");
  const report = await verify({ proof: await log.proof(log.append(confused)), digest, trust: log.trust });
  assert.equal(report.verdict, "invalid");
  assert.equal(report.checks.find(({ name }) => name === "signature")?.code, "VERIFY_ALGORITHM");
});
