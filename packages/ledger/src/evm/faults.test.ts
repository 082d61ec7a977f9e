/** What happens to anchors on the way, on real nodes: each test breaks one thing and sees the anchor arrive, once. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import { accountOf, type Chain, eventually, fundedAccount, rootOf, startChain } from "../../test-kit/chain.ts";
import { createSetting, type EvmSetting, origin } from "../../test-kit/evm.ts";
import { type Notary, newFolder, startNotary } from "../../test-kit/notary.ts";
import type { AnchorRecord, AnchorStore } from "../anchor-store.ts";
import { startAnvil } from "../anvil.ts";
import { awaitFinality } from "../ledger.ts";
import { createMemoryAnchorStore } from "../memory-anchor-store.ts";
import { openSqliteAnchorStore } from "../sqlite-anchor-store.ts";
import { connect } from "./connect.ts";
import { proposeAction, readConsortium } from "./consortium.ts";
import type { Address, Hex } from "./contract.ts";
import { deployContract } from "./deploy.ts";
import { createEvmLedger, type EvmLedgerOptions } from "./evm-ledger.ts";

const folders: string[] = [];
after(() => {
  for (const path of folders) rmSync(path, { recursive: true, force: true });
});
function folder(): string {
  folders.push(newFolder());
  return folders.at(-1) as string;
}

async function begin(
  t: TestContext,
  more: Partial<EvmLedgerOptions> = {},
  {
    node = [] as string[],
    store = createMemoryAnchorStore(),
    keep,
  }: { node?: string[]; store?: AnchorStore; keep?: string } = {},
): Promise<{ setting: EvmSetting; chain: Chain; notary: Notary }> {
  const setting = await createSetting(node, keep);
  const notary = await startNotary(setting.ledger({ finality: 0, ...more }), store);
  t.after(async () => {
    await notary.close();
    await setting.chain.close();
  });
  return { setting, chain: setting.chain, notary };
}

interface Pooled {
  readonly hash: Hex;
  readonly maxFeePerGas: Hex;
}

/** The transactions of an account that wait for a block, by nonce. */
async function readPool(chain: Chain, account: Address): Promise<Record<string, Pooled>> {
  const content = await chain.control("txpool_content");
  const pool = content as Record<"pending" | "queued", Record<string, Record<string, Pooled>>>;
  return { ...pool.pending[account.toLowerCase()], ...pool.queued[account.toLowerCase()] };
}

const nonceOf = async (chain: Chain, account: Address): Promise<number> =>
  Number(await chain.control("eth_getTransactionCount", account, "latest"));

/** A transaction that the notary knows nothing of; of its own account, unless another is named. */
async function sendForeign(setting: EvmSetting, nonce: number, gwei: bigint, from = setting.account): Promise<Hex> {
  const fee = gwei * 1_000_000_000n;
  const raw = await from.signTransaction({
    chainId: setting.chain.chainId,
    nonce,
    to: from.address,
    gas: 21_000n,
    type: "eip1559",
    maxFeePerGas: fee,
    maxPriorityFeePerGas: fee,
  });
  return (await setting.chain.control("eth_sendRawTransaction", raw)) as Hex;
}

test("a node that is down: the anchor follows when it is up", async (t) => {
  const kept = folder();
  const { setting, chain, notary } = await begin(t, {}, { keep: kept });
  await chain.close();
  notary.size = 5;
  assert.match(await notary.hasProblem("UNAVAILABLE_LEDGER"), /cannot be reached/);
  notary.size = 7;
  const again = await startAnvil({ folder: kept, port: Number(new URL(chain.url).port) });
  t.after(again.close);
  await notary.reaches(7, "final");
  assert.ok(!notary.changes.some((change) => change.startsWith("5")), "nothing was stored for what was never sent");
  assert.equal(await setting.countAnchors(), 1, "the newest checkpoint covers the older one");
  assert.equal(notary.status().problem, undefined);
});

