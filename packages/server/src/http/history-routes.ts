/** How the notary has been over time, for plots. */
import type { HistorySpan, StatusHistory } from "@attestry/core/client";
import type { FastifyInstance } from "fastify";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import { failures, historyQuery, historySchema } from "./schemas.ts";

export async function historyRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  app.get<{ Querystring: { span: HistorySpan } }>("/v1/history", {
    schema: {
      tags: ["status"],
      summary: "The log's growth, how long registrations took, and how long anchors took, over time",
      description:
        "In equal steps, the last of which is under way. Where there was nothing to measure, a value is null.",
      querystring: historyQuery,
      response: { 200: historySchema, ...failures },
    },
    async handler({ query }, reply): Promise<StatusHistory> {
      reply.header("cache-control", "public, max-age=5");
      const history = await notary.history(query.span);
      return { ...history, from: isoTime(history.from) };
    },
  });
}
