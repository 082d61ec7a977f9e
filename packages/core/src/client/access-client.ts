/** A notary's tokens, client certificates, sessions, administrative actions and audits, for whoever may manage or read them. */
import { createSend, type HttpOptions } from "./http.ts";
import { getJson, postJson } from "./notary-client.ts";

/** A token or an enrolled client certificate; never its secret. */
export interface AccessToken {
  readonly id: string;
  readonly kind: "token" | "certificate";
  readonly name: string;
  /** Of `reader`, `creator`, `custodian`, `administrator`, `auditor`. */
  readonly roles: readonly string[];
  /** Subject (RFC 4514) or alternative name of the certificate. */
  readonly certificate?: string;
  /** ISO 8601, as all times here. */
  readonly addedAt: string;
  readonly expiresAt?: string;
  readonly lastUsedAt?: string;
  readonly revokedAt?: string;
}

export interface NewAccessToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly expiresAt?: Date;
  /** Enrols this certificate instead of making a token. */
  readonly certificate?: string;
}

export interface AdministrativeAction {
  readonly sequence: number;
  /** The log's entry that holds the SHA-256 of `event`. */
  readonly entryIndex: number;
  readonly action: string;
  readonly who: string;
  readonly time: string;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Deterministic CBOR, base64url. */
  readonly event: string;
}

/** Somebody who is signed in at the portal. `id` opens nothing. */
export interface PortalSession {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  /** Id of the OpenID provider that vouched for them; absent for the one-time link. */
  readonly provider?: string;
  /** True of the session that asks. */
  readonly isOwn?: boolean;
  readonly startedAt: string;
  readonly seenAt: string;
}

/** One thing that does not hold. */
export interface AuditFinding {
  readonly record: string;
  readonly problem: string;
  /** Which record: its `index`, `object`, `subject`, `segment`, … */
  readonly at: Readonly<Record<string, unknown>>;
  readonly expected?: string;
  readonly found?: string;
  /** One line for people, in English. */
  readonly message: string;
}

/** All holds only when there are no findings, and no `problem`. */
export interface AuditReport {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly by: string;
  /** What it looked at; absent when it did not get to its end. */
  readonly scope?: {
    readonly treeSize: number;
    readonly rootHash?: string;
    readonly checkpointTime?: string;
    readonly vault?: { readonly objects: number; readonly events: number; readonly bytes: number };
  };
  /** How many things do not hold; `named` has the first 1,000. */
  readonly findings: number;
  readonly named: readonly AuditFinding[];
  /** What the audit did not or cannot tell, in words. */
  readonly limits: readonly string[];
  /** Why it did not get to its end. */
  readonly problem?: { readonly code: string; readonly message: string };
}

export interface AuditState {
  /** How far the one under way is, in entries of `total` and then in stored objects. */
  readonly running?: {
    readonly startedAt: string;
    readonly by: string;
    readonly entries: number;
    readonly total: number;
    readonly objects: number;
    readonly findings: number;
  };
  readonly last?: AuditReport;
  /** When one begins by itself; absent when none does. */
  readonly next?: string;
}

export interface AccessClient {
  listTokens(): Promise<readonly AccessToken[]>;
  /** `token` is the secret; the notary shows it this once. */
  addToken(token: NewAccessToken): Promise<AccessToken & { readonly token?: string }>;
  /** @throws NOT_FOUND when there is none or it is revoked already */
  revokeToken(id: string): Promise<AccessToken>;
  /** Who is signed in at the portal. */
  listSessions(): Promise<readonly PortalSession[]>;
  /** Signs somebody out. @throws NOT_FOUND */
  endSession(id: string): Promise<void>;
  /** Whether an audit is under way, and what the last one found. */
  audit(): Promise<AuditState>;
  /** Begins one, unless one is under way. */
  startAudit(): Promise<AuditState>;
  /** The newest first, before the given sequence number. */
  listActions(limit?: number, before?: number): Promise<readonly AdministrativeAction[]>;
  /** Path of a one-time link that opens the portal. Only with the token of the notary's data folder. */
  makePortalLink(): Promise<string>;
}

/**
 * @throws USAGE for an address that is none; every call POLICY_UNAUTHORISED, POLICY_FORBIDDEN
 * @example
 * const access = createAccessClient({ url: "http://127.0.0.1:8080", token });
 * const { token } = await access.addToken({ name: "camera 7", roles: ["creator"] });
 */
export function createAccessClient(options: HttpOptions): AccessClient {
  const send = createSend(options);
  return {
    listTokens: async () => (await getJson<{ tokens: AccessToken[] }>(send, "/v1/tokens", ["tokens"])).tokens,
    addToken: ({ expiresAt, ...token }) =>
      postJson(send, "/v1/tokens", { ...token, ...(expiresAt && { expiresAt: expiresAt.toISOString() }) }),
    revokeToken: (id) => postJson<AccessToken>(send, `/v1/tokens/${encodeURIComponent(id)}/revoke`, {}),
    listSessions: async () =>
      (await getJson<{ sessions: PortalSession[] }>(send, "/v1/sessions", ["sessions"])).sessions,
    async endSession(id): Promise<void> {
      await send({ path: `/v1/sessions/${encodeURIComponent(id)}/end`, method: "POST" });
    },
    audit: () => getJson(send, "/v1/audit", []),
    startAudit: () => postJson(send, "/v1/audit", {}),
    async listActions(limit = 100, before?: number): Promise<readonly AdministrativeAction[]> {
      const query = `limit=${limit}${before === undefined ? "" : `&before=${before}`}`;
      return (await getJson<{ actions: AdministrativeAction[] }>(send, `/v1/actions?${query}`, ["actions"])).actions;
    },
    makePortalLink: async () => (await postJson<{ path: string }>(send, "/v1/links", {})).path,
  };
}
