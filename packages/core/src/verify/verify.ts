/**
 * `verify()`: the only place that turns steps into a verdict. It reads top to bottom as the policy; unknown never becomes a
 * pass, and what could not be reached never looks like a forgery.
 */
import { encodeHex, equalBytes } from "../bytes.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import type { Relation, Statement } from "../statement/statement.ts";
import type { Trust } from "../trust.ts";
import { examineIssuer, examineSignature } from "./issuer.ts";
import { examineLater, type Standing } from "./later.ts";
import { clocksDiffer, examineNotBefore } from "./not-before.ts";
import type { Check, CheckName, LaterStatement, Report, TimeBound, Verdict } from "./report.ts";
import { isoTime, mathematics, step } from "./step.ts";
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
  "not_before",
  "anchors",
  "time_stamps",
];
/** Codes of such steps that say no more than that nobody trusted vouches for it: a key may have changed since. */
const unvouched: readonly string[] = [
  "VERIFY_UNTRUSTED",
  "VERIFY_ANCHOR_LEDGER",
  "VERIFY_ANCHOR_HEADER",
  "VERIFY_ANCHOR_SEALS",
];
/** Steps that may stay unknown without making the verdict incomplete: the verdict says what it does not cover. */
const optional: readonly CheckName[] = ["not_before", "anchors", "time_stamps", "later"];

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
  const candidates = { carried: proof.later, given: options.later ?? [], asked: options.askedForLater };
  const earlier = { statement: proof.statement, origin: core.tree?.origin, trust };
  const standing = (candidate: ProofFile): Promise<Standing> => standingOf(candidate, trust);
  const { checks: since, later, isOpen } = await examineLater(earlier, candidates, standing);
  const checks = [content, ...core.checks, ...since];
  const verdict = verdictOf(checks, later, isOpen, proof.statement.relation);
  return {
    ...describe(proof, core),
    verdict,
    summary: summarise(verdict, checks, later, proof.statement),
    checks,
    later,
  };
}

interface Examined {
  readonly checks: readonly Check[];
  readonly tree: TreeFinding | undefined;
  readonly notAfter: TimeBound | undefined;
  readonly notBefore: TimeBound | undefined;
}

/** Everything but the content and what came later. */
async function examineProof(proof: ProofFile, trust: Trust): Promise<Examined> {
  const target = leafHash(proof.statement.entry);
  // Signature checks take the time, so the issuer's runs beside the log's.
  const [{ issuerKey, signature, key }, ...trees] = await Promise.all([
    examineSignature(proof),
    ...proof.receipts.map((receipt) => examineTree(receipt, target, trust)),
  ]);
  const tree = worstBroken(trees) ?? trees.find(({ sound }) => sound) ?? trees.find((one) => one.included) ?? trees[0];
  const notAfter = earliest(trees, tree);
  const treeChecks = tree?.checks ?? [
    await step("inclusion", "nothing", () => missing("The proof holds no receipt: it is not in a log yet.")),
  ];
  const issuer = await examineIssuer(proof, trust, tree, notAfter, key);
  const { checks: since, notBefore } = await examineNotBefore(proof, trust, notAfter);
  const clockOff = isWithin(proof.statement.issuedAt, notBefore, notAfter)
    ? ""
    : ` The time that the signer claims, ${isoTime(proof.statement.issuedAt)}, is not so: it lies outside what is proven.`;
  const time = await step("time", "nothing", () => {
    if (notAfter === undefined) return missing("No trusted time covers the entry.");
    const facts = { time: notAfter.time, source: notAfter.source };
    return { detail: `It existed by ${isoTime(notAfter.time)}.${clockOff}`, trust: notAfter.basis, facts };
  });
  const anchors = trees.flatMap(({ anchorChecks }) => anchorChecks);
  // What an unknown step waits for comes before it: a summary shows the first.
  const checks = [issuerKey, signature, ...treeChecks, issuer, time, ...since, ...anchors];
  return { checks, tree, notAfter, notBefore };
}

/** What is optional for the verdict on a statement takes nothing from a later one either. */
async function standingOf(later: ProofFile, trust: Trust): Promise<Standing> {
  const { checks, tree } = await examineProof(later, trust);
  const lacking = checks.filter(({ name, status }) => status !== "pass" && !optional.includes(name));
  const failed = lacking.filter(({ status }) => status === "fail");
  const common = { origin: tree?.origin, index: tree?.receipt.index ?? -1, broken: checks.find(isBroken) };
  const detail = (failed[0] ?? lacking[0])?.detail ?? "";
  if (lacking.length === 0) return { status: "proven", detail, ...common };
  if (tree?.included !== true || failed.some(isRefuting)) return { status: "refuted", detail, ...common };
  return { status: failed.length === 0 ? "open" : "unvouched", detail, ...common };
}

/** All but this: that nobody trusted says whose key it is. */
function isRefuting({ name, code }: Check): boolean {
  return name !== "issuer" || code === "VERIFY_ISSUER";
}

/** A receipt that does not hold is never outvoted by one that does: somebody tampered with the file. */
function worstBroken(trees: readonly TreeFinding[]): TreeFinding | undefined {
  return trees.find(({ checks }) => checks.some(isBroken));
}

