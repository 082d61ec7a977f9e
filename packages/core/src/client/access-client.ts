/** A notary's tokens, client certificates and administrative actions, for whoever may manage or read them. */
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

export interface AccessClient {
  listTokens(): Promise<readonly AccessToken[]>;
  /** `token` is the secret; the notary shows it this once. */
  addToken(token: NewAccessToken): Promise<AccessToken & { readonly token?: string }>;
  /** @throws NOT_FOUND when there is none or it is revoked already */
  revokeToken(id: string): Promise<AccessToken>;
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
    async listActions(limit = 100, before?: number): Promise<readonly AdministrativeAction[]> {
      const query = `limit=${limit}${before === undefined ? "" : `&before=${before}`}`;
      return (await getJson<{ actions: AdministrativeAction[] }>(send, `/v1/actions?${query}`, ["actions"])).actions;
    },
    makePortalLink: async () => (await postJson<{ path: string }>(send, "/v1/links", {})).path,
  };
}
