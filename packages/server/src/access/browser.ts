/**
 * What the notary takes from browsers' requests: its cookies (RFC 6265bis), and whether one of its own pages sent the request
 * (Origin, RFC 6454; Fetch Metadata, W3C).
 */
import type { FastifyReply, FastifyRequest } from "fastify";

/** Who the notary is to browsers: `https://notary.example.gov`, where a proxy or a provider must know it. */
export interface PublicAddress {
  readonly publicUrl?: string | undefined;
}

/**
 * The origin under which the browser reached the notary. A proxy that ends TLS leaves the request plain: its address is known then
 * as the public one.
 */
export function originOf(request: FastifyRequest, { publicUrl }: PublicAddress): string {
  const known = publicUrl === undefined ? undefined : new URL(publicUrl);
  return known?.host === request.host ? known.origin : `${request.protocol}://${request.host}`;
}

/**
 * Whether another site's page caused the request. What browsers add by themselves, cookies and client certificates, must not count
 * then. A program that is no browser sends neither header.
 */
export function isForeign(request: FastifyRequest, address: PublicAddress): boolean {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true; // none: the person typed the address
  const { origin } = request.headers;
  return origin !== undefined && origin !== originOf(request, address);
}

export interface CookieJar {
  read(request: FastifyRequest): string | undefined;
  /** For this browser session, out of reach of scripts and of other sites' posts. */
  set(request: FastifyRequest, reply: FastifyReply, value: string): void;
  clear(request: FastifyRequest, reply: FastifyReply): void;
}

/** A cookie of ours: `__Host-NAME` and Secure over TLS, `NAME` on plain loopback, where a browser may take no Secure one. */
export function createCookie(name: string, address: PublicAddress): CookieJar {
  const place = (request: FastifyRequest): { full: string; secure: string } =>
    originOf(request, address).startsWith("https:")
      ? { full: `__Host-${name}`, secure: "; Secure" }
      : { full: name, secure: "" };
  const write = (request: FastifyRequest, reply: FastifyReply, value: string, more: string): void => {
    const { full, secure } = place(request);
    reply.header("set-cookie", `${full}=${value}; Path=/; HttpOnly; SameSite=Lax${secure}${more}`);
  };
  return {
    read(request: FastifyRequest): string | undefined {
      const { full } = place(request);
      const values = (request.headers.cookie ?? "").split(";").flatMap((pair) => {
        const [, key, value] = /^\s*([^=\s]+)=([A-Za-z0-9_-]{1,200})\s*$/.exec(pair) ?? [];
        return key === full && value !== undefined ? [value] : [];
      });
      return values.length === 1 ? values[0] : undefined; // two of one name: somebody planted one
    },
    set: (request, reply, value) => write(request, reply, value, ""),
    clear: (request, reply) => write(request, reply, "", "; Max-Age=0"),
  };
}
