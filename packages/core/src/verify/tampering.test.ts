import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import { encodeUtf8, sha256, signStatement, type Trust, verify } from "../index.ts";

const digest = sha256(encodeUtf8("deed 4711"));

async function notarised(): Promise<{ proof: Uint8Array; trust: Trust }> {
  const log = testLog("log.example.gov/1", 1_790_000_000);
  const issuer = testSigner();
  const claims = { issuer: "https://clerk.example.gov", issuedAt: 1_790_000_000, digest };
  for (let i = 0; i < 4; i++) log.append(await signStatement({ ...claims, subject: `other-${i}` }, issuer));
  const index = log.append(await signStatement({ ...claims, subject: "deed-4711" }, issuer));
  const witness = testWitness("w1.example", 1_790_000_010);
  const proof = await log.proof(index, { witnesses: [witness] });
  return { proof, trust: { ...log.trust, witnesses: [witness.verifierKey], quorum: 1 } };
}

test("a proof with any one byte changed is never verified, and never throws", async () => {
  const { proof, trust } = await notarised();
  await fc.assert(
    fc.asyncProperty(fc.nat(proof.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
      const changed = Uint8Array.from(proof);
      changed[at] = (changed[at] ?? 0) ^ flip;
      const { verdict } = await verify({ proof: changed, digest, trust });
      assert.ok(["invalid", "untrusted", "altered", "incomplete"].includes(verdict), `byte ${at}: ${verdict}`);
    }),
    { numRuns: 3000 },
  );
});

test("garbage, and a proof that is cut short anywhere, is invalid with a code", async () => {
  const { proof, trust } = await notarised();
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(proof.length - 1).map((n) => proof.subarray(0, n)),
      ),
      async (bytes) => {
        const report = await verify({ proof: bytes, digest, trust });
        assert.equal(report.verdict, "invalid");
        assert.match(report.checks[0]?.code ?? "", /^(MALFORMED_|VERIFY_ALGORITHM)/);
      },
    ),
    { numRuns: 2000 },
  );
});
