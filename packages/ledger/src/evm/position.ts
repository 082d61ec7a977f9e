/** Where an anchor stands: in the contract or not, in which block, and whether that block stays. */
import { encodeHex } from "@attestry/core";
import { encodeEventTopics } from "viem";
import type { AnchorPlace, AnchorPosition, AnchorTarget } from "../ledger.ts";
import { abi } from "./abi.ts";
import { originHash, readContract, toHex } from "./contract.ts";
import { type Connection, readFinalBlock } from "./finality.ts";
import { conflict } from "./refusal.ts";
import { asRecord, parseData, parseQuantity, type Rpc, toQuantity } from "./rpc.ts";

const noRoot = `0x${"00".repeat(32)}`;

/** Whether the contract holds the target. @throws CONFLICT_ANCHOR when it does not and never can */
export async function isAnchored(connection: Connection, target: AnchorTarget, block = "latest"): Promise<boolean> {
  const hash = originHash(target.origin);
  // In this order: were the anchor to come between the two answers, the other order would take it for superseded.
  const [latest] = await readContract(connection, "latest", [hash], block);
  const root = await readContract(connection, "rootAt", [hash, BigInt(target.size)], block);
  if (root === toHex(target.rootHash)) return true;
  if (root !== noRoot) {
    throw conflict("other-root", `The contract holds another root hash for size ${target.size} of ${target.origin}.`);
  }
  if (latest < BigInt(target.size)) return false;
  throw conflict("superseded", `The contract holds size ${latest} of ${target.origin}: ${target.size} comes too late.`);
}

/** `Ledger.readAnchor`. @param fromBlock the anchor is in no block before it */
export async function readPosition(
  connection: Connection,
  target: AnchorTarget,
  fromBlock: number,
): Promise<AnchorPosition> {
  if (!(await isAnchored(connection, target))) return { state: "absent" };
  const { rpc, finality } = connection;
  const final = await readFinalBlock(rpc, finality);
  const block = await findEvent(connection, target, fromBlock);
  if (block !== undefined) {
    const state = final !== undefined && final >= block ? "final" : "included";
    return { state, place: await readPlace(rpc, toQuantity(block)) };
  }
  // A restarted or pruned node may have dropped the event; what the contract holds in a later block shows as much.
  if (final !== undefined && (await isAnchored(connection, target, toQuantity(final)))) {
    return { state: "final", place: await readPlace(rpc, toQuantity(final)) };
  }
  return { state: "included", place: await readPlace(rpc, "latest") };
}

async function findEvent(
  { rpc, contract }: Connection,
  target: AnchorTarget,
  fromBlock: number,
): Promise<number | undefined> {
  const args = { originHash: originHash(target.origin), size: BigInt(target.size) };
  const topics = encodeEventTopics({ abi, eventName: "Anchored", args });
  const filter = { address: contract, topics, fromBlock: toQuantity(fromBlock), toBlock: "latest" };
  const answer = await rpc.ask("eth_getLogs", [filter]);
  const [event] = "result" in answer && Array.isArray(answer.result) ? answer.result : [];
  if (event === undefined) return undefined;
  return Number(parseQuantity(asRecord(event, "the event")["blockNumber"], "the event's block"));
}

/** @param block a number or a tag of the JSON-RPC encoding. @throws UNAVAILABLE_LEDGER when the node does not have it */
export async function readPlace(rpc: Rpc, block: string): Promise<AnchorPlace> {
  const header = asRecord(await rpc.call("eth_getBlockByNumber", [block, false]), "the block");
  return {
    block: Number(parseQuantity(header["number"], "the block's number")),
    id: encodeHex(parseData(header["hash"], "the block's hash")),
    time: Number(parseQuantity(header["timestamp"], "the block's time")),
  };
}
