import { randomBytes } from "node:crypto";
import { after, before } from "node:test";
import { testObjectStore } from "../../server/src/vault/object-store.contract.ts";
import { createLine } from "../../server/src/vault/testing/line.ts";
import { type CosmosStoreOptions, openCosmosStore } from "./cosmos-store.ts";
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
