import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError, encodeHex, isAttestryError } from "@attestry/core";
import { openSqliteStore } from "../log/sqlite-store.ts";
import { auditedLog, auditVault } from "./audit.ts";
import { type KeyWrapper, wrapperIdOf } from "./keys/key-wrapper.ts";
import type { ObjectStore } from "./object-store.ts";
import {
  access,
  collect,
  localPlace,
  openTestVault,
  sampleContent,
  sampleKeys,
  type TestVault,
  temporaryFolder,
} from "./testing/sample-vault.ts";
import { playScenario, type Reach, tellSteps } from "./testing/steps.ts";
import { createVault } from "./vault.ts";

/** Everything that audit and sweep have to say. */
async function problems(vault: TestVault): Promise<string[]> {
  const store = openSqliteStore({ folder: vault.folder, readOnly: true });
  const { catalogue, objects, keys, issuer } = vault;
  const found: string[] = [];
  try {
    for await (const { message } of auditVault({
      catalogue,
      objects,
      keys,
      log: auditedLog(store),
      issuers: [issuer.name],
    })) {
      found.push(message);
    }
  } finally {
    await store.close();
  }
  return found;
}

/** Keys of which a new one can take over. */
function rotatingKeys(): KeyWrapper & { rotate(): void } {
  let newest = 1;
  return {
    get id() {
      return sampleKeys(newest).id;
    },
    wrap: (dataKey, context) => sampleKeys(newest).wrap(dataKey, context),
    unwrap: (wrapped, context) => sampleKeys(newest).unwrap(wrapped, context),
    rotate: () => void newest++,
  };
}

async function again<T>(step: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await step();
    } catch (error) {
      if (tries > 3 || !isAttestryError(error) || error.code !== "UNAVAILABLE_STORAGE") throw error;
    }
  }
}

test("whichever call of the storage fails, done or not, trying again ends well, and nothing is left over", async (t) => {
  const folder = temporaryFolder(t);
  const place = localPlace(folder);
  let reach: Reach = () => {};
  const keys = rotatingKeys();
  const vault = await openTestVault(t, {
    folder,
    keys,
    catalogue: tellSteps("catalogue", await place.openCatalogue(), (step) => reach(step)),
    objects: tellSteps("objects", await place.openObjects(), (step) => reach(step)),
  });
  const seen = new Set<string>();
  const play = (seed: number): Promise<string> => {
    const content = sampleContent(1_500_000, seed);
    return playScenario({ vault, content, rotate: keys.rotate, say: () => {}, again });
  };
  const steps: string[] = [];
  reach = (step) => void steps.push(step);
  await play(0);
  // Each call where it first comes, and where it comes last.
  const places = steps.flatMap((step, at) =>
    steps.indexOf(step) === at || steps.lastIndexOf(step) === at ? [at] : [],
  );
  for (const at of places) {
    const expected = steps[at] ?? "";
    let left = steps.slice(0, at).filter((step) => step === expected).length;
    reach = (step) => {
      if (step !== expected || left-- !== 0) return;
      seen.add(step);
      throw new AttestryError("UNAVAILABLE_STORAGE", "injected");
    };
    const id = await play(at + 1).catch((error: unknown) => {
      throw new Error(`after a fault at ${expected}`, { cause: error });
    });
    reach = () => {};
    const object = await vault.object(id);
    assert.deepEqual([object.state, object.holds], ["erased", []], expected);
    const actions = (await vault.custodyOf(id)).map(({ event }) => event.action);
    assert.deepEqual(actions, ["stored", "read", "held", "released", "erased"], expected);
    assert.equal(await vault.objects.stat(id), undefined, expected);
  }
  t.diagnostic(`${places.length} faults at ${seen.size} kinds of steps`);
  assert.equal(seen.size, new Set(steps).size);
  vault.clock.now += 8 * 86_400_000;
  await vault.sweep();
  assert.deepEqual(await vault.objects.list(undefined, 10), []);
  assert.deepEqual(await vault.catalogue.listUploads(undefined, 10), []);
  assert.deepEqual(await vault.catalogue.listPending(10), []);
  assert.deepEqual(await problems(vault), []);
});

