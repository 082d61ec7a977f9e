/** What the page asks the verifier in the worker, and what it answers. */
import type { Check, Report, Verdict } from "@attestry/core";

/** The keys of a log, as its notary shows them. */
export interface LogKeys {
  readonly origin: string;
  /** C2SP verifier keys of its checkpoints. */
  readonly verifierKeys: readonly string[];
  /** Thumbprint URI (RFC 9679) of its receipt key. */
  readonly receiptKey: string;
}

/** Keys that were noted at first contact. */
export interface Pin extends LogKeys {
  /** ISO 8601. */
  readonly firstSeen: string;
}

/** What is trusted: a trust file's text or, without one, the keys that were noted. */
export interface TrustInput {
  readonly file?: string;
  readonly pins: readonly Pin[];
}

/** What a certificate's link names. */
export type Link = { readonly hash: string } | { readonly index: number };

export interface Question {
  /** Address of the notary. */
  readonly notary: string;
  /** SHA-256 of the file, hexadecimal; absent when there is none to compare. */
  readonly hash?: string;
  /** Bytes of a proof file at hand. */
  readonly proof?: Uint8Array;
  readonly link?: Link;
  readonly trust: TrustInput;
}

/**
 * Core's verdicts, and what only who asked a notary can say:
 * - `registered`: all but the content is proven, and there is no file to compare yet
 * - `other_file`: the proof does not fit the file, and the file has an entry of its own
 * - `issuer_revoked`: proven, and its issuer's enrolment was withdrawn since
 * - `unreachable`: there is no proof, and the notary that might have one cannot be reached
 */
export type Outcome = Verdict | "registered" | "other_file" | "issuer_revoked" | "unreachable";

/** How it went with the notary. `another_log`: the proof is of a log that this notary does not keep. */
export type NotaryContact = "reached" | "unreachable" | "another_log" | "other_keys";

/** What the trust in the log rests on. */
export type TrustBasis = "trust_file" | "noted" | "nothing";

/** What a reader must know whatever the outcome. */
export type Warning = "keys_changed" | "entry_lost";

export interface Answer {
  readonly outcome: Outcome;
  readonly contact: NotaryContact;
  readonly basis: TrustBasis;
  /** When the keys were noted that the trust rests on. */
  readonly notedOn?: string;
  /** Absent when there was no proof to check. */
  readonly report?: Report;
  /** The first check that keeps the verdict from being better. */
  readonly reason?: Check;
  readonly proofFrom?: "file" | "notary";
  /** The most telling proof file that there is, to be kept. */
  readonly proof?: Uint8Array;
  /** The issuer's own name for the record; absent when it has none but the file's hash. */
  readonly record?: string;
  /** Entry of the file itself, where the proof is another file's. */
  readonly ownEntry?: number;
  /** When and why the issuer's enrolment was withdrawn. */
  readonly ended?: { readonly at: string; readonly reason: string };
  /** Issuers whose records of the same content stand, while this one, the first, does not. */
  readonly others?: readonly string[];
  /** How many entries the notary's log has. */
  readonly treeSize?: number;
  /** Keys met for the first time, to be noted. */
  readonly firstContact?: LogKeys;
  readonly warnings: readonly Warning[];
}
