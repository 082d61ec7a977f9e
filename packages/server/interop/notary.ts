/** The notary under test, run as its operator runs it: `attestry up`, and `attestry notarize` on generated files. */
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { printed, run, start } from "./processes.ts";

export const attestry: string = join(import.meta.dirname, "../../../node_modules/.bin/attestry");

export interface Notary {
  readonly url: string;
  /** C2SP verifier keys: Ed25519, then ML-DSA-44. */
  readonly verifierKeys: readonly [string, string];
  stop(): Promise<unknown>;
}

/** What a witness says when it listens. */
export interface WitnessHello {
  readonly url: string;
  readonly verifierKeys: readonly string[];
}

export async function startNotary(data: string, witness?: WitnessHello): Promise<Notary> {
  const witnesses = (witness?.verifierKeys ?? []).flatMap((key) => ["--witness", `${key}=${witness?.url}`]);
  const started = await start([attestry, "up", "--data", data, "--port", "0", "--no-ledger", "--json", ...witnesses]);
  const { url, verifierKeys } = started.hello as Notary;
  return { url, verifierKeys, stop: () => started.stop("SIGTERM") };
}

/** Somebody with a key of their own. */
export interface Issuer {
  /** Holds their files, and each one's proof beside it. */
  readonly folder: string;
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Makes a key of that algorithm and has the administrator enrol it. */
export async function enrolIssuer(work: string, algorithm: string, data: string, url: string): Promise<Issuer> {
  const privateKey = join(work, `${algorithm}.pem`);
  printed(await run([attestry, "key", "new", "--algorithm", algorithm, "--no-passphrase", "--out", privateKey]));
  printed(await run([attestry, "issuer", "add", "--key", privateKey, "--server", url, "--data", data]));
  const publicKey = join(work, `${algorithm}.pub.pem`);
  const key = createPublicKey(createPrivateKey(readFileSync(privateKey)));
  writeFileSync(publicKey, key.export({ type: "spki", format: "pem" }));
  const folder = join(work, `files-${algorithm}`);
  mkdirSync(folder);
  return { folder, privateKey, publicKey };
}

/** Adds so many new files to the issuer's and has them notarised. */
export async function notarize(issuer: Issuer, count: number, data: string, url: string): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = crypto.randomUUID();
    writeFileSync(join(issuer.folder, `${name}.pdf`), `%PDF-1.7 deed ${name}\n`);
  }
  const settings = ["--key", issuer.privateKey, "--server", url, "--data", data];
  printed(await run([attestry, "notarize", issuer.folder, ...settings], { seconds: 300 }));
}

export async function readCheckpoint(url: string): Promise<Uint8Array> {
  const response = await fetch(`${url}/log/checkpoint`, { signal: AbortSignal.timeout(30_000) });
  if (!response.ok) throw new Error(`the notary answered ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
