/** Has a later statement replaced or taken back this one? Only one that is itself proven, by somebody who may, counts. */
import { equalBytes } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import type { Trust } from "../trust.ts";
import type { Check, LaterStatement } from "./report.ts";

/** Who was asked for later statements, and when nobody was: undefined. */
export type AskedForLater = string | undefined;

/** Whether the proof of a later statement holds in every check that does not need the file; `verify.ts` gives it. */
export type IsProven = (proof: ProofFile) => Promise<{ readonly proven: boolean; readonly index: number }>;

export async function examineLater(
  proof: ProofFile,
  candidates: readonly Uint8Array[],
  trust: Trust,
  asked: AskedForLater,
  isProven: IsProven,
): Promise<{ readonly check: Check; readonly later: readonly LaterStatement[] }> {
  const target = leafHash(proof.statement.entry);
  const found = await Promise.all(candidates.map((bytes) => examineCandidate(bytes, target, proof, trust, isProven)));
  const later = found.filter((candidate) => typeof candidate !== "string");
  const ignored = found.filter((candidate) => typeof candidate === "string");
  return { check: laterCheck(later, ignored, asked), later };
}

/** The statement when it counts; otherwise why it does not. */
async function examineCandidate(
  bytes: Uint8Array,
  target: Uint8Array,
  earlier: ProofFile,
  trust: Trust,
  isProven: IsProven,
): Promise<LaterStatement | string> {
  let candidate: ProofFile;
  try {
    candidate = parseProofFile(bytes);
  } catch (error) {
    if (isAttestryError(error)) return "one cannot be read";
    throw error;
  }
  const { relation, issuer, issuedAt } = candidate.statement;
  if (relation === undefined || !equalBytes(relation.target, target)) return "one is about another entry";
  const mayDoSo = issuer === earlier.statement.issuer || trust.revokers.includes(issuer);
  if (!mayDoSo) return `one is by ${issuer}, who is neither the issuer nor named for this in the trust file`;
  const { proven, index } = await isProven(candidate);
  if (!proven) return `one by ${issuer} is not proven`;
  return { kind: relation.kind, issuer, reason: relation.reason, issuedAt, index };
}

function laterCheck(later: readonly LaterStatement[], ignored: readonly string[], asked: AskedForLater): Check {
  const name = "later";
  const remark = ignored.length === 0 ? "" : ` Not counted: ${ignored.join("; ")}.`;
  const trust = asked ?? "the proof file alone";
  const [first] = later;
  if (first !== undefined) {
    const detail = `${first.issuer} ${first.kind === "revokes" ? "revoked" : "superseded"} it: ${first.reason}.${remark}`;
    return { name, status: "fail", detail, trust: "mathematics" };
  }
  if (asked !== undefined)
    return { name, status: "pass", detail: `No later statement replaces or revokes it.${remark}`, trust };
  return {
    name,
    status: "unknown",
    detail: `Nobody was asked whether it was superseded or revoked since.${remark}`,
    trust,
  };
}
