/** Sends a transaction and waits until it is in a block: for deploying and governing, where a person waits. */
import { setTimeout as sleep } from "node:timers/promises";
import { isAttestryError } from "@attestry/core";
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

/** Milliseconds for which a node that has the transaction may be away, or too busy to say what became of it. */
const longestAbsence = 60_000;

/** Sends and waits until it is in a block. @throws what `sendTransaction` and `readReceipt` throw */
export async function transact(sending: Omit<Sending, "previous" | "save">, pollMs = 500): Promise<Receipt> {
  let previous: SentTransaction | undefined;
  let heard = Date.now();
  const save = async (sent: SentTransaction) => {
    previous = sent;
  };
  for (;;) {
    try {
      const sent = await sendTransaction({ ...sending, previous, save });
      const receipt = await readReceipt(sending.rpc, sent);
      if (receipt !== undefined) return receipt;
      heard = Date.now();
    } catch (error) {
      // Once it is sent it may well be carried out: whoever were told of a failure would send it a second time.
      const isAway = isAttestryError(error) && error.code === "UNAVAILABLE_LEDGER";
      if (previous === undefined || !isAway || Date.now() - heard > longestAbsence) throw error;
    }
    await sleep(pollMs);
  }
}
