/** A block's header as its hash is taken: the RLP list of its fields (Ethereum execution specifications, `Header`). */
import { type Hex, toRlp } from "viem";
import { asRecord, parseData, parseQuantity, type Rpc, toQuantity } from "./rpc.ts";

// In the header's order. Numbers are written without leading zeros, everything else as it is.
const fields: readonly (readonly [name: string, kind: "bytes" | "number"])[] = [
  ["parentHash", "bytes"],
  ["sha3Uncles", "bytes"],
  ["miner", "bytes"],
  ["stateRoot", "bytes"],
  ["transactionsRoot", "bytes"],
  ["receiptsRoot", "bytes"],
  ["logsBloom", "bytes"],
  ["difficulty", "number"],
  ["number", "number"],
  ["gasLimit", "number"],
  ["gasUsed", "number"],
  ["timestamp", "number"],
  ["extraData", "bytes"],
  ["mixHash", "bytes"],
  ["nonce", "bytes"],
];
// Each came with a fork and needs those before it: London, Shanghai, Cancun (three), Prague.
const laterFields: typeof fields = [
  ["baseFeePerGas", "number"],
  ["withdrawalsRoot", "bytes"],
  ["blobGasUsed", "number"],
  ["excessBlobGas", "number"],
  ["parentBeaconBlockRoot", "bytes"],
  ["requestsHash", "bytes"],
];

/** The RLP of the header of a block, and its hash as the node gives it. @throws UNAVAILABLE_LEDGER */
export async function readHeader(rpc: Rpc, block: number): Promise<{ header: Uint8Array; hash: Uint8Array }> {
  const answer = asRecord(await rpc.call("eth_getBlockByNumber", [toQuantity(block), false]), `block ${block}`);
  const absent = laterFields.findIndex(([name]) => answer[name] === undefined || answer[name] === null);
  const present = [...fields, ...laterFields.slice(0, absent === -1 ? undefined : absent)];
  const items = present.map(([name, kind]) => encodeField(answer[name], name, kind));
  return { header: toRlp(items, "bytes"), hash: parseData(answer["hash"], "the block's hash") };
}

function encodeField(value: unknown, name: string, kind: "bytes" | "number"): Hex {
  if (kind === "bytes") return `0x${Buffer.from(parseData(value, name)).toString("hex")}`;
  const digits = parseQuantity(value, name).toString(16);
  return digits === "0" ? "0x" : `0x${digits.length % 2 === 0 ? "" : "0"}${digits}`;
}
