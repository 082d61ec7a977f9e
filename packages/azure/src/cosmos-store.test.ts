import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import type * as Cosmos from "@azure/cosmos";
import { randomSegment, storeObject, testObjectStore } from "../../server/src/vault/object-store.contract.ts";
import { newObjectId } from "../../server/src/vault/object-store.ts";
import { createLine } from "../../server/src/vault/testing/line.ts";
import { type CosmosStoreOptions, openCosmosStore } from "./cosmos-store.ts";
import { loadSdk } from "./sdk.ts";
import { type Emulator, missing, startEmulator } from "./testing.ts";

let emulator: Emulator;
before(async () => {
  if (missing !== undefined) return;
  emulator = await startEmulator("@vercel/cosmosdb-server/lib/cli.js", (port) => [
    "--port",
    String(port),
    "--host",
    "127.0.0.1",
    "--no-ssl",
  ]);
});
after(() => emulator?.stop());

const database = "attestry";

function place(port: number = emulator.port): CosmosStoreOptions {
  const container = `vault-${randomBytes(8).toString("hex")}`;
  const key = Buffer.from("the emulator takes any key").toString("base64");
  return { endpoint: `http://127.0.0.1:${port}`, key, database, container, discovery: false, patience: 20_000 };
}

testObjectStore(
  "Cosmos DB",
  async (t) => {
    const line = await createLine(emulator.port);
    t.after(() => line.close());
    const options = place(line.port);
    return { line, open: () => openCosmosStore(options) };
  },
  { hasLine: true, bigSegments: 24, histories: 8, skip: missing },
);

test("Cosmos DB: segments that are gone or changed, and what does not belong there, are found", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const options = place(emulator.port);
  const store = await openCosmosStore(options);
  t.after(() => store.close());
  const { CosmosClient } = loadSdk<typeof Cosmos>("@azure/cosmos");
  const client = new CosmosClient({
    endpoint: options.endpoint,
    key: options.key ?? "",
    connectionPolicy: { enableEndpointDiscovery: false },
  });
  t.after(() => client.dispose());
  const container = client.database(options.database).container(options.container);
  const [first, second] = [newObjectId(), newObjectId()].sort() as [string, string];
  for (const id of [first, second]) await storeObject(store, id, [randomSegment(10), randomSegment(10)]);
  assert.deepEqual(await store.check(), []);
  await container.item("00000000", first).delete();
  await container.items.upsert({ id: "00000001", object: second, index: 1, bytes: 17 });
  await container.items.upsert({ id: "note", object: newObjectId(), text: "hello" });
  assert.deepEqual(
    await store.check(),
    [`${first} is whole with 2 segments, and has 1`, "1 items are of no object"].sort(),
  );
  assert.equal(await store.readSegment(first, 0), undefined);
  assert.ok((await store.readSegment(second, 1)) instanceof Uint8Array);
  assert.deepEqual(await store.stat(first), { sealed: 2, written: 1 });
});
