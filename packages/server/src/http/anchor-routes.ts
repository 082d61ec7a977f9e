/** Where the log is anchored. */
import { encodeHex } from "@attestry/core";
import type { AnchorSummary as AnchorJson, PlaceSummary } from "@attestry/core/client";
import type { FastifyInstance } from "fastify";
import type { AnchorSummary, PlaceStatus } from "../anchoring/anchoring.ts";
import type { RouteContext } from "./context.ts";
import { isoTime } from "./entry-routes.ts";
import { anchorList, anchorQuery, failures } from "./schemas.ts";

export async function anchorRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  app.get<{ Querystring: { limit: number } }>("/v1/anchors", {
    schema: {
      tags: ["anchors"],
      summary: "Anchors and time stamps of the log, the newest first",
      querystring: anchorQuery,
      response: { 200: anchorList, ...failures },
    },
    async handler({ query }): Promise<{ anchors: AnchorJson[] }> {
      return { anchors: (await notary.anchors(query.limit)).map(toAnchorJson) };
    },
  });
}

export function toPlaceJson({ ledger, kind, about, counts, newestFinal, problem }: PlaceStatus): PlaceSummary {
  return {
    name: ledger,
    kind,
    about,
    ...counts,
    finalSize: newestFinal?.size ?? 0,
    ...(newestFinal?.place === undefined ? {} : { finalTime: isoTime(newestFinal.place.time) }),
    ...(problem === undefined ? {} : { problem: problem.message }),
  };
}

function toAnchorJson(anchor: AnchorSummary): AnchorJson {
  const { ledger, kind, about, size, rootHash, state, submittedAt, place, problem } = anchor;
  return {
    place: ledger,
    kind,
    about,
    size,
    rootHash: encodeHex(rootHash),
    state,
    submittedAt: new Date(submittedAt).toISOString(),
    ...(place === undefined ? {} : { block: place.block, blockId: place.id, time: isoTime(place.time) }),
    ...(problem === undefined ? {} : { problem }),
  };
}
