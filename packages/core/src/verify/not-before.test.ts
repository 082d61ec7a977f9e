import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestLog, type TestSigner, testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import {
  type Check,
  encodeProofFile,
  encodeUtf8,
  type ProofFile,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  type QuotedCheckpoint,
  type Report,
  type StatementClaims,
  sha256,
  signStatement,
  type Trust,
  verify,
  withTreeEvidence,
} from "../index.ts";

const time = 1_790_000_000;
const digest = sha256(encodeUtf8("deed 4711"));
const claims: StatementClaims = {
  issuer: "https://clerk.example.gov",
  subject: "deed-4711",
  issuedAt: time + 100,
  digest,
};
const signer: TestSigner = testSigner();

const fill = async (log: TestLog, count = 3): Promise<void> => {
  for (let at = 0; at < count; at++) log.append(await signStatement({ ...claims, subject: `other-${at}` }, signer));
};

function quoteOf(note: Uint8Array): QuotedCheckpoint {
  const { origin, size, rootHash } = parseCheckpoint(parseNote(note).text);
  return { origin, size, rootHash };
}

/** The same proof with that note for evidence, or with none. */
function withNote(proof: Uint8Array, note: Uint8Array | undefined): Uint8Array {
  const { statement, evidence, receipts, later }: ProofFile = parseProofFile(proof);
  const { checkpointAfter: _, ...who } = evidence;
  return encodeProofFile({
    statement,
    evidence: note === undefined ? who : { ...who, checkpointAfter: note },
    receipts: receipts.map((receipt) => withTreeEvidence(receipt, {})),
    later,
  });
}

/** A log of which a statement quotes the tree of three entries, and which registers it 100 seconds later. */
async function quoting() {
  // Two logs of different clocks: what is quoted may be another log's tree.
  const quoted = testLog("log.example.gov/1", time);
  const log = testLog("log.example.gov/2", time + 100);
  await fill(quoted);
  const note = await quoted.checkpoint();
  const index = log.append(await signStatement({ ...claims, after: quoteOf(note) }, signer));
  const trust: Trust = { ...log.trust, logs: [...log.trust.logs, ...quoted.trust.logs] };
  return { quoted, log, note, bare: await log.proof(index), index, trust };
}

const notBefore = ({ checks }: Report): Check | undefined => checks.find(({ name }) => name === "not_before");
const outcome = (report: Report): unknown[] => [report.verdict, notBefore(report)?.status, notBefore(report)?.code];

test("a statement that quotes a checkpoint was signed after the log made that tree, and the report says so", async () => {
  const { bare, note, trust } = await quoting();
  const report = await verify({ proof: withNote(bare, note), digest, trust });
  assert.deepEqual(outcome(report), ["verified", "pass", undefined], report.summary);
  const names = ["log.example.gov/1"];
  const basis = "the own clock of the log log.example.gov/1";
  assert.deepEqual(report.notBefore, { time, basis, source: "log", names, independent: false });
  assert.equal(report.notAfter?.time, time + 100);
  assert.deepEqual(report.statement?.after, quoteOf(note));
  assert.match(notBefore(report)?.detail ?? "", /^Signed after .* because it quotes entry count 3 of the log log\.ex/);
});

test("a statement that quotes nothing has no such check", async () => {
  const log = testLog("log.example.gov/1", time);
  const report = await verify({
    proof: await log.proof(log.append(await signStatement(claims, signer))),
    digest,
    trust: log.trust,
  });
  assert.equal(report.verdict, "verified");
  assert.equal(notBefore(report), undefined);
  assert.equal(report.notBefore, undefined);
});

test("without the note, or where nothing vouches for its log or keys, the bound is open and spoils nothing", async () => {
  const { bare, note, log, trust } = await quoting();
  const renamed = testLog("log.example.gov/1", time); // later keys of the same log
  const later = { ...trust, logs: [...log.trust.logs, ...renamed.trust.logs] };
  const cases: [Uint8Array | undefined, Trust][] = [
    [undefined, trust],
    [note, log.trust],
    [note, later],
  ];
  for (const [evidence, trusted] of cases) {
    const report = await verify({ proof: withNote(bare, evidence), digest, trust: trusted });
    assert.deepEqual(outcome(report), ["verified", "unknown", undefined]);
    assert.equal(report.notBefore, undefined);
  }
});

