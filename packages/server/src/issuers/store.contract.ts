/** What every `IssuerStore` driver must do. A driver's test file calls `testIssuerStore` once. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sha256 } from "@attestry/core";
import { refusal } from "../testing.ts";
import type { Issuer, IssuerStore } from "./store.ts";

/** Where a test's issuers are kept: `open` opens the same place each time. */
export interface IssuerPlace {
  open(): Promise<IssuerStore>;
}

const sample = (id: string): Issuer => ({
  id,
  kind: "key",
  issuer: `https://${id}.example`,
  material: Uint8Array.of(1, 2, 3),
  addedAt: 1_800_000_000,
  revoked: undefined,
});

/** @param skip why the tests cannot run here, when they cannot */
export function testIssuerStore(
  driver: string,
  createPlace: (t: TestContext) => Promise<IssuerPlace>,
  skip?: string | undefined,
): void {
  const promise = (behaviour: string, run: (place: Place) => Promise<void>): void =>
    void test(`${driver}: ${behaviour}`, { skip: skip ?? false }, async (t) => {
      const place = await createPlace(t);
      let store = await place.open();
      t.after(() => store.close());
      const reopen = async (): Promise<IssuerStore> => {
        await store.close();
        store = await place.open();
        return store;
      };
      await run({ store, reopen });
    });

  promise("issuers are kept in their order, and revoked ones stay with time and reason", async ({ store, reopen }) => {
    const root: Issuer = { ...sample("b"), kind: "root", issuer: undefined };
    await store.add(sample("z"));
    await store.add(root);
    await store.add(sample("a"));
    await store.revoke("b", { at: 1_800_000_100, reason: "compromised" });
    const expected = [sample("z"), { ...root, revoked: { at: 1_800_000_100, reason: "compromised" } }, sample("a")];
    assert.deepEqual(await store.list(), expected);
    assert.deepEqual(await (await reopen()).list(), expected);
  });

  promise("an id is enrolled once and revoked once", async ({ store }) => {
    await store.add(sample("a"));
    await assert.rejects(store.add(sample("a")), refusal("CONFLICT_EXISTS"));
    await assert.rejects(store.revoke("b", { at: 1, reason: "x" }), refusal("NOT_FOUND"));
    await store.revoke("a", { at: 1, reason: "x" });
    await assert.rejects(store.revoke("a", { at: 2, reason: "y" }), refusal("NOT_FOUND"));
    assert.deepEqual((await store.list())[0]?.revoked, { at: 1, reason: "x" });
  });

  promise("chains are kept under their leaf's hash, the first for good", async ({ store, reopen }) => {
    const chain = [Uint8Array.of(1), Uint8Array.of(2, 3)];
    const x5t = sha256(Uint8Array.of(1));
    assert.equal(await store.readChain(x5t), undefined);
    await store.putChain(x5t, chain);
    await store.putChain(x5t, [Uint8Array.of(9)]);
    assert.deepEqual(await (await reopen()).readChain(x5t), chain);
  });
}

interface Place {
  readonly store: IssuerStore;
  reopen(): Promise<IssuerStore>;
}
