/** The log as monitors read it: C2SP tlog-tiles v0.1.0 (https://c2sp.org/tlog-tiles@v0.1.0) under `/log/`. */
import { AttestryError, fullWidth, parseTilePath, type TileAddress } from "@attestry/core";
import type { FastifyInstance } from "fastify";
import type { RouteContext } from "./context.ts";

export async function logRoutes(app: FastifyInstance, { notary }: RouteContext): Promise<void> {
  app.get("/log/checkpoint", {
    schema: { tags: ["log"], summary: "The newest checkpoint: a C2SP signed note" },
    async handler(_request, reply) {
      reply.type("text/plain; charset=utf-8").header("cache-control", "no-cache");
      return notary.checkpoint;
    },
  });

  app.get<{ Params: { "*": string } }>("/log/tile/*", {
    schema: { tags: ["log"], summary: "A tile (`<L>/<N>[.p/<W>]`) or an entry bundle (`entries/<N>[.p/<W>]`)" },
    async handler({ params }, reply) {
      const address = parseAddress(`tile/${params["*"]}`);
      const bytes = await notary.readTile(address);
      if (bytes === undefined) throw new AttestryError("NOT_FOUND", "The log has no such tile.");
      // A full tile never changes; a partial one will be replaced by the full one and may be dropped.
      const caching = address.width === fullWidth ? "public, max-age=31536000, immutable" : "public, max-age=60";
      reply.type("application/octet-stream").header("cache-control", caching);
      return bytes;
    },
  });
}

/** An address that is not one has nothing behind it either. */
function parseAddress(path: string): TileAddress {
  try {
    return parseTilePath(path);
  } catch (cause) {
    throw new AttestryError("NOT_FOUND", "There is no such tile.", { cause });
  }
}