test("a log that cannot be reached keeps an act from being done, and it is finished once it can", async (t) => {
  const vault = await openTestVault(t);
  const { id } = await vault.store(sampleContent(1000));
  const { submit } = vault.issuer;
  const away = (when: "before" | "after") => {
    (vault.issuer as { submit: typeof submit }).submit = async (statement) => {
      if (when === "after") await submit(statement);
      throw new AttestryError("UNAVAILABLE_STOPPING");
    };
  };
  for (const [round, when] of (["before", "after"] as const).entries()) {
    away(when);
    await assert.rejects(vault.hold(id, `case ${round}`, access), { code: "UNAVAILABLE_STOPPING" });
    assert.deepEqual((await vault.object(id)).holds, round === 0 ? [] : ["case 0"]);
    assert.equal((await vault.catalogue.listPending(10)).length, 1);
    assert.deepEqual(await problems(vault), [], "an act under way is no finding");
    (vault.issuer as { submit: typeof submit }).submit = submit;
    await vault.sweep();
    assert.deepEqual((await vault.object(id)).holds, round === 0 ? ["case 0"] : ["case 0", "case 1"]);
  }
  away("before");
  await assert.rejects(vault.hold(id, "case 2", access), { code: "UNAVAILABLE_STOPPING" });
  (vault.issuer as { submit: typeof submit }).submit = submit;
  await vault.hold(id, "case 3", access); // the next act finishes the one before it
  assert.deepEqual((await vault.object(id)).holds, ["case 0", "case 1", "case 2", "case 3"]);
  assert.deepEqual(await problems(vault), []);
});

test("two processes that finish one act do it once, and acts of both follow each other", async (t) => {
  const vault = await openTestVault(t);
  const { id } = await vault.store(sampleContent(1000));
  const { catalogue, objects, keys, notary, issuer } = vault;
  const other = await createVault({ catalogue, objects, keys, notary, issuer: { ...issuer } });
  const { submit } = issuer;
  (issuer as { submit: typeof submit }).submit = async (statement) => {
    const registered = await submit(statement);
    await other.sweep(); // the other process finds the event half done, and finishes it
    return registered;
  };
  assert.deepEqual((await vault.hold(id, "case 1", access)).holds, ["case 1"]);
  (issuer as { submit: typeof submit }).submit = submit;
  const orders = Array.from({ length: 10 }, (_, i) => `case ${10 + i}`);
  await Promise.all(orders.map((order, at) => (at % 2 === 0 ? vault : other).hold(id, order, access)));
  assert.deepEqual((await vault.object(id)).holds, ["case 1", ...orders]);
  assert.equal((await vault.custodyOf(id)).length, 12);
  assert.deepEqual(await problems(vault), []);
});

test("what was interrupted is finished at the next start", async (t) => {
  const first = await openTestVault(t);
  const { id } = await first.store(sampleContent(3_000_000));
  const remove: ObjectStore["remove"] = async () => {
    throw new AttestryError("UNAVAILABLE_STORAGE");
  };
  const { submit } = first.issuer;
  (first.issuer as { submit: typeof submit }).submit = async (statement) => {
    await submit(statement);
    throw new AttestryError("UNAVAILABLE_STOPPING");
  };
  await assert.rejects(first.erase(id, "order 99", access), { code: "UNAVAILABLE_STOPPING" });
  assert.equal((await first.object(id)).state, "whole");
  const second = await first.reopen();
  assert.equal((await second.object(id)).state, "erased");
  assert.equal(await second.objects.stat(id), undefined);
  const { id: other } = await second.store(sampleContent(3_000_001));
  const { remove: real } = second.objects;
  (second.objects as { remove: ObjectStore["remove"] }).remove = remove;
  await assert.rejects(second.erase(other, "order 99", access), { code: "UNAVAILABLE_STORAGE" });
  (second.objects as { remove: ObjectStore["remove"] }).remove = real;
  assert.equal((await problems(second)).length, 1, "an erased object whose segments are left is named");
  assert.equal((await second.sweep()).orphans, 1);
  assert.deepEqual(await problems(second), []);
});

