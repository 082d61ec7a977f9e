/**
 * The `AccessStore` port: credentials (API tokens and client certificates), sessions, and the administrative actions whose hashes
 * are in the log. No secret is in it: tokens and session ids are kept as SHA-256.
 */
import type { Role } from "./roles.ts";

/** What somebody shows to be known by: an API token, or a certificate that the server's client authority issued. */
export interface Credential {
  /** Names it in lists and revocations; no secret. */
  readonly id: string;
  readonly kind: "token" | "certificate";
  /** What is looked up: a token's SHA-256 in hexadecimal, or the certificate's subject (RFC 4514) or alternative name. */
  readonly key: string;
  /** The principal's name; unique among those that are not revoked. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** Whole seconds of Unix time, as all times here. */
  readonly addedAt: number;
  readonly expiresAt: number | undefined;
  readonly lastUsedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

export interface Session {
  /** SHA-256 of the session's id, in hexadecimal. */
  readonly key: string;
  /** The principal's name. */
  readonly name: string;
  readonly roles: readonly Role[];
  /** Id of the OpenID provider that vouched for them; undefined for the one-time link. */
  readonly provider: string | undefined;
  readonly startedAt: number;
  readonly seenAt: number;
}

/** An administrative action. Its `event` is what the log holds the hash of. */
export interface Action {
  /** Counts from 1. */
  readonly sequence: number;
  readonly event: Uint8Array;
  /** The log's entry; undefined while it is being registered. */
  readonly entryIndex: number | undefined;
}

/** Errors of every method: UNAVAILABLE_STORAGE when the storage refuses for now, FATAL_CORRUPT when it cannot be right. */
export interface AccessStore {
  /** Durable when it resolves. @throws CONFLICT_EXISTS for a token that ever was, and a name or certificate that is not revoked */
  addCredential(credential: Credential): Promise<void>;
  /** By what is shown, revoked and expired ones too; the newest. */
  findCredential(kind: Credential["kind"], key: string): Promise<Credential | undefined>;
  /** All, in the order they were added. */
  listCredentials(): Promise<Credential[]>;
  /** Notes a use. Need not be durable. */
  useCredential(id: string, at: number): Promise<void>;
  /** Durable when it resolves. @throws NOT_FOUND when there is none with that id, or it was revoked before */
  revokeCredential(id: string, at: number): Promise<void>;

  addSession(session: Session): Promise<void>;
  findSession(key: string): Promise<Session | undefined>;
  useSession(key: string, at: number): Promise<void>;
  /** All, the oldest first, ended ones that nobody removed yet too. */
  listSessions(): Promise<Session[]>;
  /** Removes one. Idempotent; durable when it resolves. */
  removeSession(key: string): Promise<void>;
  /** Removes those that were last seen, or began, before these times. */
  removeOldSessions(seenBefore: number, startedBefore: number): Promise<void>;

  /** Keeps an event, and gives its sequence number. Durable when it resolves. */
  addAction(event: Uint8Array): Promise<number>;
  setActionEntry(sequence: number, entryIndex: number): Promise<void>;
  /** Forgets one that never reached the log. */
  removeAction(sequence: number): Promise<void>;
  /** Those in the log, the newest first, before the given sequence number. */
  listActions(before: number | undefined, limit: number): Promise<Action[]>;
  /** Those whose entry is not known, the oldest first. */
  listPendingActions(): Promise<Action[]>;

  /** Lets go of the storage. Later calls reject. */
  close(): Promise<void>;
}
