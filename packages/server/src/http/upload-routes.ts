/**
 * Uploads that survive a dropped line, a client that starts again and a server that does: tus 1.0.0 (https://tus.io/protocols/resumable-upload)
 * with creation, creation-defer-length, expiration and termination, over the vault. Then the signed statement makes an object of it.
 */
import { AttestryError, encodeHex, isAttestryError } from "@attestry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { principalOf } from "../access/hook.ts";
import type { Upload, Vault } from "../vault/vault.ts";
import { streamBody, takeBytes } from "./body.ts";
import type { RouteContext } from "./context.ts";
import { accessOf } from "./object-routes.ts";
import {
  objectSchema,
  type PurposeQuery,
  purposeQuery,
  toObjectJson,
  toUploadJson,
  type UploadParams,
  uploadParams,
  uploadSchema,
} from "./object-schemas.ts";
import { failures } from "./schemas.ts";

const tags = ["vault"];
const security = [{ administrator: [] }];
const version = "1.0.0";
const maxMetadata = 4096;
const config = { permission: "object:store", unlimited: true } as const;

export async function uploadRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const { vault } = context;
  if (vault === undefined) return;
  await app.register(tusRoutes, { vault });
  await app.register(commitRoute, { ...context, vault });

  app.get<{ Params: UploadParams }>("/v1/uploads/:id", {
    config,
    exposeHeadRoute: false, // HEAD is tus's own
    schema: {
      tags,
      summary: "Where an upload stands",
      security,
      params: uploadParams,
      response: { 200: uploadSchema, ...failures },
    },
    handler: async (request) => toUploadJson(await ownUpload(vault, request)),
  });
}

/** A scope of its own: its bodies are content and are not read into memory. */
async function tusRoutes(app: FastifyInstance, { vault }: { vault: Vault }): Promise<void> {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/offset+octet-stream", (_request, payload, done) => done(null, payload));
  app.addHook("onRequest", async (request, reply) => {
    reply.header("tus-resumable", version).header("cache-control", "no-store");
    // tus 1.0.0: OPTIONS needs no version; another one is answered with 412.
    if (request.method === "OPTIONS" || request.headers["tus-resumable"] === version) return;
    reply.header("tus-version", version);
    throw new AttestryError("MALFORMED_REQUEST", `The header Tus-Resumable must be ${version}.`, {
      data: { answer: 412 },
    });
  });

  app.options("/v1/uploads", { schema: { hide: true } }, async (_request, reply) => {
    reply
      .header("tus-version", version)
      .header("tus-extension", "creation,creation-defer-length,expiration,termination");
    return reply.code(204).send();
  });

  app.post("/v1/uploads", {
    config,
    schema: {
      tags,
      summary: "Begin an upload (tus)",
      description:
        "`Upload-Metadata` may name `contentType` (or `filetype`) and `recordClass`; all of it comes back with the upload.",
      security,
    },
    async handler(request, reply) {
      const metadata = oneHeader(request, "upload-metadata") ?? "";
      const named = parseMetadata(metadata);
      const upload = await vault.begin({
        who: principalOf(request).name,
        recordClass: named.get("recordClass"),
        contentType: named.get("contentType") ?? named.get("filetype"),
        size: declaredSize(request),
        metadata,
      });
      return state(reply, upload).code(201).header("location", `/v1/uploads/${upload.id}`).send();
    },
  });

  app.head<{ Params: UploadParams }>("/v1/uploads/:id", {
    config,
    schema: { tags, summary: "Where an upload stands (tus)", security, params: uploadParams },
    handler: async (request, reply) =>
      state(reply, await ownUpload(vault, request))
        .code(200)
        .send(),
  });

  app.patch<{ Params: UploadParams }>("/v1/uploads/:id", {
    config: { ...config, longBody: true },
    bodyLimit: Number.MAX_SAFE_INTEGER,
    schema: {
      tags,
      summary: "Add content at an offset (tus)",
      description:
        "What was stored when a line breaks off counts. The answer to the last part names the content's SHA-256 in `Attestry-Content-Hash`.",
      consumes: ["application/offset+octet-stream"],
      security,
      params: uploadParams,
    },
    async handler(request, reply) {
      const { id } = request.params;
      checkOwn(await vault.uploader(id), request);
      const offset = integerHeader(request, "upload-offset");
      if (offset === undefined) throw new AttestryError("MALFORMED_REQUEST", "The header Upload-Offset is missing.");
      const length = integerHeader(request, "content-length");
      const size = integerHeader(request, "upload-length"); // of one whose length was deferred, with its last part
      const isLast = size !== undefined && length !== undefined && offset + length === size;
      const upload = await vault.append(id, offset, streamBody(request.body), { isLast });
      const isWhole = upload.content !== undefined || upload.offset !== upload.size;
      return state(reply, isWhole ? upload : await vault.complete(id))
        .code(204)
        .send();
    },
  });

  app.delete<{ Params: UploadParams }>("/v1/uploads/:id", {
    config,
    schema: { tags, summary: "Give up an upload (tus)", security, params: uploadParams },
    async handler(request, reply) {
      const { id } = request.params;
      checkOwn(await vault.uploader(id), request);
      await vault.cancel(id);
      return reply.code(204).send();
    },
  });
}

