/** The vault's objects: storing in one request, finding, reading by range, and the acts of custody. Each act is in the log before it is done. */
import { Readable } from "node:stream";
import { AttestryError, decodeHex, encodeHex, equalBytes } from "@attestry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { principalOf } from "../access/hook.ts";
import { findNewest } from "../find.ts";
import type { Notary } from "../notary.ts";
import type { Access, Reading, Vault } from "../vault/vault.ts";
import { streamBody } from "./body.ts";
import type { RouteContext } from "./context.ts";
import {
  type ClassBody,
  classBody,
  classList,
  custodyList,
  type ExportBody,
  exportBody,
  type HashParams,
  hashParams,
  type ObjectQueryParams,
  type OrderBody,
  objectPage,
  objectQuery,
  objectSchema,
  orderBody,
  type PurposeQuery,
  purposeQuery,
  type RefParams,
  refParams,
  type StoreQuery,
  storeQuery,
  toClassList,
  toCustodyJson,
  toObjectJson,
} from "./object-schemas.ts";
import { parseRange } from "./range.ts";
import { failures } from "./schemas.ts";

const tags = ["vault"];
const security = [{ administrator: [] }];

/** Who acts, as the custody record has it. */
export function accessOf(request: FastifyRequest, purpose: string): Access {
  return { who: principalOf(request).name, purpose };
}

export async function objectRoutes(app: FastifyInstance, { vault, notary }: RouteContext): Promise<void> {
  if (vault === undefined) return;
  await app.register(storingRoute, { vault, notary });
  app.addHook("onSend", async (_request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });

  app.get("/v1/record-classes", {
    config: { permission: "class:read" },
    schema: {
      tags,
      summary: "The record classes, and how long each keeps",
      security,
      response: { 200: classList, ...failures },
    },
    handler: async () => toClassList(vault.recordClasses),
  });

  app.get<{ Querystring: ObjectQueryParams }>("/v1/objects", {
    config: { permission: "object:read" },
    schema: {
      tags,
      summary: "Find objects, the latest stored first",
      security,
      querystring: objectQuery,
      response: { 200: objectPage, ...failures },
    },
    async handler({ query }) {
      const { hash, cursor, limit, subject, recordClass, state } = query;
      const { objects, next } = await vault.find({
        contentHash: hash === undefined ? undefined : decodeHex(hash),
        subject,
        recordClass,
        state,
        below: cursor === undefined ? undefined : Number(cursor),
        limit,
      });
      return { objects: objects.map(toObjectJson), ...(next === undefined ? {} : { next: String(next) }) };
    },
  });

  app.get<{ Params: RefParams }>("/v1/objects/:ref", {
    config: { permission: "object:read" },
    schema: { tags, summary: "One object", security, params: refParams, response: { 200: objectSchema, ...failures } },
    handler: async ({ params }) => toObjectJson(await vault.object(params.ref)),
  });

  app.get<{ Params: RefParams; Querystring: PurposeQuery }>("/v1/objects/:ref/content", {
    config: { permission: "object:read", unlimited: true },
    schema: {
      tags,
      summary: "An object's content, or a range of it",
      description:
        "With a Range header only the segments that it touches are decrypted. The reading is in the custody record.",
      security,
      params: refParams,
      querystring: purposeQuery,
    },
    async handler(request, reply) {
      const { ref } = request.params;
      const access = accessOf(request, request.query.purpose ?? "viewing");
      const { id, size } = await vault.object(ref);
      const range = parseRange(request.headers.range, size);
      reply.header("accept-ranges", "bytes");
      if (range === "unsatisfiable") {
        reply.code(416).header("content-range", `bytes */${size}`);
        return reply.send();
      }
      if (request.method === "HEAD") return send(reply, await headOnly(vault, id));
      return send(reply, await vault.read(id, access, range), range !== undefined);
    },
  });

  app.post<{ Params: RefParams; Body: ExportBody }>("/v1/objects/:ref/export", {
    config: { permission: "object:export" },
    schema: {
      tags,
      summary: "Give an object's content out of the agency's hands",
      security,
      params: refParams,
      body: exportBody,
    },
    handler: async (request, reply) =>
      send(reply, await vault.export(request.params.ref, accessOf(request, request.body.purpose))),
  });

  app.get<{ Params: RefParams }>("/v1/objects/:ref/custody", {
    config: { permission: "custody:read" },
    schema: {
      tags,
      summary: "Who did what to an object, when, and for what purpose",
      description: "Each event's SHA-256 is in the log, so none can be changed or left out unnoticed.",
      security,
      params: refParams,
      response: { 200: custodyList, ...failures },
    },
    handler: async ({ params }) => ({
      issuer: vault.custodyIssuer,
      events: (await vault.custodyOf(params.ref)).map(toCustodyJson),
    }),
  });

  orderRoute(app, "hold", "object:hold", "Place a legal hold", (...args) => vault.hold(...args));
  orderRoute(app, "release", "object:hold", "Lift a legal hold", (...args) => vault.release(...args));
  orderRoute(app, "erase", "object:erase", "Erase content on a lawful order, for good", (...args) =>
    vault.erase(...args),
  );

  app.post<{ Params: RefParams; Body: ClassBody }>("/v1/objects/:ref/reclassify", {
    config: { permission: "object:classify" },
    schema: {
      tags,
      summary: "Move an object to another record class",
      security,
      params: refParams,
      body: classBody,
      response: { 200: objectSchema, ...failures },
    },
    async handler(request) {
      const { recordClass, purpose } = request.body;
      return toObjectJson(await vault.reclassify(request.params.ref, recordClass, accessOf(request, purpose)));
    },
  });
}

