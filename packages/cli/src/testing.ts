/** What the tests of the commands share: the real binary, a real notary, and a home of their own for each test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after } from "node:test";

const binary = join(import.meta.dirname, "../bin/attestry");
const codeCache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "attestry");

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly home: string;
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
}

/** What ends some time and tidies up then: a test by its context, or all of a file's. */
export interface Scope {
  after(done: () => void | Promise<void>): void;
}

/** A folder that is gone when the test ends; it serves as the commands' home and working folder. */
export function temporaryHome(t: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), "attestry-cli-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function start(args: readonly string[], { home, env = {} }: RunOptions): ChildProcess {
  // On a terminal, Node's test runner asks all below it for colours.
  const ours = /^(ATTESTRY_.*|FORCE_COLOR|COLUMNS)$/;
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  return spawn(binary, args, {
    cwd: home,
    env: { ...clean, HOME: home, NODE_COMPILE_CACHE: codeCache, NO_COLOR: "1", ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

export async function run(args: readonly string[], options: RunOptions): Promise<Ran> {
  const child = start(args, options);
  child.stdin?.on("error", () => {}); // it need not read its input
  child.stdin?.end(options.input ?? "");
  const [stdout, stderr] = await Promise.all([
    text(child.stdout as never),
    text(child.stderr as never),
    once(child, "close"),
  ]);
  return { code: child.exitCode, stdout, stderr };
}

/** As `run` with `--json`, with the lines of the answer parsed. */
export async function runJson(
  args: readonly string[],
  options: RunOptions,
): Promise<Ran & { readonly values: Json[] }> {
  const ran = await run([...args, "--json"], options);
  const values = ran.stdout
    .split("\n")
    .filter(Boolean)
    .map((line): Json => JSON.parse(line));
  return { ...ran, values };
}

// What a command printed: the tests say which members they expect of it.
// biome-ignore lint/suspicious/noExplicitAny: an assertion fails on a member that is not there
export type Json = any;

export interface RunningNotary {
  readonly url: string;
  readonly data: string;
  readonly origin: string;
  readonly verifierKeys: readonly string[];
  readonly process: ChildProcess;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<number | null>;
  kill(): Promise<void>;
}

/** `attestry up` on a free port, with its data in `home/notary`; it ends with the test at the latest. */
export async function startNotary(t: Scope, home: string, args: readonly string[] = []): Promise<RunningNotary> {
  const data = join(home, "notary");
  const child = start(["up", "--data", data, "--port", "0", "--json", ...args], { home });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal);
      await once(child, "exit");
    }
    return child.exitCode;
  };
  t.after(() => end("SIGKILL").then(() => {}));
  const line = await firstLine(child);
  const { url, origin, verifierKeys } = JSON.parse(line) as RunningNotary;
  return {
    url,
    data,
    origin,
    verifierKeys,
    process: child,
    stop: () => end("SIGINT"),
    kill: () => end("SIGKILL").then(() => {}),
  };
}

/** One notary for all tests of a file, in `home`, below which each works in a folder of its own; `place` are the options that name it. */
export async function startSuite(
  args: readonly string[] = [],
): Promise<{ suite: Scope; home: string; notary: RunningNotary; place: string[] }> {
  const cleanups: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const done of cleanups) await done();
  });
  const suite: Scope = { after: (done) => void cleanups.unshift(done) };
  const home = temporaryHome(suite);
  const notary = await startNotary(suite, home, args);
  return { suite, home, notary, place: ["--server", notary.url, "--data", notary.data] };
}

/** The first line that a process prints. @throws with what it said instead when it ends before */
export async function firstLine(child: ChildProcess): Promise<string> {
  let [out, said] = ["", ""];
  child.stderr?.on("data", (piece) => {
    said += piece;
  });
  for await (const piece of child.stdout ?? []) {
    out += piece;
    const end = out.indexOf("\n");
    if (end < 0) continue;
    child.stdout?.resume();
    return out.slice(0, end);
  }
  throw new Error(`It ended before it said anything: ${said}`);
}
