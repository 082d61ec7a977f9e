/** Reading entries: look-up, one entry, its proof file, and its receipt as SCRAPI has it (draft-ietf-scitt-scrapi-11 §2.1.3). */
import {
  AttestryError,
  decodeBase64Url,
  decodeHex,
  encodeHex,
  encodeKeySet,
  encodeNamedCoseKey,
  equalBytes,
  keyThumbprint,
} from "@attestry/core";
import type { EntrySummary } from "@attestry/core/client";
import type { FastifyInstance } from "fastify";
import type { FoundEntry } from "../find.ts";
import type { RouteContext } from "./context.ts";
import {
  type EntryQueryParams,
  entryPage,
  entryQuery,
  entrySchema,
  failures,
  type IndexParams,
  indexParams,
} from "./schemas.ts";

export async function entryRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  app.get<{ Querystring: EntryQueryParams }>("/v1/entries", {
    schema: {
      tags: ["entries"],
      summary: "Find entries, newest first",
      description:
        "By the file's hash, issuer, subject, the entry they relate to, or time of registration. A page may be empty and still have a `next`.",
      querystring: entryQuery,
      response: { 200: entryPage, ...failures },
    },
    async handler({ query }) {
      const { entries, next } = await notary.find({
        digest: query.hash === undefined ? undefined : decodeHex(query.hash),
        relatesTo: query.relatesTo === undefined ? undefined : decodeHex(query.relatesTo),
        issuer: query.issuer,
        subject: query.subject,
        from: parseTime(query.from),
        to: parseTime(query.to),
        limit: query.limit,
        below: query.cursor === undefined ? undefined : Number(query.cursor),
      });
      return { entries: entries.map(toJson), ...(next === undefined ? {} : { next: String(next) }) };
    },
  });

  app.get<{ Params: IndexParams }>("/v1/entries/:index", {
    schema: {
      tags: ["entries"],
      summary: "One entry",
      params: indexParams,
      response: { 200: entrySchema, ...failures },
    },
    handler: async ({ params }) => toJson(await notary.entry(params.index)),
  });

  app.get<{ Params: IndexParams }>("/v1/entries/:index/proof", {
    schema: {
      tags: ["entries"],
      summary: "An entry's proof file",
      description: "A SCITT transparent statement, with cosignatures and later statements that came since.",
      params: indexParams,
      response: failures,
    },
    async handler({ params }, reply) {
      reply.type("application/cose").header("cache-control", "no-cache");
      return notary.proofFile(params.index);
    },
  });
}

export async function scrapiRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  const config = { problems: "cbor" } as const;
  app.get<{ Params: IndexParams }>("/entries/:index", {
    config,
    schema: { tags: ["SCRAPI"], summary: "An entry's receipt", params: indexParams },
    async handler({ params }, reply) {
      reply.type("application/cose").header("cache-control", "no-cache");
      return notary.receipt(params.index);
    },
  });

  app.get("/.well-known/scitt-keys", {
    config,
    schema: { tags: ["SCRAPI"], summary: "The log's receipt keys, as a COSE Key Set" },
    async handler(_request, reply) {
      reply.type("application/cbor").header("cache-control", "max-age=3600");
      return encodeKeySet([notary.receiptKey]);
    },
  });

  app.get<{ Params: { kid: string } }>("/.well-known/scitt-keys/:kid", {
    config,
    schema: { tags: ["SCRAPI"], summary: "One of the log's receipt keys, by its kid (base64url)" },
    async handler({ params }, reply) {
      const kid = decodeBase64Url(params.kid);
      if (!equalBytes(kid, keyThumbprint(notary.receiptKey)))
        throw new AttestryError("NOT_FOUND", "The log has no such key.");
      reply.type("application/cbor").header("cache-control", "max-age=3600");
      return encodeNamedCoseKey(notary.receiptKey);
    },
  });
}

function toJson({ index, leafHash, statement, registeredAt }: FoundEntry): EntrySummary {
  const { relation, after, contentType, issuedAt } = statement;
  return {
    index,
    leafHash: encodeHex(leafHash),
    hash: encodeHex(statement.digest),
    issuer: statement.issuer,
    subject: statement.subject,
    issuedAt: isoTime(issuedAt),
    registeredAt: isoTime(registeredAt),
    ...(contentType === undefined ? {} : { contentType }),
    ...(relation === undefined ? {} : { relation: { ...relation, target: encodeHex(relation.target) } }),
    ...(after === undefined ? {} : { after: { ...after, rootHash: encodeHex(after.rootHash) } }),
  };
}

/** Whole seconds of Unix time; a year beyond 9999 is the last second of that year, since ISO 8601 ends there. */
export function isoTime(seconds: number): string {
  return new Date(Math.min(seconds, 253_402_300_799) * 1000).toISOString();
}

/** Whole seconds of Unix time, rounded up: what is registered within a second has that second's time. */
function parseTime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const milliseconds = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(milliseconds))
    throw new AttestryError("MALFORMED_REQUEST", "A time looks like 2026-11-22T10:00:00Z.");
  return Math.ceil(milliseconds / 1000);
}