function orderRoute(
  app: FastifyInstance,
  act: string,
  permission: "object:hold" | "object:erase",
  summary: string,
  run: Vault["hold"],
): void {
  app.post<{ Params: RefParams; Body: OrderBody }>(`/v1/objects/:ref/${act}`, {
    config: { permission },
    schema: {
      tags,
      summary,
      security,
      params: refParams,
      body: orderBody,
      response: { 200: objectSchema, ...failures },
    },
    async handler(request) {
      const { order, purpose } = request.body;
      return toObjectJson(await run(request.params.ref, order, accessOf(request, purpose)));
    },
  });
}

interface StoringParts {
  readonly vault: Vault;
  readonly notary: Notary;
}

/** A scope of its own, whose bodies are content and are not read into memory. */
async function storingRoute(app: FastifyInstance, { vault, notary }: StoringParts): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
  app.put<{ Params: HashParams; Querystring: StoreQuery }>("/v1/objects/:hash", {
    config: { permission: "object:store", unlimited: true, longBody: true },
    bodyLimit: Number.MAX_SAFE_INTEGER,
    schema: {
      tags,
      summary: "Store content whose statement is in the log",
      description:
        "Body: the content, whose SHA-256 the address names. What is large, or comes over a bad line, is better uploaded (`/v1/uploads`).",
      security,
      params: hashParams,
      querystring: storeQuery,
      response: { 200: objectSchema, ...failures },
    },
    async handler(request) {
      const { query, params, headers } = request;
      const access = accessOf(request, query.purpose ?? "storing");
      const hash = decodeHex(params.hash);
      const entryIndex = await statementAbout(hash);
      const length = headers["content-length"];
      const { id } = await vault.begin({
        who: access.who,
        recordClass: query.recordClass,
        contentType: headers["content-type"],
        size: length === undefined ? undefined : Number(length),
      });
      try {
        await vault.append(id, 0, streamBody(request.body));
        const { content } = await vault.complete(id);
        if (!equalBytes(content.hash, hash)) {
          const message = `The content's SHA-256 is ${encodeHex(content.hash)}, not the one in the address.`;
          throw new AttestryError("VERIFY_DIGEST", message);
        }
        return toObjectJson(await vault.commit(id, { entryIndex }, access));
      } catch (error) {
        await vault.cancel(id); // nobody knows the upload's id, so nobody could go on with it
        throw error;
      }
    },
  });

  async function statementAbout(digest: Uint8Array): Promise<number> {
    const entry = await findNewest(notary, { digest });
    if (entry !== undefined) return entry.index;
    throw new AttestryError("NOT_FOUND", "No statement about this content is in the log: notarise it first.");
  }
}

async function headOnly(vault: Vault, id: string): Promise<Reading> {
  const object = await vault.object(id);
  return { object, start: 0, end: object.size, content: { async *[Symbol.asyncIterator]() {} } };
}

/** Content is for this reader alone, never to be shown as a page of the notary's own. */
function send(reply: FastifyReply, { object, start, end, content }: Reading, isPart = false): FastifyReply {
  if (isPart) reply.code(206).header("content-range", `bytes ${start}-${end - 1}/${object.size}`);
  reply
    .header("content-length", end - start)
    .header("content-security-policy", "default-src 'none'; sandbox")
    .header("x-content-type-options", "nosniff")
    .header("cache-control", "private, no-store")
    .header("etag", `"${encodeHex(object.contentHash)}"`)
    .type(object.contentType ?? "application/octet-stream");
  return reply.send(Readable.from(content, { objectMode: false, highWaterMark: 1024 * 1024 }));
}
