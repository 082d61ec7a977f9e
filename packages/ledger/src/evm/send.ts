/**
 * Sends an account's transactions, one at a time, so that each gets onto the chain whatever happens to it on the way: dropped
 * ones are sent again, stuck ones replaced at a higher fee, gaps below them filled. What was sent is durable before it is sent.
 */
import { AttestryError } from "@attestry/core";
import { keccak256, type TransactionSerializable } from "viem";
import type { EvmAccount } from "./account.ts";
import { checkChain } from "./connect.ts";
import type { Address, Hex } from "./contract.ts";
import { type Fee, raiseFee, readFee } from "./fee.ts";
import { refusalOf, refuse } from "./refusal.ts";
import { asRecord, parseQuantity, type Rpc } from "./rpc.ts";

/** A signed transaction that may or may not have reached a node. JSON keeps it whole. */
export interface SentTransaction {
  readonly nonce: number;
  /** Its hash, and those of the transactions that it replaces: at most one of them gets onto the chain. */
  readonly hashes: readonly Hex[];
  /** As it goes over the wire. */
  readonly raw: Hex;
  readonly gas: number;
  /** Wei for each unit of gas, in decimal; a chain with no base fee has no tip. */
  readonly fee: { readonly max: string; readonly tip?: string };
  /** The newest block when it was signed. */
  readonly block: number;
}

export interface Sending {
  readonly rpc: Rpc;
  readonly chainId: number;
  readonly account: EvmAccount;
  /** None: the transaction creates a contract. */
  readonly to?: Address;
  /** Called only when something is signed. */
  data(): Promise<Hex>;
  /** What was sent for the same purpose before. */
  readonly previous?: SentTransaction | undefined;
  /** Must make it durable before it resolves; nothing is sent before that. */
  save(sent: SentTransaction): Promise<void>;
  /** A transaction that is still pending after this many blocks is replaced. Default 5. */
  readonly patience?: number;
}

const defaultPatience = 5;

/**
 * Sends, sends again, replaces, or leaves alone what is on its way; call it again until the purpose is served. Waits for no
 * block. @throws UNAVAILABLE_LEDGER, POLICY_LEDGER, and what the contract's refusals become (`refusalOf`)
 */
export function sendTransaction(sending: Sending): Promise<SentTransaction> {
  return oneAtATime(`${sending.chainId} ${sending.account.address}`, async () => {
    await checkChain(sending.rpc, sending.chainId);
    const { previous } = sending;
    // In this order: were a transaction dropped between the two answers, the other order would give its nonce up.
    const isKnown = previous !== undefined && (await isAnyKnown(sending.rpc, previous));
    const nonces = await readNonces(sending.rpc, sending.account.address);
    const state = previous === undefined ? "gone" : await readState(sending.rpc, previous, nonces, isKnown);
    if (previous === undefined || state === "gone") return signAndSend(sending, nonces.pending);
    if (state === "done") return previous;
    if (state === "dropped") return sendAgain(sending, previous);
    const newest = await readNewestBlock(sending.rpc);
    if (newest < previous.block + (sending.patience ?? defaultPatience)) return previous;
    return replace(sending, previous, newest);
  });
}

interface Nonces {
  /** The first nonce that no block has used. */
  readonly confirmed: number;
  /** The first nonce that no block has used and no transaction that only waits for a block will use. */
  readonly pending: number;
}

async function readNonces(rpc: Rpc, address: Address): Promise<Nonces> {
  const [confirmed, pending] = await Promise.all(
    ["latest", "pending"].map(async (block) =>
      Number(parseQuantity(await rpc.call("eth_getTransactionCount", [address, block]), "the nonce")),
    ),
  );
  return { confirmed: confirmed ?? 0, pending: Math.max(pending ?? 0, confirmed ?? 0) };
}

/**
 * `done`: it is in a block. `waiting`: a node has it, and it needs only a block. `dropped`: no node has it, and its nonce is the
 * next one. `gone`: it failed, or its nonce is used or taken by another, or there is a gap below it that nothing will fill; only
 * another nonce helps. The contract refuses the second of two anchors of one size, so an old transaction that turns up after
 * all does no harm.
 */
type State = "done" | "waiting" | "dropped" | "gone";

async function readState(
  rpc: Rpc,
  { nonce, hashes }: SentTransaction,
  nonces: Nonces,
  isKnown: boolean,
): Promise<State> {
  if (nonce < nonces.confirmed) {
    const receipts = await Promise.all(hashes.map((hash) => rpc.call("eth_getTransactionReceipt", [hash])));
    return receipts.some((receipt) => receipt !== null && asRecord(receipt, "the receipt")["status"] === "0x1")
      ? "done"
      : "gone";
  }
  if (nonce > nonces.pending) return "gone";
  if (isKnown) return "waiting";
  return nonce === nonces.pending ? "dropped" : "gone";
}

async function isAnyKnown(rpc: Rpc, { hashes }: SentTransaction): Promise<boolean> {
  const found = await Promise.all(hashes.map((hash) => rpc.call("eth_getTransactionByHash", [hash])));
  return found.some((transaction) => transaction !== null);
}

