import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { parseProofFile, sha256, verify } from "@attestry/core";
import type { FileChooser, Page } from "playwright-core";
import { type TestServer, temporaryFolder, trustIn } from "../../../../server/src/testing.ts";
import {
  checkAccessibility,
  checkFocusShows,
  checkNoSideways,
  type OpenOptions,
  openBrowser,
  openPage,
  screenshot,
  startPortal,
  tabTo,
} from "../../../test/browser.ts";
import { dropPaths } from "../../../test/drag.ts";
import { type TestFile, testFile } from "../../../test/records.ts";

interface Workplace {
  readonly server: TestServer;
  readonly page: Page;
}

/** The page of somebody who came by the link that the notary shows at its start. */
async function enter(t: TestContext, options: OpenOptions = {}, query = ""): Promise<Workplace> {
  const server = await startPortal(t);
  const page = await openPage(t, server.makePortalLink(), options);
  assert.ok(page);
  await page.goto(`${server.url}/notarize${query}`);
  await page.locator("h2").first().waitFor();
  return { server, page };
}

const office = "https://deeds.kent.example.gov";

async function enrol(page: Page): Promise<void> {
  await page.getByLabel("Name that your statements will carry").fill(office);
  await page.getByRole("button", { name: "Enrol this key" }).click();
  await page.locator(".file-drop").waitFor();
}

async function drop(page: Page, ...files: TestFile[]): Promise<void> {
  await page.locator(".file-drop input").setInputFiles(files);
}

const state = (page: Page, name: string) => page.locator(".items__one", { hasText: name });

test("a clerk's first day: the key is made and enrolled, files are dropped, and their proofs hold", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t);
  await page.getByText("Have your key enrolled").waitFor();
  await checkAccessibility(page);
  await screenshot(page, "notarize-enrolment");
  await enrol(page);
  await page.getByText("Each file’s own name, without its ending").click();
  const files = [
    testFile("Deed 2026-1.pdf", randomBytes(6_000_000)),
    testFile("Deed 2026-2.pdf", randomBytes(10)),
    testFile("Deed 2026-2.pdf", randomBytes(11)),
  ];
  await drop(page, ...files);
  await page.getByText("3 of 3 registered").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "notarize-desktop");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    state(page, "Deed 2026-1.pdf").getByRole("button", { name: "Proof" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "Deed 2026-1.pdf.proof");
  const proof = new Uint8Array(readFileSync(await download.path()));
  const { verdict, statement, notBefore } = await verify({
    proof,
    digest: sha256(files[0]?.buffer ?? Buffer.of()),
    trust: trustIn(server.notary),
  });
  assert.deepEqual([verdict, statement?.issuer, statement?.subject], ["verified", office, "Deed 2026-1"]);
  assert.deepEqual(notBefore?.names, [server.notary.origin], "it quotes the log's checkpoint");
  const [zip] = await Promise.all([page.waitForEvent("download"), page.getByText("Download all proofs").click()]);
  const archive = readFileSync(await zip.path()).toString("latin1");
  assert.ok(archive.includes("Deed 2026-1.pdf.proof") && archive.includes("Deed 2026-2 (2).pdf.proof"));
  await state(page, "Deed 2026-1.pdf")
    .getByRole("link", { name: /^Entry \d+$/ })
    .click();
  await page.locator(".verdict[data-outcome=registered]").waitFor();
});

test("a folder that is dropped counts as the files in it, in the folders of it too", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { page } = await enter(t);
  await enrol(page);
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "deeds", "annexes"), { recursive: true });
  const names = Array.from({ length: 120 }, (_, at) => `annex ${at}.txt`); // more than a browser lists at once
  for (const name of names) writeFileSync(join(folder, "deeds", "annexes", name), name);
  writeFileSync(join(folder, "deeds", "deed.txt"), "lot 12");
  writeFileSync(join(folder, "letter.txt"), "enclosed");
  await dropPaths(page.locator(".file-drop"), [join(folder, "letter.txt"), join(folder, "deeds")]);
  await page.getByText("122 of 122 registered").waitFor();
  for (const name of ["letter.txt", "deed.txt", "annex 119.txt"]) assert.equal(await state(page, name).count(), 1);
});

