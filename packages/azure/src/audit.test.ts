import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import type { ObjectStore } from "@attestry/server/vault";
import type * as Cosmos from "@azure/cosmos";
import type * as Blobs from "@azure/storage-blob";
import { openSqliteCatalogue, sqliteTables } from "../../server/src/vault/catalogue/sqlite-catalogue.ts";
import { type TamperPlace, testTampering } from "../../server/src/vault/tampering.contract.ts";
import { openBlobStore } from "./blob-store.ts";
import { openCosmosStore } from "./cosmos-store.ts";
import { loadSdk } from "./sdk.ts";
import {
  blobPlace,
  cosmosPlace,
  type Emulator,
  missing,
  startBlobEmulator,
  startCosmosEmulator,
  temporaryFolder,
} from "./testing.ts";

const emulators: Emulator[] = [];
before(async () => {
  if (missing !== undefined) return;
  emulators.push(await startBlobEmulator("--inMemoryPersistence"), await startCosmosEmulator());
});
after(() => Promise.all(emulators.map((emulator) => emulator.stop())));

type Context = { after(clean: () => void | Promise<void>): void };

/** A catalogue on the local disk, and what an administrator of the storage does behind its back. */
function place(
  t: Context,
  openObjects: () => Promise<ObjectStore>,
  dropSegment: (id: string, index: number) => Promise<void>,
): TamperPlace {
  const folder = temporaryFolder(t);
  return {
    openCatalogue: () => openSqliteCatalogue({ folder }),
    openTables: async () => sqliteTables(new DatabaseSync(join(folder, "vault.db"))),
    openObjects,
    dropSegment,
  };
}

const name = (index: number) => index.toString(16).padStart(8, "0");

if (missing === undefined) {
  testTampering("SQLite and Azure Blob", async (t) => {
    const options = blobPlace(emulators[0]?.port ?? 0);
    const { BlobServiceClient } = loadSdk<typeof Blobs>("@azure/storage-blob");
    const container = BlobServiceClient.fromConnectionString(options.connectionString).getContainerClient(
      options.container,
    );
    return place(
      t,
      () => openBlobStore(options),
      async (id, index) => void (await container.deleteBlob(`${id}/${name(index)}`)),
    );
  });

  testTampering("SQLite and Cosmos DB", async (t) => {
    const options = cosmosPlace(emulators[1]?.port ?? 0);
    const { CosmosClient } = loadSdk<typeof Cosmos>("@azure/cosmos");
    const connectionPolicy = { enableEndpointDiscovery: false };
    const client = new CosmosClient({ endpoint: options.endpoint, key: options.key, connectionPolicy });
    t.after(() => client.dispose());
    const container = client.database(options.database).container(options.container);
    return place(
      t,
      () => openCosmosStore(options),
      async (id, index) => void (await container.item(name(index), id).delete()),
    );
  });
} else {
  test("the audit over Azure's storage", { skip: missing }, () => {});
}
