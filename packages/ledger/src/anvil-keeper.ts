/**
 * Runs anvil for as long as the process that started this one lives, and writes its chain down:
 * `node anvil-keeper.ts FILE PROGRAM [ARGUMENT…]`, with an IPC channel, which gets the node's process id and port once it
 * listens. The channel closes when the other end is gone, even if it was killed; the chain is then written a last time. FILE is ""
 * when nothing is to be kept. While this runs, its process id is in FILE.keeper: the next one waits for that.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

/** What the channel gets. */
export interface Listening {
  readonly pid: number;
  readonly port: number;
}

const [file = "", program = "", ...programArguments] = process.argv.slice(2);
if (file !== "") {
  writeFileSync(`${file}.keeper`, String(process.pid));
  process.on("exit", () => rmSync(`${file}.keeper`, { force: true }));
}
const child = spawn(program, programArguments, { stdio: ["ignore", "pipe", "ignore"], windowsHide: true });
process.on("exit", () => child.kill("SIGKILL")); // whatever this process ends of
child.on("error", () => process.exit(127));
child.on("exit", (code) => process.exit(code ?? 1));

/** The node says where it listens once it does; what it says later is of no interest. */
async function awaitPort(): Promise<number> {
  const lines = createInterface(child.stdout);
  for await (const line of lines) {
    const port = /^Listening on .*:(\d+)$/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
  }
  return once(child, "exit").then(() => process.exit(1));
}

async function ask(port: number, method: string, ...parameters: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: parameters });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", headers, body });
  return ((await response.json()) as { result?: unknown }).result;
}

// anvil's own writing at intervals rewrites the file in place, changed or not: it can be cut short, and costs ever more as the
// chain grows. This replaces the file in one step, and the less often the larger it is.
async function writeChain(port: number): Promise<number> {
  const dump = await ask(port, "anvil_dumpState");
  if (typeof dump !== "string") return 0;
  const chain = await promisify(gunzip)(Buffer.from(dump.slice(2), "hex"));
  const temporary = await open(`${file}.tmp`, "w", 0o600);
  try {
    await temporary.writeFile(chain);
    await temporary.sync();
  } finally {
    await temporary.close();
  }
  await rename(`${file}.tmp`, file);
  return chain.length;
}

const bytesPerSecond = 1_000_000;
let writing: Promise<number> = Promise.resolve(0);
let stopping = false;

async function keepWriting(port: number): Promise<void> {
  let written: unknown;
  let size = 0;
  for (;;) {
    try {
      const newest = (await ask(port, "eth_getBlockByNumber", "latest", false)) as { hash?: string } | undefined;
      if (stopping) return; // two writings at once would spoil the file
      if (newest?.hash !== written) {
        writing = writeChain(port);
        size = await writing;
        written = newest?.hash;
      }
    } catch {
      // the disk may be full: the next turn tries again
    }
    await sleep(500 + (size / bytesPerSecond) * 1000);
  }
}

async function stop(port: number): Promise<void> {
  stopping = true;
  await writing.catch(() => {});
  if (file !== "") await writeChain(port).catch(() => {});
  child.kill("SIGTERM");
}

const listening = awaitPort();
const gone = once(process, "disconnect");
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"]) {
  process.on(signal, () => {
    if (process.connected) process.disconnect?.();
  });
}
void gone.then(async () => {
  setTimeout(() => child.kill("SIGKILL"), 15_000);
  await stop(await listening);
});

const port = await listening;
child.stdout.resume();
if (process.connected) process.send?.({ pid: child.pid, port });
if (file !== "") void keepWriting(port);
