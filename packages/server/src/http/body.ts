/** Request bodies as bytes, each within its limit and all together within what the server is ready to hold in memory. */
import { AttestryError } from "@attestry/core";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** Counts the bytes of bodies that are arriving or being worked on. */
export interface Intake {
  readonly bytes: number;
  /** Takes room for a body's next bytes. @throws PUSHBACK when there is none */
  reserve(length: number): void;
  release(length: number): void;
}

export function createIntake(maxBytes: number): Intake {
  let bytes = 0;
  return {
    get bytes(): number {
      return bytes;
    },
    reserve(length: number): void {
      if (bytes + length > maxBytes) throw new AttestryError("PUSHBACK");
      bytes += length;
    },
    release(length: number): void {
      bytes -= length;
    },
  };
}

declare module "fastify" {
  interface FastifyRequest {
    /** Bytes of the intake that this request holds. */
    heldBytes: number;
  }
}

/** Makes the routes of this scope take bodies of these content types, and of no other. */
export function takeBytes(app: FastifyInstance, contentTypes: readonly string[], intake: Intake): void {
  app.removeAllContentTypeParsers();
  app.decorateRequest("heldBytes", 0);
  app.addHook("onRequest", (request, reply, done) => {
    // A body is held until the answer is out or the client is gone, since it is worked on until then.
    reply.raw.once("close", () => {
      intake.release(request.heldBytes);
      request.heldBytes = 0;
    });
    done();
  });
  for (const contentType of contentTypes) {
    app.addContentTypeParser(contentType, (request: FastifyRequest, payload: NodeJS.ReadableStream) =>
      readBytes(request, payload, intake),
    );
  }
}

function readBytes(request: FastifyRequest, payload: NodeJS.ReadableStream, intake: Intake): Promise<Uint8Array> {
  const limit = request.routeOptions.bodyLimit;
  const refuse = (): AttestryError => new AttestryError("POLICY_TOO_LARGE", `A body here has at most ${limit} bytes.`);
  if (Number(request.headers["content-length"] ?? 0) > limit) return Promise.reject(refuse());
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    const onData = (part: Uint8Array): void => {
      try {
        if (request.heldBytes + part.length > limit) throw refuse();
        intake.reserve(part.length);
        request.heldBytes += part.length;
        parts.push(part);
      } catch (error) {
        payload.off("data", onData); // the rest flows by unread until the connection is closed
        reject(error);
      }
    };
    payload.on("data", onData);
    payload.once("end", () => resolve(Buffer.concat(parts, request.heldBytes)));
    payload.once("error", () => reject(new AttestryError("MALFORMED_REQUEST", "The body was cut short.")));
  });
}

/**
 * The bytes of a body that is not read into memory, as they come. Each piece is the reader's until it asks for the next one: then its
 * memory is freed, which costs far less than having it collected.
 */
export async function* streamBody(body: unknown): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of (body ?? []) as AsyncIterable<Uint8Array>) {
    yield piece;
    const { buffer } = piece;
    // A view of something larger shares it with others.
    if (buffer instanceof ArrayBuffer && buffer.byteLength === piece.byteLength) buffer.transfer(0);
  }
}
