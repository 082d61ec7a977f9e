/** Enrolment: everyone may see who may register, administrators change it. */
import { AttestryError, decodeBase64Url, parseCoseKey, parsePemCertificates } from "@attestry/core";
import type { FastifyInstance } from "fastify";
import type { EnrolledIssuer } from "../issuers/issuers.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import {
  failures,
  type IssuerBody,
  type IssuerJson,
  type IssuerParams,
  issuerBody,
  issuerList,
  issuerParams,
  issuerSchema,
  type RevokeBody,
  revokeBody,
} from "./schemas.ts";

const security = [{ administrator: [] }];

export async function issuerRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  const { issuers } = notary;
  app.get("/v1/issuers", {
    schema: {
      tags: ["issuers"],
      summary: "All enrolled issuers, revoked ones too",
      response: { 200: issuerList, ...failures },
    },
    handler: async () => ({ issuers: issuers.list().map(toJson) }),
  });

  app.post<{ Body: IssuerBody }>("/v1/issuers", {
    bodyLimit: 64 * 1024,
    config: { permission: "issuer:manage" },
    schema: {
      tags: ["issuers"],
      summary: "Enrol an issuer",
      security,
      body: issuerBody,
      response: { 200: issuerSchema, ...failures },
    },
    async handler({ body }) {
      if ("key" in body) return toJson(await issuers.addKey(parseCoseKey(decodeBase64Url(body.key)), body.issuer));
      const [root, ...more] = parsePemCertificates(body.certificateRoot);
      if (root === undefined || more.length > 0)
        throw new AttestryError("MALFORMED_REQUEST", "Enrol one certificate at a time.");
      return toJson(await issuers.addRoot(root, body.issuer));
    },
  });

  app.post<{ Body: RevokeBody; Params: IssuerParams }>("/v1/issuers/:id/revoke", {
    bodyLimit: 64 * 1024,
    config: { permission: "issuer:manage" },
    schema: {
      tags: ["issuers"],
      summary: "Revoke an issuer's enrolment",
      description: "It can register nothing from now on. What it registered stays.",
      security,
      params: issuerParams,
      body: revokeBody,
      response: { 200: issuerSchema, ...failures },
    },
    handler: async ({ params, body }) => toJson(await issuers.revoke(params.id, body.reason)),
  });
}

function toJson({ id, issuer, kind, addedAt, revoked }: EnrolledIssuer): IssuerJson {
  return {
    id,
    kind,
    thumbprint: id,
    enrolledAt: isoTime(addedAt),
    ...(issuer === undefined ? {} : { issuer }),
    ...(revoked === undefined ? {} : { revokedAt: isoTime(revoked.at), reason: revoked.reason }),
  };
}
