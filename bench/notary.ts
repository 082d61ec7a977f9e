/** Starts the real notary as its own process, the way an operator does, and makes statements for it. */
import { type ChildProcess, spawn } from "node:child_process";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import {
  defaultSubject,
  keyThumbprint,
  publicKey,
  type Signer,
  sha256,
  signStatement,
  thumbprintUri,
} from "@attestry/core";

export interface RunningNotary {
  readonly url: string;
  readonly pid: number;
  /** Milliseconds from the start of the process until it was ready. */
  readonly startMs: number;
  stop(): Promise<void>;
}

const command = join(import.meta.dirname, "../node_modules/.bin/attestry");

export async function startNotary(data: string, more: readonly string[] = []): Promise<RunningNotary> {
  const port = await freePort();
  const start = performance.now();
  const child: ChildProcess = spawn(command, ["up", "--data", data, "--port", String(port), ...more], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const url = `http://127.0.0.1:${port}`;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the notary ended with code ${child.exitCode}`);
    if (await fetch(`${url}/readyz`).then((response) => response.ok, () => false)) break; // biome-ignore format: one line
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return {
    url,
    pid: child.pid ?? 0,
    startMs: performance.now() - start,
    async stop() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** The key that `up` made and enrolled. */
export function localSigner(data: string): Signer {
  const key = createPrivateKey(readFileSync(join(data, "keys/issuer.pem")));
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: publicKey("ES256", new Uint8Array(spki.subarray(-65))),
    sign: async (bytes) => new Uint8Array(sign("sha256", bytes, { key, dsaEncoding: "ieee-p1363" })),
  };
}

let serial = 0;

/** Signed statements, all different. */
export async function makeStatements(signer: Signer, count: number): Promise<Uint8Array[]> {
  const issuer = thumbprintUri(keyThumbprint(signer.publicKey));
  const issuedAt = Math.floor(Date.now() / 1000);
  const statements: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const digest = sha256(new TextEncoder().encode(`bench ${process.pid} ${serial++}`));
    statements.push(
      await signStatement(
        { issuer, subject: defaultSubject(digest), issuedAt, digest, contentType: "application/pdf" },
        signer,
      ),
    );
  }
  return statements;
}

/** Resident memory of a process in MiB. */
export function residentMiB(pid: number): number {
  const line = readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/);
  return Number(line?.[1]) / 1024;
}
