/**
 * The `AnchorStore` port: what the anchorers of a notary remember. A crash between sending an anchor and hearing of it loses
 * nothing, because what is to be sent is stored before it is sent. Every driver passes `anchor-store.contract.ts`.
 */
import type { AnchorPlace, AnchorTarget } from "./ledger.ts";

/**
 * `submitted`: handed to the ledger, or about to be. `included`: on the ledger, and a reorganisation could still take it away.
 * `final`: it stays, and `proof` is there. `lost`: it can never be; `problem` says why.
 */
export type AnchorState = "submitted" | "included" | "final" | "lost";

export interface AnchorRecord extends AnchorTarget {
  /** `Ledger.name`. */
  readonly ledger: string;
  readonly state: AnchorState;
  /** When it was first handed to the ledger; milliseconds of Unix time. */
  readonly submittedAt: number;
  /** The driver's own. */
  readonly journal?: string;
  /** From `included` on. */
  readonly place?: AnchorPlace;
  /** Of a final anchor: what core verifies. */
  readonly proof?: Uint8Array;
  readonly problem?: string;
}

export interface ListOptions {
  /** Only anchors that cover this entry: those of a larger size. */
  readonly covering?: number;
  readonly states?: readonly AnchorState[];
  readonly limit: number;
  readonly order: "ascending" | "descending";
}

/** Errors of every method: UNAVAILABLE_STORAGE when the storage refuses for now, FATAL_CORRUPT when it cannot be right. */
export interface AnchorStore {
  /** Writes a record, in the place of one of the same ledger, origin and size. On stable storage when it resolves. */
  put(record: AnchorRecord): Promise<void>;

  /** A ledger's anchors of one log, by size. */
  list(ledger: string, origin: string, options: ListOptions): Promise<AnchorRecord[]>;

  /** How many a ledger has of one log in each state. */
  count(ledger: string, origin: string): Promise<Readonly<Record<AnchorState, number>>>;

  /** The names of the ledgers that it holds anchors of one log on, in order. */
  ledgers(origin: string): Promise<string[]>;

  close(): Promise<void>;
}
