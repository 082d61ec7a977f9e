/**
 * One OpenID provider (OpenID Connect Core 1.0, Discovery 1.0): where people go to sign in, and who it says they are when they
 * come back. Authorization code flow with PKCE (RFC 7636), state, nonce and the provider's `iss` (RFC 9207). Asked only when
 * somebody signs in: a provider that is away keeps nothing else from working.
 */
import { createPrivateKey } from "node:crypto";
import { resolve } from "node:path";
import { AttestryError, isAttestryError } from "@attestry/core";
import type * as OpenIdClient from "openid-client";
import { readPrivateFile } from "../keys/private-file.ts";
import type { Role } from "./roles.ts";
import { isLocal, type ProviderConfig } from "./sign-in-config.ts";

/** What is remembered between going to the provider and coming back. */
export interface Checks {
  readonly nonce: string;
  readonly verifier: string;
  readonly state: string;
}

/** Who the provider says it is, by our own names. */
export interface SignedIn {
  readonly name: string;
  /** May be none. */
  readonly roles: readonly Role[];
}

export interface Provider {
  readonly id: string;
  readonly label: string;
  /** Where the browser goes. @throws UNAVAILABLE_SIGN_IN, POLICY_SIGN_IN */
  startUrl(checks: Checks, redirectUri: string): Promise<string>;
  /**
   * Exchanges the code of the address that the browser came back to.
   * @throws POLICY_SIGN_IN when anything does not hold, with `data.why` for the server's log; UNAVAILABLE_SIGN_IN
   */
  finish(cameBackTo: URL, checks: Checks): Promise<SignedIn>;
  /** Where the browser goes to sign out there too; undefined where the provider has no such address, or is away. */
  endUrl(returnTo: string): Promise<string | undefined>;
}

/** Seconds that a provider has to answer in. */
const patience = 10;

/**
 * Reads the client's secret or key; the provider itself is asked later.
 * @param folder the data folder, from which the configuration's paths go
 * @throws USAGE_FILE, USAGE when the secret or key cannot be used
 */