/** The earliest independent time, of whichever receipt; without any, the earliest by the own clock of the log that the verdict is about. */
function earliest(trees: readonly TreeFinding[], tree: TreeFinding | undefined): TimeBound | undefined {
  const byTime = (a: TimeBound, b: TimeBound): number => a.time - b.time;
  const [first] = trees.flatMap(({ times }) => times).sort(byTime);
  const own = trees.flatMap(({ origin, ownClock }) => (origin === tree?.origin ? (ownClock ?? []) : []));
  return first ?? own.sort(byTime)[0];
}

/** Whether a claimed time can be, between what is proven; clocks differ. */
function isWithin(claimed: number, notBefore: TimeBound | undefined, notAfter: TimeBound | undefined): boolean {
  const { time: earliest } = notBefore ?? { time: Number.NEGATIVE_INFINITY };
  const { time: latest } = notAfter ?? { time: Number.POSITIVE_INFINITY };
  return claimed >= earliest - clocksDiffer && claimed <= latest + clocksDiffer;
}

function checkContent(proof: ProofFile, digest: Uint8Array | undefined): ReturnType<typeof missing> {
  if (digest === undefined) return missing("There is no file to compare with.");
  if (!equalBytes(digest, proof.statement.digest)) {
    const data = { expected: encodeHex(proof.statement.digest), found: encodeHex(digest) };
    throw new AttestryError("VERIFY_DIGEST", undefined, { data });
  }
  return { detail: "The file's SHA-256 hash is the one that was signed.", trust: mathematics };
}

function verdictOf(
  checks: readonly Check[],
  later: readonly LaterStatement[],
  isLaterOpen: boolean,
  relation: Relation | undefined,
): Verdict {
  if (checks.some(isBroken)) return "invalid";
  if (checks.some(isUnvouched)) return "untrusted";
  if (checks.some(({ name, status }) => name === "content" && status === "fail")) return "altered";
  if (later.some(({ kind }) => kind === "revokes")) return "revoked";
  if (later.length > 0) return "superseded";
  if (isLaterOpen || checks.some(isOpen)) return "incomplete";
  // A revocation is of the same content: its own proof must not pass for one of a statement that stands.
  return relation?.kind === "revokes" ? "revoked" : "verified";
}

/** Whether the proof does not hold, whatever anyone trusts. */
function isBroken({ name, status, code }: Check): boolean {
  return status === "fail" && hard.includes(name) && !unvouched.includes(code ?? "");
}

/** Whether it may hold, and nothing that is trusted vouches for the log, the issuer or a ledger's block. */
function isUnvouched(check: Check): boolean {
  const { name, status } = check;
  return status === "fail" && !isBroken(check) && name !== "content" && name !== "later";
}

/** Whether something that the verdict needs could not be told. */
function isOpen({ name, status }: Check): boolean {
  return status === "unknown" && !optional.includes(name);
}

function summarise(
  verdict: Verdict,
  checks: readonly Check[],
  later: readonly LaterStatement[],
  { issuer, relation }: Statement,
): string {
  const detail = (is: (check: Check) => boolean): string => checks.find(is)?.detail ?? checks.at(-1)?.detail ?? "";
  const last = later.find(({ kind }) => verdict !== "revoked" || kind === "revokes");
  switch (verdict) {
    case "verified":
      return "This is the content that was signed and registered.";
    case "altered":
      return "This is not the content that was signed: the file was changed, or the proof belongs to another file.";
    case "revoked":
      if (last === undefined) return `This is the revocation of an earlier entry, by ${issuer}: ${relation?.reason}`;
      return `It was registered, and then revoked by ${last.issuer}: ${last.reason}`;
    case "superseded":
      return `It was registered, and then replaced by ${last?.issuer}: ${last?.reason}`;
    case "untrusted":
      return detail(isUnvouched);
    case "invalid":
      return detail(isBroken);
    default:
      return detail(isOpen);
  }
}

function describe(
  proof: ProofFile,
  { tree, notAfter, notBefore }: Examined,
): Pick<Report, "statement" | "entry" | "notAfter" | "notBefore"> {
  const { issuer, subject, issuedAt, digest, contentType, relation, after, key, algorithm, entry } = proof.statement;
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
      ...(after === undefined ? {} : { after }),
    },
    ...(tree && {
      entry: { origin: tree.origin, index: tree.receipt.index, treeSize: tree.receipt.size, leafHash: leafHash(entry) },
    }),
    ...(notAfter && { notAfter }),
    ...(notBefore && { notBefore }),
  };
}

/** For people; the check has the reason in the words of the format. */
const noProof = "What was given as the proof was cut short or damaged, or is something else. Get the proof again.";

function unreadable(error: AttestryError): Report {
  const check: Check = {
    name: "format",
    status: "fail",
    detail: error.message,
    trust: mathematics,
    code: error.code,
    evidence: error.data,
  };
  const summary = error.code.startsWith("MALFORMED_") ? noProof : error.message;
  return { verdict: "invalid", summary, checks: [check], later: [] };
}
