import assert from "node:assert/strict";
import { test } from "node:test";
import { testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import { mirror } from "../../test-kit/mirror.ts";
import {
  encodeUtf8,
  keyThumbprint,
  leafHash,
  parseProofFile,
  parseStatement,
  type Report,
  type Signer,
  type StatementClaims,
  sha256,
  signStatement,
  verify,
} from "../index.ts";

const time = 1_790_000_000;
const digest = sha256(encodeUtf8("deed 4711"));
const clerk = "https://clerk.example.gov";
const court = "https://court.example.gov";
const claims: StatementClaims = { issuer: clerk, subject: "deed-4711", issuedAt: time, digest };

const laterCheck = ({ checks }: Report) => checks.find(({ name }) => name === "later");

function revocation(of: Uint8Array, signer: Signer, issuer = clerk): Promise<Uint8Array> {
  const target = leafHash(parseStatement(of).entry);
  return signStatement({ ...claims, issuer, relation: { kind: "revokes", target, reason: "issued in error" } }, signer);
}

for (const algorithm of ["ES256", "ES384"] as const) {
  test(`a revocation holds for the entry that anybody can make by mirroring an ${algorithm} signature, and the other way round`, async () => {
    const log = testLog("log.example.gov/1", time);
    const signer = testSigner(algorithm);
    const statement = await signStatement(claims, signer);
    const twin = mirror(statement);
    const revoked = log.append(await revocation(statement, signer));
    const twinRevoked = log.append(await revocation(twin, signer));
    const [first, second] = [log.append(statement), log.append(twin)];
    const proofs = { statement: await log.proof(first), twin: await log.proof(second) };
    assert.notDeepEqual(parseProofFile(proofs.twin).statement.entry, parseProofFile(proofs.statement).statement.entry);
    for (const proof of Object.values(proofs)) {
      assert.equal((await verify({ proof, digest, trust: log.trust })).verdict, "verified");
      for (const index of [revoked, twinRevoked]) {
        const later = [await log.proof(index)];
        assert.equal((await verify({ proof, digest, trust: log.trust, later })).verdict, "revoked");
      }
    }
  });
}

test("of a revocation that a proof file carries no byte can be changed so that the file passes for verified", async () => {
  const log = testLog("log.example.gov/1", time);
  const [signer, witness] = [testSigner(), testWitness("w1.example", time + 10)];
  const statement = await signStatement(claims, signer);
  const [index, revoked] = [log.append(statement), log.append(await revocation(statement, signer))];
  const witnesses = [witness];
  const carried = await log.proof(revoked, { witnesses });
  const proof = await log.proof(index, { witnesses, later: [carried] });
  const trust = { ...log.trust, witnesses: [witness.verifierKey], quorum: 1 };
  assert.equal((await verify({ proof, digest, trust })).verdict, "revoked");
  const start = Buffer.from(proof).indexOf(carried);
  const passed: string[] = [];
  for (let at = start; at < start + carried.length; at += 1) {
    const changed = proof.with(at, (proof[at] ?? 0) ^ (1 << (at % 8)));
    const report = await verify({ proof: changed, digest, trust });
    if (report.verdict === "verified") passed.push(`${at - start}: ${laterCheck(report)?.detail}`);
  }
  assert.deepEqual(passed, []);
});

test("a revocation under a key that the trust file does not know leaves the verdict open, and one in another log does not", async () => {
  const [log, rogue] = [testLog("log.example.gov/1", time), testLog("rogue.example/log", time)];
  const [signer, renewed, judge] = [testSigner(), testSigner(), testSigner()];
  const statement = await signStatement(claims, signer);
  const index = log.append(statement);
  const byRenewed = await revocation(statement, renewed);
  const byCourt = await revocation(statement, judge, court);
  const [own, ordered, elsewhere] = [log.append(byRenewed), log.append(byCourt), rogue.append(byRenewed)];
  const proof = await log.proof(index);
  const keyOf = (signer: Signer): Uint8Array => keyThumbprint(signer.publicKey);
  const issuers = [{ issuer: clerk, keys: [keyOf(signer)] }];
  const logs = [...log.trust.logs, ...rogue.trust.logs];
  const trust = { ...log.trust, logs, acceptEnrolled: false, issuers, revokers: [court] };
  const judged = async (later: Uint8Array, named = trust) =>
    verify({ proof, digest, trust: named, later: [later], askedForLater: "a notary" });
  for (const index of [own, ordered]) {
    const report = await judged(await log.proof(index));
    assert.deepEqual([report.verdict, laterCheck(report)?.status], ["incomplete", "unknown"]);
    assert.match(report.summary, /revoked it: issued in error\. That is not proven yet: The trust file /);
  }
  const named = { ...trust, issuers: [...issuers, { issuer: court, keys: [keyOf(judge)] }] };
  assert.equal((await judged(await log.proof(ordered), named)).verdict, "revoked");
  assert.equal((await judged(await rogue.proof(elsewhere))).verdict, "verified");
});

test("a later statement that was given and cannot be read leaves it unknown whether there is one", async () => {
  const log = testLog("log.example.gov/1", time);
  const proof = await log.proof(log.append(await signStatement(claims, testSigner())));
  const later = [proof.subarray(0, 100)];
  const report = await verify({ proof, digest, trust: log.trust, later, askedForLater: "a notary" });
  assert.deepEqual([report.verdict, laterCheck(report)?.status], ["verified", "unknown"]);
});
