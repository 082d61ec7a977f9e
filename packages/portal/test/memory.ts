/** Memory of the pages' processes, as the operating system counts it: buffers and workers included, which a page cannot see. */
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";

/** Resident bytes of all of the browser's renderers; undefined where the system does not say (other than Linux). */
export async function rendererMemory(page: Page): Promise<number | undefined> {
  if (process.platform !== "linux") return undefined;
  const session = await page.context().browser()?.newBrowserCDPSession();
  const { processInfo = [] } = (await session?.send("SystemInfo.getProcessInfo")) ?? {};
  await session?.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  return renderers.reduce((sum, { id }) => sum + residentBytes(id), 0);
}

function residentBytes(process: number): number {
  try {
    const [, kibibytes = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${process}/status`, "utf8")) ?? [];
    return Number(kibibytes) * 1024;
  } catch {
    return 0; // it ended meanwhile
  }
}

/** The most that is used until `done`, in bytes above what is used now; undefined where the system does not say. */
export async function peakMemory(page: Page, done: Promise<unknown>): Promise<number | undefined> {
  const before = await rendererMemory(page);
  let isDone = false;
  const ended = done.finally(() => {
    isDone = true;
  });
  let peak = before;
  while (!isDone) {
    const now = await rendererMemory(page);
    if (peak !== undefined && now !== undefined) peak = Math.max(peak, now);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 100))]);
  }
  await ended;
  return peak === undefined || before === undefined ? undefined : peak - before;
}
