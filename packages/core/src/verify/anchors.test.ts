import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { sealHeader, testLedger, validatorKey } from "../../test-kit/ledger.ts";
import { type TestLog, testLog, testSigner, testWitness } from "../../test-kit/log.ts";
import { blockHash } from "../anchor/bft.ts";
import { parseHeader } from "../anchor/header.ts";
import { decodeRlp, encodeRlp, type RlpItem } from "../anchor/rlp.ts";
import {
  type Checkpoint,
  type EvmAnchor,
  encodeEvmAnchor,
  encodeProofFile,
  encodeUtf8,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  type Report,
  sha256,
  signStatement,
  type TreeEvidence,
  type TrustedLedger,
  verify,
  withTreeEvidence,
} from "../index.ts";
import { derInteger, derSequence } from "../timestamp/der-writer.ts";
import { encodeImprint } from "../timestamp/request.ts";
import { issueAuthority, makeToken, stampedAt } from "../timestamp/test-tokens.ts";
import { issue } from "../x509/test-certificates.ts";

const time = 1_790_000_000;
const digest = sha256(encodeUtf8("deed 4711"));
const issuer = testSigner();

async function register(log: TestLog, subject: string): Promise<number> {
  const claims = { issuer: "https://clerk.example.gov", issuedAt: time, digest };
  return log.append(await signStatement({ ...claims, subject }, issuer));
}

const log = testLog("log.example.gov/1", time);
await register(log, "other");
const index = await register(log, "deed-4711");
const bare = await log.proof(index);
const checkpoint = checkpointOf(bare);

function checkpointOf(proof: Uint8Array): Checkpoint {
  const note = parseProofFile(proof).receipts[0]?.evidence.checkpoint;
  return parseCheckpoint(parseNote(note ?? new Uint8Array()).text);
}

/** The proof with that beside its first receipt. */
function withBeside(proof: Uint8Array, evidence: TreeEvidence): Uint8Array {
  const { receipts, ...parts } = parseProofFile(proof);
  return encodeProofFile({
    ...parts,
    receipts: receipts.map((receipt, at) => withTreeEvidence(receipt, at === 0 ? evidence : {})),
  });
}

const withAnchors = (...anchors: readonly EvmAnchor[]): Uint8Array =>
  withBeside(bare, { anchors: anchors.map(encodeEvmAnchor) });

async function judge(
  proof: Uint8Array,
  { ledgers = [], roots = [] }: { ledgers?: readonly TrustedLedger[]; roots?: readonly Uint8Array[] },
): Promise<Report> {
  return verify({ proof, digest, trust: { ...log.trust, ledgers, timeStampRoots: roots } });
}

const flipped = (bytes: Uint8Array, at: number): Uint8Array => bytes.with(at, (bytes.at(at) ?? 0) ^ 1);

const checksNamed = (report: Report, name: string): Report["checks"] =>
  report.checks.filter((check) => check.name === name);
/** Verdict, status and code of the anchors' or time stamps' only check. */
function outcome(report: Report, name: "anchors" | "time_stamps"): unknown[] {
  const checks = checksNamed(report, name);
  assert.equal(checks.length, 1);
  return [report.verdict, checks[0]?.status, checks[0]?.code];
}
const origin = "log.example.gov/1";
const ownClock = {
  time,
  basis: `the own clock of the log ${origin}`,
  source: "log",
  names: [origin],
  independent: false,
};

