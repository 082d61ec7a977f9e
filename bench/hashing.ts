/** Hashing: one large file beside openssl, and a folder of small files beside the same hashing without notarising. */
import { execFileSync } from "node:child_process";
import { createHash, randomFillSync } from "node:crypto";
import { closeSync, globSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
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
    const small = await smallFiles(folder, data, notary.url, quick, 4096);
    const medium = await smallFiles(folder, data, notary.url, quick, 256 * 1024);
    return [...large, ...small, ...medium];
  } finally {
    await notary.stop();
  }
};

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

async function smallFiles(
  folder: string,
  data: string,
  server: string,
  quick: boolean,
  bytes: number,
): ReturnType<Bench> {
  const count = quick ? 2000 : 10_000;
  const inputs = join(folder, "small");
  mkdirSync(inputs);
  const content = new Uint8Array(bytes);
  for (let i = 0; i < count; i++) writeFileSync(join(inputs, `${i}.pdf`), randomFillSync(content));
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < 3; round++) {
    theirs.push(await seconds(() => hashOnAllCores(inputs)));
    const out = join(folder, `out-${round}`);
    ours.push(
      await seconds(() =>
        execFileSync(attestry, ["notarize", inputs, "--server", server, "--data", data, "--out", out, "--force"], {
          stdio: "pipe",
        }),
      ),
    );
    rmSync(out, { recursive: true, force: true });
  }
  rmSync(inputs, { recursive: true });
  return [
    {
      name: `notarize a folder of ${count} files of ${bytes / 1024} KiB`,
      value: count / median(ours),
      unit: "files/s",
      limit: { name: "the same hashing alone, all cores", value: count / median(theirs) },
      target: { of: "ratio", atLeast: 0.8 },
    },
  ];
}

/** Reads and hashes every file, one thread a core, and does nothing else. */
async function hashOnAllCores(folder: string): Promise<void> {
  const files = globSync(join(folder, "*.pdf"));
  const width = availableParallelism();
  const share = (at: number): string[] => files.filter((_, i) => i % width === at);
  const run = (paths: string[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(import.meta.filename, { workerData: { paths } });
      worker.on("error", reject).on("exit", () => resolve());
    });
  await Promise.all(Array.from({ length: width }, (_, at) => run(share(at))));
}

if (!isMainThread && Array.isArray((workerData as { paths?: unknown } | null)?.paths)) {
  for (const path of (workerData as { paths: string[] }).paths)
    createHash("sha256").update(readFileSync(path)).digest();
}
