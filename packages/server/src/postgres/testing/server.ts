/**
 * A real PostgreSQL for tests, in a temporary folder and on a free port of loopback, syncing to the disk as it does by default. Where
 * none is installed, tests are skipped with what to install.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after } from "node:test";
import pg from "pg";

export interface TestPostgres {
  readonly port: number;
  /** Of all roles that this helper makes. */
  readonly password: string;
  /** Makes a database and gives its address, for the role that owns it. */
  createDatabase(): Promise<string>;
  /** Runs statements as the superuser, in the database of an address. */
  sql(url: string, text: string): Promise<unknown[][]>;
  /** The whole server dies at once, as in a power cut; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface PostgresForTests {
  /** Why tests cannot run here. */
  readonly skip: string | undefined;
  /** The server of this test file; started when first asked for, and gone when the file's tests are done. */
  server(): Promise<TestPostgres>;
}

export function postgresForTests(settings: readonly string[] = []): PostgresForTests {
  const binaries = findBinaries();
  let starting: Promise<Running> | undefined;
  after(async () => {
    await (await starting)?.stop();
  });
  const skip =
    "needs PostgreSQL 13 or newer: install it (Debian: apt-get install postgresql) or put its bin folder on PATH";
  return {
    skip: binaries === undefined ? skip : undefined,
    async server(): Promise<TestPostgres> {
      if (binaries === undefined) throw new Error(skip);
      starting ??= startServer(binaries, settings);
      return starting;
    },
  };
}

/** A server for what is no test, to be stopped by the caller; undefined where none is installed. */
export async function startPostgres(): Promise<Running | undefined> {
  const binaries = findBinaries();
  return binaries === undefined ? undefined : startServer(binaries, []);
}

/** The folder with `postgres` and `initdb`: of PATH, or where Debian puts the newest. */
function findBinaries(): string | undefined {
  const debian = globSync("/usr/lib/postgresql/*/bin").sort((a, b) => version(b) - version(a));
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...debian];
  const found = folders.find((folder) => ["postgres", "initdb"].every((name) => existsSync(join(folder, name))));
  return found && dirname(realpathSync(join(found, "postgres")));
}

function version(folder: string): number {
  return Number(folder.split("/").at(-2));
}

export interface Running extends TestPostgres {
  stop(): Promise<void>;
}

async function startServer(binaries: string, settings: readonly string[]): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), "attestry-postgres-"));
  const user = unprivilegedUser();
  const password = randomBytes(12).toString("hex");
  const passwordFile = join(folder, "password");
  writeFileSync(passwordFile, password);
  if (user !== undefined) for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
  const data = join(folder, "data");
  const flags = ["--no-sync", "-E", "UTF8", "--locale=C", "-U", "admin", "-A", "scram-sha-256", "--data-checksums"];
  execFileSync(join(binaries, "initdb"), ["-D", data, ...flags, `--pwfile=${passwordFile}`], {
    ...user,
    stdio: "pipe",
  });
  const port = await freePort();
  const options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", ...settings];
  let child: ChildProcess;
  let databases = 0;

  async function start(): Promise<void> {
    const args = ["-D", data, "-p", String(port), ...options.flatMap((option) => ["-c", option])];
    child = spawn(join(binaries, "postgres"), args, { ...user, stdio: ["ignore", "ignore", "pipe"] });
    await untilReady(child);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  function abandon(): void {
    child.kill("SIGQUIT");
    rmSync(folder, { recursive: true, force: true });
  }

  async function sql(url: string, text: string): Promise<unknown[][]> {
    const { pathname } = new URL(url);
    const client = new pg.Client({ host: "127.0.0.1", port, user: "admin", password, database: pathname.slice(1) });
    client.on("error", () => {});
    await client.connect();
    try {
      return (await client.query({ text, rowMode: "array" })).rows;
    } finally {
      await client.end();
    }
  }

  await start();
  process.once("exit", abandon);
  return {
    port,
    password,
    sql,
    start,
    async createDatabase(): Promise<string> {
      const name = `test${databases++}`;
      await sql("postgres://x/postgres", `CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
      await sql("postgres://x/postgres", `CREATE DATABASE ${name} OWNER ${name}`);
      return `postgres://${name}:${password}@127.0.0.1:${port}/${name}`;
    },
    kill: () => end("SIGQUIT"), // an immediate shutdown writes nothing home: the next start recovers as after a crash
    async stop(): Promise<void> {
      process.off("exit", abandon);
      await end("SIGINT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PostgreSQL refuses to run as root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string, name: string): number => Number(execFileSync("id", [flag, name], { stdio: "pipe" }));
  for (const name of ["postgres", "nobody"]) {
    try {
      return { uid: id("-u", name), gid: id("-g", name) };
    } catch {}
  }
  return { uid: 65_534, gid: 65_534 };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let output = "";
    child.once("exit", () => reject(new Error(`PostgreSQL did not start: ${output}`)));
    child.stderr?.on("data", (chunk) => {
      output = (output + chunk).slice(-10_000);
      if (output.includes("ready to accept connections")) resolve();
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
