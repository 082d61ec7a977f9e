import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "@attestry/core";
import { fromRlp, type Hex, keccak256 } from "viem";
import { realBlocks } from "../../../core/src/anchor/real-blocks.ts";
import { createSetting, targetOf } from "../../test-kit/evm.ts";
import { awaitFinality } from "../ledger.ts";
import { findFinality } from "./finality.ts";
import { readHeader } from "./header.ts";
import type { Rpc } from "./rpc.ts";

// Berlin has no base fee; each later one adds fields to the header.
for (const hardfork of ["berlin", "london", "shanghai", "cancun", "prague", "osaka"]) {
  test(`an anchor is made and proved under the rules of ${hardfork}`, async (t) => {
    const { chain, ledger, signer } = await createSetting(["--hardfork", hardfork]);
    t.after(chain.close);
    const driver = ledger({ finality: 0 });
    const target = targetOf(5);
    await driver.submitAnchor(target, { signForLedger: signer, save: async () => {} });
    const place = await awaitFinality(driver, target, { pollMs: 10 });
    assert.ok((await driver.collectProof(target, place)).proof.length > 1000);
    const { header, hash } = await readHeader(chain.rpc, place.block);
    assert.equal(keccak256(header), `0x${encodeHex(hash)}`);
  });
}

test("headers of real QBFT and IBFT blocks are read as they are on their chains, seals included", async () => {
  for (const block of realBlocks) {
    const fields = fromRlp(`0x${block.header}`) as Hex[];
    const names = [...headerFields.slice(0, fields.length), "hash"];
    const values = [...fields.map(asJsonRpc), `0x${"00".repeat(32)}`];
    const answer = Object.fromEntries(names.map((name, at) => [name, values[at]]));
    const node: Rpc = { node: "test", ask: () => assert.fail(), call: async () => answer };
    assert.equal(encodeHex((await readHeader(node, block.number)).header), block.header, block.source);
  }
});

const headerFields =
  `parentHash sha3Uncles miner stateRoot transactionsRoot receiptsRoot logsBloom difficulty number gasLimit
  gasUsed timestamp extraData mixHash nonce baseFeePerGas withdrawalsRoot blobGasUsed excessBlobGas parentBeaconBlockRoot
  requestsHash`.split(/\s+/);

/** Numbers, which are short, without leading zeros; everything else as it is. */
function asJsonRpc(field: Hex): Hex {
  return field.length < 2 + 16 ? `0x${BigInt(field === "0x" ? 0 : field).toString(16)}` : field;
}

test("the finality of a chain is read from its newest block", async () => {
  const nodeWith = (block: Record<string, string>): Rpc => ({
    node: "test",
    ask: () => assert.fail(),
    call: async () => block,
  });
  const bft = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365";
  const other = `0x${"12".repeat(32)}`;
  assert.equal(await findFinality(nodeWith({ mixHash: bft, difficulty: "0x1" })), 0, "QBFT and IBFT");
  assert.equal(await findFinality(nodeWith({ mixHash: other, difficulty: "0x0" })), "finalized", "proof of stake");
  const expected = { code: "POLICY_LEDGER", data: { reason: "finality-unset" } };
  await assert.rejects(findFinality(nodeWith({ mixHash: other, difficulty: "0x2" })), expected, "Clique");
});
