/**
 * The notary as an issuer: statements by its own key (`DIR/keys/custody.pem`) about events that the notary keeps itself, custody of
 * records and administrative actions. A statement is a hash envelope (RFC 9995): the log holds the event's SHA-256, nothing of it.
 */
import { AttestryError, keyThumbprint, type PublicKey, sha256, signStatement, thumbprintUri } from "@attestry/core";
import { openOrCreateSigner } from "../keys/file-signer.ts";
import type { Notary } from "../notary.ts";

export interface NotaryIssuer {
  /** The statements' `iss`: the key's thumbprint URI. */
  readonly name: string;
  readonly publicKey: PublicKey;
  /**
   * Signs a statement about an event and registers it; durable in the log when it resolves. Called again for the same event, it
   * makes another entry.
   * @throws PUSHBACK, UNAVAILABLE_*, FATAL_*, POLICY_ISSUER_REVOKED, MALFORMED_STATEMENT (subject or content type)
   */
  register(event: Uint8Array, about: EventKind): Promise<RegisteredEvent>;
  /** The first half of `register`, for who keeps the statement before it goes into the log. @throws MALFORMED_STATEMENT */
  sign(event: Uint8Array, about: EventKind): Promise<Uint8Array>;
  /** The other half: the same statement again gives the same entry. @throws as `register` */
  submit(statement: Uint8Array): Promise<RegisteredEvent>;
}

export interface EventKind {
  /** Media type of the event's bytes. */
  readonly contentType: string;
  /** The statement's `sub`: an opaque record number. */
  readonly subject: string;
}

export interface RegisteredEvent {
  readonly index: number;
  readonly leafHash: Uint8Array;
}

export interface NotaryIssuerParts {
  readonly notary: Pick<Notary, "issuers" | "register">;
  /** The key's file, made when it is not there. */
  readonly path: string;
  readonly passphrase?: string | undefined;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

/**
 * Opens the key, or makes it; it is enrolled with the first event, so that a notary that records nothing has no issuer more. With a
 * key that was revoked it registers nothing; a new one is made when the file is moved away.
 * @throws as `openOrCreateSigner`
 */
export async function openNotaryIssuer(parts: NotaryIssuerParts): Promise<NotaryIssuer> {
  const { notary, path, passphrase, now } = parts;
  const signer = await openOrCreateSigner(path, { passphrase });
  const { publicKey } = signer;
  const name = thumbprintUri(keyThumbprint(publicKey));
  const sign = (event: Uint8Array, { contentType, subject }: EventKind): Promise<Uint8Array> =>
    signStatement({ issuer: name, subject, issuedAt: now(), digest: sha256(event), contentType }, signer);

  async function submit(statement: Uint8Array): Promise<RegisteredEvent> {
    // a revoked one stays so, and the log refuses it
    if (notary.issuers.findKey(keyThumbprint(publicKey)) === undefined) await notary.issuers.addKey(publicKey, name);
    const { outcomes } = await notary.register([statement]);
    const outcome = outcomes[0];
    if (outcome === undefined) throw new AttestryError("FATAL_INTERNAL");
    if ("error" in outcome) throw outcome.error;
    return { index: outcome.index, leafHash: outcome.leafHash };
  }

  return { name, publicKey, sign, submit, register: async (event, about) => submit(await sign(event, about)) };
}