test("proofs among what is dropped or chosen are passed over, and it is said how many", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t);
  await enrol(page);
  const size = server.notary.status.head.size;
  const said = (text: string) => page.locator("[role=status]", { hasText: text });
  await drop(page, testFile("deed.txt.proof", Buffer.from("a proof")));
  await said("One proof file was passed over").waitFor();
  const folder = join(temporaryFolder(t), "deeds");
  mkdirSync(folder);
  for (const name of ["deed.txt", "deed.txt.proof", "deed.txt.proof.1", "bullet.proof.txt"]) {
    writeFileSync(join(folder, name), name);
  }
  await dropPaths(page.locator(".file-drop"), [folder]);
  await said("2 proof files were passed over").waitFor();
  await page.getByText("2 of 2 registered").waitFor();
  assert.deepEqual(await page.locator(".items__name").allTextContents(), ["deed.txt", "bullet.proof.txt"]);
  assert.equal(server.notary.status.head.size, size + 2);
  await checkAccessibility(page);
  await screenshot(page, "notarize-passed-over");
  await drop(page, testFile("letter.txt", Buffer.from("letter")));
  await page.getByText("3 of 3 registered").waitFor();
  assert.equal(await said("passed over").count(), 0);
});

test("no script can read the key, and it is the same after the page is opened again", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t);
  const shown = await page.locator(".key").first().textContent();
  await enrol(page);
  const kept = await page.evaluate(async () => {
    const opening = indexedDB.open("attestry-notarize");
    const db = await new Promise<IDBDatabase>((resolve) => {
      opening.onsuccess = () => resolve(opening.result);
    });
    const reading = db.transaction("keys").objectStore("keys").get("own");
    const { privateKey } = await new Promise<{ privateKey: CryptoKey }>((resolve) => {
      reading.onsuccess = () => resolve(reading.result);
    });
    const exported = await Promise.all(["pkcs8", "jwk"].map((format) => crypto.subtle.exportKey(format as "jwk", privateKey).then(() => "exported", () => "refused"))); // biome-ignore format: one line
    return { extractable: privateKey.extractable, exported };
  });
  assert.deepEqual(kept, { extractable: false, exported: ["refused", "refused"] });
  await page.reload();
  await page.getByText(office).waitFor();
  assert.ok(server.notary.issuers.list().some(({ id }) => shown?.endsWith(id)));
});

test("a tab that is lost half way loses nothing: what was signed is registered on return, once", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t);
  await enrol(page);
  let isAway = true;
  const answered = new Promise<void>((resolve) => {
    void page.route("**/v1/entries", async (route) => {
      if (isAway) return route.abort();
      await route.fetch();
      await route.abort();
      resolve();
    });
  });
  await drop(page, testFile("one.txt", Buffer.from("1")), testFile("two.txt", Buffer.from("2")));
  await page.getByText("The notary cannot be reached.").waitFor();
  await page.locator(".items__one[data-state=signed]").nth(1).waitFor();
  await checkAccessibility(page);
  // The answer to the first sending is lost with the tab: the notary has the entries, the page does not know.
  isAway = false;
  await answered;
  const registered = server.notary.status.head.size;
  await page.unroute("**/v1/entries");
  await page.goto("about:blank");
  await page.goto(`${server.url}/notarize`);
  await page.getByText("2 of 2 registered").waitFor();
  assert.equal(server.notary.status.head.size, registered, "nothing was entered twice");
  assert.ok(await state(page, "one.txt").getByText("Was in the log already").isVisible());
  await page.getByRole("button", { name: "Clear the list" }).click();
  assert.equal(await page.locator(".items__one").count(), 0);
  await page.reload();
  await page.locator(".file-drop").waitFor();
  assert.equal(await page.locator(".items__one").count(), 0);
});

