import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { AttestryError, isAttestryError } from "@attestry/core";
import { rootOf } from "../test-kit/chain.ts";
import { createSetting, type EvmSetting, origin } from "../test-kit/evm.ts";
import { type Notary, startNotary } from "../test-kit/notary.ts";
import type { AnchorStore } from "./anchor-store.ts";
import type { AnchorerOptions } from "./anchorer.ts";
import { deployContract } from "./evm/deploy.ts";
import type { Ledger } from "./ledger.ts";
import { createMemoryAnchorStore } from "./memory-anchor-store.ts";

let setting: EvmSetting;
before(async () => {
  setting = await createSetting();
});
after(() => setting.chain.close());

const hour = 3_600_000;

/** A ledger that is final at once, with a contract of its own on the common chain. */
async function newLedger(finality = 0): Promise<Ledger> {
  const { chain, account, signer } = setting;
  const logs = [{ origin, publicKey: signer.publicKey }];
  const { contract } = await deployContract({ url: chain.url, chainId: chain.chainId, account, logs });
  return setting.ledger({ contract, finality });
}

async function newNotary(more: Partial<AnchorerOptions> = {}): Promise<Notary> {
  return startNotary(await newLedger(), createMemoryAnchorStore(), more);
}

test("the first checkpoint is anchored at once, the next ones when enough entries have come", async (t) => {
  const notary = await newNotary({ everyMs: hour, everyEntries: 100 });
  t.after(notary.close);
  await notary.looks(2);
  assert.deepEqual(notary.changes, [], "an empty log has nothing to anchor");
  notary.size = 1;
  await notary.reaches(1, "final");
  notary.size = 100;
  await notary.looks(3);
  assert.equal(notary.status().newest?.size, 1, "99 entries have come");
  notary.size = 101;
  await notary.reaches(101, "final");
});

test("a checkpoint is anchored when enough time has passed, but only if the log has grown", async (t) => {
  const notary = await newNotary({ everyMs: 300, everyEntries: 1e9 });
  t.after(notary.close);
  notary.size = 1;
  const first = await notary.reaches(1, "final");
  notary.size = 2;
  const second = await notary.reaches(2, "final");
  assert.ok(second.submittedAt - first.submittedAt >= 300);
  await notary.looks(20); // 400 ms and more
  assert.equal(notary.status().newest?.size, 2);
});

test("an anchor is submitted, included and final, in this order, and its record says so", async (t) => {
  const store = createMemoryAnchorStore();
  const ledger = await newLedger(2);
  const notary = await startNotary(ledger, store);
  t.after(notary.close);
  notary.size = 5;
  const included = await notary.reaches(5, "included");
  assert.deepEqual(await store.list("local", origin, { limit: 9, order: "ascending" }), [included]);
  assert.deepEqual(notary.status().counts, { submitted: 0, included: 1, final: 0, lost: 0 });
  assert.equal(notary.status().newestFinal, undefined);
  await setting.chain.mine(2);
  const final = await notary.reaches(5, "final");
  assert.deepEqual(final.place, included.place);
  assert.deepEqual(notary.changes, ["5 submitted", "5 included", "5 final"]);
  assert.deepEqual(notary.status().newestFinal, final);
  assert.deepEqual(await store.list("local", origin, { limit: 9, order: "ascending" }), [final]);
});

test("an entry is covered by the anchors of larger trees, and its proof by the first that is final", async (t) => {
  const notary = await newNotary();
  t.after(notary.close);
  for (const size of [5, 9]) {
    notary.size = size;
    await notary.reaches(size, "final");
  }
  const sizes = async (index: number): Promise<number[]> =>
    (await notary.anchorsCovering(index)).map(({ size }) => size);
  assert.deepEqual(await sizes(0), [5, 9]);
  assert.deepEqual(await sizes(4), [5, 9]);
  assert.deepEqual(await sizes(5), [9]);
  assert.deepEqual(await sizes(9), []);
  assert.equal((await notary.firstCovering(4))?.size, 5);
  const first = await notary.firstCovering(5);
  assert.deepEqual([first?.size, first?.rootHash], [9, rootOf(9)]);
  assert.ok(first?.proof !== undefined && first.proof.length > 1000);
  assert.equal(await notary.firstCovering(9), undefined);
});