test("a node that starts again with its state: what it had is proved, and anchoring goes on", async (t) => {
  const kept = folder();
  const { setting, chain, notary } = await begin(t, { finality: 2 }, { keep: kept });
  notary.size = 5;
  await notary.reaches(5, "included");
  await written(chain, kept);
  await crash(chain);
  await chain.mine(2);
  await notary.reaches(5, "final");
  notary.size = 9;
  await notary.reaches(9, "included");
  assert.deepEqual(notary.changes.filter((change) => change === "5 submitted").length, 1);
  assert.equal(await setting.countAnchors(9), 1);
});

test("a node that is killed and has lost its newest blocks: the anchor is made again", async (t) => {
  const kept = folder();
  const { setting, chain, notary } = await begin(t, { finality: 2 }, { keep: kept });
  await written(chain, kept); // the contract
  const file = readFileSync(join(kept, "chain.json"));
  notary.size = 5;
  await notary.reaches(5, "included");
  await written(chain, kept);
  writeFileSync(join(kept, "chain.json"), file);
  await crash(chain);
  await madeAgain(notary);
  await chain.mine(2);
  await notary.reaches(5, "final");
  assert.equal(await setting.countAnchors(), 1);
});

/** Resolves with the record of an anchor that was taken away, once it is included again. */
async function madeAgain(notary: Notary): Promise<AnchorRecord> {
  const record = await eventually(
    () => notary.status().newest,
    // Between the look at the contract and the look for its block the anchor may go: then it is included elsewhere for a moment.
    (newest) =>
      newest?.state === "included" && notary.changes.indexOf("5 included") < notary.changes.lastIndexOf("5 submitted"),
  );
  return record as AnchorRecord;
}

/** Resolves when the newest block is on disk. */
async function written(chain: Chain, kept: string): Promise<void> {
  const newest = Number(await chain.control("eth_blockNumber"));
  const read = (): number => {
    const file = join(kept, "chain.json");
    return existsSync(file) ? Number(JSON.parse(readFileSync(file, "utf8")).best_block_number) : -1;
  };
  await eventually(read, (best) => best === newest);
}

/** Kills the node; it is started again by itself. */
async function crash(chain: Chain): Promise<void> {
  const { pid } = chain;
  process.kill(pid as number, "SIGKILL");
  await eventually(
    () => chain.pid,
    (now) => now !== undefined && now !== pid,
  );
}

test("a decision outlives a node that dies before it is in a block, and is made once", async (t) => {
  const kept = folder();
  const { setting, chain } = await begin(t, {}, { keep: kept });
  const { url, chainId } = chain;
  const { account, contract } = setting;
  await written(chain, kept);
  await chain.control("evm_setAutomine", false);
  const at = await connect({ url, chainId, contract });
  const action = { kind: "add-member", member: accountOf("another agency").address } as const;
  const decided = proposeAction(at, account, action);
  await eventually(
    () => readPool(chain, account.address),
    (pool) => Object.keys(pool).length === 1,
  );
  await crash(chain); // and mines by itself again, without the transaction
  assert.equal((await decided).executed, true);
  assert.deepEqual((await readConsortium(at)).members, [account.address, action.member]);
  assert.equal((await chain.control("eth_getTransactionCount", account.address, "latest")) as string, "0x2");
});

test("a transaction that the node drops is sent again, as it was", async (t) => {
  const { setting, chain, notary } = await begin(t);
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const first = await firstWaiting(setting);
  await chain.control("anvil_dropTransaction", first.hash);
  const second = await firstWaiting(setting);
  assert.equal(second.hash, first.hash);
  await chain.mine();
  await notary.reaches(5, "final");
  assert.equal(await setting.countAnchors(), 1);
});

