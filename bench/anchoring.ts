/** Anchoring: what it costs registration, what it costs on the ledger, and how long a proof with an anchor takes to verify. */
import { join } from "node:path";
import {
  emptyTrust,
  parseEvmAnchor,
  parseProofFile,
  parseThumbprintUri,
  parseVerifierKey,
  verify,
} from "@attestry/core";
import { createNotaryClient } from "@attestry/core/client";
import { defaultSchedule } from "@attestry/server";
import { type Bench, median, seconds } from "./figure.ts";
import { localSigner, makeStatements, startNotary } from "./notary.ts";
import { registerBatches } from "./registration.ts";

export const benchAnchoring: Bench = async ({ folder, quick }) => {
  const [plainData, anchoredData] = [join(folder, "plain"), join(folder, "anchored")];
  const plain = await startNotary(plainData, ["--no-ledger"]);
  const anchored = await startNotary(anchoredData);
  try {
    const count = 512 * (quick ? 20 : 40);
    const ratios: number[] = [];
    const rates: number[] = [];
    const sides = [
      { notary: plain, signer: localSigner(plainData) },
      { notary: anchored, signer: localSigner(anchoredData) },
    ] as const;
    for (const { notary, signer } of sides) await registerBatches(notary, await makeStatements(signer, count)); // warm
    for (let round = 0; round < (quick ? 3 : 5); round++) {
      const [off, on] = [await rateOf(sides[0], count), await rateOf(sides[1], count)];
      ratios.push(on / off);
      rates.push(on);
    }
    const rate = median(rates);
    const { gas, milliseconds } = await anchoredProof(anchored.url);
    const perMillion = (perSecond: number): number =>
      Math.ceil(Math.max(1e6 / perSecond / (defaultSchedule.everyMs / 1000), 1e6 / defaultSchedule.everyEntries));
    return [
      {
        name: "registration with anchoring on",
        value: rate,
        unit: "/s",
        limit: { name: "with anchoring off", value: rate / median(ratios) },
        target: { of: "ratio", atLeast: 0.97 },
      },
      { name: "gas of one anchor", value: gas, unit: "gas" },
      { name: "transactions per million thumbprints at full rate", value: perMillion(rate), unit: "tx" },
      { name: "transactions per million thumbprints at 100/s", value: perMillion(100), unit: "tx" },
      { name: "gas per million thumbprints at 100/s", value: gas * perMillion(100), unit: "gas" },
      {
        name: "verify statement, receipt and anchor, warm",
        value: milliseconds,
        unit: "ms",
        target: { of: "value", atMost: 5 },
      },
    ];
  } finally {
    await plain.stop();
    await anchored.stop();
  }
};

async function rateOf(
  { notary, signer }: { notary: { url: string }; signer: ReturnType<typeof localSigner> },
  count: number,
): Promise<number> {
  return registerBatches(notary, await makeStatements(signer, count));
}

/** Waits for the log's newest anchor, then verifies a proof that carries it, with the block's hash pinned. */
async function anchoredProof(url: string): Promise<{ gas: number; milliseconds: number }> {
  const client = createNotaryClient({ url });
  const anchor = await awaitAnchor(client);
  const node = String(anchor.about["url"]);
  const block = (await rpc(node, "eth_getBlockByNumber", [`0x${(anchor.block ?? 0).toString(16)}`, true])) as {
    hash: string;
    transactions: { hash: string }[];
  };
  const receipt = (await rpc(node, "eth_getTransactionReceipt", [block.transactions[0]?.hash])) as { gasUsed: string };
  const bytes = await client.proofFile(0);
  const proof = parseProofFile(bytes);
  const evm = parseEvmAnchor(proof.receipts.flatMap(({ evidence }) => evidence.anchors ?? [])[0] ?? new Uint8Array());
  const status = await client.status();
  const found = (await rpc(node, "eth_getBlockByNumber", [`0x${(await firstBlock(client)).toString(16)}`, false])) as {
    hash: string;
  };
  const ledger = {
    kind: "evm",
    name: "local",
    chainId: evm.chainId,
    contract: evm.contract,
    blockHashes: [Uint8Array.fromHex(found.hash.slice(2))],
    basis: "this run",
  } as const;
  const log = {
    origin: status.origin,
    verifierKeys: status.verifierKeys.map(parseVerifierKey),
    receiptKeys: [parseThumbprintUri(status.receiptKey) ?? new Uint8Array()],
    basis: "this run",
  };
  const trust = { ...emptyTrust, logs: [log], ledgers: [ledger] };
  const digest = proof.statement.digest;
  const once = async (): Promise<void> => {
    const report = await verify({ proof: bytes, digest, trust });
    const sound =
      report.verdict === "verified" && report.checks.some(({ name, status: s }) => name === "anchors" && s === "pass");
    if (!sound) throw new Error(JSON.stringify(report.checks));
  };
  for (let i = 0; i < 50; i++) await once();
  const times: number[] = [];
  for (let i = 0; i < 300; i++) times.push(1000 * (await seconds(once)));
  return { gas: Number(receipt.gasUsed), milliseconds: median(times) };
}

type Client = ReturnType<typeof createNotaryClient>;

async function awaitAnchor(client: Client): Promise<Awaited<ReturnType<Client["anchors"]>>[number]> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const final = (await client.anchors(500)).find(({ state }) => state === "final");
    if (final !== undefined) return final;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error("no anchor became final within a minute");
}

/** The block of the first anchor, which covers entry 0. */
async function firstBlock(client: Client): Promise<number> {
  const finals = (await client.anchors(500)).filter(({ state }) => state === "final");
  return finals.at(-1)?.block ?? 0;
}

async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  return ((await response.json()) as { result: unknown }).result;
}
