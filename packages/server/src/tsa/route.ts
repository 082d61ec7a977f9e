/** `POST /tsa`: the time stamp authority over HTTP (RFC 3161 §3.4). */
import type { FastifyInstance } from "fastify";
import { takeBytes } from "../http/body.ts";
import type { RouteContext } from "../http/context.ts";

/** Refusals of stamps are answers too: 200, with the reason in the reply. */
export async function timeStampRoutes(
  app: FastifyInstance,
  { authority, intake }: Pick<RouteContext, "authority" | "intake">,
): Promise<void> {
  if (authority === undefined) return;
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

  const schema = { tags: ["time stamps"], summary: "The authority's certificates, PEM, its root last" };
  app.get("/tsa/certificates", { schema }, async (_request, reply): Promise<string> => {
    reply.type("application/pem-certificate-chain");
    return authority.certificates();
  });
}
