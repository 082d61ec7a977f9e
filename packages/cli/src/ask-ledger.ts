/**
 * Asks a ledger's node for the blocks that a proof's anchors say they stand in. What comes of it is trust in that node, and the
 * verdict says so; a trust file that names validators or block hashes needs no node.
 */
import {
  checkEvmAnchor,
  type EvmAnchor,
  isAttestryError,
  leafHash,
  type ProofFile,
  parseEvmAnchor,
  type Receipt,
  receiptRoot,
  type TrustedLedger,
} from "@attestry/core";

export interface AskedLedger {
  /** What the node vouches for: where it has another block, the anchor does not hold under it. */
  readonly ledgers: readonly TrustedLedger[];
  /** What could not be asked. */
  readonly warnings: readonly string[];
}

/** Never throws for what the proof holds or the node answers. */
export async function askLedger(url: string, proof: ProofFile): Promise<AskedLedger> {
  const anchors = proof.receipts.flatMap((receipt) =>
    (receipt.evidence.anchors ?? []).map((bytes) => ({ receipt, bytes })),
  );
  if (anchors.length === 0) {
    const warning = "The proof holds no anchor to ask the ledger about. attestry proof refresh fetches what there is.";
    return { ledgers: [], warnings: [warning] };
  }
  const ledgers: TrustedLedger[] = [];
  const warnings = new Set<string>();
  const leaf = leafHash(proof.statement.entry);
  for (const { receipt, bytes } of anchors) {
    try {
      const answer = await askAbout(url, receipt, parseEvmAnchor(bytes), leaf);
      if (typeof answer === "string") warnings.add(answer);
      else ledgers.push(answer);
    } catch (error) {
      // A broken anchor is for `verify` to report.
      if (!isAttestryError(error)) warnings.add(`The ledger's node at ${hostOf(url)} could not be asked.`);
    }
  }
  return { ledgers, warnings: [...warnings] };
}

/** A ledger to trust in, or why there is none. */
async function askAbout(
  url: string,
  receipt: Receipt,
  anchor: EvmAnchor,
  leaf: Uint8Array,
): Promise<TrustedLedger | string> {
  const { chainId, contract } = anchor;
  const node = `the node at ${hostOf(url)}`;
  const ledger = { kind: "evm", name: `chain ${chainId}`, chainId, contract, basis: `${node}, asked now` } as const;
  const checkpoint = { origin: receipt.claims.iss ?? "", size: receipt.size, rootHash: receiptRoot(receipt, leaf) };
  const { blockNumber } = await checkEvmAnchor(anchor, checkpoint, [ledger]);
  const [chain, block] = await Promise.all([
    call(url, "eth_chainId", []),
    call(url, "eth_getBlockByNumber", [`0x${blockNumber.toString(16)}`, false]),
  ]);
  if (typeof chain !== "string") throw new Error("no chain id");
  if (Number(chain) !== chainId) return `An anchor is on chain ${chainId}; ${node} is on chain ${Number(chain)}.`;
  const hash = typeof block === "object" && block !== null && "hash" in block ? block.hash : undefined;
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/.test(hash))
    return `An anchor is in block ${blockNumber}, which ${node} does not have.`;
  return { ...ledger, blockHashes: [Uint8Array.fromHex(hash.slice(2))] };
}

// Path and query of a node's address often hold a secret, and verdicts are passed on.
function hostOf(url: string): string {
  return new URL(url).host;
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, {
    method: "POST",
    headers,
    body,
    redirect: "error",
    signal: AbortSignal.timeout(10_000),
  });
  const answer = (await response.json()) as { result?: unknown } | null;
  return answer?.result;
}
