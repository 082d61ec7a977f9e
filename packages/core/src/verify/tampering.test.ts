import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testLedger } from "../../test-kit/ledger.ts";
import { testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import {
  encodeCheckpoint,
  encodeEvmAnchor,
  encodeProofFile,
  encodeUtf8,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  type Report,
  sha256,
  signStatement,
  type Trust,
  verify,
  withTreeEvidence,
} from "../index.ts";
import { encodeImprint } from "../timestamp/request.ts";
import { issueAuthority, makeToken, stampedAt } from "../timestamp/test-tokens.ts";
import { issue } from "../x509/test-certificates.ts";

const digest = sha256(encodeUtf8("deed 4711"));

interface Notarised {
  readonly proof: Uint8Array;
  readonly trust: Trust;
  readonly anchor: Uint8Array;
  readonly token: Uint8Array;
  readonly checkpointAfter: Uint8Array;
}

/** A proof with everything in it: cosigned, anchored in a sealed block, time-stamped, and of a statement that quotes a checkpoint. */
async function notarised(): Promise<Notarised> {
  const log = testLog("log.example.gov/1", 1_790_000_000);
  const issuer = testSigner();
  const claims = { issuer: "https://clerk.example.gov", issuedAt: 1_790_000_000, digest };
  for (let i = 0; i < 4; i++) log.append(await signStatement({ ...claims, subject: `other-${i}` }, issuer));
  const earlier = testLog("log.example.gov/0", stampedAt - 3600);
  earlier.append(await signStatement({ ...claims, subject: "deed-1" }, issuer));
  const checkpointAfter = await earlier.checkpoint();
  const after = parseCheckpoint(parseNote(checkpointAfter).text);
  const index = log.append(await signStatement({ ...claims, subject: "deed-4711", after }, issuer));
  const witness = testWitness("w1.example", 1_790_000_010);
  const bare = parseProofFile(await log.proof(index, { witnesses: [witness] }));
  const note = parseNote(bare.receipts[0]?.evidence.checkpoint ?? "");
  const checkpoint = parseCheckpoint(note.text);
  const ledger = testLedger();
  const root = await issue({ subject: "CN=Root", ca: {} });
  const stamped = sha256(encodeUtf8(encodeCheckpoint({ ...checkpoint, extensions: [] })));
  const imprint = encodeImprint({ algorithm: "SHA-256", digest: stamped });
  const token = await makeToken({ authority: await issueAuthority({ by: root }), imprint });
  const anchor = encodeEvmAnchor(await ledger.anchor(checkpoint, stampedAt - 60));
  const receipts = bare.receipts.map((receipt) =>
    withTreeEvidence(receipt, { anchors: [anchor], timeStamps: [token] }),
  );
  const logs = [...log.trust.logs, ...earlier.trust.logs];
  const witnesses = [witness.verifierKey];
  const trust = { logs, witnesses, quorum: 1, ledgers: [ledger.trusted], timeStampRoots: [root.der] };
  const proof = encodeProofFile({ ...bare, evidence: { ...bare.evidence, checkpointAfter }, receipts });
  return { proof, trust: { ...log.trust, ...trust }, anchor, token, checkpointAfter };
}

const passes = (report: Report, name: string): boolean =>
  report.checks.some((check) => check.name === name && check.status === "pass");

test("a proof with any one byte changed is never verified, shows no earlier time, and its changed evidence counts for nothing", async () => {
  const { proof, trust, anchor, token, checkpointAfter } = await notarised();
  const original = await verify({ proof, digest, trust });
  assert.equal(original.verdict, "verified", original.summary);
  assert.ok(passes(original, "anchors") && passes(original, "time_stamps") && passes(original, "not_before"));
  const isWithin = (at: number, part: Uint8Array): boolean => {
    const start = Buffer.from(proof).indexOf(part);
    return at >= start && at < start + part.length;
  };
  const earliest = original.notAfter?.time ?? 0;
  const check = async (at: number, flip: number): Promise<void> => {
    const report = await verify({ proof: proof.with(at, (proof[at] ?? 0) ^ flip), digest, trust });
    const what = `byte ${at} ^ ${flip}: ${report.verdict}`;
    assert.ok(report.notAfter === undefined || report.notAfter.time >= earliest, what);
    if (isWithin(at, anchor)) assert.ok(!passes(report, "anchors"), what);
    if (isWithin(at, token)) assert.ok(!passes(report, "time_stamps"), what);
    if (isWithin(at, checkpointAfter)) assert.ok(!passes(report, "not_before"), what);
    assert.ok(["invalid", "untrusted", "incomplete"].includes(report.verdict), what);
  };
  await fc.assert(fc.asyncProperty(fc.nat(proof.length - 1), fc.integer({ min: 1, max: 255 }), check), {
    numRuns: 1500,
  });
});

test("no byte of a time stamp can be changed so that the proof passes without it", async () => {
  const { proof, trust, token } = await notarised();
  const start = Buffer.from(proof).indexOf(token);
  const passed: number[] = [];
  for (let at = start; at < start + token.length; at += 1) {
    const report = await verify({ proof: proof.with(at, (proof[at] ?? 0) ^ (1 << (at % 8))), digest, trust });
    if (report.verdict === "verified") passed.push(at - start);
  }
  assert.deepEqual(passed, []);
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
        assert.doesNotMatch(report.summary, /CBOR|byte \d/); // words for people; the check has the format's
      },
    ),
    { numRuns: 2000 },
  );
});
