/** Deploys the contract, as a first one or in the place of another. */
import type { PublicKey } from "@attestry/core";
import { zeroAddress } from "viem";
import type { EvmAccount } from "./account.ts";
import { connect, parseAddress } from "./connect.ts";
import { type Consortium, type LogKey, readConsortium } from "./consortium.ts";
import { type Address, encodeDeployment, keyCoordinates } from "./contract.ts";
import { refuse } from "./refusal.ts";
import { openRpc } from "./rpc.ts";
import { transact } from "./transact.ts";

export interface DeployOptions {
  /** The node's JSON-RPC address, http or https. */
  readonly url: string;
  readonly chainId: number;
  /** Pays; has no rights in the contract unless it is named below. */
  readonly account: EvmAccount;
  /** The first members. Left out: those of the contract that is replaced, or else the account alone. */
  readonly members?: readonly string[];
  /** Writers and whose they are. Left out: those of the contract that is replaced, or else the first member writes itself. */
  readonly writers?: readonly { readonly member: string; readonly account: string }[];
  /** Logs and their ES256 keys, beside those of the contract that is replaced. */
  readonly logs?: readonly { readonly origin: string; readonly publicKey: PublicKey }[];
  /** The contract that this one replaces: its logs go on from where they stand there. */
  readonly replaces?: string;
}

export interface Deployment {
  readonly contract: Address;
  readonly block: number;
  readonly gasUsed: number;
}

/**
 * Resolves when the contract is in a block. Until then nothing of it is used anywhere: deploying again is safe.
 * @throws POLICY_LEDGER, UNAVAILABLE_LEDGER
 */
export async function deployContract(options: DeployOptions): Promise<Deployment> {
  const { url, chainId, account, replaces } = options;
  const before =
    replaces === undefined ? undefined : await readConsortium(await connect({ url, chainId, contract: replaces }));
  const members = options.members?.map(parseAddress) ?? before?.members ?? [account.address];
  const [first = account.address] = members;
  const writers = options.writers?.map(({ member, account: writer }) => ({
    member: parseAddress(member),
    account: parseAddress(writer),
  }));
  const data = encodeDeployment({
    members,
    writers: writers ?? before?.writers ?? [{ member: first, account: first }],
    logs: [...mergeLogs(before, options.logs)].map(([origin, { x, y }]) => ({ origin, keyX: x, keyY: y })),
    predecessor: replaces === undefined ? zeroAddress : parseAddress(replaces),
  });
  const { block, gasUsed, created } = await transact({ rpc: openRpc(url), chainId, account, data: async () => data });
  if (created === undefined) throw refuse("refused", "The node created no contract.");
  return { contract: parseAddress(created), block, gasUsed };
}

function mergeLogs(before: Consortium | undefined, more: DeployOptions["logs"] = []): Map<string, LogKey> {
  const logs = new Map(before?.logs.map(({ origin, key }) => [origin, key]));
  for (const { origin, publicKey } of more) logs.set(origin, keyCoordinates({ publicKey }));
  return logs;
}
