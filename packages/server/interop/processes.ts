/** Other programs, each in a process group of its own and within a time limit, so that none outlives the run. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";

export interface Outcome {
  /** Undefined when the time was up. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Default 180. */
  readonly seconds?: number;
}

export interface Started {
  /** The first line of standard output, as JSON. */
  readonly hello: unknown;
  /** Asks it to end in the way given, kills it after 30 seconds, and gives what else it wrote to standard output. */
  stop(how: "SIGTERM" | "end of input"): Promise<string>;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

const running = new Set<Child>();

export function killAll(): void {
  for (const child of running) kill(child);
}

function kill(child: Child): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // it has ended by itself
  }
}

function launch([command = "", ...args]: readonly string[], { cwd, env }: RunOptions): Child {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: "pipe" });
  running.add(child);
  child.once("close", () => running.delete(child));
  child.stdin.on("error", () => {}); // it may end without reading its input
  return child;
}

/** Runs a program to its end. @throws ENOENT when there is no such program */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = launch(argv, options);
  child.stdin.end();
  const timer = setTimeout(() => kill(child), (options.seconds ?? 180) * 1000);
  try {
    const output = Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = (await once(child, "close")) as [number | null];
    const [stdout, stderr] = await output;
    return { code: code ?? undefined, stdout, stderr };
  } finally {
    clearTimeout(timer);
  }
}

/** What the program printed. @throws Error with the end of what it complained of, unless it exited with 0 */
export function printed({ code, stdout, stderr }: Outcome): string {
  if (code === 0) return stdout.trim();
  throw new Error(code === undefined ? "it did not end in time" : lastLines(stderr || stdout));
}

function lastLines(output: string): string {
  return output.trim().split("\n").slice(-3).join("\n").slice(-500);
}

/** Starts a server that says as JSON, in its first line, where it listens. @throws Error when it ends or says nothing */
export async function start(argv: readonly string[]): Promise<Started> {
  const child = launch(argv, {});
  const ended = once(child, "close");
  const errors = text(child.stderr);
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    output += part;
  });
  const timer = setTimeout(() => kill(child), 60_000);
  while (!output.includes("\n") && running.has(child)) await Promise.race([once(child.stdout, "data"), ended]);
  clearTimeout(timer);
  if (!output.includes("\n"))
    throw new Error(`${argv.slice(0, 2).join(" ")} did not start: ${lastLines(await errors)}`);
  const [hello = ""] = output.split("\n", 1);
  return {
    hello: JSON.parse(hello),
    async stop(how): Promise<string> {
      if (how === "SIGTERM") child.kill("SIGTERM");
      else child.stdin.end();
      const limit = setTimeout(() => kill(child), 30_000);
      await ended;
      clearTimeout(limit);
      return output.slice(hello.length).trim();
    },
  };
}
