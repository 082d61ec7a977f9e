/** Real chains, accounts and log keys for tests. */
import { generateKeyPairSync, sign } from "node:crypto";
import { publicKey, type Signer, sha256 } from "@attestry/core";
import { type Anvil, startAnvil } from "../src/anvil.ts";
import { createAccount, type EvmAccount } from "../src/evm/account.ts";
import { openRpc, type Rpc } from "../src/evm/rpc.ts";

export interface Chain extends Anvil {
  readonly rpc: Rpc;
  /** Makes `count` blocks. */
  mine(count?: number): Promise<void>;
  /** What the node would do with one call more than JSON-RPC has: anvil_*, evm_*. */
  control(method: string, ...parameters: unknown[]): Promise<unknown>;
}

export async function startChain(moreArguments: readonly string[] = [], folder?: string): Promise<Chain> {
  const anvil = await startAnvil({ moreArguments, ...(folder === undefined ? {} : { folder }) });
  const rpc = openRpc(anvil.url);
  const control = (method: string, ...parameters: unknown[]): Promise<unknown> => rpc.call(method, parameters);
  return {
    url: anvil.url,
    chainId: anvil.chainId,
    get pid() {
      return anvil.pid;
    },
    close: anvil.close,
    rpc,
    control,
    mine: async (count = 1) => void (await control("anvil_mine", `0x${count.toString(16)}`)),
  };
}

/** An account that exists nowhere yet; the same for the same name. */
export function accountOf(name: string): EvmAccount {
  return createAccount(sha256(new TextEncoder().encode(name)));
}

/** An account with money on that chain. */
export async function fundedAccount(chain: Chain, name: string): Promise<EvmAccount> {
  const account = accountOf(name);
  await chain.control("anvil_setBalance", account.address, "0x56bc75e2d63100000"); // 100 ether
  return account;
}

/** A log's ES256 key. */
export function createLogSigner(): Signer {
  const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = pair.publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return {
    publicKey: publicKey("ES256", new Uint8Array(point)),
    sign: async (data) => new Uint8Array(sign("sha256", data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" })),
  };
}

/** Root hash of an imagined tree of that size. */
export function rootOf(size: number): Uint8Array {
  return sha256(new TextEncoder().encode(`tree of ${size}`));
}
