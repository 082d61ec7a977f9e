/** Real chains, accounts and log keys for tests. */
import { createECDH, createPrivateKey, sign } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { encodeBase64Url, publicKey, type Signer, sha256 } from "@attestry/core";
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

/** A log's ES256 key; the same for the same name. */
export function createLogSigner(name = "the log"): Signer {
  const d = sha256(new TextEncoder().encode(name));
  const curve = createECDH("prime256v1");
  curve.setPrivateKey(d);
  const point = new Uint8Array(curve.getPublicKey());
  const [x, y] = [encodeBase64Url(point.subarray(1, 33)), encodeBase64Url(point.subarray(33))];
  const key = createPrivateKey({ key: { kty: "EC", crv: "P-256", d: encodeBase64Url(d), x, y }, format: "jwk" });
  return {
    publicKey: publicKey("ES256", point),
    sign: async (data) => new Uint8Array(sign("sha256", data, { key, dsaEncoding: "ieee-p1363" })),
  };
}

/** Root hash of an imagined tree of that size. */
export function rootOf(size: number): Uint8Array {
  return sha256(new TextEncoder().encode(`tree of ${size}`));
}

/** Looks again and again until the condition holds. @throws when it never does, with what it was last */
export async function eventually<T>(
  look: () => Promise<T> | T,
  holds: (value: T) => boolean,
  time = 60_000,
): Promise<T> {
  const deadline = Date.now() + time;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`It never came to be. At last: ${inspect(value)}`);
    await sleep(10);
  }
}
