/** What every `KeyWrapper` driver must do. A driver's test file calls `testKeyWrapper` once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { isAttestryError } from "@attestry/core";
import { newDataKey } from "../format/stream.ts";
import { newObjectId } from "../object-id.ts";
import { encodeWrapped, type KeyWrapper, parseWrapped, wrapperIdOf } from "./key-wrapper.ts";

/** Where a test's key-encryption keys are kept: `open` opens the same ones each time. */
export interface WrapperPlace {
  open(): Promise<KeyWrapper>;
  /** Makes a new key, which wraps for whoever opens after that. */
  rotate(): Promise<void>;
}

type TestContext = { after(clean: () => void | Promise<void>): void };

const isDamage = { code: "FATAL_CORRUPT" };

export function testKeyWrapper(driver: string, createPlace: (t: TestContext) => Promise<WrapperPlace>): void {
  const name = (behaviour: string) => `${driver}: ${behaviour}`;

  async function openNew(t: TestContext): Promise<KeyWrapper> {
    return (await createPlace(t)).open();
  }

  test(name("a data key that was wrapped is unwrapped, by whoever opens the same keys"), async (t) => {
    const place = await createPlace(t);
    const [wrapper, other] = [await place.open(), await place.open()];
    assert.equal(other.id, wrapper.id);
    for (const dataKey of [newDataKey(), new Uint8Array(32), new Uint8Array(32).fill(255)]) {
      const wrapped = await wrapper.wrap(dataKey, newObjectId());
      await assert.rejects(other.unwrap(wrapped, newObjectId()), isDamage);
      const context = newObjectId();
      assert.deepEqual(await other.unwrap(await wrapper.wrap(dataKey, context), context), dataKey);
    }
  });

  test(
    name("a wrapped key names what wrapped it, does not show the data key, and is other bytes each time"),
    async (t) => {
      const wrapper = await openNew(t);
      assert.match(wrapper.id, /^[a-z0-9]+:\S+$/);
      const [dataKey, context] = [newDataKey(), newObjectId()];
      const wrapped = await wrapper.wrap(dataKey, context);
      assert.equal(wrapperIdOf(wrapped), wrapper.id);
      assert.ok(wrapped instanceof Uint8Array && wrapped.length < 1024);
      assert.ok(!Buffer.from(wrapped).includes(dataKey.subarray(0, 8)));
      assert.notDeepEqual(await wrapper.wrap(dataKey, context), wrapped);
    },
  );

  test(name("a wrapped key opens for its own context alone"), async (t) => {
    const wrapper = await openNew(t);
    const context = newObjectId();
    const wrapped = await wrapper.wrap(newDataKey(), context);
    for (const other of [newObjectId(), "", context.slice(0, 25), `${context}a`, context.toUpperCase()]) {
      await assert.rejects(wrapper.unwrap(wrapped, other), isDamage, other);
    }
  });

  test(name("a wrapped key with a byte changed, missing or added does not open"), async (t) => {
    const wrapper = await openNew(t);
    const context = newObjectId();
    const wrapped = await wrapper.wrap(newDataKey(), context);
    const { body } = parseWrapped(wrapped);
    for (let at = 0; at < wrapped.length; at += 1) {
      const changed = Uint8Array.from(wrapped, (byte, place) => (place === at ? byte ^ (1 << (at % 8)) : byte));
      // Where the id stands, the change may make it the name of a key that is not here.
      const codes = at < wrapped.length - body.length ? ["FATAL_CORRUPT", "UNAVAILABLE_KEYS"] : ["FATAL_CORRUPT"];
      await assert.rejects(
        wrapper.unwrap(changed, context),
        (error) => isAttestryError(error) && codes.includes(error.code),
        `byte ${at}`,
      );
    }
    for (const length of [0, 1, wrapped.length - body.length, wrapped.length - 1]) {
      await assert.rejects(wrapper.unwrap(wrapped.slice(0, length), context), isDamage, `${length} bytes`);
    }
    await assert.rejects(wrapper.unwrap(Uint8Array.of(...wrapped, 0), context), isDamage);
    for (const length of [0, 1, 28, body.length - 1, body.length + 1]) {
      const other = new Uint8Array(length);
      other.set(body.subarray(0, length));
      await assert.rejects(wrapper.unwrap(encodeWrapped({ id: wrapper.id, body: other }), context), isDamage);
    }
  });

  test(name("a key that is not here is named, and is not called damage"), async (t) => {
    const [wrapper, elsewhere] = [await openNew(t), await openNew(t)];
    assert.notEqual(elsewhere.id, wrapper.id);
    const wrapped = await elsewhere.wrap(newDataKey(), "x");
    await assert.rejects(
      wrapper.unwrap(wrapped, "x"),
      (error) => isAttestryError(error) && error.code === "UNAVAILABLE_KEYS" && error.message.includes(elsewhere.id),
    );
    const { body } = parseWrapped(wrapped);
    const nonsense = [
      "",
      "x",
      `${wrapper.id}0`,
      wrapper.id.slice(0, -1),
      "other:key",
      "local:",
      "pkcs11:zz",
      "pkcs11:",
    ];
    for (const id of nonsense) {
      await assert.rejects(wrapper.unwrap(encodeWrapped({ id, body }), "x"), { code: "UNAVAILABLE_KEYS" }, id);
    }
  });

  test(name("after a rotation the new key wraps, and both unwrap"), async (t) => {
    const place = await createPlace(t);
    const first = await place.open();
    const [dataKey, context] = [newDataKey(), newObjectId()];
    const old = await first.wrap(dataKey, context);
    const seen = [wrapperIdOf(old)];
    for (let round = 0; round < 2; round += 1) {
      await place.rotate();
      const wrapper = await place.open();
      assert.ok(!seen.includes(wrapper.id));
      seen.push(wrapper.id);
      const again = await wrapper.wrap(await wrapper.unwrap(old, context), context);
      assert.equal(wrapperIdOf(again), wrapper.id);
      assert.deepEqual(await wrapper.unwrap(again, context), dataKey);
      assert.deepEqual(await wrapper.unwrap(old, context), dataKey);
    }
  });

  test(name("many at once do not disturb each other"), async (t) => {
    const wrapper = await openNew(t);
    const contexts = Array.from({ length: 40 }, newObjectId);
    await Promise.all(
      contexts.map(async (context, at) => {
        const dataKey = newDataKey();
        const wrapped = await wrapper.wrap(dataKey, context);
        if (at % 4 === 0) await assert.rejects(wrapper.unwrap(wrapped, "another"), isDamage);
        assert.deepEqual(await wrapper.unwrap(wrapped, context), dataKey);
      }),
    );
  });

  test(name("an unwrapped key is the caller's own: it can be wiped"), async (t) => {
    const wrapper = await openNew(t);
    const dataKey = newDataKey();
    const wrapped = await wrapper.wrap(dataKey, "x");
    (await wrapper.unwrap(wrapped, "x")).fill(0);
    assert.deepEqual(await wrapper.unwrap(wrapped, "x"), dataKey);
  });

  test(name("nothing but 32 bytes is wrapped"), async (t) => {
    const wrapper = await openNew(t);
    for (const length of [0, 16, 31, 33, 64]) {
      await assert.rejects(wrapper.wrap(new Uint8Array(length), "x"), { code: "FATAL_INTERNAL" }, `${length} bytes`);
    }
  });

  test(name("an error holds no key"), async (t) => {
    const wrapper = await openNew(t);
    const dataKey = newDataKey();
    const wrapped = await wrapper.wrap(dataKey, "x");
    const errors = [
      await wrapper.unwrap(wrapped, "y").catch((error: unknown) => error),
      await wrapper.unwrap(wrapped.slice(0, -1), "x").catch((error: unknown) => error),
      await wrapper.wrap(dataKey.slice(1), "x").catch((error: unknown) => error),
    ];
    for (const error of errors) {
      assert.ok(isAttestryError(error));
      const told = inspect(error, { depth: 9, showHidden: true });
      const part = Buffer.from(dataKey.subarray(1));
      for (const form of [part.toString("hex"), part.toString("base64").slice(0, 30), [...part].join(", ")]) {
        assert.ok(!told.includes(form));
      }
    }
  });
}
