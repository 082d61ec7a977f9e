/**
 * `verify()`: the only place that turns steps into a verdict. It reads top to bottom as the policy; unknown never becomes a
 * pass, and what could not be reached never looks like a forgery.
 */
import { encodeHex, equalBytes } from "../bytes.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import type { Trust } from "../trust.ts";
import { examineIssuer } from "./issuer.ts";
import { examineLater } from "./later.ts";
import type { Check, CheckName, LaterStatement, Report, TimeBound, Verdict } from "./report.ts";
import { mathematics, step } from "./step.ts";
import { examineTree, missing, type TreeFinding } from "./tree.ts";

export interface VerifyOptions {
  /** The proof file's bytes. */
  readonly proof: Uint8Array;
  /** SHA-256 of the file: 32 bytes. Left out when there is no file to compare; the verdict is then at best `incomplete`. */
  readonly digest?: Uint8Array;
  readonly trust: Trust;
  /** Proof files of later statements about the entry that the caller came by, beside those in the proof. */
  readonly later?: readonly Uint8Array[];
  /** Who was asked for later statements: "the notary at https://… , at tree size 12". Left out when nobody was. */
  readonly askedForLater?: string;
}

/** Steps whose failure means that the proof does not hold, whatever anyone trusts. */
const hard: readonly CheckName[] = [
  "format",
  "issuer_key",
  "signature",
  "inclusion",
  "receipt",
  "checkpoint",
  "witnesses",
  "time",
  "anchors",
  "time_stamps",
];
/** Steps that may stay unknown without making the verdict incomplete: the verdict says what it does not cover. */
const optional: readonly CheckName[] = ["anchors", "time_stamps", "later"];

/**
 * Verifies a proof file, and the file's content where its digest is given, with no network. Bad input is a verdict, never an
 * exception.
 *
 * @example
 * const report = await verify({ proof, digest, trust: parseTrustFile(text) });
 * if (report.verdict === "verified") console.log(report.statement?.issuer);
 */
export async function verify(options: VerifyOptions): Promise<Report> {
  let proof: ProofFile;
  try {
    proof = parseProofFile(options.proof);
  } catch (error) {
    if (isAttestryError(error)) return unreadable(error);
    throw error;
  }
  const { trust } = options;
  const content = await step("content", mathematics, () => checkContent(proof, options.digest));
  const core = await examineProof(proof, trust);
  const candidates = [...proof.later, ...(options.later ?? [])];
  const { check, later } = await examineLater(proof, candidates, trust, options.askedForLater, async (candidate) => {
    const { checks, tree } = await examineProof(candidate, trust);
    return { proven: checks.every((one) => one.status !== "fail" && !isOpen(one)), index: tree?.receipt.index ?? -1 };
  });
  const checks = [content, ...core.checks, check];
  const verdict = verdictOf(checks, later);
  return {
    ...describe(proof, core.tree, core.notAfter),
    verdict,
    summary: summarise(verdict, checks, later),
    checks,
    later,
  };
}

/** Everything but the content and what came later. */
async function examineProof(
  proof: ProofFile,
  trust: Trust,
): Promise<{ checks: readonly Check[]; tree: TreeFinding | undefined; notAfter: TimeBound | undefined }> {
  const target = leafHash(proof.statement.entry);
  const trees = await Promise.all(proof.receipts.map((receipt) => examineTree(receipt, target, trust)));
  const tree = worstBroken(trees) ?? trees.find(({ sound }) => sound) ?? trees[0];
  const notAfter = earliest(trees.flatMap(({ times }) => times));
  const treeChecks = tree?.checks ?? [
    await step("inclusion", "nothing", () => missing("The proof holds no receipt: it is not in a log yet.")),
  ];
  const issuerChecks = await examineIssuer(proof, trust, tree, notAfter);
  const time = await step("time", "nothing", () => {
    if (notAfter === undefined) return missing("No trusted time covers the entry.");
    return { detail: `It existed by ${isoTime(notAfter.time)}.`, trust: notAfter.basis };
  });
  return { checks: [...issuerChecks, ...treeChecks, time, ...anchorChecks(trees)], tree, notAfter };
}

/** A receipt that does not hold is never outvoted by one that does: somebody tampered with the file. */
function worstBroken(trees: readonly TreeFinding[]): TreeFinding | undefined {
  return trees.find(({ checks }) => checks.some(({ name, status }) => status === "fail" && hard.includes(name)));
}

