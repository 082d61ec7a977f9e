import assert from "node:assert/strict";
import { test } from "node:test";
import { type Algorithm, parseProofFile, type Signer, sha256, signStatement } from "@attestry/core";
import { testLog, testSigner } from "../../core/test-kit/log.ts";
import { hasMore, mergeProofs } from "./merge-proofs.ts";

test("a receipt of an earlier time is kept when the fresh proof's are of later ones, and alone makes a proof worth taking", async () => {
  const keys = new Map<Algorithm, Signer>();
  const signerOf = (algorithm: Algorithm): Signer => {
    const signer = keys.get(algorithm) ?? testSigner(algorithm);
    keys.set(algorithm, signer);
    return signer;
  };
  const claims = {
    issuer: "https://clerk.example.gov",
    subject: "deed",
    issuedAt: 1000,
    digest: sha256(new Uint8Array()),
  };
  const statement = await signStatement(claims, testSigner());
  const proofAt = async (time: number) => {
    const log = testLog("log.example.gov/1", time, signerOf);
    return parseProofFile(await log.proof(log.append(statement)));
  };
  const [early, late] = [await proofAt(2000), await proofAt(3000)];
  const times = (proof: Uint8Array) => parseProofFile(proof).receipts.map(({ claims }) => claims.iat);
  assert.deepEqual(times(mergeProofs(early, late)), [3000, 2000]);
  assert.deepEqual(times(mergeProofs(late, early)), [2000]);
  assert.deepEqual([hasMore(late, early), hasMore(early, late)], [false, true]);
});
