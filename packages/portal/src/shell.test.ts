/** The shell around every page: languages, keyboard, addresses, headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checkAccessibility, checkNoSideways, openPage, screenshot, startPortal, tabTo } from "../test/browser.ts";

test("a reader's choice of language is in the address, is remembered, and is the document's", async (t) => {
  const { url } = await startPortal(t);
  const page = await openPage(t, url);
  if (page === undefined) return;
  assert.equal(await page.locator("html").getAttribute("lang"), "en");
  await page.getByRole("button", { name: "Español" }).click();
  await page.getByRole("link", { name: "Verificar" }).waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "es");
  assert.equal(new URL(page.url()).search, "?lang=es");
  await page.goto(url);
  await page.getByRole("link", { name: "Verificar" }).waitFor();
});

test("pages open by the keyboard alone, without loading the document again, and the focus is where the page begins", async (t) => {
  const { url } = await startPortal(t);
  const page = await openPage(t, url);
  if (page === undefined) return;
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await tabTo(page, 'a[href="/status"]');
  await page.keyboard.press("Enter");
  await page.waitForURL(`${url}/status`);
  await page.locator("main:focus h1", { hasText: "Status" }).waitFor();
  await page.goBack();
  await page.locator("main:focus h1", { hasText: "Verify" }).waitFor();
  assert.equal(await page.evaluate(() => "sameDocument" in globalThis), true);
});

for (const width of ["phone", "desktop"] as const) {
  test(`the front page is accessible and fits on a ${width}`, async (t) => {
    const { url } = await startPortal(t);
    const page = await openPage(t, url, { width });
    if (page === undefined) return;
    await checkAccessibility(page);
    await checkNoSideways(page);
    await screenshot(page, `front-${width}`);
  });
}