for (const consensus of ["qbft", "ibft"] as const) {
  test(`an anchor under the seals of a trusted ${consensus.toUpperCase()} ledger proves the block's time`, async () => {
    const { trusted, anchor } = testLedger(consensus);
    const report = await judge(withAnchors(await anchor(checkpoint, time + 60)), { ledgers: [trusted] });
    assert.deepEqual(outcome(report, "anchors"), ["verified", "pass", undefined]);
    const [check] = checksNamed(report, "anchors");
    assert.match(check?.detail ?? "", /^Anchored on chain 1337, contract 0x(ac){20}, block 4711 of 2026-09-21T/);
    assert.equal(check?.trust, "the validators of test ledger, named by the test");
    const contract = `0x${"ac".repeat(20)}`;
    assert.deepEqual(check?.facts, { ledger: "test ledger", chainId: 1337, contract, block: 4711, time: time + 60 });
    assert.deepEqual(report.notAfter, {
      time: time + 60,
      basis: "the validators of test ledger (the test)",
      source: "ledger",
      names: ["test ledger"],
      independent: true,
    });
  });
}

const { trusted, anchor: anchorOf } = testLedger();
const anchor = await anchorOf(checkpoint, time + 60);
const { validators: _, ...unsealed } = trusted;
const pinned = { ...unsealed, blockHashes: [blockHash(parseHeader(anchor.header))] };

test("an anchor in a pinned block proves the block's time with no validators known", async () => {
  const report = await judge(withAnchors(anchor), { ledgers: [pinned] });
  assert.deepEqual(outcome(report, "anchors"), ["verified", "pass", undefined]);
  const basis = "a pinned block of test ledger (the test)";
  assert.deepEqual(report.notAfter, {
    time: time + 60,
    basis,
    source: "ledger",
    names: ["test ledger"],
    independent: true,
  });
});

