/** Tokens, client certificates and the record of administrative actions: what administrators decide and auditors read. */
import { AttestryError, encodeBase64Url } from "@attestry/core";
import type { FastifyInstance } from "fastify";
import { Type } from "typebox";
import type { Access } from "../access/access.ts";
import { principalOf } from "../access/hook.ts";
import type { RecordedAction } from "../access/record-action.ts";
import { hashSecret } from "../access/secrets.ts";
import type { Credential, Session } from "../access/store.ts";
import {
  type ActionJson,
  type ActionQuery,
  actionList,
  actionQuery,
  type LinkJson,
  linkSchema,
  newTokenSchema,
  type OpenSessionJson,
  type SessionParams,
  sessionList,
  sessionParams,
  type TokenBody,
  type TokenJson,
  type TokenParams,
  tokenBody,
  tokenList,
  tokenParams,
  tokenSchema,
} from "./access-schemas.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import { failures } from "./schemas.ts";

const tags = ["access"];
const config = { permission: "access:manage" } as const;
const security = [{ administrator: [] }];

export async function accessRoutes(app: FastifyInstance, { access }: RouteContext): Promise<void> {
  if (access === undefined) return;
  app.addHook("onSend", async (_request, reply) => void reply.header("cache-control", "no-store"));
  addTokens(app, access);
  addSessions(app, access);
  addActions(app, access);
}

function addTokens(app: FastifyInstance, { credentials }: Access): void {
  app.get("/v1/tokens", {
    config,
    schema: {
      tags,
      summary: "All tokens and client certificates, revoked ones too",
      security,
      response: { 200: tokenList, ...failures },
    },
    handler: async () => ({ tokens: (await credentials.list()).map(toJson) }),
  });

  app.post<{ Body: TokenBody }>("/v1/tokens", {
    config,
    schema: {
      tags,
      summary: "Make a token, or enrol a client certificate",
      description: "The answer holds the token's secret: it is shown this once.",
      security,
      body: tokenBody,
      response: { 200: newTokenSchema, ...failures },
    },
    async handler(request): Promise<TokenJson & { token?: string }> {
      const { name, roles, expiresAt, certificate } = request.body;
      const { credential, token } = await credentials.add(principalOf(request), {
        name,
        roles,
        ...(expiresAt === undefined ? {} : { expiresAt: parseTime(expiresAt) }),
        ...(certificate === undefined ? {} : { certificate }),
      });
      return { ...toJson(credential), ...(token === undefined ? {} : { token }) };
    },
  });

  app.post<{ Params: TokenParams }>("/v1/tokens/:id/revoke", {
    config,
    schema: {
      tags,
      summary: "Revoke a token or certificate",
      description: "From the next request on it opens nothing.",
      security,
      params: tokenParams,
      response: { 200: tokenSchema, ...failures },
    },
    handler: async (request) => toJson(await credentials.revoke(principalOf(request), request.params.id)),
  });
}

function addSessions(app: FastifyInstance, { sessions, sessionCookie, signIn }: Access): void {
  app.get("/v1/sessions", {
    config,
    schema: {
      tags,
      summary: "Who is signed in at the portal",
      security,
      response: { 200: sessionList, ...failures },
    },
    async handler(request) {
      const id = sessionCookie.read(request);
      const own = id === undefined ? undefined : hashSecret(id);
      return { sessions: (await sessions.list()).map((session) => toSessionJson(session, own)) };
    },
  });

  app.post<{ Params: SessionParams }>("/v1/sessions/:id/end", {
    config,
    schema: {
      tags,
      summary: "Sign somebody out",
      description: "The session opens nothing from the next request on.",
      security,
      params: sessionParams,
      response: { 204: Type.Null(), ...failures },
    },
    async handler(request, reply) {
      await sessions.endFor(principalOf(request), request.params.id);
      return reply.code(204).send();
    },
  });

  app.post("/v1/links", {
    config,
    schema: {
      tags,
      summary: "Make a one-time link to the portal",
      description: "Only with the token of the data folder: the link opens a session that may do all that it may.",
      security,
      response: { 200: linkSchema, ...failures },
    },
    async handler(request): Promise<LinkJson> {
      if (principalOf(request).kind !== "local") throw new AttestryError("POLICY_FORBIDDEN");
      return { path: `/auth/local?code=${signIn.makeLocalCode()}` };
    },
  });
}

function addActions(app: FastifyInstance, { actions }: Access): void {
  app.get<{ Querystring: ActionQuery }>("/v1/actions", {
    config: { permission: "action:read" },
    schema: {
      tags,
      summary: "What administrators did, the newest first",
      description: "`before` takes the last `sequence` of the page before.",
      security,
      querystring: actionQuery,
      response: { 200: actionList, ...failures },
    },
    handler: async ({ query }) => ({ actions: (await actions.list(query.before, query.limit)).map(toActionJson) }),
  });
}

function parseTime(text: string): number {
  const time = Date.parse(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && Number.isFinite(time)) return Math.floor(time / 1000);
  throw new AttestryError("MALFORMED_REQUEST", "expiresAt must be a time like 2027-01-01T00:00:00Z.");
}

function toJson({ id, kind, key, name, roles, addedAt, expiresAt, lastUsedAt, revokedAt }: Credential): TokenJson {
  return {
    id,
    kind,
    name,
    roles,
    addedAt: isoTime(addedAt),
    ...(kind === "certificate" ? { certificate: key } : {}),
    ...(expiresAt === undefined ? {} : { expiresAt: isoTime(expiresAt) }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: isoTime(lastUsedAt) }),
    ...(revokedAt === undefined ? {} : { revokedAt: isoTime(revokedAt) }),
  };
}

function toSessionJson(
  { key, name, roles, provider, startedAt, seenAt }: Session,
  own: string | undefined,
): OpenSessionJson {
  const by = provider === undefined ? {} : { provider };
  return {
    id: key,
    name,
    roles,
    ...by,
    ...(key === own && { isOwn: true }),
    startedAt: isoTime(startedAt),
    seenAt: isoTime(seenAt),
  };
}

function toActionJson({ sequence, entryIndex, event, action, who, time, facts }: RecordedAction): ActionJson {
  return { sequence, entryIndex, action, who, time: isoTime(time), facts, event: encodeBase64Url(event) };
}
