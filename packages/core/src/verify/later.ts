/** Has a later statement replaced or taken back this one? Only one that is itself proven, by somebody who may, counts. */
import { encodeHex, equalBytes } from "../bytes.ts";
import { thumbprintUri } from "../cose/key.ts";
import { isAttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import type { Statement } from "../statement/statement.ts";
import type { Trust } from "../trust.ts";
import type { Check, LaterStatement } from "./report.ts";

/** Who was asked for later statements, and when nobody was: undefined. */
export type AskedForLater = string | undefined;

/**
 * What the proof of a later statement comes to without its file; `verify.ts` tells. `open`: a trusted log has it, and something
 * else is missing, which `detail` says.
 */
export interface Standing {
  readonly status: "proven" | "open" | "refuted";
  readonly detail: string;
  readonly origin: string | undefined;
  readonly index: number;
}

/** What a later statement is about, and by whom it may be. */
export interface Earlier {
  readonly statement: Statement;
  /** The log that the verdict is about. */
  readonly origin: string | undefined;
  readonly trust: Trust;
}

export interface LaterFinding {
  readonly check: Check;
  readonly later: readonly LaterStatement[];
  /** Whether there is one that would count, and that cannot be told yet. */
  readonly isOpen: boolean;
}

interface Candidate {
  readonly statement: LaterStatement;
  /** Leaf hash of its entry, in hexadecimal. */
  readonly entry: string;
  readonly standing: Standing;
}

export async function examineLater(
  earlier: Earlier,
  proofs: readonly Uint8Array[],
  asked: AskedForLater,
  standingOf: (proof: ProofFile) => Promise<Standing>,
): Promise<LaterFinding> {
  const found = await Promise.all(proofs.map((bytes) => examineCandidate(bytes, earlier, standingOf)));
  const ignored = found.filter((candidate) => typeof candidate === "string");
  const candidates = found.filter((candidate) => typeof candidate !== "string");
  const proven = candidates.filter(({ standing }) => standing.status === "proven");
  // The same statement may have come beside the proof and from the notary.
  const counted = new Map(proven.map(({ entry, statement }) => [entry, statement]));
  const later = [...counted.values()];
  const open = candidates.find(({ standing }) => standing.status === "open");
  return { check: laterCheck(later, open, ignored, asked), later, isOpen: open !== undefined };
}

/** The statement when it counts or may come to count; otherwise why it does not. */
async function examineCandidate(
  bytes: Uint8Array,
  earlier: Earlier,
  standingOf: (proof: ProofFile) => Promise<Standing>,
): Promise<Candidate | string> {
  let candidate: ProofFile;
  try {
    candidate = parseProofFile(bytes);
  } catch (error) {
    if (isAttestryError(error)) return "one cannot be read";
    throw error;
  }
  const { relation, issuer, issuedAt, entry } = candidate.statement;
  if (relation === undefined || !equalBytes(relation.target, leafHash(earlier.statement.entry)))
    return "one is about another entry";
  const mayDoSo = issuer === earlier.statement.issuer || earlier.trust.revokers.includes(issuer);
  if (!mayDoSo) return `one is by ${issuer}, who is neither the issuer nor named for this in the trust file`;
  const standing = await standingOf(candidate);
  if (standing.status === "refuted") return `one by ${issuer} is not proven`;
  if (!isSameIssuer(candidate.statement, standing, earlier))
    return `one is in the log ${standing.origin}, which cannot say for ${earlier.origin} who ${issuer} is`;
  const { kind, reason } = relation;
  const statement = { kind, issuer, reason, issuedAt, index: standing.index };
  return { statement, entry: encodeHex(leafHash(entry)), standing };
}

/** Where it is the log that says who an issuer is, another log may have enrolled somebody else by that name. */
function isSameIssuer({ issuer, key }: Statement, { origin }: Standing, earlier: Earlier): boolean {
  const isNamedByKey = thumbprintUri(key.thumbprint) === issuer;
  return isNamedByKey || !earlier.trust.acceptEnrolled || origin === earlier.origin;
}

function laterCheck(
  [first]: readonly LaterStatement[],
  open: Candidate | undefined,
  ignored: readonly string[],
  asked: AskedForLater,
): Check {
  const name = "later";
  const remark = ignored.length === 0 ? "" : ` Not counted: ${ignored.join("; ")}.`;
  const trust = asked ?? "the proof file alone";
  const said = ({ kind, issuer, reason }: LaterStatement): string =>
    `${issuer} ${kind === "revokes" ? "revoked" : "superseded"} it: ${reason}.`;
  if (first !== undefined) return { name, status: "fail", detail: `${said(first)}${remark}`, trust };
  if (open !== undefined) {
    const detail = `${said(open.statement)} That is not proven yet: ${open.standing.detail}${remark}`;
    return { name, status: "unknown", detail, trust };
  }
  if (asked !== undefined)
    return { name, status: "pass", detail: `No later statement replaces or revokes it.${remark}`, trust };
  const detail = `Nobody was asked whether it was superseded or revoked since.${remark}`;
  return { name, status: "unknown", detail, trust };
}