/** Another address of the node, at which `before` happens before a request is passed on. */
async function startProxy(t: TestContext, node: string, before: (method: string) => Promise<void>): Promise<string> {
  const proxy = createServer(async (request, response) => {
    const body = await text(request);
    await before((JSON.parse(body) as { method: string }).method);
    const answer = await fetch(node, { method: "POST", headers: { "content-type": "application/json" }, body });
    response.setHeader("content-type", "application/json").end(await answer.text());
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  t.after(() => void proxy.close());
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

test("a transaction that the node drops between two questions about it is sent again, as it was", async (t) => {
  const setting = await createSetting();
  const { chain } = setting;
  t.after(chain.close);
  const questions = new Set(["eth_getTransactionByHash", "eth_getTransactionCount"]);
  const asked = new Set<string>();
  let dropping: Hex | undefined;
  const url = await startProxy(t, chain.url, async (method) => {
    if (dropping === undefined || !questions.has(method)) return;
    if (asked.add(method).size < 2) return;
    const hash = dropping;
    dropping = undefined;
    await chain.control("anvil_dropTransaction", hash);
  });
  const notary = await startNotary(setting.ledger({ url, finality: 0 }), createMemoryAnchorStore());
  t.after(notary.close);
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const first = await firstWaiting(setting);
  dropping = first.hash;
  await eventually(
    () => dropping,
    (hash) => hash === undefined,
  );
  const sent = notary.changes.length;
  const second = await firstWaiting(setting);
  assert.deepEqual([second.hash, notary.changes.length], [first.hash, sent], "nothing new was signed");
  await chain.mine();
  await notary.reaches(5, "final");
  assert.equal(await setting.countAnchors(), 1);
});

test("a transaction that another one replaces is followed by a new one", async (t) => {
  const { setting, chain, notary } = await begin(t);
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const ours = await firstWaiting(setting);
  await sendForeign(setting, ours.nonce, 50n);
  await eventually(
    async () => {
      await chain.mine();
      return notary.status().newest?.state;
    },
    (state) => state === "final",
  );
  assert.equal(await setting.countAnchors(), 1);
  assert.equal(await nonceOf(chain, setting.account.address), ours.nonce + 2);
});

test("a transaction that others outbid is replaced by one that offers more, under the same nonce", async (t) => {
  const { setting, chain, notary } = await begin(t, { patience: 2 });
  const { account } = setting;
  const rival = await fundedAccount(chain, "rival");
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const first = await firstWaiting(setting);
  await chain.control("evm_setBlockGasLimit", "0x15f90"); // 90,000: no room for the anchor beside another
  for (let nonce = 0; nonce < 2; nonce++) {
    await sendForeign(setting, nonce, 50n, rival);
    await chain.mine();
  }
  const second = await eventually(
    () => firstWaiting(setting),
    (transaction) => transaction.hash !== first.hash,
  );
  assert.equal(second.nonce, first.nonce);
  assert.ok(BigInt(second.maxFeePerGas) * 4n > BigInt(first.maxFeePerGas) * 5n, "a quarter more");
  await chain.mine();
  await notary.reaches(5, "final");
  assert.equal(await nonceOf(chain, account.address), first.nonce + 1);
  assert.equal(await setting.countAnchors(), 1);
});

test("an event that the node has dropped is not needed: the contract's storage shows the anchor", async (t) => {
  const setting = await createSetting(["--transaction-block-keeper", "1"]);
  t.after(setting.chain.close);
  const ledger = setting.ledger({ finality: 2 });
  const target = { origin, size: 5, rootHash: rootOf(5) };
  await setting.chain.control("evm_setAutomine", false);
  await ledger.submitAnchor(target, { signForLedger: setting.signer, save: async () => {} });
  await setting.chain.mine(5);
  assert.equal(await setting.countAnchors(), 0, "the node has dropped it");
  const place = await awaitFinality(ledger, target);
  const { block } = await ledger.health();
  assert.equal(place.block, block - 2);
  await ledger.collectProof(target, place);
});

test("a transaction that offers less than the base fee is sent again with more, under the same nonce", async (t) => {
  const { setting, chain, notary } = await begin(t, { patience: 2 });
  const { account } = setting;
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const first = await firstWaiting(setting);
  const nonce = await nonceOf(chain, account.address);
  for (let block = 0; block < 2; block++) {
    await chain.control("anvil_setNextBlockBaseFeePerGas", "0x174876e800"); // 100 gwei: more than it offers
    await chain.mine();
  }
  const [second] = await eventually(
    () => waiting(setting),
    (pool) => pool.length === 1 && pool[0]?.hash !== first.hash,
  );
  assert.equal(second?.nonce, first.nonce);
  assert.ok(BigInt(second?.maxFeePerGas ?? 0) > 100_000_000_000n);
  await chain.mine();
  await notary.reaches(5, "final");
  assert.equal(await nonceOf(chain, account.address), nonce + 1);
  assert.equal(await setting.countAnchors(), 1);
});

test("a gap in the account's nonces is filled", async (t) => {
  const { setting, chain, notary } = await begin(t);
  const nonce = await nonceOf(chain, setting.account.address);
  await sendForeign(setting, nonce + 1, 50n); // waits for a transaction that nobody has sent
  notary.size = 5;
  await notary.reaches(5, "final");
  await eventually(
    () => waiting(setting),
    (pool) => pool.length === 0, // what was behind the gap may be in the block after
  );
  assert.equal(await setting.countAnchors(), 1);
  assert.equal(await nonceOf(chain, setting.account.address), nonce + 2);
});

test("a gap that opens below a transaction is filled, and the transaction does no harm later", async (t) => {
  const { setting, chain, notary } = await begin(t);
  const { address } = setting.account;
  await chain.control("evm_setAutomine", false);
  const nonce = await nonceOf(chain, address);
  const foreign = await sendForeign(setting, nonce, 50n);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  await eventually(
    () => waiting(setting),
    (pool) => pool.length === 2,
  );
  await chain.control("anvil_dropTransaction", foreign);
  await eventually(
    () => waiting(setting),
    (pool) => pool.some((transaction) => transaction.nonce === nonce),
  );
  await chain.mine(2);
  await notary.reaches(5, "final");
  assert.equal(await setting.countAnchors(), 1);
});

test("a reorganisation that takes the anchor away: it is submitted again, and final once", async (t) => {
  const { setting, chain, notary } = await begin(t, { finality: 3 });
  await chain.mine(5);
  notary.size = 5;
  const { place } = await notary.reaches(5, "included");
  await chain.mine(1);
  await chain.control("anvil_reorg", 2, []);
  const again = await madeAgain(notary);
  assert.notEqual(again.place?.id, place?.id);
  await chain.mine(3);
  const final = await notary.reaches(5, "final");
  assert.equal(final.place?.id, again.place?.id);
  assert.equal(await setting.countAnchors(), 1);
});

test("a chain that goes back to an earlier block: the anchor is submitted again", async (t) => {
  const { setting, chain, notary } = await begin(t, { finality: 3 });
  const snapshot = await chain.control("evm_snapshot");
  notary.size = 5;
  await notary.reaches(5, "included");
  await chain.control("evm_revert", snapshot);
  await madeAgain(notary);
  await chain.mine(3);
  await notary.reaches(5, "final");
  assert.equal(await setting.countAnchors(), 1);
});

for (const moment of ["stored", "sent"]) {
  test(`a notary that is killed when its anchor is ${moment}: the next one anchors it once, with the same transaction`, async (t) => {
    const setting = await createSetting();
    const { chain, account } = setting;
    t.after(chain.close);
    const nonce = await nonceOf(chain, account.address);
    await chain.control("evm_setAutomine", false);
    const data = folder();
    const doomed = join(import.meta.dirname, "../../test-kit/doomed-notary.ts");
    const death = spawnSync(process.execPath, [doomed, data, chain.url, setting.contract, moment], {
      encoding: "utf8",
    });
    assert.equal(death.signal, "SIGKILL", death.stderr);
    const before = await waiting(setting);
    assert.equal(before.length, moment === "sent" ? 1 : 0);

    const store = openSqliteAnchorStore(data);
    const [stored] = await store.list("local", origin, { limit: 9, order: "ascending" });
    assert.equal(stored?.state, "submitted");
    const notary = await startNotary(setting.ledger({ finality: 0 }), store);
    t.after(notary.close);
    const [transaction] = await eventually(
      () => waiting(setting),
      (pool) => pool.length === 1,
    );
    assert.ok(stored?.journal?.includes(transaction?.hash as string));
    await chain.control("evm_setAutomine", true);
    await chain.mine();
    await notary.reaches(5, "final");
    assert.equal(await setting.countAnchors(), 1);
    assert.equal(await nonceOf(chain, account.address), nonce + 1);
    await notary.close();
    await store.close();
  });
}

test("a checkpoint that comes too late is lost, and the next one takes its place", async (t) => {
  const { setting, chain, notary } = await begin(t);
  await chain.control("evm_setAutomine", false);
  notary.size = 5;
  await notary.reaches(5, "submitted");
  const ours = await firstWaiting(setting);
  await notary.close(); // or it would send it again
  await chain.control("anvil_dropTransaction", ours.hash);
  await chain.control("evm_setAutomine", true);
  const other = await startNotary(setting.ledger({ finality: 0 }), createMemoryAnchorStore());
  other.size = 9;
  await other.reaches(9, "final");
  await other.close();
  const again = await startNotary(setting.ledger({ finality: 0 }), notary.store);
  t.after(again.close);
  const lost = await again.reaches(5, "lost");
  assert.match(lost.problem ?? "", /too late/);
  again.size = 12;
  await again.reaches(12, "final");
  assert.deepEqual(again.status().counts, { submitted: 0, included: 0, final: 1, lost: 1 });
});

test("a node on another chain gets nothing, not even when it takes the place of the right one", async (t) => {
  const { setting, chain, notary } = await begin(t, { chainId: 1 });
  notary.size = 5;
  assert.match(await notary.hasProblem("POLICY_LEDGER"), /on chain 31337, not on 1\./);
  const right = await startNotary(setting.ledger({ finality: 0 }), createMemoryAnchorStore());
  t.after(right.close);
  right.size = 5;
  await right.reaches(5, "final");
  const nonce = await nonceOf(chain, setting.account.address);
  await chain.control("anvil_setChainId", 31338);
  right.size = 9;
  assert.match(await right.hasProblem("POLICY_LEDGER"), /on chain 31338/);
  assert.deepEqual([await nonceOf(chain, setting.account.address), right.changes.length > 0], [nonce, true]);
  assert.ok(!right.changes.some((change) => change.startsWith("9")), "nothing of it is stored either");
});

test("an account without money: the notary says so, and anchors when it has some", async (t) => {
  const { setting, chain, notary } = await begin(t);
  await chain.control("anvil_setBalance", setting.account.address, "0x1");
  notary.size = 5;
  assert.match(await notary.hasProblem("POLICY_LEDGER"), new RegExp(`${setting.account.address} has 1 wei`));
  const health = await setting.ledger().health();
  assert.match(health.problems.join(), /cannot pay/);
  await fundedAccount(chain, "notary");
  await notary.reaches(5, "final");
});

test("a chain that charges nothing: an account without money anchors all the same", async (t) => {
  const setting = await createSetting(["--base-fee", "0", "--gas-price", "0", "--no-priority-fee"]);
  t.after(setting.chain.close);
  await setting.chain.control("anvil_setNextBlockBaseFeePerGas", "0x0");
  await setting.chain.control("anvil_setBalance", setting.account.address, "0x0");
  const notary = await startNotary(setting.ledger({ finality: 0 }), createMemoryAnchorStore());
  t.after(notary.close);
  notary.size = 5;
  await notary.reaches(5, "final");
});

test("a writer that the members have removed: the notary says so, and anchors when it is back", async (t) => {
  const { setting, chain, notary } = await begin(t);
  const { account, contract } = setting;
  const at = await connect({ url: chain.url, chainId: chain.chainId, contract });
  await proposeAction(at, account, { kind: "remove-writer", account: account.address });
  notary.size = 5;
  assert.match(await notary.hasProblem("POLICY_LEDGER"), /is not a writer/);
  assert.match((await setting.ledger().health()).problems.join(), /is not a writer/);
  await proposeAction(at, account, { kind: "add-writer", member: account.address, account: account.address });
  await notary.reaches(5, "final");
});

test("a contract that is not there, or is another one, gets nothing", async (t) => {
  const setting = await createSetting();
  const { chain, account } = setting;
  t.after(chain.close);
  const nowhere = accountOf("nobody").address;
  const other = accountOf("another contract").address;
  await chain.control("anvil_setCode", other, "0x60016001");
  const nonce = await nonceOf(chain, account.address);
  for (const [contract, reason] of [
    [nowhere, "no-contract"],
    [other, "other-contract"],
    ["0x12", "no-contract"],
  ] as const) {
    const ledger = setting.ledger({ contract });
    await assert.rejects(ledger.health(), {
      code: "POLICY_LEDGER",
      data: { reason, ...(reason === "no-contract" && contract === nowhere ? { contract } : {}) },
    });
    const notary = await startNotary(ledger, createMemoryAnchorStore());
    notary.size = 5;
    await notary.hasProblem("POLICY_LEDGER");
    await notary.close();
    assert.deepEqual(notary.changes, []);
  }
  assert.equal(await nonceOf(chain, account.address), nonce);
});

test("a contract that disappears under the driver is missed, not taken for an empty one", async (t) => {
  const { setting, chain, notary } = await begin(t);
  notary.size = 5;
  await notary.reaches(5, "final");
  await chain.control("anvil_setCode", setting.contract, "0x");
  notary.size = 9;
  assert.match(await notary.hasProblem("POLICY_LEDGER"), /There is no AttestryAnchors contract/);
});

test("a log registers itself where its account is the only member, and waits for the members elsewhere", async (t) => {
  const chain = await startChain();
  t.after(chain.close);
  const account = await fundedAccount(chain, "notary");
  const { url, chainId } = chain;
  const ledgerOf = (contract: Address) => ({ ...setting(contract), finality: 0 });
  const setting = (contract: Address) => ({ name: "local", url, chainId, contract, account });
  const alone = await deployContract({ url, chainId, account });
  const notary = await startNotary(createEvmLedger(ledgerOf(alone.contract)), createMemoryAnchorStore());
  t.after(notary.close);
  notary.size = 5;
  await notary.reaches(5, "final");
  const members = [account.address, accountOf("second member").address];
  const shared = await deployContract({ url, chainId, account, members });
  const waits = await startNotary(createEvmLedger(ledgerOf(shared.contract)), createMemoryAnchorStore());
  t.after(waits.close);
  waits.size = 5;
  assert.match(await waits.hasProblem("POLICY_LEDGER"), /members must register/);
});

test("finality is what the chain says: the finalized block where there is one", async (t) => {
  const setting = await createSetting(["--slots-in-an-epoch", "2"]); // anvil finalizes what is two epochs back
  const { chain } = setting;
  t.after(chain.close);
  const { finality: _, ...options } = {
    url: chain.url,
    chainId: chain.chainId,
    contract: setting.contract,
    account: setting.account,
    name: "pos",
    finality: 0,
  };
  const notary = await startNotary(createEvmLedger(options), createMemoryAnchorStore());
  t.after(notary.close);
  notary.size = 5;
  await notary.reaches(5, "included");
  await chain.mine(3);
  await notary.looks(3);
  assert.equal(notary.status().newest?.state, "included");
  await chain.mine(1);
  await notary.reaches(5, "final");
});

test("neither the node's password nor anything else of its address but its host is in an error", async (t) => {
  const { setting, chain } = await begin(t);
  const { host } = new URL(chain.url);
  const secrets = /user|pass|word|key1234/;
  for (const url of [`http://user:pass%20word@${host}/key1234?key1234`, "http://user:pass@127.0.0.1:1/key1234"]) {
    const ledger = setting.ledger({ url, chainId: 5 });
    const error = await ledger.health().then(
      () => assert.fail("it must be refused"),
      (reason: Error) => reason,
    );
    assert.doesNotMatch(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`, secrets);
    assert.match(error.message, /127\.0\.0\.1:/);
  }
});

async function firstWaiting(setting: EvmSetting): Promise<Pooled & { nonce: number }> {
  const [first] = await eventually(
    () => waiting(setting),
    (pool) => pool.length === 1,
  );
  return first as Pooled & { nonce: number };
}

async function waiting(setting: EvmSetting): Promise<(Pooled & { nonce: number })[]> {
  const pool = await readPool(setting.chain, setting.account.address);
  return Object.entries(pool).map(([nonce, transaction]) => ({ ...transaction, nonce: Number(nonce) }));
}
