/**
 * What the portal's tests stand on: the built portal, served by a real notary, opened in a real Chromium. One browser for each
 * test file; a context of its own (storage, service worker, language) for each page that a test opens.
 */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, type TestContext } from "node:test";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import type { ServerOptions } from "../../server/src/server.ts";
import { startTestServer, type TestServer } from "../../server/src/testing.ts";
import { buildIfNeeded, distFolder } from "../build.ts";
import { chromiumPath } from "./chromium.ts";

const screenshots = join(import.meta.dirname, "../../../.tmp/screenshots");
const axeSource: string = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The widths that pages are looked at in. */
export const widths = { phone: { width: 360, height: 740 }, desktop: { width: 1280, height: 900 } } as const;

export interface OpenOptions extends BrowserContextOptions {
  readonly width?: keyof typeof widths;
  /** Lets the portal's service worker run; otherwise tests meet the network alone. */
  readonly serviceWorker?: boolean;
}

/** Milliseconds until what is waited for counts as not coming; a busy machine takes its time. */
const patience = 60_000;

let browser: Promise<Browser> | undefined;
after(async () => (await browser)?.close());

/** The file's browser, started at its first use; undefined, and the test skipped, where there is no Chromium. */
export async function openBrowser(t: TestContext): Promise<Browser | undefined> {
  const executablePath = chromiumPath();
  if (executablePath === undefined) {
    t.skip("needs Chromium: install Debian's package `chromium`, or name a browser in CHROMIUM_PATH");
    return undefined;
  }
  if (browser === undefined) {
    // Debian's Chromium cannot put up its sandbox as root, as tests in containers are.
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    // A test may call for the collector of garbage, which otherwise comes when it likes.
    browser = chromium.launch({ executablePath, args: [...sandbox, "--js-flags=--expose-gc"], timeout: patience });
  }
  return browser;
}

/** A notary with the portal at its front door. Closed when the test ends. */
export async function startPortal(t: TestContext, options: Partial<ServerOptions> = {}): Promise<TestServer> {
  await buildIfNeeded();
  return startTestServer(t, { portal: distFolder, ...options });
}

/**
 * Opens an address of the portal in a context of its own, and fails the test at its end when the page broke: a script error, a
 * violation of the Content-Security-Policy, or a request to anyone else.
 */
export async function openPage(t: TestContext, url: string, options: OpenOptions = {}): Promise<Page | undefined> {
  const running = await openBrowser(t);
  if (running === undefined) return undefined;
  const { width = "desktop", serviceWorker = false, ...rest } = options;
  const context = await running.newContext({
    viewport: widths[width],
    serviceWorkers: serviceWorker ? "allow" : "block",
    reducedMotion: "reduce",
    timezoneId: "UTC",
    ...rest,
  });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const faults = watchFaults(page, new URL(url).origin);
  t.after(async () => {
    await context.close();
    assert.deepEqual(faults, []);
  });
  await page.goto(url);
  await page.locator("h1").waitFor();
  return page;
}

/** What must never happen on a page. A notary that cannot be reached is no fault of the page. */
function watchFaults(page: Page, origin: string): string[] {
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(text)) faults.push(`console: ${text}`);
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && url.origin !== origin) faults.push(`request to ${url.origin}`);
  });
  return faults;
}

/** axe-core finds nothing against WCAG 2.2 A and AA, nor against its best practices. */
export async function checkAccessibility(page: Page): Promise<void> {
  // Run by the debugger, not by the page: the page's policy lets no foreign script in.
  await page.evaluate(axeSource);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
  assert.deepEqual(violations, []);
}

interface AxeViolation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}

/** Nothing sticks out at the side: the page is readable without scrolling in two directions (WCAG 2.2, 1.4.10). */
export async function checkNoSideways(page: Page): Promise<void> {
  const { content, width } = await page.evaluate(() => ({
    content: document.documentElement.scrollWidth,
    width: document.documentElement.clientWidth,
  }));
  assert.ok(content <= width, `the page is ${content} pixels wide on a screen of ${width}`);
}

/** Keeps a picture of the whole page, to be looked at: `.tmp/screenshots/NAME.png`. */
export async function screenshot(page: Page, name: string): Promise<void> {
  mkdirSync(screenshots, { recursive: true });
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** Presses Tab until what has the focus matches the selector. @throws when it is not among the next `most` stops */
export async function tabTo(page: Page, selector: string, most = 40): Promise<void> {
  for (let stop = 0; stop < most; stop++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) === true, selector)) return;
  }
  assert.fail(`the keyboard does not reach ${selector}`);
}

/** What has the focus is seen to have it (WCAG 2.2, 2.4.7 and 2.4.13). */
export async function checkFocusShows(page: Page): Promise<void> {
  const outline = await page.evaluate(() => {
    const focused = document.activeElement;
    if (focused === null || focused === document.body) return "nothing has the focus";
    const { outlineStyle, outlineWidth } = getComputedStyle(focused);
    return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2 ? "shows" : focused.outerHTML.slice(0, 200);
  });
  assert.equal(outline, "shows");
}
