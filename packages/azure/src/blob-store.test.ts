import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { inspect } from "node:util";
import type * as Blobs from "@azure/storage-blob";
import { testObjectStore } from "../../server/src/vault/object-store.contract.ts";
import { newObjectId, segmentLength } from "../../server/src/vault/object-store.ts";
import { createLine } from "../../server/src/vault/testing/line.ts";
import { randomSegment, storeObject } from "../../server/src/vault/testing/segments.ts";
import { openBlobStore } from "./blob-store.ts";
import { loadSdk } from "./sdk.ts";
import { blobPlace, type Emulator, missing, startBlobEmulator, temporaryFolder } from "./testing.ts";

let emulator: Emulator;
before(async () => {
  if (missing === undefined) emulator = await startBlobEmulator("--inMemoryPersistence");
});
after(() => emulator?.stop());

testObjectStore(
  "Azure Blob",
  async (t) => {
    const line = await createLine(emulator.port);
    t.after(() => line.close());
    const options = blobPlace(line.port);
    return { line, open: () => openBlobStore(options) };
  },
  { hasLine: true, bigSegments: 40, histories: 8, skip: missing },
);

test("Azure Blob: objects are there after the service was stopped and started", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const folder = temporaryFolder(t);
  const first = await startBlobEmulator("--location", folder);
  const options = blobPlace(first.port);
  const store = await openBlobStore(options);
  const [whole, partial] = [newObjectId(), newObjectId()];
  const segments = [randomSegment(segmentLength), randomSegment(50)];
  await storeObject(store, whole, segments);
  await store.writeSegment(partial, 0, segments[1] as Uint8Array);
  await first.stop("SIGTERM");
  await assert.rejects(store.stat(whole), { code: "UNAVAILABLE_STORAGE" });

  const second = await startBlobEmulator("--location", folder);
  t.after(() => second.stop());
  const again = await openBlobStore({ ...blobPlace(second.port), container: options.container });
  assert.deepEqual(await again.stat(whole), { sealed: 2, written: 2 });
  assert.deepEqual(await again.readSegment(whole, 1), segments[1]);
  assert.deepEqual(await again.stat(partial), { sealed: undefined, written: 1 });
  assert.deepEqual(await again.list(undefined, 5), [whole, partial].sort());
});

test("Azure Blob: a segment that is gone, a mark that was changed, and what does not belong there are found", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const options = blobPlace(emulator.port);
  const store = await openBlobStore(options);
  const { BlobServiceClient } = loadSdk<typeof Blobs>("@azure/storage-blob");
  const container = BlobServiceClient.fromConnectionString(options.connectionString).getContainerClient(
    options.container,
  );
  const [first, second, third] = Array.from({ length: 3 }, newObjectId).sort() as [string, string, string];
  for (const id of [first, second, third]) await storeObject(store, id, [randomSegment(10), randomSegment(10)]);
  assert.deepEqual(await store.check(), []);
  await container.deleteBlob(`${first}/00000000`);
  await container.getBlobClient(`${second}/whole`).setMetadata({ segments: "3" });
  await container.getBlockBlobClient(`${third}/00000002`).upload("x", 1);
  await container.getBlockBlobClient(`${third}/note`).upload("x", 1);
  await container.getBlockBlobClient("zzz").upload("x", 1);
  assert.deepEqual(await store.check(), [
    `${first} is whole with 2 segments, and has 1`,
    `${second} is whole with 3 segments, and has 2`,
    `${third}/note is no object's blob`,
    `${third} is whole with 2 segments, and has 3`,
    "zzz is no object's blob",
  ]);
  assert.deepEqual(await store.stat(first), { sealed: 2, written: 1 });
});

test("Azure Blob: an account that is refused is told so, without its key", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const wrong = randomBytes(64).toString("base64");
  await assert.rejects(openBlobStore(blobPlace(emulator.port, wrong)), (error) => {
    assert.equal((error as { code: string }).code, "UNAVAILABLE_STORAGE");
    assert.match(String(error), /refused \(403/);
    assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes(wrong.slice(0, 20)));
    return true;
  });
});
