/** Has a later statement replaced or taken back this one? Only one that is itself proven, by somebody who may, counts. */
import { encodeHex, equalBytes } from "../bytes.ts";
import { thumbprintUri } from "../cose/key.ts";
import { isAttestryError } from "../errors.ts";
import { leafHash } from "../merkle/hash.ts";
import { type ProofFile, parseProofFile } from "../statement/proof-file.ts";
import type { Statement } from "../statement/statement.ts";
import { entryHashes } from "../statement/twin.ts";
import type { Trust } from "../trust.ts";
import type { Check, LaterStatement } from "./report.ts";
import { mathematics } from "./step.ts";

/** Who was asked for later statements, and when nobody was: undefined. */
export type AskedForLater = string | undefined;

/**
 * What the proof of a later statement comes to without its file; `verify.ts` tells. `open`: a trusted log has it, and something
 * else is missing, which `detail` says; `unvouched`: that is trust in its issuer's key.
 */
export interface Standing {
  readonly status: "proven" | "open" | "unvouched" | "refuted";
  readonly detail: string;
  /** Where part of it does not hold, whatever anyone trusts. */
  readonly broken: Check | undefined;
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
  readonly checks: readonly Check[];
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

/** What one of the proofs comes to: a candidate, or why it does not count; and what is broken about it. */
interface Examined {
  readonly result: Candidate | string;
  readonly broken?: { readonly code?: string; readonly detail: string } | undefined;
}

/**
 * @param carried those in the proof file: part of it, so that one which does not hold breaks it
 * @param given those that came otherwise
 */
export async function examineLater(
  earlier: Earlier,
  { carried, given, asked }: { carried: readonly Uint8Array[]; given: readonly Uint8Array[]; asked: AskedForLater },
  standingOf: (proof: ProofFile) => Promise<Standing>,
): Promise<LaterFinding> {
  const examine = (proofs: readonly Uint8Array[], isCarried: boolean): Promise<Examined[]> =>
    Promise.all(proofs.map((bytes) => examineCandidate(bytes, { ...earlier, isCarried }, standingOf)));
  const [own, others] = [await examine(carried, true), await examine(given, false)];
  const results = [...own, ...others].map(({ result }) => result);
  const ignored = results.filter((result) => typeof result === "string");
  const candidates = results.filter((result) => typeof result !== "string");
  const proven = candidates.filter(({ standing }) => standing.status === "proven");
  // The same statement may have come beside the proof and from the notary.
  const counted = new Map(proven.map(({ entry, statement }) => [entry, statement]));
  const later = [...counted.values()];
  const open = candidates.find(({ standing }) => standing.status !== "proven");
  // Who gives a statement that cannot be read has not said that there is none.
  const answered = others.some(({ broken }) => broken !== undefined) ? undefined : asked;
  const damaged = own.find(({ broken }) => broken !== undefined)?.broken;
  const check = laterCheck(later, open, ignored, answered);
  return { checks: damaged === undefined ? [check] : [check, damage(damaged)], later, isOpen: open !== undefined };
}

function damage({ code, detail }: NonNullable<Examined["broken"]>): Check {
  const what = `A later statement in the proof file does not hold: ${detail} Get the proof again.`;
  return { name: "format", status: "fail", detail: what, trust: mathematics, ...(code === undefined ? {} : { code }) };
}

/** The statement when it counts or may come to count; otherwise why it does not. */
async function examineCandidate(
  bytes: Uint8Array,
  earlier: Earlier & { readonly isCarried: boolean },
  standingOf: (proof: ProofFile) => Promise<Standing>,
): Promise<Examined> {
  let candidate: ProofFile;
  try {
    candidate = parseProofFile(bytes);
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return { result: "one cannot be read", broken: { code: error.code, detail: "it cannot be read." } };
  }
  const standing = await standingOf(candidate);
  return { result: weigh(candidate.statement, standing, earlier), broken: standing.broken };
}

function weigh(
  candidate: Statement,
  standing: Standing,
  earlier: Earlier & { readonly isCarried: boolean },
): Candidate | string {
  const { relation, issuer, issuedAt, entry } = candidate;
  if (relation === undefined || !entryHashes(earlier.statement).some((hash) => equalBytes(hash, relation.target)))
    return "one is about another entry";
  const mayDoSo = issuer === earlier.statement.issuer || earlier.trust.revokers.includes(issuer);
  if (!mayDoSo) return `one is by ${issuer}, who is neither the issuer nor named for this in the trust file`;
  const { kind, reason } = relation;
  const statement = { kind, issuer, reason, issuedAt, index: standing.index };
  const found = { statement, entry: encodeHex(leafHash(entry)), standing };
  // A proof file comes with what proves the statements that it carries: one without has lost it.
  if (standing.status === "refuted") return earlier.isCarried ? found : `one by ${issuer} is not proven`;
  if (!isSameIssuer(candidate, standing, earlier))
    return `one is in the log ${standing.origin}, which cannot say for ${earlier.origin} who ${issuer} is`;
  return found;
}

/** Where it is the log that says who an issuer is, another log may have enrolled somebody else by that name. */
function isSameIssuer({ issuer, key }: Statement, { origin, status }: Standing, earlier: Earlier): boolean {
  if (origin === earlier.origin) return true;
  const isNamedByKey = thumbprintUri(key.thumbprint) === issuer;
  return status !== "unvouched" && (isNamedByKey || !earlier.trust.acceptEnrolled);
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