test("a page that stays open while the log's keys change says so, keeps what is signed, and goes on once the keys are vouched for", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t);
  const enrolment = page.waitForRequest((request) => request.method() === "POST");
  await enrol(page);
  await drop(page, testFile("before.txt", Buffer.from("1")));
  await page.getByText("1 of 1 registered").waitFor();
  const other = await startPortal(t, { origin: server.notary.origin });
  const headers = { "content-type": "application/json", authorization: `Bearer ${other.token}` };
  await other.fetch("/v1/issuers", { method: "POST", headers, body: (await enrolment).postData() ?? "" });
  for (const path of ["**/v1/**", "**/log/**", "**/.well-known/**"]) {
    await page.route(path, async (route) => {
      const { pathname } = new URL(route.request().url());
      await (pathname === "/v1/session"
        ? route.continue()
        : route.fulfill({ response: await route.fetch({ url: other.url + pathname }) }));
    });
  }
  const noted = await page.evaluate(() => localStorage.getItem("attestry.known-logs"));
  await drop(page, testFile("after.txt", Buffer.from("2")));
  await page.getByText("The keys of this notary are not those that this browser knows.").waitFor();
  await state(page, "after.txt").getByText("Signed, on its way to the log").waitFor();
  await checkAccessibility(page);
  await screenshot(page, "notarize-other-keys");
  assert.equal(await page.evaluate(() => localStorage.getItem("attestry.known-logs")), noted);
  const { size } = other.notary.status.head;
  await page.reload();
  await page.getByText("The keys of this notary are not those that this browser knows.").waitFor();
  assert.equal(other.notary.status.head.size, size, "nothing is sent to a notary with other keys");
  await page.evaluate(() => localStorage.removeItem("attestry.known-logs"));
  await page.reload();
  await page.getByText("2 of 2 registered").waitFor();
  await state(page, "after.txt").getByText("Was in the log already").waitFor();
});

test("a file that is dropped in the moment in which the page begins to take files is not lost", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { page } = await enter(t);
  await enrol(page);
  await page.addInitScript(() => {
    const dropAtOnce: MutationCallback = (_changes, observer) => {
      const input = document.querySelector<HTMLInputElement>(".file-drop input");
      if (input === null) return;
      observer.disconnect();
      const files = new DataTransfer();
      files.items.add(new File(["soon"], "soon.txt"));
      input.files = files.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    };
    new MutationObserver(dropAtOnce).observe(document, { childList: true, subtree: true });
  });
  await page.reload();
  await page.getByText("1 of 1 registered").waitFor();
});

test("in Spanish, on a phone, by keyboard alone", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { page } = await enter(t, { width: "phone" }, "?lang=es");
  // Listened for from the start: the browser takes its time to begin to tell.
  const chooser = new Promise<FileChooser>((resolve) => page.once("filechooser", resolve));
  await tabTo(page, "#issuer-name");
  await checkFocusShows(page);
  await page.keyboard.type(office);
  await page.keyboard.press("Enter");
  await page.locator(".file-drop").waitFor();
  await page.locator(":focus", { hasText: /^Archivos$/ }).waitFor();
  await tabTo(page, "input[type=radio]", 1);
  await page.keyboard.press("ArrowDown");
  await tabTo(page, ".record .usa-input");
  await page.keyboard.type("Acta 17");
  await tabTo(page, ".file-drop input");
  await page.locator(".file-drop:focus-within").waitFor();
  await page.keyboard.press("Enter");
  await (await chooser).setFiles(testFile("acta.pdf", Buffer.from("acta")));
  await page.getByText("1 de 1 registrados").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "notarize-phone-es");
  await tabTo(page, ".items__links button");
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(parseProofFile(new Uint8Array(readFileSync(await download.path()))).statement.subject, "Acta 17");
});

test("who is not signed in, not enrolled, or no more, is told how to go on", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  const page = await openPage(t, `${server.url}/notarize`);
  assert.ok(page);
  await page.getByText("Sign in first").waitFor();
  await checkAccessibility(page);
  await page.goto(server.makePortalLink());
  await page.route("**/v1/session", async (route) => {
    const session = await (await route.fetch()).json();
    await route.fulfill({ json: { ...session, permissions: [] } });
  });
  await page.goto(`${server.url}/notarize`);
  await page.getByText("Not enrolled yet.").waitFor();
  assert.equal(await page.getByRole("button", { name: "Enrol this key" }).count(), 0);
  const command = await page.getByText(/^attestry issuer add --key [\w-]{40,}$/).textContent();
  await server.fetch("/v1/issuers", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${server.token}` },
    body: JSON.stringify({ key: command?.split(" ").at(-1), issuer: office }),
  });
  await page.getByRole("button", { name: "Look again" }).click();
  await page.getByText(office).waitFor();
  const issuer = server.notary.issuers.list().find((one) => one.issuer === office);
  await server.notary.issuers.revoke(issuer?.id ?? "", "has left the office");
  await drop(page, testFile("late.txt", Buffer.from("late")));
  await page.getByText("Refused: the enrolment of your key was withdrawn.").waitFor();
  await page.reload();
  await page.getByText("has left the office").waitFor();
  assert.equal(await page.locator(".file-drop").count(), 0);
  await checkAccessibility(page);
});
