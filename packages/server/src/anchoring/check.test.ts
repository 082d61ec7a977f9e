import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCheckpoint, encodeUtf8, sha256 } from "@attestry/core";
import { encodeImprint } from "../../../core/src/timestamp/request.ts";
import { issueAuthority, makeToken } from "../../../core/src/timestamp/test-tokens.ts";
import { testLedger } from "../../../core/test-kit/ledger.ts";
import { checkKeptProof, createProofCheck, type KeptProof } from "./check.ts";
import { keptAnchor } from "./testing.ts";

const checkpoint = { origin: "log.example/1", size: 7, rootHash: sha256(encodeUtf8("the root")) };

async function stamp(): Promise<KeptProof> {
  const digest = sha256(encodeUtf8(encodeCheckpoint({ ...checkpoint, extensions: [] })));
  const imprint = encodeImprint({ algorithm: "SHA-256", digest });
  const proof = await makeToken({ authority: await issueAuthority(), imprint });
  return { ...checkpoint, ledger: "tsa tsa.example/", proof };
}

// The ledger has no validators: seals can be checked only by who names those that may seal.
for (const [what, make] of [
  ["anchor", () => keptAnchor(checkpoint, undefined, testLedger("qbft", 0))],
  ["time stamp", stamp],
] as const) {
  test(`${what}: one that nobody vouches for holds, and with any byte changed or of another head it does not`, async () => {
    const record = await make();
    const { proof = new Uint8Array() } = record;
    const check = createProofCheck();
    for (const _again of [0, 1]) await check(record);
    const others = [{ size: 8 }, { origin: "log.example/2" }, { rootHash: sha256(proof) }, { proof: undefined }];
    for (const other of others)
      await assert.rejects(check({ ...record, ...other } as KeptProof), JSON.stringify(other));
    for (let at = 0; at < proof.length; at += 5) {
      const damaged = proof.with(at, (proof[at] as number) ^ 1);
      await assert.rejects(checkKeptProof({ ...record, proof: damaged }), `byte ${at} of ${proof.length}`);
    }
  });
}
