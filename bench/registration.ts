/** Registration, durable: the batch and the single endpoint, and the latency of a receipt at half load. */
import { Agent, request } from "node:http";
import { join } from "node:path";
import { encodeCbor } from "@attestry/core";
import { type Bench, median, percentile } from "./figure.ts";
import { p256VerifyRate } from "./limits.ts";
import { sendAll } from "./load.ts";
import { localSigner, makeStatements, type RunningNotary, startNotary } from "./notary.ts";

const batchSize = 512;

export const benchRegistration: Bench = async ({ folder, quick }) => {
  const data = join(folder, "registration");
  const notary = await startNotary(data, ["--no-ledger"]);
  try {
    const signer = localSigner(data);
    const rounds = quick ? 1 : 3;
    const batch: number[] = [];
    const single: number[] = [];
    const limits: number[] = [];
    await registerBatches(notary, await makeStatements(signer, batchSize * 8)); // warm
    for (let round = 0; round < rounds; round++) {
      limits.push(await p256VerifyRate(quick ? 1000 : 3000));
      batch.push(await registerBatches(notary, await makeStatements(signer, batchSize * (quick ? 40 : 80))));
      single.push(await registerSingles(notary, await makeStatements(signer, quick ? 5000 : 20_000), 256));
    }
    const limit = { name: "P-256 checks of all cores", value: median(limits) };
    const half = median(single) / 2;
    const latency = await latencyAt(notary, await makeStatements(signer, Math.round(half * (quick ? 3 : 10))), half);
    return [
      {
        name: "registration, batch endpoint",
        value: median(batch),
        unit: "/s",
        limit,
        target: { of: "ratio", atLeast: 0.5 },
      },
      {
        name: "registration, single endpoint",
        value: median(single),
        unit: "/s",
        limit,
        target: { of: "ratio", atLeast: 0.25 },
      },
      {
        name: `receipt latency at ${Math.round(half)}/s, p50`,
        value: percentile(latency, 0.5),
        unit: "ms",
        target: { of: "value", atMost: 50 },
      },
      {
        name: `receipt latency at ${Math.round(half)}/s, p99`,
        value: percentile(latency, 0.99),
        unit: "ms",
        target: { of: "value", atMost: 250 },
      },
    ];
  } finally {
    await notary.stop();
  }
};

/** Statements a second through POST /v1/entries, four requests under way at a time. */
export async function registerBatches(
  notary: Pick<RunningNotary, "url">,
  statements: readonly Uint8Array[],
): Promise<number> {
  const bodies: Uint8Array[] = [];
  for (let at = 0; at < statements.length; at += batchSize)
    bodies.push(encodeCbor(statements.slice(at, at + batchSize)));
  const target = { url: notary.url, path: "/v1/entries", contentType: "application/cbor", expectedStatus: 200 };
  return (await sendAll(target, bodies, 4)) * (statements.length / bodies.length);
}

function registerSingles(
  notary: RunningNotary,
  statements: readonly Uint8Array[],
  connections: number,
): Promise<number> {
  const target = { url: notary.url, path: "/entries", contentType: "application/cose", expectedStatus: 201 };
  return sendAll(target, statements, connections);
}

/** Open loop: requests leave on a clock whether or not answers have come, so that a stall shows. Milliseconds each. */
async function latencyAt(notary: RunningNotary, statements: readonly Uint8Array[], rate: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 512 });
  const latencies: number[] = [];
  const pending: Promise<void>[] = [];
  const start = performance.now();
  for (let sent = 0; sent < statements.length; ) {
    const due = Math.min(statements.length, Math.floor(((performance.now() - start) / 1000) * rate));
    for (; sent < due; sent++) {
      const intended = start + (sent * 1000) / rate;
      const body = statements[sent] as Uint8Array;
      pending.push(
        post(agent, `${notary.url}/entries`, "application/cose", body, 201).then(() => {
          latencies.push(performance.now() - intended);
        }),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(pending);
  agent.destroy();
  return latencies;
}

function post(agent: Agent, url: string, contentType: string, body: Uint8Array, expected: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": contentType, "content-length": body.length };
    const call = request(url, { method: "POST", agent, headers }, (response) => {
      response.on("end", () =>
        response.statusCode === expected ? resolve() : reject(new Error(`status ${response.statusCode}`)),
      );
      response.resume();
    });
    call.on("error", reject);
    call.end(body);
  });
}
