/** The audit of the notary's own data, for administrators and auditors: begun here, and what the last one found. */
import type { FastifyInstance } from "fastify";
import { type TSchema, Type } from "typebox";
import { principalOf } from "../access/hook.ts";
import { reportSchema } from "../auditing/report.ts";
import type { RouteContext } from "./context.ts";
import { failures } from "./schemas.ts";

const tags = ["audit"];
const security = [{ administrator: [] }];
const config = { permission: "audit:run" } as const;
const uint = Type.Integer({ minimum: 0 });

const auditState: TSchema = Type.Object({
  running: Type.Optional(
    Type.Object({
      startedAt: Type.String(),
      by: Type.String(),
      entries: Type.Integer({ minimum: 0, description: "Entries of the log that are done" }),
      total: uint,
      objects: Type.Integer({ minimum: 0, description: "Stored objects that are done" }),
      findings: uint,
    }),
  ),
  last: Type.Optional(reportSchema),
  next: Type.Optional(Type.String({ description: "When one begins by itself; absent when none does" })),
});

export async function auditRoutes(app: FastifyInstance, { auditing }: RouteContext): Promise<void> {
  if (auditing === undefined) return;
  app.addHook("onSend", async (_request, reply) => void reply.header("cache-control", "no-store"));

  app.get("/v1/audit", {
    config,
    schema: {
      tags,
      summary: "Whether an audit is under way, and what the last one found",
      security,
      response: { 200: auditState, ...failures },
    },
    handler: async () => auditing.state(),
  });

  app.post("/v1/audit", {
    config,
    schema: {
      tags,
      summary: "Begin an audit of all that is stored",
      description:
        "The same as `attestry audit`, in the background while the notary serves. While one is under way, nothing else begins.",
      security,
      response: { 200: auditState, ...failures },
    },
    handler: (request) => auditing.start(principalOf(request)),
  });
}
