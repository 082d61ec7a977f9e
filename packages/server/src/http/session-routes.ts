/** Signing in and out at the portal: OpenID providers, the local one-time link, and what the portal asks of its session. */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Access } from "../access/access.ts";
import { originOf } from "../access/browser.ts";
import { sendProblemPage } from "../access/problem-page.ts";
import { permissionsOf } from "../access/roles.ts";
import { newSecret } from "../access/secrets.ts";
import type { WayBack } from "../access/sign-in.ts";
import { type SessionJson, sessionSchema } from "./access-schemas.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import { sendProblem, toProblem } from "./problem.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { failures } from "./schemas.ts";

/** Steps of signing in that one client may take; a sign-in has two. A whole office may be one client, and begins at nine. */
const attempts = { perSecond: 5, burst: 100 };

interface ProviderParams {
  readonly provider: string;
}

export async function sessionRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { access } = context;
  if (access === undefined) return;
  const limiter = createRateLimiter(attempts);
  app.addHook("onSend", async (_request, reply) => void reply.header("cache-control", "no-store"));

  app.get("/v1/session", {
    schema: {
      tags: ["access"],
      summary: "Who is signed in, what they may do, and how to sign in",
      response: { 200: sessionSchema, ...failures },
    },
    handler: (request) => describeSession(request, access),
  });

  // A change like others: it takes the session's CSRF token, so that no other site can sign people out.
  app.post("/auth/logout", { schema: { hide: true } }, async (request, reply) => ({
    next: await signOut(request, reply, access),
  }));

  await app.register(async (pages) => {
    pages.addHook("onRequest", async (request) => limiter.take(request.ip, 1));
    pages.setErrorHandler((error, request, reply) => refuse(error, request, reply, context));
    addSignInPages(pages, access);
  });
}

function addSignInPages(pages: FastifyInstance, access: Access): void {
  const { signIn, signInCookie } = access;
  const options = { schema: { hide: true }, exposeHeadRoute: false }; // who looks before fetching must use nothing up

  pages.get<{ Querystring: { code?: string } }>("/auth/local", options, async (request, reply) => {
    const { code } = request.query;
    return enter(request, reply, signIn.useLocalCode(typeof code === "string" ? code : ""), access);
  });

  pages.get<{ Params: ProviderParams; Querystring: { to?: string } }>(
    "/auth/:provider/login",
    options,
    async (request, reply) => {
      // one secret for all sign-ins of a browser, so that two tabs do not get in each other's way
      const browser = signInCookie.read(request) ?? newSecret();
      const redirectUri = callbackOf(request, access).href;
      const returnTo = pathOfOurs(request.query.to);
      const url = await signIn.start(request.params.provider, { browser, redirectUri, returnTo });
      signInCookie.set(request, reply, browser);
      return reply.redirect(url, 303);
    },
  );

  pages.get<{ Params: ProviderParams }>("/auth/:provider/callback", options, async (request, reply) => {
    const cameBackTo = callbackOf(request, access);
    cameBackTo.search = new URL(request.url, cameBackTo).search;
    const way = await signIn.finish(request.params.provider, cameBackTo, signInCookie.read(request));
    return enter(request, reply, way, access);
  });
}

/** Begins a session under a new id, whatever id the browser came with: nobody can have planted it. */
async function enter(
  request: FastifyRequest,
  reply: FastifyReply,
  way: WayBack,
  access: Access,
): Promise<FastifyReply> {
  const { sessions, sessionCookie } = access;
  const before = sessionCookie.read(request);
  if (before !== undefined) await sessions.end(before);
  sessionCookie.set(request, reply, await sessions.start(way.who));
  const { name, roles, provider } = way.who;
  request.log.info({ who: name, roles, provider, ip: request.ip }, "signed in");
  return reply.redirect(way.returnTo, 303);
}

/** @returns where the browser goes next: to the provider, that the person is signed out there too, or home */
async function signOut(request: FastifyRequest, reply: FastifyReply, access: Access): Promise<string> {
  const { sessions, sessionCookie, signIn, address } = access;
  await access.identify(request); // throws where another site asks for it
  const id = sessionCookie.read(request);
  const live = id === undefined ? undefined : await sessions.find(id);
  if (id !== undefined) await sessions.end(id);
  sessionCookie.clear(request, reply);
  if (live === undefined) return "/";
  request.log.info({ who: live.principal.name, ip: request.ip }, "signed out");
  const provider = live.provider;
  const next = provider === undefined ? undefined : await signIn.endUrl(provider, `${originOf(request, address)}/`);
  return next ?? "/";
}

async function describeSession(request: FastifyRequest, access: Access): Promise<SessionJson> {
  const { principal } = request;
  const providers = access.signIn.providers.map(({ id, label }) => ({ id, label, path: `/auth/${id}/login` }));
  if (principal === undefined) return { signedIn: false, roles: [], permissions: [], providers };
  const { name, kind, roles } = principal;
  const id = kind === "session" ? access.sessionCookie.read(request) : undefined;
  const live = id === undefined ? undefined : await access.sessions.find(id);
  return {
    signedIn: true,
    name,
    roles: [...roles],
    permissions: permissionsOf(principal),
    ...(live === undefined ? {} : { csrf: live.csrf, endsAt: isoTime(live.endsAt) }),
    providers,
  };
}

/** People get a page that says how to go on; programs a problem document. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, context: RouteContext): FastifyReply {
  const { status, code, retryAfter } = toProblem(error);
  const why = isAttestryError(error) ? error.data["why"] : undefined;
  const { provider } = request.params as Partial<ProviderParams>;
  context.notary.metrics.refusals.inc({ code });
  request.log.warn({ route: request.routeOptions.url, provider, ip: request.ip, code, why }, "sign-in refused");
  const { accept = "", "accept-language": accepts = "" } = request.headers;
  if (!accept.includes("text/html") || status === 500) return sendProblem(error, request, reply);
  if (retryAfter !== undefined) reply.header("retry-after", String(retryAfter));
  const known = context.access?.signIn.providers.some(({ id }) => id === provider);
  return sendProblemPage(reply, { status, code, again: known ? `/auth/${provider}/login` : undefined, accepts });
}

/** @throws MALFORMED_REQUEST when the request's Host is no address */
function callbackOf(request: FastifyRequest<{ Params: ProviderParams }>, { address }: Access): URL {
  const path = `/auth/${encodeURIComponent(request.params.provider)}/callback`;
  const url = URL.parse(path, originOf(request, address));
  if (url === null) throw new AttestryError("MALFORMED_REQUEST", "The request's Host is no address.");
  return url;
}

/** A path of our own, or the front page: what another site's link says must not lead anywhere else. */
function pathOfOurs(to: unknown): string {
  return typeof to === "string" && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,500}$/.test(to) ? to : "/";
}
