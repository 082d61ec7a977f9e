/**
 * Registration: batches as our own API has them, single statements as SCRAPI does (draft-ietf-scitt-scrapi-11, §2.1). Both answer
 * once the entries are durable.
 */
import { AttestryError, type CborValue, decodeCbor, encodeCbor } from "@attestry/core";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Registered } from "../registration.ts";
import { takeBytes } from "./body.ts";
import type { RouteContext } from "./context.ts";
import { toRefusal } from "./problem.ts";
import { failures } from "./schemas.ts";

/** `POST /v1/entries`: a CBOR array of signed statements, answered in their order; one bad statement does not spoil the others. */
export async function batchRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  takeBytes(app, ["application/cbor"], context.intake);
  app.post("/v1/entries", {
    bodyLimit: context.limits.batchBytes,
    config: { unlimited: true },
    schema: {
      tags: ["registration"],
      summary: "Register a batch of signed statements",
      description:
        "Body: CBOR array of byte strings. Answer: `{checkpoints: [bstr], entries: [{index, leafHash, receipt, checkpoint, isNew} or {error: {code, detail}}]}` in the order of the statements.",
      consumes: ["application/cbor"],
      response: failures,
    },
    async handler(request: FastifyRequest, reply: FastifyReply): Promise<Uint8Array> {
      const statements = readBatch(request.body, context.limits.batchStatements);
      context.registering?.take(request.ip, statements.length);
      const registered = await context.notary.register(statements);
      reply.type("application/cbor").header("cache-control", "no-store");
      return encodeAnswer(registered, context);
    },
  });
}

/** `POST /entries`: one signed statement, answered with its receipt (draft-ietf-scitt-scrapi-11 §2.1.2). */
export async function statementRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  takeBytes(app, ["application/cose"], context.intake);
  app.post("/entries", {
    // A chain of certificates may come along, which the entry does not keep.
    bodyLimit: 256 * 1024,
    config: { unlimited: true, problems: "cbor" },
    schema: {
      tags: ["SCRAPI"],
      summary: "Register a signed statement",
      description: "Body: COSE_Sign1. Answer: 201 with the COSE receipt; Location is where it can be had again.",
      consumes: ["application/cose"],
    },
    async handler(request: FastifyRequest, reply: FastifyReply): Promise<Uint8Array> {
      context.registering?.take(request.ip, 1);
      if (!(request.body instanceof Uint8Array)) throw new AttestryError("MALFORMED_REQUEST", "There is no statement.");
      const { outcomes, head } = await context.notary.register([request.body]);
      const outcome = outcomes[0];
      if (outcome === undefined || "error" in outcome) throw outcome?.error;
      reply.code(201).type("application/cose").header("location", `/entries/${outcome.index}`);
      return context.notary.receiptOf(outcome.index, head);
    },
  });
}

function readBatch(body: unknown, most: number): Uint8Array[] {
  if (!(body instanceof Uint8Array)) throw new AttestryError("MALFORMED_REQUEST", "There is no batch of statements.");
  const items = decodeCbor(body);
  if (!Array.isArray(items) || !items.every((item): item is Uint8Array => item instanceof Uint8Array)) {
    throw new AttestryError("MALFORMED_REQUEST", "A batch is an array of byte strings, each a signed statement.");
  }
  if (items.length > most) throw new AttestryError("POLICY_TOO_LARGE", `A batch has at most ${most} statements.`);
  return items;
}

async function encodeAnswer({ outcomes, head }: Registered, { notary }: RouteContext): Promise<Uint8Array> {
  const indexes = outcomes.flatMap((outcome) => ("error" in outcome ? [] : [outcome.index]));
  const receipts = await notary.receipts(indexes, head);
  let next = 0;
  const entries = outcomes.map((outcome): CborValue => {
    if ("error" in outcome) return new Map([["error", new Map(Object.entries(toRefusal(outcome.error)))]]);
    const receipt = receipts[next++] ?? new Uint8Array();
    const { index, leafHash, isNew } = outcome;
    return new Map<string, CborValue>(Object.entries({ index, isNew, receipt, leafHash, checkpoint: 0 }));
  });
  const checkpoints = indexes.length > 0 ? [head.note] : [];
  return encodeCbor(new Map<string, CborValue>(Object.entries({ checkpoints, entries })));
}
