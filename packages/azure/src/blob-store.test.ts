import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { randomSegment, storeObject, testObjectStore } from "../../server/src/vault/object-store.contract.ts";
import { newObjectId } from "../../server/src/vault/object-store.ts";
import { createLine } from "../../server/src/vault/testing/line.ts";
import { type BlobStoreOptions, openBlobStore } from "./blob-store.ts";
import { type Emulator, missing, startEmulator } from "./testing.ts";

// The account and key that azurite is published with.
const account = "devstoreaccount1";
const key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

let emulator: Emulator;
before(async () => {
  if (missing !== undefined) return;
  emulator = await startEmulator("azurite/dist/src/blob/main.js", (port) => [
    "--blobPort",
    String(port),
    "--silent",
    "--disableTelemetry",
    "--skipApiVersionCheck",
    "--inMemoryPersistence",
  ]);
});
after(() => emulator?.stop());

function place(port: number = emulator.port): BlobStoreOptions {
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`;
  return { connectionString, container: `vault-${randomBytes(8).toString("hex")}`, patience: 20_000 };
}

testObjectStore(
  "Azure Blob",
  async (t) => {
    const line = await createLine(emulator.port);
    t.after(() => line.close());
    const options = place(line.port);
    return { line, open: () => openBlobStore(options) };
  },
  { hasLine: true, bigSegments: 40, histories: 8, skip: missing },
);
