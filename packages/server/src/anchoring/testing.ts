/** Anchors for tests, as a notary keeps them. */
import { type Checkpoint, checkEvmAnchor, encodeEvmAnchor, encodeHex } from "@attestry/core";
import type { AnchorRecord } from "@attestry/ledger";
import { type TestLedger, testLedger } from "../../../core/test-kit/ledger.ts";

/** A final anchor of the checkpoint on the test ledger. @param time of its block */
export async function keptAnchor(
  { origin, size, rootHash }: Pick<Checkpoint, "origin" | "size" | "rootHash">,
  time?: number,
  { trusted, anchor }: TestLedger = testLedger(),
): Promise<AnchorRecord & { readonly proof: Uint8Array }> {
  const made = await anchor({ origin, size, rootHash }, time);
  const found = await checkEvmAnchor(made, { origin, size, rootHash }, [trusted]);
  return {
    ledger: `chain ${trusted.chainId} 0x${encodeHex(trusted.contract)}`,
    origin,
    size,
    rootHash,
    state: "final",
    submittedAt: found.time * 1000,
    place: { block: found.blockNumber, id: encodeHex(found.blockHash), time: found.time },
    proof: encodeEvmAnchor(made),
  };
}
