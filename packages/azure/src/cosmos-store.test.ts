import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { after, before, test } from "node:test";
import type * as Cosmos from "@azure/cosmos";
import { testObjectStore } from "../../server/src/vault/object-store.contract.ts";
import { newObjectId } from "../../server/src/vault/object-store.ts";
import { createLine } from "../../server/src/vault/testing/line.ts";
import { randomSegment, storeObject } from "../../server/src/vault/testing/segments.ts";
import { openCosmosStore } from "./cosmos-store.ts";
import { loadSdk } from "./sdk.ts";
import { cosmosPlace, type Emulator, missing, startCosmosEmulator } from "./testing.ts";

let emulator: Emulator;
before(async () => {
  if (missing !== undefined) return;
  emulator = await startCosmosEmulator();
});
after(() => emulator?.stop());

testObjectStore(
  "Cosmos DB",
  async (t) => {
    const line = await createLine(emulator.port);
    t.after(() => line.close());
    const options = cosmosPlace(line.port);
    return { line, open: () => openCosmosStore(options) };
  },
  { hasLine: true, bigSegments: 24, histories: 8, skip: missing },
);

test("Cosmos DB: segments that are gone or changed, and what does not belong there, are found", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const options = cosmosPlace(emulator.port);
  const store = await openCosmosStore(options);
  t.after(() => store.close());
  const { CosmosClient } = loadSdk<typeof Cosmos>("@azure/cosmos");
  const client = new CosmosClient({
    endpoint: options.endpoint,
    key: options.key,
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

test("Cosmos DB: a connection that breaks off at its use is not told of when another does the work", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  let breaking = 0;
  let broken = 0;
  const proxy = createServer((client) => {
    const upstream = connect(emulator.port, "127.0.0.1");
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).pipe(client);
    client.on("data", (chunk) => {
      if (breaking === 0) return void upstream.write(chunk);
      breaking -= 1;
      broken += 1;
      client.resetAndDestroy();
    });
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const store = await openCosmosStore(cosmosPlace((proxy.address() as AddressInfo).port));
  t.after(async () => {
    await store.close();
    proxy.close();
  });
  const id = newObjectId();
  for (const call of [
    () => store.writeSegment(id, 0, randomSegment(10)),
    () => store.stat(id),
    () => store.seal(id, 1),
  ]) {
    breaking = 1;
    await call();
  }
  assert.equal(broken, 3);
  breaking = 2;
  await assert.rejects(store.readSegment(id, 0), { code: "UNAVAILABLE_STORAGE" });
  assert.deepEqual(await store.stat(id), { sealed: 1, written: 1 });
});
