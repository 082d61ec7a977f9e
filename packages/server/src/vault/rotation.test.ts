import assert from "node:assert/strict";
import { existsSync, rmSync } from "node:fs";
import { test } from "node:test";
import { AttestryError } from "@attestry/core";
import { pino } from "pino";
import { createDataFolder } from "../data-folder.ts";
import { refusal, temporaryFolder } from "../testing.ts";
import { createKeyring } from "./keys/local-keyring.ts";
import { openLocalKeyring } from "./open.ts";
import { createRotation, type Rotation } from "./rotation.ts";
import { collect, openTestVault, sampleContent, type TestVault } from "./testing/sample-vault.ts";

const logger = pino({ level: "silent" });
const access = { who: "clerk", purpose: "check" };

async function untilIdle(rotation: Pick<Rotation, "keyState">): Promise<Awaited<ReturnType<Rotation["keyState"]>>> {
  for (;;) {
    const state = await rotation.keyState();
    if (state.rotation.state !== "running") return state;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function storeSome(vault: TestVault): Promise<{ id: string; content: Uint8Array }[]> {
  const stored = [];
  for (let seed = 1; seed <= 5; seed++) {
    const content = sampleContent(1000, seed);
    stored.push({ id: (await vault.store(content)).id, content });
  }
  return stored;
}

test("a rotation that was stopped between two keys goes on with the same new key; with `forget` only it is left", async (t) => {
  const keys = await createKeyring(`${temporaryFolder(t)}/keyring`, "passphrase");
  const vault = await openTestVault(t, { keys });
  const stored = await storeSome(vault);
  const stopping = createRotation({
    catalogue: vault.catalogue,
    keys,
    logger,
    rewrap: (onProgress) => {
      const stop = new AbortController();
      return vault.rewrap((done, total) => {
        onProgress(done, total);
        if (done === 2) stop.abort();
      }, stop.signal);
    },
  });
  const begun = await stopping.rotate();
  assert.equal((await untilIdle(stopping)).pending, 3);
  const finished = createRotation({ catalogue: vault.catalogue, keys, logger, rewrap: vault.rewrap });
  const again = await finished.rotate({ forget: true });
  assert.equal(again.key, begun.key, "no other key is made while one is being taken over");
  const { pending, rotation } = await untilIdle(finished);
  assert.deepEqual([pending, rotation], [0, { state: "done", done: 3, total: 3 }]);
  assert.deepEqual(
    keys.keys.map(({ id }) => id),
    [begun.key],
  );
  for (const { id, content } of stored) {
    assert.deepEqual(await collect((await vault.read(id, access)).content), content);
  }
});

test("what fails says so by its code alone, keeps the old keys, and can be begun again", async (t) => {
  const keys = await createKeyring(`${temporaryFolder(t)}/keyring`, "passphrase");
  const vault = await openTestVault(t, { keys });
  await storeSome(vault);
  let isBroken = true;
  const rotation = createRotation({
    catalogue: vault.catalogue,
    keys,
    logger,
    async rewrap(onProgress, signal): Promise<number> {
      if (isBroken) throw new AttestryError("UNAVAILABLE_STORAGE", "a path that nobody may see");
      return vault.rewrap(onProgress, signal);
    },
  });
  await rotation.rotate({ forget: true });
  const failed = await untilIdle(rotation);
  assert.deepEqual([failed.rotation.state, failed.rotation.problem], ["failed", "UNAVAILABLE_STORAGE"]);
  assert.equal(keys.keys.length, 2);
  isBroken = false;
  await rotation.rotate({ forget: true });
  assert.equal((await untilIdle(rotation)).rotation.state, "done");
  assert.equal(keys.keys.length, 1);
});

test("two who rotate at once make one new key, and a notary that stops begins none", async (t) => {
  const keys = await createKeyring(`${temporaryFolder(t)}/keyring`, "passphrase");
  const vault = await openTestVault(t, { keys });
  await storeSome(vault);
  const states = await Promise.all([vault.rotate(), vault.rotate()]);
  assert.equal(states[0].key, states[1].key);
  await untilIdle(vault);
  assert.equal(keys.keys.length, 2);
  await vault.close();
  await assert.rejects(vault.rotate(), refusal("UNAVAILABLE_STOPPING"));
});

test("a keyring opens with the passphrase beside it, whatever else is given; none is invented for one that is there", async (t) => {
  const folder = createDataFolder(temporaryFolder(t));
  const made = await openLocalKeyring(folder, undefined);
  assert.ok(existsSync(folder.vaultPassphrase));
  assert.equal((await openLocalKeyring(folder, "the notary's own")).id, made.id);
  rmSync(folder.vaultPassphrase);
  await assert.rejects(openLocalKeyring(folder, undefined), refusal("USAGE_PASSPHRASE"));
  assert.ok(!existsSync(folder.vaultPassphrase));
  await assert.rejects(openLocalKeyring(folder, "the notary's own"), refusal("USAGE_PASSPHRASE"));
});
