/** A witness's HTTP interface: C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0), and what people ask of it. */
import { AttestryError, encodeHex, encodeSignatureLines, encodeUtf8, sha256 } from "@attestry/core";
import type { FastifyInstance, FastifyReply } from "fastify";
import { createIntake, takeBytes } from "../http/body.ts";
import { createHttp, type HttpOptions } from "../http/fastify.ts";
import type { RateLimit } from "../http/rate-limit.ts";
import type { AddCheckpointAnswer, Witness } from "./witness.ts";

export interface WitnessAppOptions extends HttpOptions {
  readonly witness: Witness;
  readonly rateLimit?: RateLimit;
}

/** A checkpoint and 63 hashes need far less. */
const bodyLimit = 64 * 1024;

export async function createWitnessApp(options: WitnessAppOptions): Promise<FastifyInstance> {
  const { witness } = options;
  const { app } = createHttp(options, { reading: options.rateLimit });
  await app.register(async (scope) => {
    takeBytes(scope, ["text/plain", "*"], createIntake(64 * bodyLimit)); // the specification asks for no content type
    scope.post("/add-checkpoint", { bodyLimit }, async ({ body }, reply) => {
      const bytes = body instanceof Uint8Array ? body : new Uint8Array();
      return sendAnswer(reply, await witness.addCheckpoint(bytes));
    });
  });

  const byHash = new Map(witness.origins.map((origin) => [encodeHex(sha256(encodeUtf8(origin))), origin]));
  app.get<{ Params: { hash: string } }>("/:hash/checkpoint", async ({ params }, reply) => {
    const origin = byHash.get(params.hash);
    const latest = origin === undefined ? undefined : witness.latest(origin);
    if (latest === undefined) throw new AttestryError("NOT_FOUND", "The witness has no checkpoint of such a log.");
    return sendText(reply, latest.note);
  });
  const keys = `${witness.verifierKeys.map(({ text }) => text).join("\n")}\n`;
  app.get("/verifier-keys", async (_request, reply) => sendText(reply, keys));
  app.get("/healthz", { config: { unlimited: true } }, async (_request, reply) => sendText(reply, "ok\n"));
  app.get("/", async (_request, reply) => sendText(reply, describe(witness, byHash)));
  await app.ready();
  return app;
}

function sendAnswer(reply: FastifyReply, answer: AddCheckpointAnswer): FastifyReply {
  reply.code(answer.status);
  if (answer.status === 200) return sendText(reply, encodeSignatureLines(answer.signatures));
  if (answer.status === 409) return reply.type("text/x.tlog.size").send(`${answer.size}\n`);
  return sendText(reply, `${answer.reason}\n`);
}

function sendText(reply: FastifyReply, text: string): FastifyReply {
  return reply.type("text/plain; charset=utf-8").header("cache-control", "no-store").send(text);
}

function describe(witness: Witness, byHash: ReadonlyMap<string, string>): string {
  const logs = [...byHash].map(
    ([hash, origin]) => `${origin}: ${witness.latest(origin)?.size ?? 0} entries, /${hash}/checkpoint`,
  );
  return `Attestry witness. It cosigns a log's checkpoint only when it continues the last one (c2sp.org/tlog-witness).

Its keys (/verifier-keys):
${witness.verifierKeys.map(({ text }) => text).join("\n")}

Logs:
${logs.join("\n")}
`;
}
