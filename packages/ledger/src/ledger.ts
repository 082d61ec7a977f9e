/**
 * The `Ledger` port: what the notary asks of a ledger, whatever its family. A driver keeps nothing of its own: what it must
 * remember between calls is in the journal that its caller stores. Every driver passes `ledger.contract.ts`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Checkpoint, Signer } from "@attestry/core";

/** A checkpoint that is to be anchored. Size at least 1. */
export type AnchorTarget = Pick<Checkpoint, "origin" | "size" | "rootHash">;

/** Where an anchor stands. */
export interface AnchorPlace {
  /** Number of the block; 0 on a ledger that has none. */
  readonly block: number;
  /** Hash of the block, or the transaction's id on a ledger without blocks: lower-case hexadecimal. */
  readonly id: string;
  /** The ledger's own time for it, whole seconds since 1970. */
  readonly time: number;
}

/**
 * `absent`: not on the ledger, as far as the node sees. `included`: on it, and a reorganisation could still take it away.
 * `final`: it stays, by the ledger's own rule.
 */
export type AnchorPosition =
  | { readonly state: "absent" }
  | { readonly state: "included" | "final"; readonly place: AnchorPlace };

export interface Submission {
  /** The log's own ES256 key, where the ledger checks it. */
  readonly signForLedger: Signer;
  /** What `save` got last for this target; undefined when it was never called. */
  readonly journal?: string | undefined;
  /** Must make the text durable before it resolves: nothing is sent before that. No secret is in it. */
  save(journal: string): Promise<void>;
}

/** What core verifies, and where the ledger has what it shows. */
export interface ProvenAnchor {
  readonly proof: Uint8Array;
  readonly place: AnchorPlace;
}

export interface LedgerHealth {
  /** The chain or network, as the ledger names it: "chain 31337". */
  readonly network: string;
  /** The account that sends. */
  readonly account: string;
  /** The newest block and its time in whole seconds since 1970. */
  readonly block: number;
  readonly time: number;
  /** What would keep an anchor from being accepted, a sentence each; none when all is well. */
  readonly problems: readonly string[];
}

/**
 * Errors of every method: UNAVAILABLE_LEDGER when the node cannot be reached or cannot answer (try again); POLICY_LEDGER when
 * somebody must act first, e.g. fund the account (`data.reason` says what; trying again is harmless).
 */
export interface Ledger {
  /** The name in the configuration; no two ledgers of a notary share one. */
  readonly name: string;

  /**
   * Hands the anchor to the ledger, and does whatever gets a pending one along: sends it again where it was dropped, replaces
   * it where it is stuck. Does nothing when it is on the ledger already. Call it again, with the newest journal, for as long as
   * `readAnchor` says `absent`.
   *
   * Idempotent, and safe after a crash at any point: however often it is called, and wherever the process died, the ledger
   * ends up with at most one anchor of the target.
   * @throws CONFLICT_ANCHOR when this target can never be anchored: the ledger has another root hash for its size, or a larger
   *   size (`data.reason`)
   */
  submitAnchor(target: AnchorTarget, submission: Submission): Promise<void>;

  /** Looks once; waits for nothing and sends nothing. @throws CONFLICT_ANCHOR as `submitAnchor` */
  readAnchor(target: AnchorTarget, journal?: string): Promise<AnchorPosition>;

  /**
   * The proof of an anchor that is at `place`, which core's check accepted before it is given out. Where the node no longer
   * knows the state of that block, the proof is of a newer final one, whose place comes with it.
   * @throws UNAVAILABLE_LEDGER also when the node's answers do not prove the anchor
   */
  collectProof(target: AnchorTarget, place: AnchorPlace, journal?: string): Promise<ProvenAnchor>;

  health(): Promise<LedgerHealth>;
}

export interface Waiting {
  readonly journal?: string | undefined;
  /** Ends the waiting; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Milliseconds between looks. Default 1,000. */
  readonly pollMs?: number;
}

/** Looks until a submitted anchor is final. Never sends. @throws what `readAnchor` throws */
export async function awaitFinality(ledger: Ledger, target: AnchorTarget, waiting: Waiting = {}): Promise<AnchorPlace> {
  const { journal, signal, pollMs = 1000 } = waiting;
  for (;;) {
    signal?.throwIfAborted();
    const position = await ledger.readAnchor(target, journal);
    if (position.state === "final") return position.place;
    await sleep(pollMs, undefined, { ...(signal ? { signal } : {}) }).catch(() => {}); // the next turn says why
  }
}