test("a log that signs without a time, or witnesses alone, give no lower bound", async () => {
  const { bare, note, quoted, trust } = await quoting();
  const witness = testWitness("w1.example", time + 5);
  const [own, ...others] = quoted.trust.logs;
  assert.ok(own !== undefined && others.length === 0);
  const verifierKeys = own.verifierKeys.filter(({ publicKey }) => publicKey.algorithm === "EdDSA");
  const logs = [...trust.logs.filter((log) => log !== own), { ...own, verifierKeys }];
  for (const evidence of [note, await quoted.checkpoint([witness])]) {
    const trusted = { ...trust, logs, witnesses: [witness.verifierKey] };
    const report = await verify({ proof: withNote(bare, evidence), digest, trust: trusted });
    assert.deepEqual(outcome(report), ["verified", "unknown", undefined]);
  }
});

test("a trusted witness that saw the tree earlier makes the bound earlier; one that saw it later changes nothing", async () => {
  const { bare, quoted, trust } = await quoting();
  const [early, late] = [testWitness("w1.example", time - 30), testWitness("w2.example", time + 30)];
  const proof = withNote(bare, await quoted.checkpoint([late, early]));
  const since = async (...witnesses: (typeof early)[]): Promise<number | undefined> => {
    const trusted = { ...trust, witnesses: witnesses.map(({ verifierKey }) => verifierKey) };
    return (await verify({ proof, digest, trust: trusted })).notBefore?.time;
  };
  assert.deepEqual([await since(), await since(late), await since(late, early)], [time, time, time - 30]);
});

test("a note of another tree, with a bad or missing signature, or that is none is refused by its own code", async () => {
  const { bare, note, quoted, trust } = await quoting();
  const lines = new TextDecoder().decode(note).split("\n");
  const witness = testWitness("w1.example", time);
  const forger = { verifierKey: witness.verifierKey, sign: (text: string) => testWitness("w2", time).sign(text) };
  const forgedCosignature = await quoted.checkpoint([forger]);
  await fill(quoted, 1);
  const cases: [what: string, evidence: Uint8Array, code: string][] = [
    ["another tree", await quoted.checkpoint(), "VERIFY_AFTER"],
    ["a changed signature", note.with(-10, note.at(-10) === 65 ? 66 : 65), "VERIFY_AFTER"], // A or B, both base64
    ["one signature of two", encodeUtf8(`${lines.slice(0, 5).join("\n")}\n`), "VERIFY_AFTER"],
    ["a forged cosignature", forgedCosignature, "VERIFY_AFTER"],
    ["no note", encodeUtf8("note"), "MALFORMED_NOTE"],
  ];
  for (const [what, evidence, code] of cases) {
    const trusted = { ...trust, witnesses: [witness.verifierKey] };
    const report = await verify({ proof: withNote(bare, evidence), digest, trust: trusted });
    assert.deepEqual(outcome(report), ["invalid", "fail", code], what);
    assert.equal(report.notBefore, undefined, what);
  }
});

test("a checkpoint of after the proven time contradicts it; clocks that differ by minutes do not", async () => {
  const verdictOf = async (ahead: number): Promise<Report> => {
    const quoted = testLog("log.example.gov/1", time + ahead);
    const log = testLog("log.example.gov/2", time);
    await fill(quoted);
    const note = await quoted.checkpoint();
    const index = log.append(await signStatement({ ...claims, after: quoteOf(note) }, signer));
    const trust = { ...log.trust, logs: [...log.trust.logs, ...quoted.trust.logs] };
    return verify({ proof: withNote(await log.proof(index), note), digest, trust });
  };
  const near = await verdictOf(300);
  assert.deepEqual(outcome(near), ["verified", "pass", undefined]);
  assert.equal(near.notBefore?.time, time); // never past the proven time
  assert.deepEqual(outcome(await verdictOf(301)), ["invalid", "fail", "VERIFY_AFTER"]);
});

test("a time that the signer claims outside of what is proven is said to be untrue, and clocks may differ by minutes", async () => {
  const { log, note, trust } = await quoting(); // between time and time + 100
  const remarkOn = async (issuedAt: number): Promise<string | undefined> => {
    const index = log.append(await signStatement({ ...claims, issuedAt, after: quoteOf(note) }, signer));
    const { checks } = await verify({ proof: withNote(await log.proof(index), note), digest, trust });
    return / The time that the signer claims, (\S+), is not so/.exec(
      checks.find(({ name }) => name === "time")?.detail ?? "",
    )?.[1];
  };
  for (const possible of [time - 300, time + 50, time + 400]) assert.equal(await remarkOn(possible), undefined);
  assert.equal(await remarkOn(time - 301), "2026-09-21T14:08:19.000Z");
  assert.equal(await remarkOn(time + 401), "2026-09-21T14:20:01.000Z");
});
