/** The whole way of an anchor on real chains of others' making: GoQuorum's QBFT and IBFT, geth's proof of stake. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { checkEvmAnchor, isAttestryError, parseEvmAnchor, type Signer, type TrustedLedger } from "@attestry/core";
import { accountOf, createLogSigner, eventually } from "../../test-kit/chain.ts";
import { origin, targetOf } from "../../test-kit/evm.ts";
import { noGeth, noQuorum, startClique, startGeth, startQuorum } from "../../test-kit/geth.ts";
import { type AnchorTarget, awaitFinality, type Ledger } from "../ledger.ts";
import { deployContract } from "./deploy.ts";
import { createEvmLedger } from "./evm-ledger.ts";
import { openRpc } from "./rpc.ts";

const signer = createLogSigner();
const account = accountOf("notary"); // without money: a consortium's chain asks for none
const submission = (signForLedger: Signer) => ({ signForLedger, save: async () => {} });

/** A contract that the account governs alone, and a driver that is told nothing of the chain but its id. */
async function deployOn(url: string, chainId: number): Promise<{ contract: string; ledger: Ledger }> {
  const logs = [{ origin, publicKey: signer.publicKey }];
  const { contract } = await deployContract({ url, chainId, account, logs });
  return { contract, ledger: createEvmLedger({ name: "the ledger", url, chainId, contract, account }) };
}

async function anchor(ledger: Ledger, target: AnchorTarget): Promise<Uint8Array> {
  await ledger.submitAnchor(target, submission(signer));
  const place = await awaitFinality(ledger, target, { pollMs: 50, signal: AbortSignal.timeout(60_000) });
  return (await ledger.collectProof(target, place)).proof;
}

for (const consensus of ["qbft", "ibft"] as const) {
  test(`GoQuorum, ${consensus.toUpperCase()}: an anchor is final in its block, and the validators' seals prove it offline`, {
    skip: noQuorum,
    timeout: 120_000,
  }, async (t: TestContext) => {
    const network = await startQuorum(consensus, 4);
    t.after(network.close);
    const [first] = network.nodes;
    const { contract, ledger } = await deployOn(first?.url ?? "", network.chainId);
    const proof = await anchor(ledger, targetOf(5));
    assert.deepEqual((await ledger.health()).problems, []);
    // Three of four suffice.
    await network.nodes[3]?.close();
    const later = await anchor(ledger, targetOf(6));
    await network.close();

    const trusted: TrustedLedger = {
      kind: "evm",
      name: "the consortium",
      chainId: network.chainId,
      contract: Uint8Array.fromHex(contract.slice(2)),
      validators: network.validators,
      basis: "the test",
    };
    for (const [bytes, target] of [
      [proof, targetOf(5)],
      [later, targetOf(6)],
    ] as const) {
      const parsed = parseEvmAnchor(bytes);
      const found = await checkEvmAnchor(parsed, target, [trusted]);
      assert.deepEqual([found.finality, found.ledger], ["sealed", trusted]);
      const codes = new Set<string>();
      for (let at = 0; at < parsed.header.length; at += 13) {
        const header = parsed.header.with(at, (parsed.header[at] ?? 0) ^ 1);
        await checkEvmAnchor({ ...parsed, header }, target, [trusted]).then(
          () => assert.fail(`byte ${at} of the header`),
          (error) => codes.add(isAttestryError(error) ? error.code : String(error)),
        );
      }
      assert.deepEqual([...codes].sort(), ["VERIFY_ANCHOR_HEADER", "VERIFY_ANCHOR_SEALS"]);
    }
  });
}

test("geth, proof of stake: an anchor is final when its block is finalized", {
  skip: noGeth,
  timeout: 120_000,
}, async (t) => {
  const node = await startGeth();
  t.after(node.close);
  const rpc = openRpc(node.url);
  const [rich] = (await rpc.call("eth_accounts", [])) as string[];
  const pay = (value: string) => rpc.call("eth_sendTransaction", [{ from: rich, to: account.address, value }]);
  await pay("0xde0b6b3a7640000"); // 1 ether
  await eventually(
    () => rpc.call("eth_getBalance", [account.address, "latest"]),
    (balance) => balance !== "0x0",
  );
  const { ledger } = await deployOn(node.url, Number(await rpc.call("eth_chainId", [])));
  const target = targetOf(5);
  await ledger.submitAnchor(target, submission(signer));
  await eventually(
    () => ledger.readAnchor(target),
    ({ state }) => state === "included",
  );
  const { place } = (await ledger.readAnchor(target)) as Extract<
    Awaited<ReturnType<Ledger["readAnchor"]>>,
    { place: unknown }
  >;
  const finalized = async (): Promise<number> => {
    const block = (await rpc.call("eth_getBlockByNumber", ["finalized", false])) as { number: string };
    return Number(block.number);
  };
  // A block for each payment, until the chain says so itself.
  await eventually(
    async () => {
      await pay("0x1");
      const before = await finalized();
      const { state } = await ledger.readAnchor(target);
      if (state === "final") assert.ok((await finalized()) >= place.block);
      else assert.ok(before < place.block);
      return state;
    },
    (state) => state === "final",
    60_000,
  );
  assert.ok((await ledger.collectProof(target, place)).proof.length > 1000);
});

test("geth, Clique: without a depth nothing is sent, and with one an anchor is final that deep", {
  skip: noGeth,
  timeout: 120_000,
}, async (t) => {
  const node = await startClique(account.address);
  t.after(node.close);
  const rpc = openRpc(node.url);
  const { contract, ledger } = await deployOn(node.url, 1338);
  const target = targetOf(5);
  const unset = { code: "POLICY_LEDGER", data: { reason: "finality-unset" } };
  await assert.rejects(ledger.submitAnchor(target, submission(signer)), unset);
  const at = { url: node.url, chainId: 1338, contract, account };
  const deep = createEvmLedger({ name: "the ledger", ...at, finality: 2 });
  assert.deepEqual(await deep.readAnchor(target), { state: "absent" });
  await deep.submitAnchor(target, submission(signer));
  const place = await awaitFinality(deep, target, { pollMs: 50, signal: AbortSignal.timeout(60_000) });
  assert.ok(Number(await rpc.call("eth_blockNumber", [])) >= place.block + 2);
  const { proof } = await deep.collectProof(target, place);
  const anchored = parseEvmAnchor(proof);
  const trusted = {
    kind: "evm",
    name: "Clique",
    chainId: 1338,
    contract: anchored.contract,
    basis: "the test",
  } as const;
  const pinned = { ...trusted, blockHashes: [Uint8Array.fromHex(place.id)] };
  assert.equal((await checkEvmAnchor(anchored, target, [pinned])).finality, "pinned");
  assert.equal((await checkEvmAnchor(anchored, target, [trusted])).finality, "unproven", "its signers are not checked");
});