export async function openProvider(config: ProviderConfig, folder: string): Promise<Provider> {
  const secret = await readSecret(config, folder);
  let opening: Promise<Opened> | undefined;
  const opened = (): Promise<Opened> => {
    opening ??= discover(config, secret);
    opening.catch(() => {
      opening = undefined; // a failure is not remembered
    });
    return opening;
  };
  return {
    id: config.id,
    label: config.label,

    startUrl: (checks, redirectUri) =>
      told(async () => {
        const { client, at } = await opened();
        const url = client.buildAuthorizationUrl(at, {
          ...config.parameters,
          scope: config.scope ?? "openid profile email",
          redirect_uri: redirectUri,
          state: checks.state,
          nonce: checks.nonce,
          code_challenge: await client.calculatePKCECodeChallenge(checks.verifier),
          code_challenge_method: "S256",
        });
        return url.href;
      }),

    finish: (cameBackTo, { nonce, verifier, state }) =>
      told(async () => {
        const { client, at } = await opened();
        const tokens = await client.authorizationCodeGrant(at, cameBackTo, {
          expectedNonce: nonce,
          expectedState: state,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims === undefined) throw refused("no ID token");
        const wanted = [config.roleClaim, config.nameClaim ?? "email"];
        const has = wanted.every((name) => Object.hasOwn(claims, name));
        const missing = !has && at.serverMetadata().userinfo_endpoint !== undefined;
        const more = missing ? await client.fetchUserInfo(at, tokens.access_token, claims.sub) : {};
        return whoIs({ ...more, ...claims }, config);
      }),

    async endUrl(returnTo: string): Promise<string | undefined> {
      try {
        const { client, at } = await opened();
        if (at.serverMetadata().end_session_endpoint === undefined) return undefined;
        return client.buildEndSessionUrl(at, { post_logout_redirect_uri: returnTo }).href;
      } catch {
        return undefined;
      }
    },
  };
}

interface Opened {
  readonly client: typeof OpenIdClient;
  readonly at: OpenIdClient.Configuration;
}

async function discover({ issuer, clientId, clientKeyId }: ProviderConfig, secret: Secret): Promise<Opened> {
  const client = await import("openid-client"); // loaded where somebody signs in
  const url = new URL(issuer);
  const toTokenEndpoint = {
    // OpenID Connect Core 1.0 §9 wants the token endpoint here; the library would write the issuer, which Login.gov refuses
    [client.modifyAssertion](_header: unknown, payload: Record<string, unknown>): void {
      payload["aud"] = at.serverMetadata().token_endpoint;
    },
  };
  const authentication = (): OpenIdClient.ClientAuth => {
    if (secret === undefined) return client.None();
    if (typeof secret === "string") return client.ClientSecretPost(secret);
    const key = clientKeyId === undefined ? secret : { key: secret, kid: clientKeyId };
    return client.PrivateKeyJwt(key, toTokenEndpoint);
  };
  const at = await client.discovery(url, clientId, undefined, authentication(), {
    timeout: patience,
    [client.customFetch]: fetchOrUnavailable,
    execute: isLocal(url)
      ? [client.allowInsecureRequests, client.enableNonRepudiationChecks]
      : [client.enableNonRepudiationChecks], // ID tokens' signatures are checked, whatever line they came over
  });
  return { client, at };
}

/** What the client shows for itself: nothing, a secret, or signatures of a key. */
type Secret = undefined | string | CryptoKey;

async function readSecret({ clientSecretFile, clientKeyFile }: ProviderConfig, folder: string): Promise<Secret> {
  const file = clientSecretFile ?? clientKeyFile;
  if (file === undefined) return undefined;
  const path = resolve(folder, file);
  const text = await readPrivateFile(path).catch((cause: Error) => {
    throw new AttestryError("USAGE_FILE", cause.message, { cause });
  });
  return clientSecretFile === undefined ? importKey(text, path) : text.trim();
}

/** RS256 for an RSA key, ES256 for one on P-256: what providers take. @throws USAGE */
async function importKey(pem: string, path: string): Promise<CryptoKey> {
  try {
    const key = createPrivateKey(pem);
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const algorithm = key.asymmetricKeyType === "rsa" ? rsa : { name: "ECDSA", namedCurve: "P-256" };
    const der = key.export({ format: "der", type: "pkcs8" });
    return await crypto.subtle.importKey("pkcs8", der, algorithm, false, ["sign"]);
  } catch (cause) {
    throw new AttestryError("USAGE", `${path} is not an RSA or P-256 private key in PEM.`, { cause });
  }
}

async function fetchOrUnavailable(url: string, init: OpenIdClient.CustomFetchOptions): Promise<Response> {
  const unavailable = (why: string, cause?: unknown): AttestryError =>
    new AttestryError("UNAVAILABLE_SIGN_IN", undefined, { data: { why }, cause });
  const { host } = new URL(url);
  let response: Response;
  try {
    response = await fetch(url, init as RequestInit);
  } catch (cause) {
    throw unavailable(`${host} cannot be reached`, cause);
  }
  if (response.status >= 500) throw unavailable(`${host} answers ${response.status}`);
  return response;
}

/** Errors as ours: the library wraps what its fetch throws. */
async function told<T>(action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
      if (isAttestryError(cause)) throw cause;
      if ((cause as { code?: unknown }).code === "OAUTH_TIMEOUT" || cause.name === "TimeoutError") {
        throw new AttestryError("UNAVAILABLE_SIGN_IN", undefined, { data: { why: "no answer in time" }, cause });
      }
    }
    const { name, code, error: told } = error as { name?: string; code?: string; error?: string };
    throw refused([name, code, told].filter((part) => typeof part === "string").join(" "), error);
  }
}

function refused(why: string, cause?: unknown): AttestryError {
  return new AttestryError("POLICY_SIGN_IN", undefined, { data: { why }, ...(cause === undefined ? {} : { cause }) });
}

type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

/** The name says which provider vouches for it, so that nobody is taken for another provider's, or for a token. */
function whoIs(claims: Claims, config: ProviderConfig): SignedIn {
  const claim = (name: string): unknown =>
    name === "email" && claims["email_verified"] === false ? undefined : claims[name]; // anybody could have typed it
  const named = claim(config.nameClaim ?? "email");
  const name = typeof named === "string" && /^[^\p{C}\u2028\u2029]{1,200}$/u.test(named) ? named : claims.sub;
  const values = [claim(config.roleClaim)].flat();
  const found = values.flatMap((value) =>
    typeof value === "string" && Object.hasOwn(config.roles, value) ? (config.roles[value] ?? []) : [],
  );
  return { name: `${config.id}:${name}`, roles: [...new Set(found)] };
}