test("rotation wraps every key anew, may be stopped and begun again, and changes no content", async (t) => {
  const keys = rotatingKeys();
  const vault = await openTestVault(t, { keys });
  const contents = Array.from({ length: 7 }, (_, i) => sampleContent(1000 + i, i));
  const ids: string[] = [];
  for (const content of contents) ids.push((await vault.store(content)).id);
  const { id: open } = await vault.begin({ who: "clerk" });
  await vault.append(open, 0, [sampleContent(500)]);
  await vault.erase(ids.pop() ?? "", "order 99", access);
  const stored = await Promise.all(ids.map((id) => vault.objects.readSegment(id, 0)));
  keys.rotate();
  const stop = new AbortController();
  const progress: string[] = [];
  const first = await vault.rewrap((done, total) => {
    progress.push(`${done}/${total}`);
    if (done === 3) stop.abort();
  }, stop.signal);
  assert.deepEqual([first, progress.at(-1)], [3, "3/7"]);
  assert.deepEqual(await vault.keysInUse(), new Set(["sample:1", "sample:2"]));
  assert.equal(await vault.rewrap(), 4);
  assert.equal(await vault.rewrap(), 0);
  assert.deepEqual(await vault.keysInUse(), new Set(["sample:2"]));
  for (const [at, id] of ids.entries()) {
    assert.equal(wrapperIdOf((await vault.catalogue.readObject(id))?.wrappedKey ?? new Uint8Array()), "sample:2");
    assert.deepEqual(await vault.objects.readSegment(id, 0), stored[at]);
    assert.deepEqual(await collect((await vault.read(id, access)).content), contents[at]);
  }
  await vault.append(open, 500, [sampleContent(500, 2)], { isLast: true });
  assert.deepEqual(await problems(vault), []);
});

test("a data key that does not open keeps no other from being wrapped anew", async (t) => {
  const keys = rotatingKeys();
  const vault = await openTestVault(t, { keys });
  const ids: string[] = [];
  for (let i = 0; i < 3; i++) ids.push((await vault.store(sampleContent(100, i))).id);
  const [damaged = ""] = ids.sort();
  const before = (await vault.catalogue.readObject(damaged)) ?? assert.fail();
  await vault.catalogue.replaceKey(before, before.wrappedKey.with(40, 0).with(41, 0).with(42, 0), before.wrapperId);
  keys.rotate();
  await assert.rejects(vault.rewrap(), (error: Error & { data?: object }) => {
    assert.deepEqual(error.data, { ids: [damaged] });
    return isAttestryError(error) && error.code === "FATAL_CORRUPT";
  });
  for (const id of ids) {
    const wrapper = id === damaged ? "sample:1" : "sample:2";
    assert.equal(wrapperIdOf((await vault.catalogue.readObject(id))?.wrappedKey ?? new Uint8Array()), wrapper);
  }
});

test("a damaged object is never read as something else", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(3_000_000);
  const { id } = await vault.store(content);
  const { readSegment } = vault.objects;
  const serve = (change: (segment: Uint8Array | undefined, index: number) => Uint8Array | undefined) => {
    (vault.objects as { readSegment: ObjectStore["readSegment"] }).readSegment = async (of, index) =>
      change(await readSegment(of, index), index);
  };
  serve((segment, index) => (index === 1 ? undefined : segment));
  await assert.rejects(collect((await vault.read(id, access)).content), (error: Error & { data?: object }) => {
    assert.deepEqual(error.data, { objectId: id, segment: 1 });
    return isAttestryError(error) && error.code === "FATAL_CORRUPT";
  });
  const given: Uint8Array[] = [];
  serve((segment, index) => (index === 2 ? segment?.with(900, 0).with(901, 0).with(902, 0) : segment));
  await assert.rejects(
    async () => {
      for await (const part of (await vault.read(encodeHex((await vault.object(id)).contentHash), access)).content)
        given.push(part);
    },
    { code: "FATAL_CORRUPT" },
  );
  const length = given.reduce((sum, part) => sum + part.length, 0);
  assert.deepEqual(Buffer.concat(given), Buffer.from(content.subarray(0, length)));
});
