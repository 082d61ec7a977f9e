/**
 * When a block stays: at once under QBFT and IBFT, whose validators agree before they make it; with the chain's `finalized`
 * block under proof of stake; under so many other blocks elsewhere, as the operator decides.
 */

import type { ContractAt } from "./contract.ts";
import { refuse } from "./refusal.ts";
import { asRecord, parseQuantity, type Rpc } from "./rpc.ts";

/** `finalized`: as the chain says. A number: so many blocks on top; 0 is at once. */
export type Finality = "finalized" | number;

/** A contract on a chain of which it is known when its blocks stay. */
export interface Connection extends ContractAt {
  readonly finality: Finality;
}

/** The mix hash of every Istanbul-family block (EIP-650; Besu and GoQuorum, QBFT and IBFT). */
const bftMixHash = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365";

/** Reads from the newest block what the chain is. @throws POLICY_LEDGER where it does not say; UNAVAILABLE_LEDGER */
export async function findFinality(rpc: Rpc): Promise<Finality> {
  const block = asRecord(await rpc.call("eth_getBlockByNumber", ["latest", false]), "the newest block");
  if (block["mixHash"] === bftMixHash) return 0;
  if (parseQuantity(block["difficulty"], "the block's difficulty") === 0n) return "finalized"; // EIP-3675: after the merge
  const message = "This chain does not say when a block is final. Set the number of blocks after which it is.";
  throw refuse("finality-unset", message);
}

/** The newest block that is final; undefined while there is none. @throws UNAVAILABLE_LEDGER */
export async function readFinalBlock(rpc: Rpc, finality: Finality): Promise<number | undefined> {
  if (finality === "finalized") {
    const answer = await rpc.ask("eth_getBlockByNumber", ["finalized", false]);
    // Before the first finalized block some nodes answer null and some an error.
    if ("error" in answer || answer.result === null) return undefined;
    return Number(parseQuantity(asRecord(answer.result, "the finalized block")["number"], "the block's number"));
  }
  const newest = Number(parseQuantity(await rpc.call("eth_blockNumber", []), "the newest block's number"));
  return newest < finality ? undefined : newest - finality;
}
