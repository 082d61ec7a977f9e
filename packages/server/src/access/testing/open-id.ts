/**
 * A real OpenID provider (`oidc-provider`) for the tests, on a loopback port. Its sign-in page asks nothing: it signs in the
 * account that the test chose.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { Provider } from "oidc-provider";

export interface Account {
  readonly sub: string;
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly groups?: readonly string[];
}

export interface OpenId {
  /** Issuer identifier; the address that it listens on. */
  readonly issuer: string;
  /** Who signs in next; undefined: they refuse. */
  account: Account | undefined;
  /** What it does with requests before the provider sees them; to play one that misbehaves. */
  intercept: ((path: string) => { readonly status: number; readonly body?: string } | undefined) | undefined;
  /** The claims of each assertion by which a client showed who it is (RFC 7523). */
  readonly assertions: Readonly<Record<string, unknown>>[];
  /** Begins to serve; from then on it is an OpenID provider. */
  serve(options: ServeOptions): void;
  close(): Promise<void>;
}

export interface ServeOptions {
  readonly clients: readonly object[];
  /** Issuer that it claims to be, when it is not the address that it listens on. */
  readonly claimedIssuer?: string;
  /** Whether claims are in the ID token; otherwise only at the userinfo endpoint. */
  readonly claimsInIdToken?: boolean;
}

export async function startOpenId(t: TestContext): Promise<OpenId> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const openId: OpenId = {
    issuer,
    account: { sub: "ana" },
    intercept: undefined,
    assertions: [],
    serve: (options) => serve(server, openId, options),
    async close(): Promise<void> {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
  t.after(() => openId.close());
  return openId;
}

function serve(server: Server, openId: OpenId, { clients, claimedIssuer, claimsInIdToken = true }: ServeOptions): void {
  const provider = new Provider(claimedIssuer ?? openId.issuer, configuration(openId, clients, claimsInIdToken));
  const answer = provider.callback();
  server.on("request", (request, response) => {
    const path = request.url ?? "/";
    const instead = openId.intercept?.(path);
    if (instead !== undefined) response.writeHead(instead.status).end(instead.body);
    else if (path.startsWith("/interaction/")) {
      const { account } = openId;
      const result = account === undefined ? { error: "access_denied" } : { login: { accountId: account.sub } };
      provider.interactionFinished(request, response, result).catch((error) => response.destroy(error));
    } else answer(request, response);
  });
}

const jwk = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });

function configuration(openId: OpenId, clients: readonly object[], claimsInIdToken: boolean): object {
  return {
    clients,
    jwks: { keys: [{ ...jwk, kid: "rsa", use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomBytes(16).toString("hex")] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], groups: ["groups"] },
    scopes: ["openid", "email", "groups"],
    conformIdTokenClaims: !claimsInIdToken,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    interactions: { url: (_ctx: unknown, interaction: { uid: string }) => `/interaction/${interaction.uid}` },
    async assertJwtClientAuthClaimsAndHeader(_ctx: unknown, claims: Record<string, unknown>): Promise<void> {
      openId.assertions.push(claims);
    },
    findAccount: (_ctx: unknown, sub: string) => ({
      accountId: sub,
      claims: async () => ({ ...openId.account, sub }),
    }),
    // everybody agrees to everything
    async loadExistingGrant(ctx: GrantContext) {
      const { client, session, provider } = ctx.oidc;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
      grant.addOIDCScope("openid email groups");
      await grant.save();
      return grant;
    },
  };
}

interface GrantContext {
  readonly oidc: {
    readonly client: { readonly clientId: string };
    readonly session: { readonly accountId: string };
    readonly provider: Provider;
  };
}
