/** The portal without a network: installed, it opens and checks a proof with the notary gone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { openPage, screenshot, startPortal } from "../test/browser.ts";
import { flipByte, register } from "../test/records.ts";

test("once visited, the page opens with the notary gone, in either language, and checks a file with its proof", async (t) => {
  const server = await startPortal(t);
  const { file, proof } = await register(server);
  const page = await openPage(t, server.url, { serviceWorker: true });
  if (page === undefined) return;
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready; // it is active, so everything is kept
  });
  await page.waitForFunction(() => localStorage.getItem("attestry.known-logs") !== null);
  await server.close();

  await page.goto(`${server.url}/?lang=es`);
  await page.getByRole("heading", { name: "Verificar un archivo" }).waitFor();
  await page
    .locator(".file-drop input")
    .first()
    .setInputFiles([file, proof] as never);
  await page.locator('.verdict[data-outcome="verified"]').waitFor();
  assert.match(await page.locator(".verdict").innerText(), /El notario no responde/);
  await screenshot(page, "offline-es");
  await page.locator(".next .file-drop input").setInputFiles([flipByte(file, 0), proof] as never);
  await page.locator('.verdict[data-outcome="altered"]').waitFor();
});

test("the browser can install it: a manifest with a start page and icons that are there", async (t) => {
  const server = await startPortal(t);
  const manifest = (await (await server.fetch("/manifest.webmanifest")).json()) as {
    start_url: string;
    display: string;
    icons: { src: string; type: string }[];
  };
  assert.deepEqual([manifest.start_url, manifest.display], ["/", "standalone"]);
  assert.ok(manifest.icons.length >= 2);
  for (const { src, type } of manifest.icons) {
    const icon = await server.fetch(src);
    assert.deepEqual([icon.status, icon.headers.get("content-type")], [200, type]);
  }
});
