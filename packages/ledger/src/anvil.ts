/**
 * A local Ethereum chain of one node for trying things out: anvil (https://getfoundry.sh/anvil), its state kept in a folder. It
 * ends with the process that started it, however that ends, and is started again when it dies by itself.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError } from "@attestry/core";
import type { Listening } from "./anvil-keeper.ts";

export interface AnvilOptions {
  /**
   * Where the chain is kept, in `chain.json`; made when it is not there. A crash of node or machine can take the newest blocks
   * with it, a stop takes nothing. Without a folder the chain is gone in the end.
   */
  readonly folder?: string;
  /** On the loopback address. A free one is chosen when it is left out. */
  readonly port?: number;
  /** More of anvil's own arguments. */
  readonly moreArguments?: readonly string[];
}

export interface Anvil {
  readonly url: string;
  readonly chainId: number;
  /** Process id of the node that runs now; undefined while it starts again. */
  readonly pid: number | undefined;
  /** Ends the node once its state is on disk. */
  close(): Promise<void>;
}

export const anvilChainId = 31337;

/**
 * Key of the first account that anvil puts money on, 32 bytes: the same on every machine and known to all the world, so good
 * for a chain that only this machine uses and for nothing else.
 */
export const anvilAccountKey: Uint8Array = Uint8Array.fromHex(
  "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
);

/** Resolves when the node listens. @throws UNAVAILABLE_LEDGER when it cannot be started, e.g. because the port is taken */
export async function startAnvil(options: AnvilOptions = {}): Promise<Anvil> {
  let closing = false;
  let node = await runNode(options);
  const { port } = node; // others know it: it stays the same from now on
  watch();

  function watch(): void {
    node.keeper.once("exit", () => void restart());
    if (node.keeper.exitCode !== null) void restart();
  }

  async function restart(): Promise<void> {
    for (let wait = 50; !closing; wait = Math.min(2 * wait, 10_000)) {
      await sleep(wait, undefined, { ref: false });
      const started = closing ? undefined : await runNode({ ...options, port }).catch(() => undefined);
      if (started === undefined) continue;
      node = started;
      if (closing) await stop(node);
      else watch();
      return;
    }
  }

  return {
    url: `http://127.0.0.1:${port}`,
    chainId: anvilChainId,
    get pid() {
      return hasEnded(node.keeper) ? undefined : node.pid;
    },
    close: async () => {
      closing = true;
      await stop(node);
    },
  };
}

interface RunningNode extends Listening {
  readonly keeper: ChildProcess;
}

// Old states are kept for a few blocks, in memory: left to itself, anvil writes each of them into the home folder.
const nodeArguments = ["--prune-history", "64"];

async function runNode({ folder, port = 0, moreArguments = [] }: AnvilOptions): Promise<RunningNode> {
  const file = folder === undefined ? "" : join(folder, "chain.json");
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    await awaitFormerKeeper(file);
  }
  const load = existsSync(file) ? ["--load-state", file] : [];
  const programArguments = ["--port", String(port), ...nodeArguments, ...load, ...moreArguments];
  const keeperFile = join(import.meta.dirname, "anvil-keeper.ts");
  const keeper = spawn(process.execPath, [keeperFile, file, findProgram(), ...programArguments], {
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    windowsHide: true,
    detached: process.platform !== "win32", // or Ctrl-C would end the node before those who use it
  });
  const ended = once(keeper, "exit").then(() => {
    const where = port === 0 ? "" : ` Is port ${port} taken?`;
    throw new AttestryError("UNAVAILABLE_LEDGER", `The local ledger (anvil) does not start.${where}`);
  });
  const listening = once(keeper, "message").then(([message]) => message as Listening);
  const { pid, port: found } = await Promise.race([listening, ended]);
  ended.catch(() => {});
  keeper.unref();
  keeper.channel?.unref();
  return { keeper, pid, port: found };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function stop({ keeper }: RunningNode): Promise<void> {
  if (hasEnded(keeper)) return;
  keeper.ref();
  const exited = once(keeper, "exit");
  keeper.disconnect();
  await exited;
}

const formerTimeout = 20_000;

/** One whose own parent was killed writes the chain down before it ends. */
async function awaitFormerKeeper(file: string): Promise<void> {
  const read = (): Promise<number> => readFile(`${file}.keeper`, "utf8").then(Number, () => 0);
  const former = await read();
  const deadline = Date.now() + formerTimeout;
  while (former > 0 && isRunning(former) && Date.now() < deadline && (await read()) === former) await sleep(20);
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** The binary itself: the package's own wrapper is one more process that could outlive this one. */
function findProgram(): string {
  const machine = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
  const name = process.platform === "win32" ? "anvil.exe" : "anvil";
  try {
    return createRequire(import.meta.url).resolve(`@foundry-rs/anvil-${machine}/bin/${name}`);
  } catch (cause) {
    const message = `There is no local ledger (anvil) for ${machine}. Use a ledger of your own, or none.`;
    throw new AttestryError("UNAVAILABLE_LEDGER", message, { cause });
  }
}
