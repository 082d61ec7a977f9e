/**
 * The `IssuerStore` port: who may register, and the certificate chains that came with statements. Nothing is ever deleted,
 * so that a revoked issuer's earlier statements stay explainable.
 */
import { AttestryError } from "@attestry/core";

/** One who may register: known by a raw key, or by certificates under an X.509 root. */
export interface Issuer {
  /** `key`: RFC 9679 thumbprint of the key. `root`: SHA-256 of the certificate. Both as base64url. */
  readonly id: string;
  readonly kind: "key" | "root";
  /** `iss` of the statements; undefined for a root whose certificates may use any of their own names. */
  readonly issuer: string | undefined;
  /** `key`: COSE_Key. `root`: the certificate, DER. */
  readonly material: Uint8Array;
  /** Whole seconds of Unix time. */
  readonly addedAt: number;
  readonly revoked: Revocation | undefined;
}

export interface Revocation {
  readonly at: number;
  readonly reason: string;
}

/** What `revoke` throws, whichever the driver. */
export function notEnrolled(): AttestryError {
  return new AttestryError("NOT_FOUND", "No issuer has this id, or it is revoked already.");
}

/** Errors of every method: UNAVAILABLE_STORAGE when the storage refuses for now, FATAL_CORRUPT when it cannot be right. */
export interface IssuerStore {
  /** All issuers, revoked ones too, in the order they were added. */
  list(): Promise<Issuer[]>;

  /** Durable when it resolves. @throws CONFLICT_EXISTS when there is one with that id */
  add(issuer: Issuer): Promise<void>;

  /** Durable when it resolves. @throws NOT_FOUND when there is none with that id, or it was revoked before */
  revoke(id: string, revocation: Revocation): Promise<void>;

  /** Keeps a chain (DER, the issuer's certificate first) under the SHA-256 of its first certificate. Durable when it resolves. */
  putChain(x5t: Uint8Array, chain: readonly Uint8Array[]): Promise<void>;

  readChain(x5t: Uint8Array): Promise<Uint8Array[] | undefined>;

  /** Tells, within a second and until the store is closed, that another process changed something; not there when none can. */
  watch?(onChange: () => Promise<void>): void;

  /** Lets go of the storage. Later calls reject. */
  close(): Promise<void>;
}
