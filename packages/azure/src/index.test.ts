import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ConnectSqlServer } from "@attestry/server/sqlserver";
import type { AzureDrivers } from "@attestry/server/vault";
import { dataFolder } from "../../server/src/data-folder.ts";
import { newObjectId } from "../../server/src/vault/object-store.ts";
import { openStorage } from "../../server/src/vault/open.ts";
import { randomSegment, storeObject } from "../../server/src/vault/testing/segments.ts";
import * as azure from "./index.ts";
import { blobPlace, cosmosPlace, missing, startBlobEmulator, startCosmosEmulator, temporaryFolder } from "./testing.ts";

test("the package exports what a notary's vault.json and --database can ask for", () => {
  const drivers: AzureDrivers & { connectSqlServer: ConnectSqlServer } = azure;
  const names = ["connectSqlServer", "openBlobStore", "openCosmosStore", "openKeyVault"];
  assert.deepEqual(Object.keys(drivers).sort(), names);
});

test("a notary whose vault.json names Azure keeps its objects there, and its catalogue where it was", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const [blobs, cosmos] = [await startBlobEmulator("--inMemoryPersistence"), await startCosmosEmulator()];
  t.after(() => blobs.stop());
  t.after(() => cosmos.stop());
  const { connectionString, container } = blobPlace(blobs.port);
  const { endpoint, key, database } = cosmosPlace(cosmos.port);
  for (const [objects, secret, openDirectly] of [
    [
      { kind: "azure-blob", connectionStringFile: "secret", container },
      connectionString,
      () => azure.openBlobStore({ connectionString, container }),
    ],
    [
      { kind: "cosmos", endpoint, database, container, keyFile: "secret" },
      key,
      () => azure.openCosmosStore({ endpoint, key, database, container }),
    ],
  ] as const) {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, "vault.json"), JSON.stringify({ objects }));
    writeFileSync(join(folder, "secret"), `${secret}\n`, { mode: 0o600 });
    const storage = await openStorage({ folder: dataFolder(folder) });
    const id = newObjectId();
    const segment = randomSegment(100);
    await storeObject(storage.objects, id, [segment]);
    assert.deepEqual(await storage.catalogue.check(), []);
    await Promise.all([storage.objects.close(), storage.catalogue.close()]);
    const direct = await openDirectly();
    assert.deepEqual(await direct.readSegment(id, 0), segment);
    await direct.close();
  }
});
