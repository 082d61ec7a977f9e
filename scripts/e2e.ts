// The newcomer's first quarter of an hour, run for real: clone, install, start a notary, notarise files, prove them with and
// without the network, see a forgery named. Every step is a command that the README or the help text gives.
import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const work = mkdtempSync(join(tmpdir(), "attestry-e2e-"));
const clone = join(work, "clone");
const data = join(work, "data");
const deeds = join(work, "deeds");
const proofs = join(work, "proofs");
let notary: ChildProcess | undefined;

function say(line: string): void {
  console.log(`e2e: ${line}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** As `attestry`, where nothing else than success will do. */
function mustDo(...args: string[]): void {
  const { code, out } = attestry(...args);
  assert.equal(code, 0, `attestry ${args.join(" ")}: ${out}`);
}

/** Runs the installed command; gives its exit code and what it printed. */
function attestry(...args: string[]): { code: number; out: string } {
  try {
    const out = execFileSync(join(clone, "node_modules/.bin/attestry"), args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: 0, out };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
    return { code: status, out: stdout || stderr };
  }
}

async function startNotary(port: number): Promise<void> {
  // The README's first command. npm passes what follows `--` on.
  notary = spawn("npm", ["run", "--silent", "up", "--", "--data", data, "--port", String(port)], {
    cwd: clone,
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const deadline = Date.now() + 600_000; // it installs, builds and starts: the network may be slow
  while (Date.now() < deadline) {
    assert.equal(notary.exitCode, null, "the notary ended before it was ready");
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (response) => response.ok,
      () => false,
    );
    if (ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("the notary was not ready within ten minutes");
}

/** Ctrl-C, as a terminal sends it: to the whole group. */
async function stopNotary(): Promise<void> {
  const child = notary;
  notary = undefined;
  if (child?.pid === undefined || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGINT");
  await ended;
}

/** Waits until the local ledger has an anchor that covers every entry. */
async function anchored(server: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; ) {
    const { treeSize } = (await (await fetch(`${server}/v1/status`)).json()) as { treeSize: number };
    const { anchors } = (await (await fetch(`${server}/v1/anchors`)).json()) as {
      anchors: { size: number; state: string }[];
    };
    if (anchors.some(({ size, state }) => state === "final" && size === treeSize))
      return say(`anchored, ${treeSize} entries`);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  assert.fail("the log was not anchored within a minute");
}

interface Outcome {
  readonly verdict: string;
  readonly checks: readonly { readonly name: string }[];
}

function verify(...args: string[]): Outcome & { code: number } {
  const { code, out } = attestry("verify", ...args, "--data", data, "--json");
  return { ...(JSON.parse(out) as Outcome), code };
}

function expectVerdict(found: Outcome & { code: number }, verdict: string, code: number, what: string): void {
  assert.deepEqual([found.verdict, found.code], [verdict, code], `${what}: ${JSON.stringify(found)}`);
  assert.ok(found.checks.length > 0, what);
  say(`${what}: ${verdict}`);
}

try {
  execFileSync("git", ["clone", "--quiet", root, clone]);
  // What is not committed yet takes part too, so that the run shows the tree as it stands.
  for (const line of execFileSync("git", ["-C", root, "ls-files", "-mo", "--exclude-standard"], {
    encoding: "utf8",
  }).split("\n")) {
    if (line !== "" && existsSync(join(root, line))) cpSync(join(root, line), join(clone, line));
  }
  mkdirSync(deeds);
  for (let i = 1; i <= 20; i++) writeFileSync(join(deeds, `deed-${i}.pdf`), `%PDF-1.7 deed number ${i}\n`);

  const port = await freePort();
  const server = `http://127.0.0.1:${port}`;
  await startNotary(port);
  say(`a notary is running, ${server}`);

  const status = (await (await fetch(`${server}/v1/status`)).json()) as {
    origin: string;
    verifierKeys: string[];
    treeSize: number;
  };
  assert.ok(status.origin.length > 0 && status.verifierKeys.length >= 2 && status.treeSize === 0);

  const first = join(deeds, "deed-1.pdf");
  mustDo("notarize", first, "--server", server, "--data", data);
  expectVerdict(verify(first, "--server", server), "verified", 0, "a file, with the network");
  expectVerdict(verify(first, "--offline"), "verified", 0, "a file, offline");
  mustDo("notarize", deeds, "--server", server, "--data", data, "--out", proofs);
  expectVerdict(
    verify(join(deeds, "deed-20.pdf"), "--proof", join(proofs, "deed-20.pdf.proof"), "--offline"),
    "verified",
    0,
    "a folder's file",
  );

  await anchored(server);
  mustDo("proof", "refresh", first, "--server", server, "--data", data);
  const refreshed = verify(first, "--offline");
  expectVerdict(refreshed, "verified", 0, "a file whose proof carries an anchor, offline");
  assert.ok(
    refreshed.checks.some(({ name }) => name === "anchors"),
    "the refreshed proof carries no anchor",
  );

  writeFileSync(join(work, "unknown.pdf"), "never notarised");
  expectVerdict(
    verify(join(work, "unknown.pdf"), "--server", server),
    "not_found",
    1,
    "a file that was never notarised",
  );
  expectVerdict(
    verify(join(deeds, "deed-2.pdf"), "--proof", `${first}.proof`, "--offline"),
    "altered",
    1,
    "another file's proof",
  );

  await stopNotary();
  expectVerdict(verify(first, "--server", server), "verified", 0, "the notary is away, the proof is not");
  expectVerdict(
    verify(join(work, "unknown.pdf"), "--server", server),
    "incomplete",
    3,
    "the notary is away, and there is no proof",
  );

  await startNotary(port);
  expectVerdict(verify(first, "--server", server), "verified", 0, "after a restart");
  await stopNotary();
  const audit = attestry("audit", "--data", data, "--json");
  assert.equal(audit.code, 0, audit.out);
  say("the audit holds");

  const last = { file: join(deeds, "deed-20.pdf"), proof: join(proofs, "deed-20.pdf.proof") };
  const proof = readFileSync(last.proof);
  proof[Math.floor(proof.length / 2)] = (proof[Math.floor(proof.length / 2)] ?? 0) ^ 1;
  writeFileSync(join(work, "forged.proof"), proof);
  const forged = verify(last.file, "--proof", join(work, "forged.proof"), "--offline");
  assert.ok(["invalid", "untrusted"].includes(forged.verdict) && forged.code === 1, JSON.stringify(forged));
  say(`a proof with one byte changed: ${forged.verdict}`);
  appendFileSync(first, " ");
  expectVerdict(verify(first, "--offline"), "altered", 1, "a file with one byte added");
  say("done");
} finally {
  await stopNotary();
  rmSync(work, { recursive: true, force: true });
}