/** The last step: a complete upload becomes an object under its signed statement. */
async function commitRoute(app: FastifyInstance, context: RouteContext & { vault: Vault }): Promise<void> {
  takeBytes(app, ["application/cose"], context.intake);
  app.post<{ Params: UploadParams; Querystring: PurposeQuery }>("/v1/uploads/:id/commit", {
    bodyLimit: 256 * 1024,
    config,
    schema: {
      tags,
      summary: "Make a complete upload an object, under a signed statement about its content",
      description:
        "Body: COSE_Sign1. The statement is registered, or found where it is registered already; the same again gives the same object.",
      consumes: ["application/cose"],
      security,
      params: uploadParams,
      querystring: purposeQuery,
      response: { 200: objectSchema, ...failures },
    },
    async handler(request) {
      if (!(request.body instanceof Uint8Array)) throw new AttestryError("MALFORMED_REQUEST", "There is no statement.");
      const access = accessOf(request, request.query.purpose ?? "storing");
      const { vault } = context;
      const { id } = request.params;
      const upload = await vault.upload(id).catch((error: unknown) => {
        // A client whose first commit went through unheard sends it again: the vault knows the object by its id.
        if (isAttestryError(error) && error.code === "NOT_FOUND") return undefined;
        throw error;
      });
      if (upload !== undefined) {
        checkOwn(upload.who, request);
        // What was sent of an upload whose length nobody told is all of it, when the statement says so.
        if (upload.content === undefined && upload.size === undefined) await vault.complete(id);
      }
      return toObjectJson(await vault.commit(id, request.body, access));
    },
  });
}

/** Another's upload is none. @throws NOT_FOUND */
async function ownUpload(vault: Vault, request: FastifyRequest): Promise<Upload> {
  const upload = await vault.upload((request.params as UploadParams).id);
  checkOwn(upload.who, request);
  return upload;
}

function checkOwn(who: string, request: FastifyRequest): void {
  if (who !== principalOf(request).name) throw new AttestryError("NOT_FOUND", "There is no such upload.");
}

function state(reply: FastifyReply, { offset, size, metadata, expiresAt, content }: Upload): FastifyReply {
  reply.header("upload-offset", offset);
  reply.header("upload-expires", new Date(expiresAt).toUTCString()); // tus 1.0.0, Expiration: a date of HTTP
  const length = size ?? content?.size;
  if (length === undefined) reply.header("upload-defer-length", "1");
  else reply.header("upload-length", length);
  if (metadata !== "") reply.header("upload-metadata", metadata);
  if (content !== undefined) reply.header("attestry-content-hash", encodeHex(content.hash));
  return reply;
}

function declaredSize(request: FastifyRequest): number | undefined {
  const size = integerHeader(request, "upload-length");
  const deferred = oneHeader(request, "upload-defer-length");
  if ((size === undefined) === (deferred === "1")) return size;
  throw new AttestryError("MALFORMED_REQUEST", "Either Upload-Length or Upload-Defer-Length: 1 is needed.");
}

function oneHeader(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

function integerHeader(request: FastifyRequest, name: string): number | undefined {
  const value = oneHeader(request, name);
  if (value === undefined) return undefined;
  if (/^(0|[1-9]\d{0,14})$/.test(value)) return Number(value);
  throw new AttestryError("MALFORMED_REQUEST", `The header ${name} is not a whole number.`);
}

/** tus 1.0.0, Upload-Metadata: pairs of a key and base64, separated by commas. */
function parseMetadata(header: string): ReadonlyMap<string, string> {
  const refuse = (): never => {
    throw new AttestryError("MALFORMED_REQUEST", "The header Upload-Metadata is malformed.");
  };
  if (header.length > maxMetadata) refuse();
  const pairs = new Map<string, string>();
  for (const pair of header === "" ? [] : header.split(",")) {
    const match = /^ *([\x21-\x2b\x2d-\x7e]+)(?: ([A-Za-z0-9+/]*={0,2}))? *$/.exec(pair) ?? refuse();
    pairs.set(match[1] ?? "", Buffer.from(match[2] ?? "", "base64").toString("utf8"));
  }
  return pairs;
}
