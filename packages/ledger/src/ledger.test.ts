import assert from "node:assert/strict";
import { type AnchorFinding, checkEvmAnchor, parseEvmAnchor, type TrustedLedger } from "@attestry/core";
import { createSetting, origin } from "../test-kit/evm.ts";
import { testLedger } from "./ledger.contract.ts";

testLedger("EVM", async () => {
  const setting = await createSetting();
  const { chain, signer, contract } = setting;
  await chain.control("evm_setAutomine", false);
  return {
    ledger: setting.ledger(),
    origin,
    signForLedger: signer,
    unreachable: setting.ledger({ url: "http://127.0.0.1:1" }),
    include: () => chain.mine(),
    finalise: () => chain.mine(3), // two on top of what the first of them includes
    countAnchors: ({ size }) => setting.countAnchors(size),
    check: async (proof, target) => {
      const anchor = parseEvmAnchor(proof);
      const address = Uint8Array.fromHex(contract.slice(2));
      const trusted: TrustedLedger = {
        kind: "evm",
        name: "local",
        chainId: chain.chainId,
        contract: address,
        basis: "the test",
      };
      const finding: AnchorFinding = await checkEvmAnchor(anchor, target, [trusted]);
      assert.equal(finding.finality, "unproven"); // a chain of one node proves no finality
    },
    close: () => chain.close(),
  };
});
