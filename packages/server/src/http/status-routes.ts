/** How the notary is: for people and programs, for load balancers, for Prometheus. */
import { AttestryError, encodeHex } from "@attestry/core";
import type { NotaryStatus } from "@attestry/core/client";
import type { FastifyInstance } from "fastify";
import { version } from "../version.ts";
import { toPlaceJson } from "./anchor-routes.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import { statusSchema } from "./schemas.ts";

export async function statusRoutes(app: FastifyInstance, { notary, isStopping }: RouteContext): Promise<void> {
  app.get("/v1/status", {
    schema: { tags: ["status"], summary: "The log's name, keys, size and health", response: { 200: statusSchema } },
    async handler(): Promise<NotaryStatus> {
      const { head, queued, witnesses, anchoring } = notary.status;
      return {
        origin: notary.origin,
        version,
        verifierKeys: [...notary.verifierKeys],
        receiptKey: notary.receiptKeyUri,
        treeSize: head.size,
        rootHash: encodeHex(head.rootHash),
        checkpointTime: isoTime(head.time),
        witnesses: witnesses.map(({ name, url, verifierKeys, lastSize, lastTime, healthy, code }) => ({
          name,
          url,
          verifierKeys,
          lastSize,
          healthy,
          ...(code === undefined ? {} : { code }),
          ...(lastTime === undefined ? {} : { lastTime: isoTime(lastTime) }),
        })),
        queue: { entries: queued.entries, bytes: queued.bytes },
        anchoring: {
          ...(anchoring.problem === undefined ? {} : { problem: anchoring.problem }),
          places: anchoring.places.map(toPlaceJson),
        },
      };
    },
  });

  const config = { unlimited: true };
  app.get(
    "/healthz",
    { config, schema: { tags: ["status"], summary: "Whether the process answers" } },
    async (_request, reply) => {
      reply.type("text/plain; charset=utf-8").header("cache-control", "no-store");
      return "ok\n";
    },
  );

  app.get(
    "/readyz",
    { config, schema: { tags: ["status"], summary: "Whether it takes registrations" } },
    async (_request, reply) => {
      if (isStopping()) throw new AttestryError("UNAVAILABLE_STOPPING");
      const { trouble } = notary.status;
      if (trouble !== undefined) throw trouble;
      reply.type("text/plain; charset=utf-8").header("cache-control", "no-store");
      return "ready\n";
    },
  );

  app.get(
    "/metrics",
    { config, schema: { tags: ["status"], summary: "Prometheus metrics" } },
    async (_request, reply) => {
      reply.type(notary.metrics.registry.contentType).header("cache-control", "no-store");
      return notary.metrics.registry.metrics();
    },
  );
}