test("a ledger that is named without validators or blocks shows nothing, and the check says what is missing", async () => {
  for (const ledger of [unsealed, { ...unsealed, validators: [], blockHashes: [] }]) {
    const report = await judge(withAnchors(anchor), { ledgers: [ledger] });
    assert.deepEqual(outcome(report, "anchors"), ["verified", "unknown", undefined]);
    assert.deepEqual(report.notAfter, ownClock);
    assert.match(checksNamed(report, "anchors")[0]?.detail ?? "", /trust file must name its validators or the block's/);
  }
  const stranger = await judge(withAnchors(anchor), {});
  assert.match(
    checksNamed(stranger, "anchors")[0]?.detail ?? "",
    /must name the ledger, its contract, and its validat/,
  );
});

test("of anchors on several ledgers, those on trusted ones count and the others are shown", async () => {
  const elsewhere: EvmAnchor = { ...(await testLedger("qbft", 7).anchor(checkpoint, time - 99)), chainId: 5 };
  const report = await judge(withAnchors(elsewhere, anchor), { ledgers: [trusted] });
  assert.equal(report.verdict, "verified");
  assert.deepEqual(
    checksNamed(report, "anchors").map(({ status }) => status),
    ["unknown", "pass"],
  );
  assert.equal(report.notAfter?.time, time + 60);
  assert.match(
    checksNamed(report, "anchors")[0]?.detail ?? "",
    /the block's hash\. Trusted are: chain 1337, contract 0x(ac){20}\.$/,
  );
});

test("a block that is a trusted ledger's is refused under the name of another chain", async () => {
  const relabelled = withAnchors({ ...anchor, chainId: 5 });
  const elsewhere = { ...unsealed, chainId: 5 };
  for (const ledgers of [[trusted], [pinned], [elsewhere, trusted]]) {
    const report = await judge(relabelled, { ledgers });
    assert.deepEqual(outcome(report, "anchors"), ["untrusted", "fail", "VERIFY_ANCHOR_LEDGER"]);
    assert.match(report.summary, /^The anchor says chain 5; its block is of test ledger, chain 1337, by the test\.$/);
    assert.deepEqual(report.notAfter, ownClock);
  }
  // Whoever trusts both chains has nothing to refuse: the validators of both may be the same.
  const both = await judge(relabelled, { ledgers: [trusted, { ...trusted, chainId: 5 }] });
  assert.deepEqual(outcome(both, "anchors"), ["verified", "pass", undefined]);
  const other = { ...trusted, contract: flipped(trusted.contract, 3) };
  assert.deepEqual(outcome(await judge(relabelled, { ledgers: [other] }), "anchors")[1], "unknown");
});

test("of a ledger's generations of validators one is enough, and none of them is not", async () => {
  const former = { ...trusted, validators: testLedger("qbft", 7).trusted.validators ?? [] };
  const later = { ...trusted, validators: (trusted.validators ?? []).slice(1) };
  const judged = async (...ledgers: readonly TrustedLedger[]) =>
    outcome(await judge(withAnchors(anchor), { ledgers }), "anchors");
  assert.deepEqual(await judged(former, trusted), ["verified", "pass", undefined]);
  assert.deepEqual(await judged(trusted, former), ["verified", "pass", undefined]);
  assert.deepEqual(await judged(former, pinned), ["verified", "pass", undefined]);
  assert.deepEqual(await judged(former, later), ["untrusted", "fail", "VERIFY_ANCHOR_SEALS"]);
});

const root = await issue({ subject: "CN=Root", ca: {} });
const authority = await issueAuthority({ by: root });

async function stamp({ origin, size, rootHash }: Checkpoint, accuracy?: number): Promise<Uint8Array> {
  const text = `${origin}\n${size}\n${rootHash.toBase64()}\n`;
  const imprint = encodeImprint({ algorithm: "SHA-256", digest: sha256(encodeUtf8(text)) });
  const infoRest = accuracy === undefined ? {} : { infoRest: [derSequence(derInteger(accuracy))] };
  return makeToken({ authority, imprint, ...infoRest });
}

test("a time stamp of a trusted authority proves its time, at the late end of its accuracy", async () => {
  for (const [accuracy, late] of [
    [undefined, 0],
    [90, 90],
  ] as const) {
    const report = await judge(withBeside(bare, { timeStamps: [await stamp(checkpoint, accuracy)] }), {
      roots: [root.der],
    });
    assert.deepEqual(outcome(report, "time_stamps"), ["verified", "pass", undefined]);
    const basis = "the time stamp authority CN=Time";
    assert.deepEqual(report.notAfter, {
      time: stampedAt + late,
      basis,
      source: "authority",
      names: ["CN=Time"],
      independent: true,
    });
  }
});

test("of all independent times the earliest counts, whichever receipt it came with", async () => {
  const grown = testLog("log.example.gov/1", time);
  const first = await register(grown, "deed-4711");
  const early = await grown.proof(first, { witnesses: [testWitness("w1.example", time + 30)] });
  await register(grown, "other");
  const late = await grown.proof(first);
  const both = (evidence: readonly [TreeEvidence, TreeEvidence]): Uint8Array => {
    const [one, two] = [parseProofFile(early), parseProofFile(late)];
    const receipts = [one, two].flatMap(({ receipts }, at) =>
      receipts.map((receipt) => withTreeEvidence(receipt, evidence[at] ?? {})),
    );
    return encodeProofFile({ statement: one.statement, evidence: one.evidence, receipts });
  };
  const anchorAt = async (proof: Uint8Array, at: number): Promise<TreeEvidence> => ({
    anchors: [encodeEvmAnchor(await anchorOf(checkpointOf(proof), at))],
  });
  const timeOf = async (proof: Uint8Array, quorum: number): Promise<number | undefined> => {
    const witnesses = [testWitness("w1.example", 0).verifierKey];
    const trust = {
      ...grown.trust,
      ledgers: [trusted],
      timeStampRoots: [root.der],
      ...(quorum && { witnesses, quorum }),
    };
    const report = await verify({ proof, digest, trust });
    assert.ok(["verified", "incomplete"].includes(report.verdict), report.summary);
    return report.notAfter?.time;
  };
  const anchored = both([await anchorAt(early, time + 90), await anchorAt(late, time + 60)]);
  assert.equal(await timeOf(anchored, 0), time + 60, "the second receipt's anchor is of an earlier block");
  assert.equal(await timeOf(both([{}, await anchorAt(late, time + 60)]), 0), time + 60);
  const stamped = both([await anchorAt(early, time + 60), { timeStamps: [await stamp(checkpointOf(late))] }]);
  assert.equal(await timeOf(stamped, 0), stampedAt);
});

test("an anchor of a tree that no trusted log vouches for dates nothing", async () => {
  const proof = withAnchors(anchor);
  const stranger = testLog("other.example.gov/1", time).trust;
  const report = await verify({ proof, digest, trust: { ...stranger, ledgers: [trusted] } });
  assert.deepEqual(outcome(report, "anchors"), ["untrusted", "pass", undefined]);
  assert.equal(report.notAfter, undefined);
});

/** The header with the n-th field changed. */
function withField(header: Uint8Array, at: number, change: (field: Uint8Array) => RlpItem): Uint8Array {
  const fields = decodeRlp(header, "VERIFY_ANCHOR_HEADER") as RlpItem[];
  return encodeRlp(fields.with(at, change(fields[at] as Uint8Array)));
}

const lastFlipped = (list: readonly Uint8Array[]): Uint8Array[] =>
  list.with(-1, flipped(list.at(-1) as Uint8Array, (list.at(-1)?.length ?? 0) - 1));

test("every damage of an anchor has its own code, and none leaves the proof verified", async () => {
  const under = async (anchors: readonly Uint8Array[], ledger = trusted): Promise<unknown[]> => {
    const report = await judge(withBeside(bare, { anchors }), { ledgers: [ledger] });
    assert.notEqual(report.notAfter?.independent, true);
    return outcome(report, "anchors");
  };
  const damaged = (change: Partial<EvmAnchor>, ledger?: TrustedLedger): Promise<unknown[]> =>
    under([encodeEvmAnchor({ ...anchor, ...change })], ledger);
  const { header, accountProof, storageProof, contract } = anchor;
  const timeChanged = withField(header, 11, (field) => flipped(field, 3));
  const sealChanged = flipped(header, -70); // in the last seal, before which 43 bytes end the header

  assert.deepEqual(await under([encodeUtf8("an anchor")]), ["invalid", "fail", "MALFORMED_ANCHOR"]);
  for (const change of [{ size: 3 }, { origin: "log.example.gov/2" }, { rootHash: digest }])
    assert.deepEqual(await damaged(change), ["invalid", "fail", "VERIFY_ANCHOR_CHECKPOINT"]);
  assert.deepEqual(await damaged({ header: timeChanged }), ["untrusted", "fail", "VERIFY_ANCHOR_HEADER"]);
  assert.deepEqual(await damaged({ header: timeChanged }, pinned), ["untrusted", "fail", "VERIFY_ANCHOR_HEADER"]);
  assert.deepEqual(await damaged({ header: header.subarray(1) }), ["untrusted", "fail", "VERIFY_ANCHOR_HEADER"]);
  assert.deepEqual(await damaged({ header: sealChanged }), ["untrusted", "fail", "VERIFY_ANCHOR_SEALS"]);
  const account = lastFlipped(accountProof);
  assert.deepEqual(await damaged({ accountProof: account }), ["invalid", "fail", "VERIFY_ANCHOR_ACCOUNT"]);
  assert.deepEqual(await damaged({ contract: flipped(contract, 0) }), ["invalid", "fail", "VERIFY_ANCHOR_ACCOUNT"]);
  const storage = lastFlipped(storageProof);
  assert.deepEqual(await damaged({ storageProof: storage }), ["invalid", "fail", "VERIFY_ANCHOR_STORAGE"]);
  // On a ledger that nobody trusts, what does not hold together is damaged all the same.
  const elsewhere = { ...trusted, chainId: 5 };
  assert.deepEqual(await damaged({ storageProof: storage }, elsewhere), ["invalid", "fail", "VERIFY_ANCHOR_STORAGE"]);
  assert.deepEqual(await damaged({ chainId: 5 }), ["untrusted", "fail", "VERIFY_ANCHOR_LEDGER"]);
  // A block does not hold the chain's id: where nothing shows whose it is, the anchor proves nothing.
  assert.deepEqual(await damaged({ chainId: 5 }, unsealed), ["verified", "unknown", undefined]);
});

test("a block that too few validators sealed, or others, is refused however good the rest is", async () => {
  const { stateRoot, number } = parseHeader(anchor.header);
  const validators = trusted.validators ?? [];
  const keys = [0, 1, 2, 3].map(validatorKey);
  const strangers = [4, 5, 6].map(validatorKey);
  for (const [sealers, code] of [
    [keys.slice(0, 2), "VERIFY_ANCHOR_SEALS"],
    [[...keys.slice(0, 2), ...keys.slice(0, 1)], "VERIFY_ANCHOR_SEALS"],
    [[...keys.slice(0, 2), ...strangers.slice(0, 1)], "VERIFY_ANCHOR_SEALS"],
    [strangers, "VERIFY_ANCHOR_HEADER"],
  ] as const) {
    const header = sealHeader({ stateRoot, number, time: time - 999 }, "qbft", { validators }, sealers);
    const report = await judge(withAnchors({ ...anchor, header }), { ledgers: [trusted] });
    assert.deepEqual(outcome(report, "anchors"), ["untrusted", "fail", code]);
    assert.deepEqual(report.notAfter, ownClock);
  }
});

test("every damage of a time stamp is told, and a stamp of another checkpoint even where no authority is trusted", async () => {
  const token = await stamp(checkpoint);
  const of = async (timeStamp: Uint8Array, roots: readonly Uint8Array[]): Promise<unknown[]> =>
    outcome(await judge(withBeside(bare, { timeStamps: [timeStamp] }), { roots }), "time_stamps");
  const trustedRoots = [root.der];
  const other = await stamp({ ...checkpoint, size: checkpoint.size + 1 });
  for (const roots of [trustedRoots, []]) {
    assert.deepEqual(await of(encodeUtf8("a token"), roots), ["invalid", "fail", "MALFORMED_TIME_STAMP"]);
    assert.deepEqual(await of(other, roots), ["invalid", "fail", "VERIFY_TIME_STAMP"]);
  }
  assert.deepEqual(await of(flipped(token, token.length - 1), trustedRoots), ["invalid", "fail", "VERIFY_TIME_STAMP"]);
  assert.deepEqual(await of(token, []), ["verified", "unknown", undefined]);
  const forgery = await makeToken({ authority: await issueAuthority() });
  assert.deepEqual(await of(forgery, trustedRoots), ["invalid", "fail", "VERIFY_TIME_STAMP"]);
});

test("no byte of an anchor or a time stamp can be changed to another time, and none makes an exception", async () => {
  const token = await stamp(checkpoint);
  const encoded = encodeEvmAnchor(anchor);
  const places = fc.oneof(
    fc.record({ of: fc.constant("anchor"), at: fc.nat(encoded.length - 1) }),
    fc.record({ of: fc.constant("token"), at: fc.nat(token.length - 1) }),
  );
  await fc.assert(
    fc.asyncProperty(places, fc.integer({ min: 1, max: 255 }), async ({ of, at }, flip) => {
      const change = (bytes: Uint8Array): Uint8Array => bytes.with(at, (bytes[at] ?? 0) ^ flip);
      const evidence = of === "anchor" ? { anchors: [change(encoded)] } : { timeStamps: [change(token)] };
      const report = await judge(withBeside(bare, evidence), { ledgers: [trusted], roots: [root.der] });
      const name = of === "anchor" ? "anchors" : "time_stamps";
      const [check] = checksNamed(report, name);
      assert.notEqual(check?.status, "pass", `byte ${at} of the ${of}`);
      assert.notEqual(report.notAfter?.independent, true);
      assert.equal(report.verdict === "verified", check?.status === "unknown");
    }),
    { numRuns: 400 },
  );
});
