/** Files that are notarized and kept in the vault as well: what a lost tab, a lost answer and a session's end leave of it. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { startVaultServer, type VaultServer } from "../../../../server/src/http/vault-testing.ts";
import { bytesOf, temporaryFolder } from "../../../../server/src/testing.ts";
import { buildIfNeeded, distFolder } from "../../../build.ts";
import { checkAccessibility, checkNoSideways, openBrowser, openPage, screenshot } from "../../../test/browser.ts";
import { type TestFile, testFile } from "../../../test/records.ts";
import { sessionOf } from "../../../test/staff.ts";

interface Workplace {
  readonly server: VaultServer;
  readonly page: Page;
}

/** A clerk whose key is enrolled, with the files' record number and the vault chosen. */
async function enter(t: TestContext): Promise<Workplace | undefined> {
  if ((await openBrowser(t)) === undefined) return undefined;
  await buildIfNeeded();
  const data = temporaryFolder(t);
  writeFileSync(join(data, "vault.json"), JSON.stringify({ recordClasses: { bodycam: 0, deeds: 3650 } }));
  const server = await startVaultServer(t, { portal: distFolder, data });
  const session = await sessionOf(server, "A. Clerk", "creator");
  const page = await openPage(t, `${server.url}/notarize`, session);
  assert.ok(page);
  const command = await page.getByText(/^attestry issuer add --key [\w-]{40,}$/).textContent();
  const enrolled = await server.ask("POST", "/v1/issuers", { body: { key: command?.split(" ").at(-1) } });
  assert.equal(enrolled.status, 200, await enrolled.clone().text());
  await page.getByRole("button", { name: "Look again" }).click();
  await chooseVault(page);
  return { server, page };
}

async function chooseVault(page: Page): Promise<void> {
  await page.getByText("Each file’s own name, without its ending").click();
  await page.getByLabel("Also keep the files in the vault").check();
}

async function drop(page: Page, ...files: TestFile[]): Promise<void> {
  await page.locator(".file-drop input").setInputFiles(files);
}

const line = (page: Page, name: string) => page.locator(".items__one", { hasText: name });
const kept = (page: Page, name: string) => line(page, name).locator(".items__kept", { hasText: "In the vault" });

interface Kept {
  readonly id: string;
  readonly subject: string;
  readonly recordClass: string;
}

async function objectsOf(server: VaultServer): Promise<readonly Kept[]> {
  return ((await (await server.ask("GET", "/v1/objects")).json()) as { objects: Kept[] }).objects;
}

async function contentOf(server: VaultServer, { id }: Kept): Promise<Buffer> {
  return Buffer.from(await bytesOf(await server.ask("GET", `/v1/objects/${id}/content?purpose=test`)));
}

test("files go into the vault as they are notarized, with their record number and class", async (t) => {
  const place = await enter(t);
  if (place === undefined) return;
  const { server, page } = place;
  await page.getByLabel("Record class").selectOption("deeds");
  await checkAccessibility(page);
  const large = testFile("Deed 1.pdf", randomBytes(9_000_000));
  const empty = testFile("Deed 2.pdf", Buffer.of());
  await drop(page, large, empty);
  await kept(page, "Deed 1.pdf").waitFor();
  await kept(page, "Deed 2.pdf").waitFor();
  assert.equal(await page.locator(".items__kept a").count(), 0, "the clerk may store, and not read");
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "notarize-kept");
  const objects = await objectsOf(server);
  assert.deepEqual(objects.map(({ subject, recordClass }) => [subject, recordClass]).sort(), [
    ["Deed 1", "deeds"],
    ["Deed 2", "deeds"],
  ]);
  for (const { name, buffer } of [large, empty]) {
    const object = objects.find(({ subject }) => `${subject}.pdf` === name);
    assert.ok(object && (await contentOf(server, object)).equals(buffer), name);
  }
});

