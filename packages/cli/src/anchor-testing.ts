/** What the tests of anchors on the command line share: nodes, contracts that operators deployed, and authorities of openssl. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import type { Anvil } from "@attestry/ledger";
import { eventually } from "../../ledger/test-kit/chain.ts";
import { type Json, type RunningNotary, run, runJson } from "./testing.ts";

export async function readStatus(url: string): Promise<Json> {
  return (await fetch(`${url}/v1/status`)).json();
}

/** The notary's n-th place once so many entries are covered there for good. */
export async function covered(url: string, entries: number, at = 0): Promise<Json> {
  const places = await eventually(
    async () => (await readStatus(url)).anchoring.places,
    (all: Json) => all[at]?.finalSize >= entries,
  );
  return places[at];
}

/** Asks a ledger's node. */
export async function ask(node: string, method: string, ...params: unknown[]): Promise<Json> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as Json).result;
}

export async function notarize(home: string, notary: RunningNotary, file: string): Promise<void> {
  const ran = await run(["notarize", file, "--server", notary.url, "--data", notary.data], { home });
  assert.equal(ran.code, 0, ran.stderr);
}

/** A time stamp authority over HTTP that answers as `reply` does. */
export async function serveAuthority(
  t: TestContext,
  reply: (request: Uint8Array) => Uint8Array,
): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    response.setHeader("content-type", "application/timestamp-reply").end(reply(Buffer.concat(parts)));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsr`, close };
}

/** The contract that an operator's commands deploy on that node for the notary's log; its account has money from then on. */
export async function deployFor(home: string, node: Anvil, notary: RunningNotary): Promise<string> {
  const account = (await run(["ledger", "account", "--data", notary.data], { home })).stdout.trim();
  await ask(node.url, "anvil_setBalance", account, "0x8ac7230489e80000"); // 10 ether
  const deploying = ["--ledger", node.url, "--data", notary.data, "--notary", notary.url];
  const deployed = await runJson(["ledger", "deploy", ...deploying], { home });
  assert.equal(deployed.code, 0, deployed.stdout);
  return deployed.values[0].contract;
}
