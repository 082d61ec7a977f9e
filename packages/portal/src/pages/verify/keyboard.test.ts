/** The verify page without a pointer, and as a screen reader hears it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { FileChooser } from "playwright-core";
import { openPage, startPortal, tabTo } from "../../../test/browser.ts";
import { register } from "../../../test/records.ts";

test("with the keyboard alone: a file is chosen, the verdict has the focus, every check opens, and it starts over", async (t) => {
  const server = await startPortal(t);
  const { file } = await register(server);
  const page = await openPage(t, server.url);
  if (page === undefined) return;
  // Listened for from the start: the browser takes its time to begin to tell.
  const chooser = new Promise<FileChooser>((resolve) => page.once("filechooser", resolve));
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Skip to main content");
  await tabTo(page, ".file-drop input");
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(file as never);
  await page.locator(".verdict h2:focus").waitFor();
  const heard = await page.locator('.verify > [role="status"]').textContent();
  assert.equal(heard, "Verified");

  await tabTo(page, ".panel:not(.trust) > summary");
  await page.keyboard.press("Enter");
  const checks = await page.locator(".checks__item").count();
  assert.ok(checks >= 10);
  for (let opened = 0; opened < checks; opened++) {
    await tabTo(page, ".checks summary", 1);
    await page.keyboard.press("Space");
  }
  assert.equal(await page.locator(".checks details[open]").count(), checks);
  await tabTo(page, ".trust > summary");
  await page.keyboard.press("Enter");
  await tabTo(page, ".next button");
  await page.keyboard.press("Enter");
  await page.locator(".file-drop--compact").first().waitFor({ state: "attached" });
  assert.equal(await page.locator(".verdict").count(), 0);
});

test("what has the focus can be seen", async (t) => {
  const server = await startPortal(t);
  const page = await openPage(t, server.url);
  if (page === undefined) return;
  for (let stop = 0; stop < 9; stop++) {
    await page.keyboard.press("Tab");
    const seen: string = await page.evaluate(() => {
      const element = document.activeElement;
      if (element === null || element === document.body) return "nothing";
      const around = element.closest(".file-drop") ?? element; // its input is shown by what is around it
      const { outlineStyle, outlineWidth } = getComputedStyle(around);
      return outlineStyle === "none" || outlineWidth === "0px" ? `${element.outerHTML} has no outline` : "seen";
    });
    assert.equal(seen, "seen");
  }
});