test("of a tab that is lost half way the vault keeps what it took: the file, dropped again, goes on there", async (t) => {
  const place = await enter(t);
  if (place === undefined) return;
  const { server, page } = place;
  const file = testFile("Bodycam 7.mp4", randomBytes(9_000_000));
  const offsets: number[] = [];
  let isCut = true;
  await page.route("**/v1/uploads/*", async (route) => {
    const { "upload-offset": offset = "" } = await route.request().allHeaders();
    if (route.request().method() === "PATCH") offsets.push(Number(offset));
    if (isCut && Number(offset) > 0) await route.abort();
    else await route.continue();
  });
  await drop(page, file);
  await line(page, "Bodycam 7.mp4").getByText("The vault cannot be reached.").waitFor();
  await checkAccessibility(page);
  await page.goto("about:blank");
  await page.goto(`${server.url}/notarize`);
  await line(page, "Bodycam 7.mp4").getByText("drop the file again").waitFor();
  await checkAccessibility(page);
  await screenshot(page, "notarize-kept-half");
  const { size } = server.notary.status.head;
  isCut = false;
  offsets.length = 0;
  await drop(page, file);
  await kept(page, "Bodycam 7.mp4").waitFor();
  assert.deepEqual(offsets, [4 * 1024 * 1024, 8 * 1024 * 1024], "what was acknowledged is not sent again");
  assert.equal(await page.locator(".items__one").count(), 1, "it is the entry of before");
  assert.equal(server.notary.status.head.size, size + 1, "nothing is new but the custody of what was stored");
  const [object, ...others] = await objectsOf(server);
  assert.ok(object && others.length === 0 && (await contentOf(server, object)).equals(file.buffer));
});

test("the last answer lost makes no second object; a session that ends is said, and the file goes on after the next", async (t) => {
  const place = await enter(t);
  if (place === undefined) return;
  const { server, page } = place;
  const unheard = testFile("Unheard.txt", randomBytes(1000));
  await page.route("**/commit?**", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await drop(page, unheard);
  await line(page, "Unheard.txt").getByText("The vault cannot be reached.").waitFor();
  await page.goto("about:blank");
  await page.unroute("**/commit?**");
  const late = testFile("Late.txt", randomBytes(1000));
  await page.goto(`${server.url}/notarize`);
  await line(page, "Unheard.txt").getByText("drop the file again").waitFor();
  await drop(page, unheard);
  await kept(page, "Unheard.txt").waitFor();
  assert.equal((await objectsOf(server)).length, 1);
  const cookies = await page.context().cookies();
  await page.context().clearCookies();
  await chooseVault(page);
  await drop(page, late);
  await line(page, "Late.txt").getByText("you are no longer signed in").waitFor();
  await checkAccessibility(page);
  await page.context().addCookies(cookies);
  await drop(page, late);
  await kept(page, "Late.txt").waitFor();
  assert.equal((await objectsOf(server)).length, 2);
});

test("work goes on while other pages of the portal are open, which say so and lead back to it", async (t) => {
  const place = await enter(t);
  if (place === undefined) return;
  const { server, page } = place;
  const held = Promise.withResolvers<void>();
  // What is signed quotes the checkpoint: until it is there, nothing is signed.
  await page.route("**/log/checkpoint", async (route) => {
    await held.promise;
    await route.continue();
  });
  await drop(page, testFile("one.txt", Buffer.from("1")), testFile("two.bin", randomBytes(5_000_000)));
  await page.locator(".items__one[data-state=reading]").waitFor();
  await page.getByRole("link", { name: "Search" }).click();
  const note = page.getByRole("link", { name: "2 files are still being notarized" });
  await note.waitFor();
  await page.getByRole("status").getByText("Notarizing goes on while you look at this page.").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "notarize-goes-on");
  await note.click();
  await line(page, "two.bin").getByText("Waiting").waitFor();
  assert.equal(await page.locator(".under-way a").count(), 0, "here the list says it");
  await page.getByRole("link", { name: "Search" }).click();
  await note.waitFor();
  const warned = new Promise<string>((resolve) =>
    page.once("dialog", (dialog) => void dialog.dismiss().then(() => resolve(dialog.type()))),
  );
  await page.evaluate(() => void setTimeout(() => location.reload()));
  assert.equal(await warned, "beforeunload", "closing the tab would still lose what is not signed");
  held.resolve();
  await page.locator(".under-way a").waitFor({ state: "detached" }); // of both files
  await page.getByRole("link", { name: "Verify" }).waitFor();
  assert.deepEqual((await objectsOf(server)).map(({ subject }) => subject).toSorted(), ["one", "two"]);
  await page.getByRole("link", { name: "Notarize", exact: true }).click();
  await page.getByText("2 of 2 registered").waitFor();
  await kept(page, "two.bin").waitFor();
});
