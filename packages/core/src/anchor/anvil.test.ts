/** A real Ethereum node (anvil) is asked for headers and `eth_getProof`: what it answers must hold. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { sha256 } from "../crypto/index.ts";
import { isAttestryError } from "../errors.ts";
import { anchorStorageSlot, checkEvmAnchor, type EvmAnchor, type TrustedLedger } from "./evm-anchor.ts";
import { headerHash, parseHeader } from "./header.ts";
import { checkTrieProof } from "./mpt.ts";
import { encodeRlp } from "./rlp.ts";

const anvil = join(import.meta.dirname, "../../../../node_modules/.bin/anvil");

type Json = Record<string, string> & { storageProof: { proof: string[] }[]; accountProof: string[] };
type Rpc = (method: string, ...params: unknown[]) => Promise<Json>;

/** A node of its own for this test, on a port that the system chooses. */
async function startNode(t: TestContext, hardfork: string): Promise<Rpc> {
  const node = spawn(anvil, ["--port", "0", "--no-mining", "--hardfork", hardfork], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => stop(node));
  const address = await listening(node);
  return async (method, ...params) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const headers = { "content-type": "application/json" };
    const answer = await (await fetch(`http://${address}`, { method: "POST", headers, body })).json();
    assert.ok(answer.result != null, JSON.stringify(answer));
    return answer.result;
  };
}

/** Sends a transaction and has a block made of it: a node that mines by itself answers before it has. */
async function mine(rpc: Rpc, transaction: Record<string, string | undefined>): Promise<Json> {
  const hash = await rpc("eth_sendTransaction", transaction);
  await rpc("evm_mine");
  return rpc("eth_getTransactionReceipt", hash);
}

function listening(node: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = "";
    node.stdout?.on("data", (data) => {
      printed += data;
      const address = /Listening on (\S+)/.exec(printed)?.[1];
      if (address !== undefined) resolve(address);
    });
    node.once("exit", (code) => reject(new Error(`anvil ended with ${code}: ${printed}`)));
    node.once("error", reject);
  });
}

function stop(node: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    node.once("exit", () => resolve());
    if (!node.kill()) resolve();
  });
}

function bytes(text: string | undefined): Uint8Array {
  return Uint8Array.fromHex((text ?? "").slice(2));
}

function scalar(text: string | undefined): Uint8Array {
  const digits = (text ?? "").slice(2).replace(/^0+/, "");
  return Uint8Array.fromHex(digits.length % 2 === 0 ? digits : `0${digits}`);
}

const fixed = ["parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"];
const scalars = ["difficulty", "number", "gasLimit", "gasUsed", "timestamp"];

function encodeHeader(block: Json): Uint8Array {
  const forks = [
    ["baseFeePerGas", scalar],
    ["withdrawalsRoot", bytes],
    ["blobGasUsed", scalar],
    ["excessBlobGas", scalar],
    ["parentBeaconBlockRoot", bytes],
    ["requestsHash", bytes],
  ] as const;
  return encodeRlp([
    ...fixed.map((name) => bytes(block[name])),
    ...scalars.map((name) => scalar(block[name])),
    ...["extraData", "mixHash", "nonce"].map((name) => bytes(block[name])),
    ...forks.filter(([name]) => block[name] !== undefined).map(([name, read]) => read(block[name])),
  ]);
}

/** Stores the call data's second word at the slot that the first names. */
const storeCode = "6020356000355500";
const createCode = `0x67${storeCode}60005260086018f3`;

// For earlier forks anvil gives blob fields that their headers do not have.
for (const [hardfork, fields] of Object.entries({ cancun: 20, prague: 21, osaka: 21 })) {
  test(`a node's headers since ${hardfork} have the hashes that it gives`, async (t) => {
    const rpc = await startNode(t, hardfork);
    const [from] = (await rpc("eth_accounts")) as unknown as string[];
    await mine(rpc, { from, data: createCode });
    for (const number of ["0x0", "0x1"]) {
      const block = await rpc("eth_getBlockByNumber", number, false);
      const header = parseHeader(encodeHeader(block));
      assert.equal(header.fields.length, fields);
      assert.deepEqual(headerHash(header), bytes(block["hash"]));
      assert.deepEqual([header.number, header.time], [Number(number), Number(block["timestamp"])]);
    }
  });
}

test("what eth_getProof gives is an anchor that holds, and shows what is not stored", async (t) => {
  const rpc = await startNode(t, "osaka");
  const [from] = (await rpc("eth_accounts")) as unknown as string[];
  const to = (await mine(rpc, { from, data: createCode }))["contractAddress"] ?? "";
  const origin = "example.org/log";
  const rootOf = (size: number): Uint8Array => sha256(Uint8Array.of(size)).with(0, size % 4);
  const sizes = Array.from({ length: 40 }, (_, n) => n + 1);
  for (const size of sizes) {
    const slot = (await anchorStorageSlot(origin, size)).toHex();
    await mine(rpc, { from, to, data: `0x${slot}${rootOf(size).toHex()}` });
  }
  const block = await rpc("eth_getBlockByNumber", "latest", false);
  const pinned: TrustedLedger = {
    kind: "evm",
    name: "anvil",
    chainId: 31337,
    contract: bytes(to),
    blockHashes: [bytes(block["hash"])],
    basis: "the test",
  };

  const proofAt = async (size: number): Promise<Pick<EvmAnchor, "accountProof" | "storageProof">> => {
    const slot = (await anchorStorageSlot(origin, size)).toHex();
    const proof = await rpc("eth_getProof", to, [`0x${slot}`], block["number"]);
    return {
      accountProof: proof.accountProof.map(bytes),
      storageProof: (proof.storageProof[0]?.proof ?? []).map(bytes),
    };
  };
  for (const size of sizes) {
    const checkpoint = { origin, size, rootHash: rootOf(size) };
    const { kind, chainId, contract } = pinned;
    const anchor: EvmAnchor = {
      kind,
      chainId,
      contract,
      ...checkpoint,
      header: encodeHeader(block),
      ...(await proofAt(size)),
    };
    const found = await checkEvmAnchor(anchor, checkpoint, [pinned]);
    assert.deepEqual([found.finality, found.time], ["pinned", Number(block["timestamp"])]);
    assert.ok(anchor.storageProof.length > 1);
  }

  const absent = await proofAt(41);
  const key = keccak_256(await anchorStorageSlot(origin, 41));
  const storageRoot = bytes((await rpc("eth_getProof", to, [], block["number"]))["storageHash"]);
  assert.equal(
    checkTrieProof({ root: storageRoot, key, proof: absent.storageProof }, "VERIFY_ANCHOR_STORAGE"),
    undefined,
  );
  const claim = { origin, size: 41, rootHash: rootOf(41) };
  const lie: EvmAnchor = {
    kind: "evm",
    chainId: 31337,
    contract: bytes(to),
    ...claim,
    header: encodeHeader(block),
    ...absent,
  };
  await assert.rejects(
    () => checkEvmAnchor(lie, claim, [pinned]),
    (error) => isAttestryError(error) && error.code === "VERIFY_ANCHOR_STORAGE",
  );
});
