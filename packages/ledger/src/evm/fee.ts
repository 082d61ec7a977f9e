/** What a transaction offers for its gas: EIP-1559, or the gas price on a chain that has no base fee. */
import { asRecord, parseQuantity, type Rpc } from "./rpc.ts";

/** Wei for each unit of gas. */
export interface Fee {
  /** The most that is paid: `maxFeePerGas`, or `gasPrice`. */
  readonly max: bigint;
  /** `maxPriorityFeePerGas`; none on a chain without a base fee. */
  readonly tip?: bigint;
}

/**
 * What gets a transaction into one of the next blocks: twice the base fee, which outlasts six full blocks, and the usual tip.
 * @param broke on a chain that charges nothing, whoever has nothing offers nothing
 * @throws UNAVAILABLE_LEDGER
 */
export async function readFee(rpc: Rpc, broke: boolean): Promise<Fee> {
  const block = asRecord(await rpc.call("eth_getBlockByNumber", ["latest", false]), "the newest block");
  const price = async () => parseQuantity(await rpc.call("eth_gasPrice", []), "the gas price");
  if (block["baseFeePerGas"] === undefined) return { max: await price() };
  const base = parseQuantity(block["baseFeePerGas"], "the base fee");
  if (base === 0n && broke) return { max: 0n, tip: 0n };
  const usual = await rpc.ask("eth_maxPriorityFeePerGas", []);
  const tip = "result" in usual ? parseQuantity(usual.result, "the priority fee") : atLeastZero((await price()) - base);
  return { max: 2n * base + tip, tip };
}

/** Nodes want a tenth more of each part before they replace a transaction, some an eighth; a quarter is taken by all. */
export function raiseFee(before: Fee, wanted: Fee): Fee {
  const raised = (value: bigint) => value + value / 4n + 1n;
  const max = larger(raised(before.max), wanted.max);
  if (before.tip === undefined) return { max };
  const tip = larger(raised(before.tip), wanted.tip ?? 0n);
  return { max: larger(max, tip), tip };
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function atLeastZero(value: bigint): bigint {
  return larger(value, 0n);
}
