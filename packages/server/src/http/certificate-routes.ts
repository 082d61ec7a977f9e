/** An entry's certificate for people, as a PDF. */
import { AttestryError } from "@attestry/core";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RouteContext } from "./context.ts";
import { createRateLimiter } from "./rate-limit.ts";
import { type CertificateQuery, certificateQuery, failures, type IndexParams, indexParams } from "./schemas.ts";

/** Setting a certificate takes some fifty milliseconds of the one thread that everybody shares. */
const limit = { perSecond: 4, burst: 40 };

export async function certificateRoutes(app: FastifyInstance, { notary, publicUrl }: RouteContext): Promise<void> {
  const limiter = createRateLimiter(limit);
  app.get<{ Params: IndexParams; Querystring: CertificateQuery }>("/v1/entries/:index/certificate.pdf", {
    schema: {
      tags: ["entries"],
      summary: "An entry's certificate, to print",
      description: "What the proof file shows, in words, as a tagged PDF with a QR code to the entry's page.",
      params: indexParams,
      querystring: certificateQuery,
      response: failures,
    },
    async handler(request, reply) {
      limiter.take(request.ip, 1);
      const { index } = request.params;
      const pdf = await notary.certificate(index, {
        language: request.query.lang ?? "en",
        base: publicUrl ?? addressOf(request),
      });
      reply.type("application/pdf").header("cache-control", "no-cache");
      reply.header("content-disposition", `inline; filename="certificate-${index}.pdf"`);
      return pdf;
    },
  });
}

/** The address that the client used, where nothing says which one is meant for the public. @throws MALFORMED_REQUEST */
function addressOf({ protocol, host }: FastifyRequest): string {
  const url = host.length <= 260 ? URL.parse(`${protocol}://${host}`) : null; // a name has 253 characters at most
  if (url === null || url.username !== "" || url.pathname !== "/" || url.search !== "" || url.hash !== "")
    throw new AttestryError("MALFORMED_REQUEST", "The request's Host is no address.");
  return url.origin;
}
