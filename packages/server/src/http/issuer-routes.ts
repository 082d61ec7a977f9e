/** Enrolment: everyone may see who may register, administrators change it. */
import {
  AttestryError,
  decodeBase64Url,
  encodeBase64Url,
  keyThumbprint,
  parseCoseKey,
  parsePemCertificates,
  sha256,
} from "@attestry/core";
import type { EnrolledIssuer as IssuerJson } from "@attestry/core/client";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { principalOf } from "../access/hook.ts";
import type { ActionName } from "../access/record-action.ts";
import type { EnrolledIssuer } from "../issuers/issuers.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import {
  failures,
  type IssuerBody,
  type IssuerParams,
  issuerBody,
  issuerList,
  issuerParams,
  issuerSchema,
  type RevokeBody,
  revokeBody,
} from "./schemas.ts";

const security = [{ administrator: [] }];

export async function issuerRoutes(app: FastifyInstance, { notary, access }: RouteContext): Promise<void> {
  const { issuers } = notary;
  const toJson = (issuer: EnrolledIssuer): IssuerJson => describe(issuer, access?.ownIssuer.name);
  const record = async (request: FastifyRequest, action: ActionName, facts: Record<string, string>): Promise<void> => {
    await access?.actions.record(principalOf(request), action, facts);
  };
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
    async handler(request) {
      const { body } = request;
      const named = body.issuer === undefined ? {} : { issuer: body.issuer };
      if ("key" in body) {
        const key = parseCoseKey(decodeBase64Url(body.key));
        const id = encodeBase64Url(keyThumbprint(key));
        if (issuers.find(id) === undefined) await record(request, "issuer-added", { id, kind: "key", ...named });
        return toJson(await issuers.addKey(key, body.issuer));
      }
      const root = await readRoot(body.certificateRoot);
      const id = encodeBase64Url(sha256(root));
      if (issuers.find(id) === undefined) await record(request, "issuer-added", { id, kind: "root", ...named });
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
    async handler(request) {
      const { id } = request.params;
      const { reason } = request.body;
      const known = issuers.find(id);
      if (known !== undefined && known.issuer === access?.ownIssuer.name) {
        throw new AttestryError(
          "POLICY_FORBIDDEN",
          "This is the notary's own key: without it nothing could be recorded.",
        );
      }
      if (known !== undefined && known.revoked === undefined) {
        const named = known.issuer === undefined ? {} : { issuer: known.issuer };
        await record(request, "issuer-revoked", { id, reason, ...named });
      }
      return toJson(await issuers.revoke(id, reason));
    },
  });
}

/** One root certificate, DER. @throws MALFORMED_REQUEST, MALFORMED_CERTIFICATE */
async function readRoot(pem: string): Promise<Uint8Array> {
  const [root, ...more] = parsePemCertificates(pem);
  if (root === undefined || more.length > 0)
    throw new AttestryError("MALFORMED_REQUEST", "Enrol one certificate at a time.");
  const { parseCertificate } = await import("@attestry/core/x509");
  parseCertificate(root);
  return root;
}

function describe({ id, issuer, kind, addedAt, revoked }: EnrolledIssuer, own: string | undefined): IssuerJson {
  return {
    id,
    kind,
    thumbprint: id,
    enrolledAt: isoTime(addedAt),
    ...(issuer === undefined ? {} : { issuer }),
    ...(own !== undefined && issuer === own ? { isNotary: true } : {}),
    ...(revoked === undefined ? {} : { revokedAt: isoTime(revoked.at), reason: revoked.reason }),
  };
}
