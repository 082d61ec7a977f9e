/**
 * Hashing: one large file beside openssl, and folders of files beside the same hashing without notarising, and beside all that no
 * notary could do without: hashing, one signature, one check and one file written for each.
 */
import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync, type KeyObject, randomFillSync, sign, verify } from "node:crypto";
import {
  closeSync,
  globSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { hashFile } from "../packages/cli/src/files/hash-file.ts";
import { type Bench, median, seconds } from "./figure.ts";
import { startNotary } from "./notary.ts";

const attestry = join(import.meta.dirname, "../node_modules/.bin/attestry");

export const benchHashing: Bench = async ({ folder, quick }) => {
  const data = join(folder, "hashing");
  const notary = await startNotary(data, ["--no-ledger"]);
  try {
    const large = await largeFile(folder, data, notary.url, quick);
    const figures = [...large];
    for (const one of quick ? quickFolders : folders)
      figures.push(...(await smallFiles({ ...one, folder: join(folder, `files-${one.bytes}`) }, data, notary.url)));
    return figures;
  } finally {
    await notary.stop();
    for (const { bytes } of folders) rmSync(join(folder, `files-${bytes}`), { recursive: true, force: true });
  }
};

const kibibyte = 1024;
interface Folder {
  readonly count: number;
  readonly bytes: number;
}

/** The last one takes 20 GiB of disk, and is to fit into the system's cache: else all is as fast as the disk. */
const folders: readonly Folder[] = [
  { count: 10_000, bytes: 4 * kibibyte },
  { count: 4000, bytes: 256 * kibibyte },
  { count: 10_000, bytes: 2048 * kibibyte },
];
const quickFolders: readonly Folder[] = [
  { count: 2000, bytes: 4 * kibibyte },
  { count: 1000, bytes: 256 * kibibyte },
  { count: 500, bytes: 2048 * kibibyte },
];

async function largeFile(folder: string, data: string, server: string, quick: boolean): ReturnType<Bench> {
  const mebibytes = quick ? 512 : 2048;
  const path = join(folder, "large.mp4");
  const block = randomFillSync(new Uint8Array(1024 * 1024));
  const file = openSync(path, "w");
  for (let i = 0; i < mebibytes; i++) writeSync(file, block);
  closeSync(file);
  const hashing: number[] = [];
  const whole: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    theirs.push(await seconds(() => execFileSync("openssl", ["dgst", "-sha256", path])));
    hashing.push(await seconds(() => hashFile(path)));
    rmSync(`${path}.proof`, { force: true });
    const command = ["notarize", path, "--server", server, "--data", data];
    whole.push(await seconds(() => execFileSync(attestry, command, { stdio: "pipe" })));
  }
  rmSync(path);
  const limit = { name: "openssl dgst -sha256", value: mebibytes / median(theirs) };
  return [
    {
      name: `hash one file of ${mebibytes} MiB, as notarize does`,
      value: mebibytes / median(hashing),
      unit: "MiB/s",
      limit,
      target: { of: "ratio", atLeast: 0.9 },
    },
    {
      name: `notarize one file of ${mebibytes} MiB, the whole command`,
      value: mebibytes / median(whole),
      unit: "MiB/s",
      limit,
    },
  ];
}

/** Nothing is removed meanwhile: ext4 makes new files several times more slowly for a minute after others were removed. */
async function smallFiles(
  { folder, count, bytes }: Folder & { readonly folder: string },
  data: string,
  server: string,
): ReturnType<Bench> {
  const inputs = join(folder, "inputs");
  mkdirSync(inputs, { recursive: true });
  const content = new Uint8Array(bytes);
  for (let i = 0; i < count; i++) writeFileSync(join(inputs, `${i}.pdf`), randomFillSync(content));
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const ours: number[] = [];
  const hashing: number[] = [];
  const needed: number[] = [];
  for (let round = 0; round < 3; round++) {
    const out = join(folder, `proofs-${round}`);
    const command = ["notarize", inputs, "--server", server, "--data", data, "--out", out, "--force"];
    ours.push(await seconds(() => execFileSync(attestry, command, { stdio: "pipe" })));
    hashing.push(await seconds(() => onAllCores(inputs)));
    const written = { folder: join(folder, `written-${round}`), bytes: sizeOfOne(out) };
    mkdirSync(written.folder);
    needed.push(await seconds(() => onAllCores(inputs, { ...written, privateKey, publicKey })));
  }
  const figure = {
    name: `notarize a folder of ${count} files of ${bytes / kibibyte} KiB`,
    value: count / median(ours),
    unit: "files/s",
  };
  const limit = (name: string, times: readonly number[]) => ({ name, value: count / median(times) });
  return [
    {
      ...figure,
      limit: limit("the same hashing alone, all cores", hashing),
      target: { of: "ratio", atLeast: 0.8 },
    },
    {
      ...figure,
      name: `${figure.name}, beside what each needs`,
      limit: limit("hash, sign, check and write a file for each, all cores", needed),
    },
  ];
}

function sizeOfOne(folder: string): number {
  const [name = ""] = readdirSync(folder);
  return statSync(join(folder, name)).size;
}

/** What is done for each file beside its hash: a signature, its check, and a file of so many bytes in that folder. */
interface Beside {
  readonly folder: string;
  readonly bytes: number;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

interface Share {
  readonly paths: readonly string[];
  readonly beside: Beside | undefined;
}

/** Reads and hashes every file, one thread a core, and does nothing else but what is asked for beside. */
async function onAllCores(folder: string, beside?: Beside): Promise<void> {
  const files = globSync(join(folder, "*.pdf"));
  const width = availableParallelism();
  const run = (at: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const share: Share = { paths: files.filter((_, i) => i % width === at), beside };
      const worker = new Worker(import.meta.filename, { workerData: share });
      worker.on("error", reject).on("exit", () => resolve());
    });
  await Promise.all(Array.from({ length: width }, (_, at) => run(at)));
}

function workOff({ paths, beside }: Share): void {
  for (const path of paths) {
    const digest = createHash("sha256").update(readFileSync(path)).digest();
    if (beside === undefined) continue;
    const signature = sign("sha256", digest, beside.privateKey);
    if (!verify("sha256", digest, beside.publicKey, signature)) throw new Error("a signature does not verify");
    writeFileSync(join(beside.folder, `${basename(path)}.proof`), new Uint8Array(beside.bytes), { flag: "wx" });
  }
}

if (!isMainThread && Array.isArray((workerData as Partial<Share> | null)?.paths)) workOff(workerData as Share);
