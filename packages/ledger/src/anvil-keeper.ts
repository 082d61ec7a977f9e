/**
 * Runs anvil for as long as the process that started this one lives, and writes its chain down:
 * `node anvil-keeper.ts FILE PORT PROGRAM [ARGUMENT…]`, with an IPC channel. The channel closes when the other end is gone, even
 * if it was killed; the chain is then written a last time. FILE is "" when nothing is to be kept. While it runs, its process id is
 * in FILE.keeper: the next one waits for that.
 */
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

const [file = "", port = "", program = "", ...programArguments] = process.argv.slice(2);
if (file !== "") {
  writeFileSync(`${file}.keeper`, String(process.pid));
  process.on("exit", () => rmSync(`${file}.keeper`, { force: true }));
}
const child = spawn(program, programArguments, { stdio: "ignore", windowsHide: true });
child.on("spawn", () => process.send?.({ pid: child.pid }));
child.on("error", () => process.exit(127));
child.on("exit", (code) => process.exit(code ?? 1));

async function ask(method: string, ...parameters: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: parameters });
  const headers = { "content-type": "application/json" };
  const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", headers, body });
  return ((await response.json()) as { result?: unknown }).result;
}

// anvil's own writing at intervals rewrites the file in place, changed or not: it can be cut short, and eats the processor as
// the chain grows. This replaces the file in one step, and spends at most a twentieth of its time on it.
async function writeChain(): Promise<void> {
  const dump = await ask("anvil_dumpState");
  if (typeof dump !== "string") return;
  const chain = await promisify(gunzip)(Buffer.from(dump.slice(2), "hex"));
  const temporary = await open(`${file}.tmp`, "w", 0o600);
  try {
    await temporary.writeFile(chain);
    await temporary.sync();
  } finally {
    await temporary.close();
  }
  await rename(`${file}.tmp`, file);
}

async function readNewest(): Promise<unknown> {
  const block = (await ask("eth_getBlockByNumber", "latest", false)) as { hash?: string } | undefined;
  return block?.hash;
}

let writing: Promise<void> = Promise.resolve();
async function keepWriting(): Promise<void> {
  let written: unknown;
  for (;;) {
    const began = Date.now();
    const newest = await readNewest().catch(() => written);
    if (stopping) return; // two writings at once would spoil the file
    if (newest !== written) {
      writing = writeChain();
      await writing.then(() => (written = newest)).catch(() => {}); // the next turn tries again
    }
    await sleep(Math.max(500, 20 * (Date.now() - began)));
  }
}

let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  setTimeout(() => child.kill("SIGKILL"), 15_000);
  await writing.catch(() => {});
  if (file !== "") await writeChain().catch(() => {});
  child.kill("SIGTERM");
}
process.on("disconnect", () => void stop());
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void stop());
if (file !== "") void keepWriting();
