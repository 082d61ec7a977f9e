/**
 * The portal: a file hashed in the page beside hash-wasm alone in a worker, the memory that a large file takes, and what the first
 * load weighs and takes. Needs Chromium; without one it measures nothing and says so.
 */
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Browser, chromium, type Page } from "playwright-core";
import { buildIfNeeded } from "../packages/portal/build.ts";
import { chromiumPath } from "../packages/portal/test/chromium.ts";
import { peakMemory } from "../packages/portal/test/memory.ts";
import { writeSparse } from "../packages/portal/test/sparse.ts";
import { startWire } from "../packages/portal/test/wire.ts";
import { type Bench, type Figure, median } from "./figure.ts";
import { startNotary } from "./notary.ts";

const mebibyte = 1024 * 1024;

export const benchPortal: Bench = async ({ folder, quick }) => {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    console.error("bench: the portal needs Chromium (Debian's package `chromium`, or CHROMIUM_PATH); not measured");
    return [];
  }
  await buildIfNeeded();
  const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const notary = await startNotary(join(folder, "portal"), ["--no-ledger"]);
  const browser = await chromium.launch({ executablePath, args });
  try {
    return [...(await firstLoads(browser, notary.url, quick)), ...(await hashing(browser, notary.url, folder, quick))];
  } finally {
    await browser.close();
    await notary.stop();
  }
};

/** Until the page takes a file, each time with an empty cache. */
async function firstLoads(browser: Browser, url: string, quick: boolean): Promise<Figure[]> {
  const times: number[] = [];
  for (let round = 0; round < (quick ? 3 : 7); round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(url);
    await page.locator(":is(.verify, .next) > .file-drop input").waitFor({ state: "attached" });
    times.push(await page.evaluate(() => performance.now()));
    await context.close();
  }
  const target = { of: "value", atMost: 1000 } as const;
  return [
    { name: "portal: ready for a file, cold cache", value: median(times), unit: "ms", target },
    await firstLoadBytes(browser, url),
  ];
}

/** Script and style, as they go over the wire, with what is fetched ahead. */
async function firstLoadBytes(browser: Browser, url: string): Promise<Figure> {
  const ends: (() => unknown)[] = [];
  const wire = await startWire({ after: (end) => ends.push(end as () => unknown) }, url);
  const context = await browser.newContext({ serviceWorkers: "block" });
  await (await context.newPage()).goto(wire.url, { waitUntil: "networkidle" });
  await context.close();
  for (const end of ends) end();
  const weighed = wire.transfers.filter(({ type }) => /javascript|css/.test(type));
  const value = weighed.reduce((sum, { bytes }) => sum + bytes, 0) / 1000;
  return {
    name: "portal: script and style of the first load",
    value,
    unit: "kB",
    target: { of: "value", atMost: 120 },
  };
}

async function hashing(browser: Browser, url: string, folder: string, quick: boolean): Promise<Figure[]> {
  const length = (quick ? 256 : 1024) * mebibyte;
  const path = join(folder, "recording.mp4");
  writeSparse(path, length);
  const page = await (await browser.newContext()).newPage();
  await page.goto(url);
  const alone = await startAlone(browser);
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    theirs.push(await alone.rate(length));
    ours.push(length / mebibyte / (await secondsInPage(page, path)));
  }
  await alone.close();
  const huge = 4096 * mebibyte;
  writeSparse(path, huge);
  const peak = await peakMemory(page, secondsInPage(page, path));
  const limit = { name: "hash-wasm alone in a worker", value: median(theirs) };
  return [
    {
      name: `portal: hash a file of ${length / mebibyte} MiB in the page`,
      value: median(ours),
      unit: "MiB/s",
      limit,
      target: { of: "ratio", atLeast: 0.9 },
    },
    ...(peak === undefined
      ? []
      : [
          {
            name: "portal: memory above idle while a file of 4096 MiB is hashed",
            value: peak / mebibyte,
            unit: "MiB",
            target: { of: "value", atMost: 256 } as const,
          },
        ]),
  ];
}

/** From the file's being chosen to the verdict. */
async function secondsInPage(page: Page, path: string): Promise<number> {
  await page.evaluate(() => {
    addEventListener("change", () => performance.mark("chosen"), { capture: true, once: true });
  });
  await page.locator(":is(.verify, .next) > .file-drop input").setInputFiles(path);
  await page.locator("progress").waitFor();
  await page.locator(".verdict").waitFor({ timeout: 600_000 });
  const milliseconds = await page.evaluate(
    () => performance.now() - (performance.getEntriesByName("chosen").at(-1)?.startTime ?? 0),
  );
  return milliseconds / 1000;
}

interface Alone {
  /** MiB/s over that many bytes in memory. */
  rate(length: number): Promise<number>;
  close(): Promise<void>;
}

/** The physical limit of the path: hash-wasm in a worker, fed from memory. */
async function startAlone(browser: Browser): Promise<Alone> {
  const library = readFileSync(createRequire(import.meta.url).resolve("hash-wasm/dist/sha256.umd.min.js"));
  const script = `importScripts("/sha256.js");
onmessage = async ({ data }) => {
  const hasher = await hashwasm.createSHA256();
  hasher.init();
  const piece = new Uint8Array(${4 * mebibyte});
  const start = performance.now();
  for (let done = 0; done < data; done += piece.length) hasher.update(piece);
  hasher.digest("hex");
  postMessage((performance.now() - start) / 1000);
};`;
  const files: Record<string, string | Buffer> = {
    "/": "<!doctype html>",
    "/sha256.js": library,
    "/worker.js": script,
  };
  const server = createServer(({ url = "/" }, answer) => {
    answer.setHeader("content-type", url.endsWith(".js") ? "text/javascript" : "text/html");
    answer.end(files[url] ?? "");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return {
    async rate(length: number): Promise<number> {
      const taken = await page.evaluate((bytes) => {
        const worker = new Worker("/worker.js");
        worker.postMessage(bytes);
        return new Promise<number>((resolve) => {
          worker.onmessage = ({ data }: MessageEvent<number>) => {
            worker.terminate();
            resolve(data);
          };
        });
      }, length);
      return length / mebibyte / taken;
    },
    async close(): Promise<void> {
      await page.close();
      server.closeAllConnections();
      server.close();
    },
  };
}