test("ledgers do not wait for each other", async (t) => {
  const store = createMemoryAnchorStore();
  const down = await startNotary(setting.ledger({ name: "down", url: "http://127.0.0.1:1" }), store);
  const up = await startNotary(await newLedger(), store);
  t.after(() => Promise.all([down.close(), up.close()]));
  down.size = 5;
  up.size = 5;
  await up.reaches(5, "final");
  assert.match(await down.hasProblem("UNAVAILABLE_LEDGER"), /cannot be reached/);
  assert.equal(up.status().problem, undefined);
  assert.deepEqual(down.changes, []);
  assert.equal(await down.firstCovering(0), undefined);
});

test("what the anchorer cannot store it does not send, and it goes on when it can", async (t) => {
  const store = createMemoryAnchorStore();
  let full = true;
  const put: AnchorStore["put"] = async (record) => {
    if (full) throw new AttestryError("UNAVAILABLE_STORAGE");
    return store.put(record);
  };
  const ledger = await newLedger();
  const notary = await startNotary(ledger, { ...store, put });
  t.after(notary.close);
  notary.size = 5;
  await notary.hasProblem("UNAVAILABLE_STORAGE");
  const target = { origin, size: 5, rootHash: rootOf(5) };
  assert.deepEqual(await ledger.readAnchor(target), { state: "absent" });
  full = false;
  await notary.reaches(5, "final");
  assert.equal(notary.status().problem, undefined);
});

test("a log that cannot be read just now is read later", async (t) => {
  let broken = true;
  const readCheckpoint = async () => {
    if (broken) throw new Error("not yet");
    return { size: 5, rootHash: rootOf(5) };
  };
  const notary = await newNotary({ readCheckpoint });
  t.after(notary.close);
  await notary.hasProblem("FATAL_INTERNAL");
  broken = false;
  await notary.reaches(5, "final");
});

test("a notary that starts again takes up what is unfinished, and anchors nothing twice", async () => {
  const store = createMemoryAnchorStore();
  const ledger = await newLedger(2);
  const first = await startNotary(ledger, store);
  first.size = 5;
  await first.reaches(5, "included");
  await first.close();
  await setting.chain.mine(2);
  const second = await startNotary(ledger, store);
  await second.reaches(5, "final");
  second.size = 5;
  await second.looks(3);
  await second.close();
  assert.deepEqual(second.changes, ["5 final"]);
  assert.deepEqual(second.status().counts, { submitted: 0, included: 0, final: 1, lost: 0 });
});

test("a notary that has lost its own memory finds its anchor on the ledger, and makes no second one", async () => {
  const ledger = await newLedger();
  const first = await startNotary(ledger, createMemoryAnchorStore());
  first.size = 5;
  const { place } = await first.reaches(5, "final");
  await first.close();
  const second = await startNotary(ledger, createMemoryAnchorStore());
  second.size = 5;
  assert.deepEqual((await second.reaches(5, "final")).place, place);
  await second.close();
});

test("a log that is behind its own anchors is told so, again and again, and recovers when it has grown", async () => {
  const ledger = await newLedger();
  const first = await startNotary(ledger, createMemoryAnchorStore());
  first.size = 5;
  await first.reaches(5, "final");
  await first.close();
  const restored = await startNotary(ledger, createMemoryAnchorStore());
  restored.size = 4;
  assert.match(await restored.hasProblem("CONFLICT_ANCHOR"), /holds size 5/);
  assert.deepEqual(restored.changes, []);
  restored.size = 6;
  await restored.reaches(6, "final");
  await restored.close();
});

test("nothing happens after close", async () => {
  const notary = await newNotary();
  await notary.close();
  notary.size = 5;
  await assert.rejects(notary.looks(1, 200), /never came to be/);
  assert.deepEqual(notary.changes, []);
});

test("a failure of any kind is told by its code and in words", async (t) => {
  const began = Date.now();
  const notary = await newNotary({ readCheckpoint: () => Promise.reject(new Error("secret 0xac09")) });
  t.after(notary.close);
  const message = await notary.hasProblem("FATAL_INTERNAL");
  assert.doesNotMatch(message, /secret/);
  assert.equal(isAttestryError(notary.status().problem), false);
  const { since = 0 } = notary.status().problem ?? {};
  assert.ok(began <= since && since <= Date.now());
});
