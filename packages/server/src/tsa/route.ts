/** `POST /tsa`: the time stamp authority over HTTP (RFC 3161 §3.4). */
import type { FastifyInstance } from "fastify";
import { type Intake, takeBytes } from "../http/body.ts";
import type { TimeStampAuthority } from "./authority.ts";

export interface TimeStampRouteContext {
  readonly authority: TimeStampAuthority;
  readonly intake: Intake;
}

/** A fastify plugin. Refusals are answers too: 200, with the reason in the reply. */
export async function timeStampRoutes(
  app: FastifyInstance,
  { authority, intake }: TimeStampRouteContext,
): Promise<void> {
  takeBytes(app, ["application/timestamp-query"], intake);
  app.post("/tsa", {
    bodyLimit: 16 * 1024, // requests have about a hundred bytes
    schema: {
      tags: ["time stamps"],
      summary: "Stamp the time (RFC 3161)",
      description: "Body: TimeStampReq, DER. Answer: TimeStampResp, application/timestamp-reply.",
      consumes: ["application/timestamp-query"],
    },
    async handler({ body }, reply): Promise<Uint8Array> {
      reply.type("application/timestamp-reply").header("cache-control", "no-store");
      return authority.respond(body instanceof Uint8Array ? body : new Uint8Array());
    },
  });
}
