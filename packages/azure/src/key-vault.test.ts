import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { newDataKey } from "../../server/src/vault/format/stream.ts";
import { testKeyWrapper } from "../../server/src/vault/keys/key-wrapper.contract.ts";
import { type KeyVaultOptions, openKeyVault } from "./key-vault.ts";
import { missing } from "./testing.ts";
import { createFakeVault, type FakeVault, fakeCredential } from "./testing-key-vault.ts";

let vaults = 0;

/** Azure Government is another address and another resource in the challenge, and nothing else. */
function createPlace(cloud = "vault.usgovcloudapi.net"): { fake: FakeVault; options: KeyVaultOptions } {
  const fake = createFakeVault("records", `https://${cloud}`);
  const client = { httpClient: fake.transport, retryOptions: { maxRetries: 0 } };
  const vault = `https://vault-${vaults++}.${cloud}`;
  return { fake, options: { vault, key: "records", credential: fakeCredential, client } };
}

if (missing === undefined) {
  testKeyWrapper("Azure Key Vault (a stand-in)", async () => {
    const { fake, options } = createPlace();
    return { open: () => openKeyVault(options), rotate: async () => fake.rotate() };
  });
}

test("Azure Key Vault: a vault that cannot be reached or refuses is not called damage, and no token is told", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  for (const cloud of ["vault.azure.net", "vault.usgovcloudapi.net", "managedhsm.azure.net"]) {
    const { fake, options } = createPlace(cloud);
    const wrapper = await openKeyVault(options);
    const dataKey = newDataKey();
    const wrapped = await wrapper.wrap(dataKey, "x");
    for (const [failure, message] of [
      ["line", /cannot be reached \(ECONNREFUSED\)/],
      [403, /refused \(403/],
      [429, /refused \(429/],
    ] as const) {
      fake.fail(failure);
      for (const call of [
        () => wrapper.unwrap(wrapped, "x"),
        () => wrapper.wrap(dataKey, "x"),
        () => openKeyVault(options),
      ]) {
        await assert.rejects(call, (error) => {
          assert.ok(!inspect(error, { depth: 9 }).includes("a token that"));
          return (error as { code: string }).code === "UNAVAILABLE_KEYS" && message.test(String(error));
        });
      }
    }
    fake.fail(undefined);
    assert.deepEqual(await wrapper.unwrap(wrapped, "x"), dataKey);
  }
});

test("Azure Key Vault: the data key itself is never sent", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const { fake, options } = createPlace();
  const wrapper = await openKeyVault(options);
  assert.match(wrapper.id, /^azure:vault-\d+\.vault\.usgovcloudapi\.net\/records\/[0-9a-f]{32}$/);
  await wrapper.unwrap(await wrapper.wrap(newDataKey(), "x"), "x");
  assert.ok(fake.requests.some(({ url }) => url.includes("/wrapkey")));
  assert.ok(fake.requests.every(({ url }) => url.startsWith(options.vault)));
  await assert.rejects(openKeyVault({ ...options, key: "another" }), { code: "UNAVAILABLE_KEYS" });
});
