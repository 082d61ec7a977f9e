/** Sends a transaction and waits until it is in a block: for deploying and governing, where a person waits. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Address, Hex } from "./contract.ts";
import { refuse } from "./refusal.ts";
import { asRecord, parseQuantity, type Rpc } from "./rpc.ts";
import { type Sending, type SentTransaction, sendTransaction } from "./send.ts";

export interface Receipt {
  readonly block: number;
  readonly gasUsed: number;
  readonly created: Address | undefined;
  /** Of each event. */
  readonly topics: readonly (readonly Hex[])[];
}

/** What became of a transaction; undefined while it is in no block. @throws POLICY_LEDGER when it was carried out and failed */
export async function readReceipt(rpc: Rpc, sent: SentTransaction): Promise<Receipt | undefined> {
  for (const hash of sent.hashes) {
    const answer = await rpc.call("eth_getTransactionReceipt", [hash]);
    if (answer === null) continue;
    const { status, blockNumber, gasUsed, contractAddress, logs } = asRecord(answer, "the receipt");
    if (status !== "0x1")
      throw refuse("refused", `The transaction ${hash} was carried out, and the contract refused it.`);
    return {
      block: Number(parseQuantity(blockNumber, "the receipt's block")),
      gasUsed: Number(parseQuantity(gasUsed, "the gas used")),
      created: (contractAddress ?? undefined) as Address | undefined,
      topics: (logs as { topics: Hex[] }[]).map((log) => log.topics),
    };
  }
  return undefined;
}

/** Sends and waits until it is in a block. @throws what `sendTransaction` and `readReceipt` throw */
export async function transact(sending: Omit<Sending, "previous" | "save">, pollMs = 500): Promise<Receipt> {
  let previous: SentTransaction | undefined;
  const save = async (sent: SentTransaction) => {
    previous = sent;
  };
  for (;;) {
    const sent = await sendTransaction({ ...sending, previous, save });
    const receipt = await readReceipt(sending.rpc, sent);
    if (receipt !== undefined) return receipt;
    await sleep(pollMs);
  }
}
