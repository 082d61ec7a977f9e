/** Connects to a contract through a node, once both have shown to be the right ones. */
import { type Address, getAddress } from "viem";
import { type ContractAt, noContract, runtimeBytecode } from "./contract.ts";
import { refuse } from "./refusal.ts";
import { openRpc, parseQuantity, type Rpc } from "./rpc.ts";

export interface ConnectOptions {
  /** The node's JSON-RPC address, http or https. */
  readonly url: string;
  /** EIP-155 chain id that the node must be on. */
  readonly chainId: number;
  /** 0x-prefixed address of the contract. */
  readonly contract: string;
}

/**
 * Checks the chain and that the contract's code is the one of this version.
 * @throws UNAVAILABLE_LEDGER; POLICY_LEDGER with the reason `wrong-chain`, `no-contract` or `other-contract`; USAGE when the
 *   node's address is malformed
 */
export async function connect(options: ConnectOptions): Promise<ContractAt> {
  const rpc = openRpc(options.url);
  const { chainId } = options;
  const contract = parseAddress(options.contract);
  await checkChain(rpc, chainId);
  const code = await rpc.call("eth_getCode", [contract, "latest"]);
  if (code === "0x") throw noContract(contract);
  if (code !== runtimeBytecode) {
    throw refuse("other-contract", `What stands at ${contract} is not the AttestryAnchors contract of this version.`);
  }
  return { rpc, chainId, contract };
}

/** A node can be exchanged behind its address: checked again and again. @throws POLICY_LEDGER, UNAVAILABLE_LEDGER */
export async function checkChain(rpc: Rpc, chainId: number): Promise<void> {
  const found = parseQuantity(await rpc.call("eth_chainId", []), "the chain id");
  if (found === BigInt(chainId)) return;
  const message = `The node at ${rpc.node} is on chain ${found}, not on ${chainId}. Nothing was sent.`;
  throw refuse("wrong-chain", message, { found: Number(found), expected: chainId });
}

/** Accepts any case, and checks the checksum of EIP-55 where the case is mixed. @throws POLICY_LEDGER */
export function parseAddress(text: string): Address {
  try {
    return getAddress(text);
  } catch {
    throw refuse("no-contract", `${text.slice(0, 60)} is not an address: 0x and 40 hexadecimal digits.`);
  }
}

/** The chain that the node says it is on. @throws UNAVAILABLE_LEDGER, USAGE when the address is malformed */
export async function readChainId(url: string): Promise<number> {
  return Number(parseQuantity(await openRpc(url).call("eth_chainId", []), "the chain id"));
}
