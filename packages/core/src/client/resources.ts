/** What a notary's HTTP API answers in JSON (docs/http.md): the server writes it, clients read it. Times are ISO 8601. */
import type { Relation } from "../statement/statement.ts";

/** `GET /v1/status` */
export interface NotaryStatus {
  readonly origin: string;
  /** C2SP verifier keys of the log's checkpoints. */
  readonly verifierKeys: readonly string[];
  /** Thumbprint URI (RFC 9679) of the key that signs receipts. */
  readonly receiptKey: string;
  readonly treeSize: number;
  readonly rootHash: string;
  /** ISO 8601, or absent for an empty log. */
  readonly checkpointTime?: string;
  readonly version: string;
  /** What waits for its index. */
  readonly queue?: { readonly entries: number; readonly bytes: number };
  readonly witnesses?: readonly WitnessSummary[];
  /** `problem`: why there are no places although there should be. */
  readonly anchoring?: { readonly places: readonly PlaceSummary[]; readonly problem?: string };
}

/** A witness that the notary asks to cosign. */
export interface WitnessSummary {
  readonly name: string;
  readonly url: string;
  /** C2SP verifier keys of its cosignatures. */
  readonly verifierKeys: readonly string[];
  /** Size of the last tree that it cosigned, 0 for none, and its time, ISO 8601. */
  readonly lastSize: number;
  readonly lastTime?: string;
  readonly healthy: boolean;
  /** Why it is not: an error's code. VERIFY_CONSISTENCY: it has seen another history of this log, which was put back or forked. */
  readonly code?: string;
}

/** A ledger or time stamp authority that the log goes to, with the number of anchors in each state. */
export interface PlaceSummary {
  readonly name: string;
  readonly kind: "ledger" | "authority";
  readonly about: Readonly<Record<string, string | number>>;
  readonly submitted: number;
  readonly included: number;
  readonly final: number;
  readonly lost: number;
  /** Entries that a final anchor covers, and its time, ISO 8601. */
  readonly finalSize: number;
  readonly finalTime?: string;
  /** Why it does not get on. */
  readonly problem?: string;
}

export interface EntrySummary {
  readonly index: number;
  readonly leafHash: string;
  readonly hash: string;
  readonly issuer: string;
  readonly subject: string;
  /** ISO 8601; by the issuer's clock. */
  readonly issuedAt: string;
  /** ISO 8601; by the log's clock. */
  readonly registeredAt: string;
  readonly contentType?: string;
  readonly relation?: { readonly kind: Relation["kind"]; readonly target: string; readonly reason: string };
  /** The checkpoint that the statement quotes: it was signed after that. */
  readonly after?: { readonly origin: string; readonly size: number; readonly rootHash: string };
}

export interface EntryPage {
  readonly entries: readonly EntrySummary[];
  readonly next?: string;
}

export interface EnrolledIssuer {
  readonly id: string;
  /** Absent for a root whose certificates may use any of their names. */
  readonly issuer?: string;
  readonly kind: "key" | "root";
  readonly thumbprint: string;
  readonly enrolledAt: string;
  /** True of the notary's own key, for what it records of itself. */
  readonly isNotary?: boolean;
  readonly revokedAt?: string;
  readonly reason?: string;
}

/** One anchor or time stamp of the log, as `GET /v1/anchors` lists it. */
export interface AnchorSummary {
  readonly place: string;
  readonly kind: "ledger" | "authority";
  readonly about: Readonly<Record<string, string | number>>;
  readonly size: number;
  readonly rootHash: string;
  readonly state: "submitted" | "included" | "final" | "lost";
  readonly submittedAt: string;
  readonly block?: number;
  readonly blockId?: string;
  readonly time?: string;
  readonly problem?: string;
}

export type HistorySpan = "hour" | "day" | "month";

/** `GET /v1/history`. A list with a value for each step has null where there was nothing. */
export interface StatusHistory {
  readonly span: HistorySpan;
  /** Seconds. */
  readonly step: number;
  /** When the first step begins. The last one is under way. */
  readonly from: string;
  /** The tree size when each step begins, and the size now: one more than there are steps. */
  readonly sizes: readonly number[];
  /** How long registrations took, in milliseconds. */
  readonly latency: {
    readonly count: readonly number[];
    readonly median: readonly (number | null)[];
    /** Nineteen of twenty were faster. */
    readonly slow: readonly (number | null)[];
  };
  /** Of each ledger and authority: seconds from the registration of each step's last entry to the anchor that covers it. */
  readonly anchors: readonly {
    readonly place: string;
    readonly kind: "ledger" | "authority";
    readonly delay: readonly (number | null)[];
  }[];
}
