/**
 * Asks ledgers' nodes for the blocks that a proof's anchors say they stand in. What comes of it is trust in those nodes, and the
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
import { openRpc, parseQuantity, toQuantity } from "@attestry/ledger/rpc";

export interface AskedLedger {
  /** What the node vouches for: where it has another block, the anchor does not hold under it. */
  readonly ledgers: readonly TrustedLedger[];
  /** What could not be asked. */
  readonly warnings: readonly string[];
}

/** Asks about each anchor until a node has its chain. Never throws for what the proof holds or a node answers. */
export async function askLedgers(urls: readonly string[], proof: ProofFile): Promise<AskedLedger> {
  const anchors = proof.receipts.flatMap((receipt) =>
    (receipt.evidence.anchors ?? []).map((bytes) => ({ receipt, bytes })),
  );
  if (anchors.length === 0) {
    const warning = "The proof holds no anchor to ask the ledger about. attestry proof refresh fetches what there is.";
    return { ledgers: [], warnings: [warning] };
  }
  const leaf = leafHash(proof.statement.entry);
  const asked = await Promise.all(anchors.map(({ receipt, bytes }) => askEach(urls, receipt, bytes, leaf)));
  return {
    ledgers: asked.flatMap(({ ledgers }) => ledgers),
    warnings: [...new Set(asked.flatMap(({ warnings }) => warnings))],
  };
}

async function askEach(
  urls: readonly string[],
  receipt: Receipt,
  bytes: Uint8Array,
  leaf: Uint8Array,
): Promise<AskedLedger> {
  const warnings: string[] = [];
  for (const url of urls) {
    try {
      const answer = await askAbout(url, receipt, parseEvmAnchor(bytes), leaf);
      if (typeof answer !== "string") return { ledgers: [answer], warnings: [] };
      warnings.push(answer);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      if (error.code !== "UNAVAILABLE_LEDGER") continue; // a broken anchor is for `verify` to report
      warnings.push(`The ledger's node at ${new URL(url).host} could not be asked.`);
    }
  }
  return { ledgers: [], warnings };
}

/** A ledger to trust in, or why there is none. */
async function askAbout(
  url: string,
  receipt: Receipt,
  anchor: EvmAnchor,
  leaf: Uint8Array,
): Promise<TrustedLedger | string> {
  const { chainId, contract } = anchor;
  const rpc = openRpc(url);
  const node = nodeAt(url);
  const ledger = { kind: "evm", name: `chain ${chainId}`, chainId, contract, basis: `${node}, asked now` } as const;
  const checkpoint = { origin: receipt.claims.iss ?? "", size: receipt.size, rootHash: receiptRoot(receipt, leaf) };
  const { blockNumber } = await checkEvmAnchor(anchor, checkpoint, [ledger]);
  const [chain, block] = await Promise.all([
    rpc.call("eth_chainId", []),
    rpc.call("eth_getBlockByNumber", [toQuantity(blockNumber), false]),
  ]);
  const found = Number(parseQuantity(chain, "the chain id"));
  if (found !== chainId) return `An anchor is on chain ${chainId}; ${node} is on chain ${found}.`;
  const hash = typeof block === "object" && block !== null && "hash" in block ? block.hash : undefined;
  if (typeof hash !== "string" || !/^0x[0-9a-f]{64}$/.test(hash))
    return `An anchor is in block ${blockNumber}, which ${node} does not have.`;
  return { ...ledger, blockHashes: [Uint8Array.fromHex(hash.slice(2))] };
}

// Path and query of a node's address often hold a secret, and verdicts are passed on.
function nodeAt(url: string): string {
  return `the node at ${new URL(url).host}`;
}