/**
 * The anchors of every receipt. A verifier may know some of a log's ledgers and not others: as long as one that it knows
 * vouches, an anchor elsewhere is not a failure.
 */
function anchorChecks(trees: readonly TreeFinding[]): readonly Check[] {
  const checks = trees.flatMap((tree) => tree.anchorChecks);
  const vouched = checks.some(({ name, status }) => name === "anchors" && status === "pass");
  const elsewhere = (check: Check): boolean => vouched && check.code === "VERIFY_ANCHOR_LEDGER";
  return checks.map((check) => (elsewhere(check) ? { ...check, status: "unknown" as const } : check));
}

/** The earliest independent time; the log's own clock only when there is no other. */
function earliest(times: readonly TimeBound[]): TimeBound | undefined {
  const independent = times.filter((bound) => bound.independent);
  const candidates = independent.length > 0 ? independent : times;
  return candidates.reduce<TimeBound | undefined>(
    (best, bound) => (best === undefined || bound.time < best.time ? bound : best),
    undefined,
  );
}

function checkContent(proof: ProofFile, digest: Uint8Array | undefined): ReturnType<typeof missing> {
  if (digest === undefined) return missing("There is no file to compare with.");
  if (!equalBytes(digest, proof.statement.digest)) {
    const data = { expected: encodeHex(proof.statement.digest), found: encodeHex(digest) };
    throw new AttestryError("VERIFY_DIGEST", undefined, { data });
  }
  return { detail: "The file's SHA-256 hash is the one that was signed.", trust: mathematics };
}

function verdictOf(checks: readonly Check[], later: readonly LaterStatement[]): Verdict {
  const failures = checks.filter(({ status }) => status === "fail");
  const failed = (names: readonly CheckName[]): boolean => failures.some(({ name }) => names.includes(name));
  // An anchor on a ledger that nobody vouches for may be a perfectly good one.
  if (failures.some(({ name, code }) => hard.includes(name) && code !== "VERIFY_ANCHOR_LEDGER")) return "invalid";
  if (failed(["log", "issuer", "anchors"])) return "untrusted";
  if (failed(["content"])) return "altered";
  if (later.some(({ kind }) => kind === "revokes")) return "revoked";
  if (later.length > 0) return "superseded";
  return checks.some(isOpen) ? "incomplete" : "verified";
}

/** Whether something that the verdict needs could not be told. */
function isOpen({ name, status }: Check): boolean {
  return status === "unknown" && !optional.includes(name);
}

function summarise(verdict: Verdict, checks: readonly Check[], later: readonly LaterStatement[]): string {
  const first = (status: Check["status"]): string =>
    checks.find((check) => check.status === status && check.name !== "later")?.detail ?? "";
  const last = later.find(({ kind }) => verdict !== "revoked" || kind === "revokes");
  switch (verdict) {
    case "verified":
      return "This is the content that was signed and registered.";
    case "altered":
      return "This is not the content that was signed: the file was changed, or the proof belongs to another file.";
    case "revoked":
      return `It was registered, and then revoked by ${last?.issuer}: ${last?.reason}`;
    case "superseded":
      return `It was registered, and then replaced by ${last?.issuer}: ${last?.reason}`;
    case "untrusted":
    case "invalid":
      return first("fail");
    default:
      return first("unknown");
  }
}

function describe(
  proof: ProofFile,
  tree: TreeFinding | undefined,
  notAfter: TimeBound | undefined,
): Pick<Report, "statement" | "entry" | "notAfter"> {
  const { issuer, subject, issuedAt, digest, contentType, relation, key, algorithm, entry } = proof.statement;
  return {
    statement: {
      issuer,
      subject,
      issuedAt,
      digest,
      keyThumbprint: key.thumbprint,
      algorithm,
      ...(contentType === undefined ? {} : { contentType }),
      ...(relation === undefined ? {} : { relation }),
    },
    ...(tree && {
      entry: { origin: tree.origin, index: tree.receipt.index, treeSize: tree.receipt.size, leafHash: leafHash(entry) },
    }),
    ...(notAfter && { notAfter }),
  };
}

function unreadable(error: AttestryError): Report {
  const check: Check = {
    name: "format",
    status: "fail",
    detail: error.message,
    trust: mathematics,
    code: error.code,
    evidence: error.data,
  };
  return { verdict: "invalid", summary: error.message, checks: [check], later: [] };
}

function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? `second ${seconds}` : date.toISOString();
}
