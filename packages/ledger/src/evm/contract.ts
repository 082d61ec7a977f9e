/** The `AttestryAnchors` contract as the driver sees it: what is sent to it, and what it answers. */
import { AttestryError, encodeHex, encodeUtf8, type Signer, sha256 } from "@attestry/core";
import {
  type Address,
  type ContractFunctionArgs,
  type ContractFunctionName,
  type ContractFunctionReturnType,
  decodeFunctionResult,
  encodeAbiParameters,
  encodeDeployData,
  encodeFunctionData,
  type Hex,
  parseAbiParameters,
  stringToHex,
} from "viem";
import artifact from "../../contracts/AttestryAnchors.json" with { type: "json" };
import type { AnchorTarget } from "../ledger.ts";
import { abi } from "./abi.ts";
import type { Rpc } from "./rpc.ts";

export type { Address, Hex } from "viem";

/** What stands at the address of every deployment. */
export const runtimeBytecode: Hex = artifact.runtimeBytecode as Hex;

/** A contract on a chain, and a node to ask. */
export interface ContractAt {
  readonly rpc: Rpc;
  readonly chainId: number;
  readonly contract: Address;
}

type ViewName = ContractFunctionName<typeof abi, "view">;
type CallName = ContractFunctionName<typeof abi, "nonpayable">;

/** Asks the contract, as of a block: a number or tag of the JSON-RPC encoding. @throws UNAVAILABLE_LEDGER, POLICY_LEDGER when there is no contract */
export async function readContract<N extends ViewName>(
  { rpc, contract }: ContractAt,
  functionName: N,
  args: ContractFunctionArgs<typeof abi, "view", N>,
  block = "latest",
): Promise<ContractFunctionReturnType<typeof abi, "view", N>> {
  const data = encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]);
  const result = await rpc.call("eth_call", [{ to: contract, data }, block]);
  try {
    const answer = { abi, functionName, data: result } as Parameters<typeof decodeFunctionResult>[0];
    return decodeFunctionResult(answer) as ContractFunctionReturnType<typeof abi, "view", N>;
  } catch {
    throw noContract(contract);
  }
}

export function noContract(contract: Address): AttestryError {
  const message = `There is no AttestryAnchors contract at ${contract} on this chain. Is it the right node and address?`;
  return new AttestryError("POLICY_LEDGER", message, { data: { reason: "no-contract", contract } });
}

/** The data of a transaction that calls the contract. */
export function encodeCall<N extends CallName>(
  functionName: N,
  args: ContractFunctionArgs<typeof abi, "nonpayable", N>,
): Hex {
  return encodeFunctionData({ abi, functionName, args } as Parameters<typeof encodeFunctionData>[0]);
}

export interface DeployArguments {
  readonly members: readonly Address[];
  readonly writers: readonly { readonly member: Address; readonly account: Address }[];
  readonly logs: readonly { readonly origin: string; readonly keyX: Hex; readonly keyY: Hex }[];
  readonly predecessor: Address;
}

/** The data of the transaction that creates a contract. */
export function encodeDeployment({ members, writers, logs, predecessor }: DeployArguments): Hex {
  return encodeDeployData({ abi, bytecode: artifact.bytecode as Hex, args: [members, writers, logs, predecessor] });
}

export function originHash(origin: string): Hex {
  return toHex(sha256(encodeUtf8(origin)));
}

export function toHex(bytes: Uint8Array): Hex {
  return `0x${encodeHex(bytes)}`;
}

// Every tag is ASCII, so no message can be taken for a COSE Sig_structure, which the same key signs and which begins with 84.
const anchorTag = stringToHex("attestry/anchor/v1", { size: 32 });
const rotationTag = stringToHex("attestry/log-key-rotation/v1", { size: 32 });
const anchorMessage = parseAbiParameters("bytes32, uint256, address, bytes32, uint64, bytes32");
const rotationMessage = parseAbiParameters("bytes32, uint256, address, bytes32, uint64, bytes32, bytes32");

/** What the log signs: the contract's `anchorMessage`, made here so that no node has a say in what the log signs. */
export function encodeAnchorMessage({ chainId, contract }: ContractAt, target: AnchorTarget): Uint8Array {
  const { origin, size, rootHash } = target;
  const values = [anchorTag, BigInt(chainId), contract, originHash(origin), BigInt(size), toHex(rootHash)] as const;
  return Buffer.from(encodeAbiParameters(anchorMessage, values).slice(2), "hex");
}

/** What the log's present key, its `keyNumber`-th, signs to hand over to `next`: the contract's `rotationMessage`. */
export function encodeRotationMessage(
  { chainId, contract }: ContractAt,
  { origin, keyNumber, next }: { origin: string; keyNumber: bigint; next: { x: Hex; y: Hex } },
): Uint8Array {
  const values = [rotationTag, BigInt(chainId), contract, originHash(origin), keyNumber, next.x, next.y] as const;
  return Buffer.from(encodeAbiParameters(rotationMessage, values).slice(2), "hex");
}

/** The coordinates of a log's key. @throws POLICY_LEDGER when it is not a P-256 key */
export function keyCoordinates({ publicKey }: Pick<Signer, "publicKey">): { x: Hex; y: Hex } {
  if (publicKey.algorithm === "ES256") {
    return { x: toHex(publicKey.bytes.subarray(1, 33)), y: toHex(publicKey.bytes.subarray(33, 65)) };
  }
  const message = `Contracts check ES256 signatures; the log's key is ${publicKey.algorithm}.`;
  throw new AttestryError("POLICY_LEDGER", message, { data: { reason: "log-key" } });
}

/** Order of P-256 (SEC 2 §2.4.2). */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** Signs for the contract, which takes the lower of the two values that s can have. */
export async function signForContract(signer: Signer, message: Uint8Array): Promise<{ r: Hex; s: Hex }> {
  const signature = await signer.sign(message);
  const s = BigInt(toHex(signature.subarray(32, 64)));
  const low = s > p256Order / 2n ? p256Order - s : s;
  return { r: toHex(signature.subarray(0, 32)), s: `0x${low.toString(16).padStart(64, "0")}` };
}
