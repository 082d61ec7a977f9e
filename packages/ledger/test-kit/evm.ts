/** A deployed contract on a local chain, and a driver for it. */
import { encodeUtf8, type Signer, sha256 } from "@attestry/core";
import type { EvmAccount } from "../src/evm/account.ts";
import { toHex } from "../src/evm/contract.ts";
import { deployContract } from "../src/evm/deploy.ts";
import { createEvmLedger, type EvmLedgerOptions } from "../src/evm/evm-ledger.ts";
import type { AnchorTarget, Ledger } from "../src/ledger.ts";
import { type Chain, createLogSigner, fundedAccount, startChain } from "./chain.ts";

export const origin = "example.com/log";

export interface EvmSetting {
  readonly chain: Chain;
  readonly account: EvmAccount;
  readonly signer: Signer;
  readonly contract: string;
  /** A driver of its own, as a restarted notary has it. */
  ledger(more?: Partial<EvmLedgerOptions>): Ledger;
  /** How often the contract told of an anchor of that size; of any size when it is left out. */
  countAnchors(size?: number): Promise<number>;
}

/** A chain with a contract whose sole member and writer is the account, and where the log is registered. */
export async function createSetting(moreArguments: readonly string[] = [], folder?: string): Promise<EvmSetting> {
  const chain = await startChain(moreArguments, folder);
  const account = await fundedAccount(chain, "notary");
  const signer = createLogSigner();
  const { url, chainId } = chain;
  const logs = [{ origin, publicKey: signer.publicKey }];
  const { contract } = await deployContract({ url, chainId, account, logs });
  return {
    chain,
    account,
    signer,
    contract,
    ledger: (more = {}) => createEvmLedger({ name: "local", url, chainId, contract, account, finality: 2, ...more }),
    countAnchors: async (size) => {
      const topics = [anchoredTopic, toHex(sha256(encodeUtf8(origin))), ...(size === undefined ? [] : [word(size)])];
      const filter = { address: contract, fromBlock: "0x0", topics };
      return ((await chain.control("eth_getLogs", filter)) as unknown[]).length;
    },
  };
}

export function targetOf(size: number): AnchorTarget {
  return { origin, size, rootHash: sha256(encodeUtf8(`tree of ${size}`)) };
}

/** keccak256("Anchored(bytes32,uint64,bytes32,address)") */
const anchoredTopic = "0x7196d6002b555d592bc808cc522b6e167501be1b6185fd206cd187b7330acf7a";

function word(value: number): string {
  return `0x${value.toString(16).padStart(64, "0")}`;
}
