/** What the verify page costs: bytes over the wire, time until it can be used, memory for a large file. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { maxProofFileLength } from "@attestry/core";
import type { Page } from "playwright-core";
import { temporaryFolder } from "../../../../server/src/testing.ts";
import { openPage, screenshot, startPortal } from "../../../test/browser.ts";
import { peakMemory } from "../../../test/memory.ts";
import { sparseHash, writeSparse } from "../../../test/sparse.ts";
import { startWire } from "../../../test/wire.ts";
import { maxProofLength } from "./inputs.ts";

/** Of script and style, compressed, for the first load of the verify page. */
const budget = 120_000;

test("the first load of the verify page is at most 120 kB of script and style, the verifier included", async (t) => {
  const server = await startPortal(t);
  const wire = await startWire(t, server.url);
  const page = await openPage(t, wire.url);
  if (page === undefined) return;
  const ready = await page.evaluate(() => Math.round(performance.now()));
  const painted = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
  await page.waitForLoadState("networkidle"); // what is fetched ahead counts as well
  const weighed = wire.transfers.filter(({ type }) => /javascript|css/.test(type));
  const sum = weighed.reduce((bytes, transfer) => bytes + transfer.bytes, 0);
  assert.ok(weighed.some(({ path }) => path.endsWith(".css")) && weighed.length > 4, "scripts and style were seen");
  t.diagnostic(`${sum} bytes of script and style in ${weighed.length} files`);
  t.diagnostic(`with a cold cache: painted after ${Math.round(painted ?? 0)} ms, ready for a file before ${ready} ms`);
  assert.ok(sum <= budget, `${sum} bytes: ${weighed.map(({ path, bytes }) => `${path} ${bytes}`).join(", ")}`);
});

const mebibyte = 1024 * 1024;

function sparseFile(t: TestContext, length: number): { readonly path: string; readonly hash: string } {
  const path = join(temporaryFolder(t), "recording.mp4");
  writeSparse(path, length);
  return { path, hash: sparseHash(length) };
}

interface Told {
  readonly shown: readonly string[];
  readonly heard: readonly string[];
}

/** Has the page itself note all that it says of its progress, which may be over before anyone outside has looked. */
async function noteProgress(page: Page): Promise<() => Promise<Told>> {
  await page.evaluate(() => {
    const told = { shown: new Set<string>(), heard: new Set<string>() };
    Object.assign(globalThis, { told });
    new MutationObserver(() => {
      const progress = document.querySelector<HTMLElement>(".progress");
      if (progress === null) return;
      told.shown.add(progress.innerText);
      told.heard.add(progress.querySelector('[role="status"]')?.textContent ?? "");
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  return () =>
    page.evaluate(() => {
      const { told } = globalThis as unknown as { told: { shown: Set<string>; heard: Set<string> } };
      return { shown: [...told.shown], heard: [...told.heard] };
    });
}

test("a large file is hashed to its end, with progress that can be heard, in memory that does not grow with it", async (t) => {
  const server = await startPortal(t);
  const page = await openPage(t, server.url);
  if (page === undefined) return;
  const length = 4096 * mebibyte + 7;
  // As `sha256sum` gives it: four gigabytes need not be hashed a second time.
  const hash = "325aa8e820be09bf0e3049cabe35d97bc3aab25d6c387042665a068b900a7409";
  const path = join(temporaryFolder(t), "recording.mp4");
  writeSparse(path, length);
  await page
    .locator(".file-drop input")
    .first()
    .setInputFiles(sparseFile(t, 2 * mebibyte).path);
  await page.locator(".verdict").waitFor(); // what the page takes for any file, it has
  await page.getByRole("button", { name: "Start over" }).click();
  const told = await noteProgress(page);
  const peak = peakMemory(page, page.locator(".verdict").waitFor({ timeout: 600_000 }));
  await page.locator(".file-drop input").first().setInputFiles(path);
  const grown = await peak;
  const { shown, heard } = await told();
  assert.match(shown.join("\n"), /4\.29 GB|4\.3 GB/);
  assert.match(heard.join("\n"), /(25|50|75) %/);
  t.diagnostic(`memory grew by ${Math.round((grown ?? 0) / mebibyte)} MiB`);
  // Some 30 MiB as a rule. V8 may let up to 64 MiB of the pieces that were read wait for its collector.
  if (grown !== undefined) assert.ok(grown < 128 * mebibyte, `${grown} bytes more for a file of ${length}`);
  assert.equal((await page.locator(".compared .hash").innerText()).replaceAll(/\s/g, ""), hash);
});

test("a file is hashed to its end whenever the collector of garbage comes", async (t) => {
  const server = await startPortal(t);
  const page = await openPage(t, server.url);
  if (page === undefined) return;
  const collectOften = (): unknown => setInterval(() => (globalThis as unknown as { gc(): void }).gc(), 10);
  page.on("worker", (worker) => worker.evaluate(collectOften));
  await Promise.all(page.workers().map((worker) => worker.evaluate(collectOften)));
  const { path, hash } = sparseFile(t, 512 * mebibyte);
  await page.locator(".file-drop input").first().setInputFiles(path);
  await page.locator(".verdict").waitFor();
  assert.equal((await page.locator(".compared .hash").innerText()).replaceAll(/\s/g, ""), hash);
});

test("cancelling ends the hashing at once, and the next file is verified as if nothing had been", async (t) => {
  const server = await startPortal(t);
  const page = await openPage(t, server.url);
  if (page === undefined) return;
  const folder = temporaryFolder(t);
  const large = join(folder, "endless.mp4");
  writeSparse(large, 50_000 * mebibyte); // minutes of work: it is not done before it is cancelled
  await page.locator(".file-drop input").first().setInputFiles(large);
  await page.locator("progress").waitFor();
  await screenshot(page, "verify-hashing");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("Cancelled. Nothing was checked.").waitFor();
  assert.equal(await page.locator("progress").count(), 0);
  const small = sparseFile(t, 2 * mebibyte);
  await page.locator(".file-drop input").first().setInputFiles(small.path);
  await page.locator(".verdict").waitFor();
  assert.equal((await page.locator(".compared .hash").innerText()).replaceAll(/\s/g, ""), small.hash);
});

test("the page takes proofs as large as core does, although it does not load core to know", () => {
  assert.equal(maxProofLength, maxProofFileLength);
});
