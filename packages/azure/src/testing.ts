/** What the tests of this package share: the emulators, in processes of their own, and why they cannot run. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BlobStoreOptions } from "./blob-store.ts";
import type { CosmosStoreOptions } from "./cosmos-store.ts";
import { hasSdk } from "./sdk.ts";

/** The reason to skip a test, when the libraries are not there. */
export const missing: string | undefined = hasSdk("@azure/storage-blob")
  ? undefined
  : "the libraries of Azure and the emulators are not installed: npm run setup:azure";

type Context = { after(clean: () => void | Promise<void>): void };

export function temporaryFolder(t: Context): string {
  const folder = mkdtempSync(join(tmpdir(), "attestry-azure-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Emulator {
  readonly port: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts a program of the emulators' packages and waits for the line that says that it listens. */
async function startEmulator(program: string, args: (port: number) => readonly string[]): Promise<Emulator> {
  const port = await freePort();
  const path = join(import.meta.dirname, "../sdk/node_modules", program);
  const child = spawn(process.execPath, [path, ...args(port)], { stdio: ["ignore", "pipe", "pipe"] });
  await listening(child);
  return {
    port,
    stop: async (signal = "SIGKILL") => {
      const exited = once(child, "exit");
      child.kill(signal);
      await exited;
    },
  };
}

/** Azure Blob Storage as azurite has it. `kept`: "--inMemoryPersistence", or "--location" and a folder. */
export function startBlobEmulator(...kept: readonly string[]): Promise<Emulator> {
  return startEmulator("azurite/dist/src/blob/main.js", (port) => {
    const options = ["--silent", "--disableTelemetry", "--skipApiVersionCheck", ...kept];
    return ["--blobPort", String(port), ...options];
  });
}

/** Cosmos DB as @vercel/cosmosdb-server has it, in memory. */
export function startCosmosEmulator(): Promise<Emulator> {
  const options = ["--host", "127.0.0.1", "--no-ssl"];
  return startEmulator("@vercel/cosmosdb-server/lib/cli.js", (port) => ["--port", String(port), ...options]);
}

// The account and key that azurite is published with.
const account = "devstoreaccount1";
const publishedKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** A new container of the emulator behind a port. */
export function blobPlace(port: number, key: string = publishedKey): BlobStoreOptions & { connectionString: string } {
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=${endpoint};`;
  return { connectionString, container: `vault-${randomBytes(8).toString("hex")}`, patience: 20_000 };
}

/** A new container of the emulator behind a port. */
export function cosmosPlace(port: number): CosmosStoreOptions & { key: string } {
  const container = `vault-${randomBytes(8).toString("hex")}`;
  const key = Buffer.from("the emulator takes any key").toString("base64");
  const endpoint = `http://127.0.0.1:${port}`;
  return { endpoint, key, database: "attestry", container, patience: 20_000 };
}

function listening(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    const read = (text: Buffer) => {
      output += text;
      if (/listen|Ready to accept/i.test(output)) resolve();
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("exit", (code) => reject(new Error(`the emulator ended with ${code}: ${output}`)));
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
