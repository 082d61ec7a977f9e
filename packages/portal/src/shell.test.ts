/** The shell around every page: languages, keyboard, addresses, headers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkAccessibility,
  checkNoSideways,
  openBrowser,
  openPage,
  screenshot,
  startPortal,
  tabTo,
} from "../test/browser.ts";
import { sessionOf } from "../test/staff.ts";

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

test("who is signed in is named on every page, and is out by one key; the provider's page comes next where there is one", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  const session = await sessionOf(server, "<b>R. Diaz</b> of the Office of Records and Very Long Names", "custodian");
  const page = await openPage(t, `${server.url}/?lang=es`, { ...session, width: "phone" });
  assert.ok(page);
  await page.getByText("<b>R. Diaz</b>").waitFor();
  await page.getByRole("link", { name: "Custodia" }).waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "signed-in-phone-es");
  await page.route("**/auth/logout", (route) => route.abort());
  await page.getByRole("button", { name: "Cerrar sesión" }).click();
  await page.getByText("No se pudo cerrar la sesión.").waitFor();
  await page.unroute("**/auth/logout");
  await page.route("**/auth/logout", async (route) => {
    const response = await route.fetch();
    assert.deepEqual(await response.json(), { next: "/" });
    await route.fulfill({ response, json: { next: "/status?provider" } });
  });
  await tabTo(page, ".site-header__person button");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/status?provider");
  await page.locator("h1").waitFor();
  const answer = await page.evaluate(async () => (await fetch("/v1/session")).json());
  assert.equal(answer.signedIn, false);
  assert.equal(await page.locator(".site-header__person").count(), 0);
  assert.equal((await page.context().cookies()).length, 0);
});
