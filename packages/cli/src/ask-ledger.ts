/**
 * Asks a ledger's node whether the blocks that a proof's anchors stand in are on its chain. What comes of it is trust in that
 * node, and the verdict says so; a trust file that names validators or block hashes needs no node.
 */
import {
  checkEvmAnchor,
  type EvmAnchor,
  encodeHex,
  isAttestryError,
  leafHash,
  type ProofFile,
  parseEvmAnchor,
  type Receipt,
  receiptRoot,
  type TrustedLedger,
} from "@attestry/core";

/** What the node vouches for, and what could not be asked. Never throws for what proof or node hold. */
export async function askLedger(
  url: string,
  proof: ProofFile,
): Promise<{ readonly ledgers: readonly TrustedLedger[]; readonly warnings: readonly string[] }> {
  const ledgers: TrustedLedger[] = [];
  const warnings: string[] = [];
  for (const receipt of proof.receipts) {
    for (const bytes of receipt.evidence.anchors ?? []) {
      try {
        const vouched = await askAbout(url, receipt, parseEvmAnchor(bytes), leafHash(proof.statement.entry));
        if (vouched !== undefined) ledgers.push(vouched);
      } catch (error) {
        // A broken anchor is for `verify` to report; a node that is away leaves the anchor's check open.
        if (!isAttestryError(error)) warnings.push(`The ledger's node at ${url} could not be asked.`);
      }
    }
  }
  return { ledgers, warnings: [...new Set(warnings)] };
}

async function askAbout(
  url: string,
  receipt: Receipt,
  anchor: EvmAnchor,
  leaf: Uint8Array,
): Promise<TrustedLedger | undefined> {
  const { chainId, contract } = anchor;
  const ledger = {
    kind: "evm",
    name: `chain ${chainId}`,
    chainId,
    contract,
    basis: `the node at ${url}, asked now`,
  } as const;
  const checkpoint = { origin: receipt.claims.iss ?? "", size: receipt.size, rootHash: receiptRoot(receipt, leaf) };
  const { blockNumber, blockHash } = await checkEvmAnchor(anchor, checkpoint, [ledger]);
  const [chain, block] = await Promise.all([
    call(url, "eth_chainId", []),
    call(url, "eth_getBlockByNumber", [`0x${blockNumber.toString(16)}`, false]),
  ]);
  const found = typeof block === "object" && block !== null && "hash" in block ? block.hash : undefined;
  const isThere = Number(chain) === chainId && found === `0x${encodeHex(blockHash)}`;
  return isThere ? { ...ledger, blockHashes: [blockHash] } : undefined;
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
