/**
 * Registration: batches as our own API has them, single statements as SCRAPI does (draft-ietf-scitt-scrapi-11, §2.1). Both answer
 * once the entries are durable.
 */
import { AttestryError, CborWriter, decodeCbor, encodeCbor } from "@attestry/core";
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

/** Bytes of an answer for each statement, about: a receipt in a tree of some million entries, and what stands beside it. */
const answerLength = 1024;

const names = {
  index: encodeCbor("index"),
  isNew: encodeCbor("isNew"),
  receipt: encodeCbor("receipt"),
  leafHash: encodeCbor("leafHash"),
  checkpoint: encodeCbor("checkpoint"),
};

/** Written at once: building it as a value first would take several times as long. Keys stand in their deterministic order. */
async function encodeAnswer({ outcomes, head }: Registered, { notary }: RouteContext): Promise<Uint8Array> {
  const indexes = outcomes.flatMap((outcome) => ("error" in outcome ? [] : [outcome.index]));
  const writeReceipt = await notary.receipts(indexes, head);
  const writer = new CborWriter(head.note.length + (outcomes.length + 1) * answerLength);
  let next = 0;
  writer.head(5, 2);
  writer.text("entries");
  writer.head(4, outcomes.length);
  for (const outcome of outcomes) {
    if ("error" in outcome) {
      writer.item(new Map([["error", new Map(Object.entries(toRefusal(outcome.error)))]]));
      continue;
    }
    writer.head(5, 5);
    writer.encoded(names.index);
    writer.item(outcome.index);
    writer.encoded(names.isNew);
    writer.item(outcome.isNew);
    writer.encoded(names.receipt);
    writeReceipt(writer, next++);
    writer.encoded(names.leafHash);
    writer.string(outcome.leafHash);
    writer.encoded(names.checkpoint);
    writer.item(0);
  }
  writer.text("checkpoints");
  writer.item(indexes.length > 0 ? [head.note] : []);
  return writer.written();
}
