/**
 * API tokens and client certificates: adding, listing and revoking them, and finding the principal behind one that is shown. A
 * token is told once, when it is made; what is kept is its hash.
 */
import { AttestryError } from "@attestry/core";
import { certificateName, isOfForm, tokenName } from "@attestry/core/client";
import type { ActionLog } from "./record-action.ts";
import { isRole, localPrincipal, type Principal, type Role } from "./roles.ts";
import { hashSecret, newSecret } from "./secrets.ts";
import { useInterval } from "./sessions.ts";
import type { AccessStore, Credential } from "./store.ts";

export interface NewCredential {
  /** 1 to 64 letters, digits, dots, dashes, underscores and inner spaces. */
  readonly name: string;
  /** At least one. */
  readonly roles: readonly Role[];
  /** Whole seconds of Unix time. */
  readonly expiresAt?: number;
  /** Enrols this subject (RFC 4514) or alternative name (`DNS:`, `URI:`, `email:`) instead of making a token. */
  readonly certificate?: string;
}

export interface Credentials {
  /**
   * Adds one; `token` is the secret, told here and never again. In the log and durable when it resolves.
   * @throws MALFORMED_REQUEST, CONFLICT_EXISTS when the name or certificate is in use; as `ActionLog.record`
   */
  add(
    who: Principal,
    wanted: NewCredential,
  ): Promise<{ readonly credential: Credential; readonly token: string | undefined }>;
  /** All that ever were, in the order they were added. */
  list(): Promise<Credential[]>;
  /**
   * From the next request on it opens nothing. In the log and durable when it resolves.
   * @throws NOT_FOUND when there is none or it is revoked already; as `ActionLog.record`
   */
  revoke(who: Principal, id: string): Promise<Credential>;
  /** Whose token it is. @throws POLICY_UNAUTHORISED, the reason in `data.why` for the server's log */
  findToken(token: string): Promise<Principal>;
  /** Who is enrolled by one of the certificate's names; undefined when nobody is. @throws as `findToken` */
  findCertificate(names: readonly string[]): Promise<Principal | undefined>;
}

const tokenForm = /^atk_[A-Za-z0-9_-]{43}$/;

export interface CredentialsParts {
  readonly store: AccessStore;
  readonly actions: ActionLog;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

export function createCredentials({ store, actions, now }: CredentialsParts): Credentials {
  async function principalOf(credential: Credential): Promise<Principal> {
    const { id, name, kind, roles, expiresAt, lastUsedAt, revokedAt } = credential;
    const at = now();
    if (revokedAt !== undefined) throw refused(`${kind} ${name} was revoked`);
    if (expiresAt !== undefined && at >= expiresAt) throw refused(`${kind} ${name} has expired`);
    // a disk that is full keeps nobody out
    if (lastUsedAt === undefined || at >= lastUsedAt + useInterval) await store.useCredential(id, at).catch(() => {});
    return { name, kind, roles: new Set(roles) };
  }

  return {
    async add(who: Principal, wanted: NewCredential): Promise<{ credential: Credential; token: string | undefined }> {
      checkWanted(wanted, now());
      const token = wanted.certificate === undefined ? `atk_${newSecret()}` : undefined;
      const credential = newCredential(wanted, token, now());
      const { id, kind, key, name, roles, expiresAt } = credential;
      const others = (await store.listCredentials()).filter(({ revokedAt }) => revokedAt === undefined);
      if (others.some((other) => other.name === name || (other.kind === kind && other.key === key))) {
        throw new AttestryError("CONFLICT_EXISTS", "The name or certificate is in use: revoke that one first.");
      }
      const certificate = wanted.certificate ?? null;
      const facts = { id, kind, name, roles: [...roles], expiresAt: expiresAt ?? null, certificate };
      await actions.record(who, "token-added", facts);
      await store.addCredential(credential);
      return { credential, token };
    },

    list: () => store.listCredentials(),

    async revoke(who: Principal, id: string): Promise<Credential> {
      const found = (await store.listCredentials()).find((credential) => credential.id === id);
      if (found === undefined) throw new AttestryError("NOT_FOUND", "No token has this id.");
      if (found.revokedAt !== undefined) throw new AttestryError("NOT_FOUND", "This token is revoked already.");
      await actions.record(who, "token-revoked", { id, kind: found.kind, name: found.name });
      const revokedAt = now();
      await store.revokeCredential(id, revokedAt);
      return { ...found, revokedAt };
    },

    async findToken(token: string): Promise<Principal> {
      // looked up by its hash, so no comparison takes a time that tells anything of the token
      const found = tokenForm.test(token) ? await store.findCredential("token", hashSecret(token)) : undefined;
      if (found === undefined) throw refused("unknown token");
      return principalOf(found);
    },

    async findCertificate(names: readonly string[]): Promise<Principal | undefined> {
      for (const name of names) {
        const found = await store.findCredential("certificate", name);
        if (found !== undefined) return principalOf(found);
      }
      return undefined;
    },
  };
}

function newCredential(wanted: NewCredential, token: string | undefined, at: number): Credential {
  return {
    id: newSecret().slice(0, 16),
    kind: token === undefined ? "certificate" : "token",
    key: token === undefined ? (wanted.certificate ?? "") : hashSecret(token),
    name: wanted.name,
    roles: [...new Set(wanted.roles)],
    addedAt: at,
    expiresAt: wanted.expiresAt,
    lastUsedAt: undefined,
    revokedAt: undefined,
  };
}

function refused(why: string): AttestryError {
  return new AttestryError("POLICY_UNAUTHORISED", undefined, { data: { why } });
}

function checkWanted({ name, roles, expiresAt, certificate }: NewCredential, at: number): void {
  const wrong = (text: string): AttestryError => new AttestryError("MALFORMED_REQUEST", text);
  if (!isOfForm(name, tokenName) || name === localPrincipal.name) {
    throw wrong(`A name has ${tokenName.description}, and is not "${localPrincipal.name}".`);
  }
  if (roles.length === 0 || !roles.every(isRole)) throw wrong("Give at least one role, and only roles that there are.");
  if (expiresAt !== undefined && expiresAt <= at) throw wrong("The time at which it expires is past.");
  if (certificate !== undefined && !isOfForm(certificate, certificateName)) {
    throw wrong("A certificate is named by its subject (CN=…,O=…) or by DNS:…, URI:… or email:….");
  }
}
