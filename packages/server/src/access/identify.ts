/**
 * Who makes a request, in the order in which it counts: a bearer token, the session's cookie, a client certificate. What a browser
 * adds by itself counts only on requests of the notary's own pages.
 */
import type { TLSSocket } from "node:tls";
import { AttestryError } from "@attestry/core";
import type { FastifyRequest } from "fastify";
import { type CookieJar, isForeign, type PublicAddress } from "./browser.ts";
import { certificateKeys } from "./certificates.ts";
import type { Credentials } from "./credentials.ts";
import { localPrincipal, type Principal } from "./roles.ts";
import { matcherOf } from "./secrets.ts";
import type { Sessions } from "./sessions.ts";

export interface IdentifyParts extends PublicAddress {
  /** The token of the data folder. */
  readonly adminToken?: string | undefined;
  readonly credentials?: Credentials | undefined;
  readonly sessions?: { readonly sessions: Sessions; readonly cookie: CookieJar } | undefined;
}

/**
 * Undefined when the request shows nothing that the notary knows.
 * @throws POLICY_UNAUTHORISED when it shows something wrong, with the reason in `data.why`; POLICY_CROSS_SITE; UNAVAILABLE_STORAGE
 */
export type Identify = (request: FastifyRequest) => Promise<Principal | undefined>;

export function createIdentify({ adminToken, ...parts }: IdentifyParts): Identify {
  const isAdmin = adminToken === undefined ? (): boolean => false : matcherOf(adminToken);
  return async (request) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) return fromBearer(authorization, isAdmin, parts.credentials);
    return (await fromSession(request, parts)) ?? fromCertificate(request, parts);
  };
}

async function fromBearer(
  header: string,
  isAdmin: (token: string) => boolean,
  credentials: Credentials | undefined,
): Promise<Principal> {
  const token = /^Bearer ([A-Za-z0-9._~+/=-]{1,200})$/i.exec(header)?.[1]; // RFC 6750 §2.1
  if (token !== undefined && isAdmin(token)) return localPrincipal;
  if (token !== undefined && credentials !== undefined) return credentials.findToken(token);
  throw new AttestryError("POLICY_UNAUTHORISED", undefined, { data: { why: "unknown token" } });
}

async function fromSession(request: FastifyRequest, parts: IdentifyParts): Promise<Principal | undefined> {
  const { cookie, sessions } = parts.sessions ?? {};
  const id = cookie?.read(request);
  if (id === undefined || sessions === undefined) return undefined;
  const live = await sessions.find(id);
  if (live === undefined) return undefined;
  const who = live.principal.name;
  if (isForeign(request, parts)) throw crossSite(`another site's page used the session of ${who}`);
  if (!isSafe(request.method)) {
    if (request.headers.origin === undefined) throw crossSite(`no Origin, session of ${who}`);
    const csrf = request.headers["x-attestry-csrf"];
    if (typeof csrf !== "string" || !matcherOf(live.csrf)(csrf)) throw crossSite(`wrong CSRF token, session of ${who}`);
  }
  return live.principal;
}

async function fromCertificate(request: FastifyRequest, parts: IdentifyParts): Promise<Principal | undefined> {
  const socket = request.raw.socket as Partial<TLSSocket>;
  if (parts.credentials === undefined || socket.authorized !== true) return undefined;
  const der = socket.getPeerX509Certificate?.()?.raw;
  if (der === undefined) return undefined;
  const found = await parts.credentials.findCertificate(await certificateKeys(der));
  if (found !== undefined && isForeign(request, parts)) {
    throw crossSite(`another site's page used the certificate of ${found.name}`);
  }
  return found;
}

/** RFC 9110 §9.2.1 */
function isSafe(method: string): boolean {
  return method === "GET" || method === "HEAD" || method === "OPTIONS";
}

function crossSite(why: string): AttestryError {
  return new AttestryError("POLICY_CROSS_SITE", undefined, { data: { why } });
}
