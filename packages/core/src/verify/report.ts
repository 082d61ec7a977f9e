/** What a verification says: the verdict, and every check with the trust that it rested on. */
import type { QuotedCheckpoint, Relation } from "../statement/statement.ts";

/**
 * - `verified`: every check that the verdict needs passed
 * - `altered`: the proof is good, and the file is not the content that it was made for
 * - `not_found`: the notary has nothing of this content (said by whoever asked it, never by `verify()`)
 * - `incomplete`: nothing is wrong, and something is missing; the checks say what
 * - `superseded`, `revoked`: proven, and then replaced or taken back by a later statement
 * - `untrusted`: it holds together, but nothing in the trust vouches for the log or the issuer
 * - `invalid`: the proof does not hold: damaged, forged, or not a proof file
 */
export type Verdict =
  | "verified"
  | "altered"
  | "not_found"
  | "incomplete"
  | "superseded"
  | "revoked"
  | "untrusted"
  | "invalid";

export type CheckName =
  | "format"
  | "content"
  | "issuer_key"
  | "signature"
  | "inclusion"
  | "receipt"
  | "checkpoint"
  | "log"
  | "witnesses"
  | "issuer"
  | "time"
  | "not_before"
  | "anchors"
  | "time_stamps"
  | "later";

/** One step. `unknown` never counts as a pass. */
export interface Check {
  readonly name: CheckName;
  readonly status: "pass" | "fail" | "unknown";
  /** What was found, in a sentence for people. */
  readonly detail: string;
  /** What the outcome rests on: "mathematics", "the trust file", "the log's own clock". */
  readonly trust: string;
  /** What `detail` names, for programs that say it in words of their own: a block's number, a tree's size. */
  readonly facts?: Readonly<Record<string, string | number>>;
  /** For a failure: its error code and what the error knew, to show to an expert. */
  readonly code?: string;
  readonly evidence?: Readonly<Record<string, unknown>>;
}

/** A bound on when the statement was signed or existed. */
export interface TimeBound {
  /** Whole seconds since 1970. */
  readonly time: number;
  /** Who says so: "witness example.org/w1", "the log's own clock". */
  readonly basis: string;
  /** What kind of clock that is, and what it is called: the same for programs. */
  readonly source: "log" | "witnesses" | "ledger" | "authority";
  readonly names: readonly string[];
  /** Whether that is independent of the log's operator. */
  readonly independent: boolean;
}

/** A later statement that counts. */
export interface LaterStatement {
  readonly kind: Relation["kind"];
  readonly issuer: string;
  readonly reason: string;
  /** By its issuer's clock, whole seconds since 1970. */
  readonly issuedAt: number;
  readonly index: number;
}

export interface Report {
  readonly verdict: Verdict;
  /** One sentence for people. */
  readonly summary: string;
  readonly checks: readonly Check[];
  readonly statement?: {
    readonly issuer: string;
    readonly subject: string;
    /** By the issuer's clock: a claim, not a proven time. */
    readonly issuedAt: number;
    readonly digest: Uint8Array;
    readonly contentType?: string;
    readonly keyThumbprint: Uint8Array;
    readonly algorithm: string;
    readonly relation?: Relation;
    readonly after?: QuotedCheckpoint;
  };
  readonly entry?: {
    readonly origin: string;
    readonly index: number;
    readonly treeSize: number;
    readonly leafHash: Uint8Array;
  };
  /** It existed by then: the earliest time that something trusted vouches for. */
  readonly notAfter?: TimeBound;
  /** It was signed after then: the time of the checkpoint that the statement quotes. */
  readonly notBefore?: TimeBound;
  readonly later: readonly LaterStatement[];
}