async function signAndSend(sending: Sending, nonce: number): Promise<SentTransaction> {
  const { rpc, account } = sending;
  const data = await sending.data();
  const [gas, balance, newest] = await Promise.all([
    estimateGas(sending, data),
    readBalance(rpc, account.address),
    readNewestBlock(rpc),
  ]);
  const fee = await readFee(rpc, balance === 0n);
  checkFunds(account.address, balance, BigInt(gas) * fee.max);
  return submit(sending, await sign(sending, { nonce, gas, data, fee, block: newest, replaces: [] }));
}

async function sendAgain(sending: Sending, previous: SentTransaction): Promise<SentTransaction> {
  const fee = await readFee(sending.rpc, previous.fee.max === "0");
  if (fee.max > BigInt(previous.fee.max)) return replace(sending, previous, await readNewestBlock(sending.rpc));
  return deliver(sending, previous);
}

async function replace(sending: Sending, previous: SentTransaction, block: number): Promise<SentTransaction> {
  const { nonce, gas, hashes } = previous;
  const before: Fee = { max: BigInt(previous.fee.max), ...(previous.fee.tip ? { tip: BigInt(previous.fee.tip) } : {}) };
  if (before.max === 0n) return deliver(sending, previous); // nothing is paid on this chain: there is nothing to raise
  const fee = raiseFee(before, await readFee(sending.rpc, false));
  const { address } = sending.account;
  checkFunds(address, await readBalance(sending.rpc, address), BigInt(gas) * fee.max);
  const data = await sending.data();
  return submit(sending, await sign(sending, { nonce, gas, data, fee, block, replaces: hashes }));
}

interface Unsigned {
  readonly nonce: number;
  readonly gas: number;
  readonly data: Hex;
  readonly fee: Fee;
  readonly block: number;
  readonly replaces: readonly Hex[];
}

async function sign({ account, chainId, to }: Sending, unsigned: Unsigned): Promise<SentTransaction> {
  const { nonce, gas, data, fee, block, replaces } = unsigned;
  const common = { chainId, nonce, gas: BigInt(gas), data, ...(to ? { to } : {}) };
  const transaction: TransactionSerializable =
    fee.tip === undefined
      ? { ...common, type: "legacy", gasPrice: fee.max }
      : { ...common, type: "eip1559", maxFeePerGas: fee.max, maxPriorityFeePerGas: fee.tip };
  const raw = await account.signTransaction(transaction);
  const paid = { max: String(fee.max), ...(fee.tip === undefined ? {} : { tip: String(fee.tip) }) };
  return { nonce, gas, raw, block, fee: paid, hashes: [...replaces, keccak256(raw)] };
}

async function submit(sending: Sending, sent: SentTransaction): Promise<SentTransaction> {
  await sending.save(sent);
  return deliver(sending, sent);
}

async function deliver({ rpc, account }: Sending, sent: SentTransaction): Promise<SentTransaction> {
  const answer = await rpc.ask("eth_sendRawTransaction", [sent.raw]);
  if ("result" in answer) return sent;
  // Nodes word it differently, so what is wrong is looked up: the node may have had it all along, or used the nonce.
  const known = await rpc.call("eth_getTransactionByHash", [sent.hashes.at(-1)]);
  if (known !== null) return sent;
  const { confirmed } = await readNonces(rpc, account.address);
  if (confirmed > sent.nonce) {
    throw new AttestryError("UNAVAILABLE_LEDGER", "The account's nonce was used meanwhile; it will be tried again.");
  }
  checkFunds(account.address, await readBalance(rpc, account.address), BigInt(sent.gas) * BigInt(sent.fee.max));
  throw refuse("refused", `The node at ${rpc.node} does not take the transaction: ${answer.error.message}`);
}

async function estimateGas({ rpc, account, to }: Sending, data: Hex): Promise<number> {
  const answer = await rpc.ask("eth_estimateGas", [{ from: account.address, ...(to ? { to } : {}), data }, "latest"]);
  if ("result" in answer) {
    const estimate = Number(parseQuantity(answer.result, "the gas estimate"));
    return Math.ceil(estimate * 1.2); // what it costs can differ a little by the time it is carried out
  }
  if (answer.error.revert !== undefined) throw refusalOf(answer.error.revert, account.address);
  throw refuse("refused", `The node at ${rpc.node} cannot carry the call out: ${answer.error.message}`);
}

function checkFunds(account: Address, balance: bigint, needed: bigint): void {
  if (balance >= needed) return;
  const message = `The account ${account} has ${balance} wei; this takes up to ${needed}. Send it some.`;
  throw refuse("unfunded", message, { account, balance: String(balance), needed: String(needed) });
}

async function readBalance(rpc: Rpc, account: Address): Promise<bigint> {
  return parseQuantity(await rpc.call("eth_getBalance", [account, "latest"]), "the balance");
}

async function readNewestBlock(rpc: Rpc): Promise<number> {
  return Number(parseQuantity(await rpc.call("eth_blockNumber", []), "the newest block's number"));
}

const tails = new Map<string, Promise<unknown>>();

// Two transactions of one account that are signed at the same time would get the same nonce.
function oneAtATime<T>(key: string, act: () => Promise<T>): Promise<T> {
  const result = (tails.get(key) ?? Promise.resolve()).then(act);
  const tail = result.catch(() => {});
  tails.set(key, tail);
  void tail.then(() => tails.get(key) === tail && tails.delete(key));
  return result;
}
