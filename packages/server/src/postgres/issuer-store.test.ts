import assert from "node:assert/strict";
import { test } from "node:test";
import { createIssuers } from "../issuers/issuers.ts";
import { testIssuerStore } from "../issuers/store.contract.ts";
import { createIssuer, refusal } from "../testing.ts";
import { openDatabase } from "./database.ts";
import { openPostgresIssuerStore } from "./issuer-store.ts";
import { postgresForTests } from "./testing/server.ts";
import { until } from "./testing/until.ts";

const postgres = postgresForTests();

async function openStore(url: string) {
  const database = await openDatabase(url);
  try {
    return await openPostgresIssuerStore(database);
  } finally {
    await database.close();
  }
}

testIssuerStore(
  "PostgreSQL",
  async () => {
    const url = await (await postgres.server()).createDatabase();
    return { open: () => openStore(url) };
  },
  postgres.skip,
);

test("whoever is enrolled or revoked at one process is so at the other", {
  skip: postgres.skip ?? false,
}, async (t) => {
  const url = await (await postgres.server()).createDatabase();
  const stores = [await openStore(url), await openStore(url)] as const;
  for (const store of stores) t.after(() => store.close());
  const [here, there] = [await createIssuers(stores[0], () => 1), await createIssuers(stores[1], () => 2)];
  const { publicKey } = createIssuer().signer;
  const { id } = await here.addKey(publicKey, "https://kent.example");
  await until(() => there.find(id)?.issuer === "https://kent.example");
  // Enrolled at both at the same time: for the same issuer once, for different ones refused.
  const second = createIssuer().signer.publicKey;
  const both = await Promise.all([here.addKey(second, "https://a.example"), there.addKey(second, "https://a.example")]);
  assert.deepEqual(both[0], both[1]);
  const third = createIssuer().signer.publicKey;
  const outcomes = await Promise.allSettled([
    here.addKey(third, "https://a.example"),
    there.addKey(third, "https://b.example"),
  ]);
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  await there.revoke(id, "left");
  await until(() => here.find(id)?.revoked?.reason === "left");
  await assert.rejects(here.revoke(id, "again"), refusal("NOT_FOUND"));
});
