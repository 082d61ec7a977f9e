/** The vault's page in a real browser: finding, playing, taking out, custody, orders; and what each role is not shown. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { Page, Request } from "playwright-core";
import type { Role } from "../../../../server/src/access/roles.ts";
import { startVaultServer, type VaultServer } from "../../../../server/src/http/vault-testing.ts";
import { temporaryFolder } from "../../../../server/src/testing.ts";
import { buildIfNeeded, distFolder } from "../../../build.ts";
import {
  checkAccessibility,
  checkFocusShows,
  checkNoSideways,
  type OpenOptions,
  openBrowser,
  openPage,
  screenshot,
  tabTo,
} from "../../../test/browser.ts";
import { createWav, encodeVideo, recordVideo } from "../../../test/media.ts";
import { testFile } from "../../../test/records.ts";
import { sessionOf } from "../../../test/staff.ts";

async function startVault(t: TestContext, recordClasses?: object): Promise<VaultServer | undefined> {
  if ((await openBrowser(t)) === undefined) return undefined;
  await buildIfNeeded();
  const data = temporaryFolder(t);
  if (recordClasses !== undefined) writeFileSync(join(data, "vault.json"), JSON.stringify({ recordClasses }));
  return startVaultServer(t, { portal: distFolder, data });
}

async function enter(
  t: TestContext,
  server: VaultServer,
  roles: readonly Role[],
  path = "/vault",
  options: OpenOptions = {},
): Promise<Page> {
  const session = await sessionOf(server, "R. Diaz", ...roles);
  const page = await openPage(t, server.url + path, { ...session, ...options });
  assert.ok(page);
  return page;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const act = (page: Page, action: string) => page.locator(`.timeline__one[data-action=${action}]`);
const agreement = (page: Page, status: string) => page.locator(`.agreement[data-status=${status}]`);
const purpose = (page: Page) => page.getByLabel("What do you need it for?");

test("a recording is found by record number, by the file itself, by state, and down the list", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const content = bytesOf("interview of 3 May");
  const first = await server.store(content, { subject: "Case 26-1147", type: "audio/ogg" });
  const units = Array.from({ length: 21 }, (_, at) => ({ subject: `Unit ${at}`, type: "video/mp4" }));
  await Promise.all(units.map((about) => server.store(randomBytes(50), about)));
  await server.ask("POST", `/v1/objects/${first.id}/hold`, { body: { order: "case 7", purpose: "suit" } });
  const page = await enter(t, server, ["custodian"]);
  await page.getByText("20 on this page").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-list-desktop");
  await page.getByRole("link", { name: "Stored earlier" }).click();
  await page.getByText("2 on this page").waitFor();
  await page.locator(".found__one", { hasText: "Case 26-1147" }).locator(".standing--held").waitFor();
  await page.getByRole("link", { name: "Newest", exact: true }).click();
  await page.getByText("20 on this page").waitFor();
  await page.getByLabel("Record number").fill("Unit 3");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("1 on this page").waitFor();
  assert.equal(new URL(page.url()).search, "?subject=Unit+3");
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByLabel("State").selectOption("Erased");
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("The vault has nothing of this.").waitFor();
  await page.getByRole("link", { name: "Clear" }).click();
  await page.getByLabel("SHA-256 hash of the file").fill("12ab");
  await page.getByRole("button", { name: "Find" }).click();
  await page.locator(".field__error", { hasText: "has 64 digits" }).waitFor();
  await page.locator("#hash:focus").waitFor();
  await page.setInputFiles("input[type=file]", testFile("interview.ogg", content));
  await page.waitForFunction((hash) => document.querySelector<HTMLInputElement>("#hash")?.value === hash, first.hash);
  await page.getByRole("button", { name: "Find" }).click();
  await page.getByText("1 on this page").waitFor();
  await page.getByRole("link", { name: "Case 26-1147" }).click();
  await page.locator("h1", { hasText: "Case 26-1147" }).waitFor();
  assert.equal(new URL(page.url()).pathname, `/vault/${first.id}`);
  await page.goto(`${server.url}/vault/${first.hash}`);
  await page.locator("h1", { hasText: "Case 26-1147" }).waitFor();
});

test("a recording plays in the page for a stated purpose; seeking asks for ranges alone, and it is recorded once", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const seconds = 100;
  const wav = createWav(seconds);
  const { id } = await server.store(wav, { subject: "Radio 12, 3 May", type: "audio/wav" });
  const page = await enter(t, server, ["custodian"], `/vault/${id}`);
  const asked: Request[] = [];
  page.on("request", (request) => {
    if (request.url().includes("/content")) asked.push(request);
  });
  await page.getByRole("button", { name: "Play here" }).click();
  await page.getByText("Say what it is for").waitFor();
  await page.locator("#purpose:focus").waitFor();
  assert.equal(asked.length, 0);
  await purpose(page).fill("request 88 <b>&");
  await page.getByRole("button", { name: "Play here" }).click();
  const player = page.locator("audio");
  await page.waitForFunction(() => (document.querySelector("audio")?.currentTime ?? 0) > 0.2);
  assert.equal(await player.evaluate((audio: HTMLAudioElement) => Math.round(audio.duration)), seconds);
  await player.evaluate(
    (audio: HTMLAudioElement) =>
      new Promise((resolve) => {
        audio.addEventListener("seeked", resolve, { once: true });
        audio.currentTime = 90;
      }),
  );
  await page.waitForFunction(() => (document.querySelector("audio")?.currentTime ?? 0) > 90.1);
  const ranges = await Promise.all(asked.map(async (request) => (await request.allHeaders())["range"] ?? "none"));
  assert.ok(ranges.length > 1, "seeking asked again");
  for (const range of ranges) assert.match(range, /^bytes=\d+-/);
  assert.ok(
    ranges.some((range) => Number(/\d+/.exec(range)?.[0]) > wav.length / 2),
    ranges.join(" "),
  );
  await act(page, "read").waitFor();
  await agreement(page, "holds").waitFor();
  assert.equal(await act(page, "read").count(), 1);
  assert.match(await act(page, "read").innerText(), /R\. Diaz[\s\S]*request 88 <b>&/);
  await checkAccessibility(page);
  await screenshot(page, "vault-audio-desktop");
  await player.evaluate((audio: HTMLAudioElement) => audio.pause());
});

test("a video is sought in by ranges: its end is seen without all that lies before it", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const page = await enter(t, server, ["custodian"]);
  const seconds = 60;
  const webm = await encodeVideo(page, seconds, 2_000_000); // several times what a browser reads ahead
  const { id } = await server.store(webm, { subject: "Bodycam 8, 3 May", type: "video/webm" });
  await page.goto(`${server.url}/vault/${id}`);
  const answers: string[] = [];
  page.on("response", (response) => {
    if (response.url().includes("/content"))
      answers.push(`${response.status()} ${response.headers()["content-range"]}`);
  });
  await purpose(page).fill("request 88");
  await page.getByRole("button", { name: "Play here" }).click();
  await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 0.2);
  const video = page.locator("video");
  assert.equal(await video.evaluate((one: HTMLVideoElement) => one.duration), seconds);
  const seen = await video.evaluate(async (one: HTMLVideoElement) => {
    one.pause();
    const sought = new Promise((resolve) => one.addEventListener("seeked", resolve, { once: true }));
    one.currentTime = 55.5;
    await sought;
    const context = new OffscreenCanvas(320, 180).getContext("2d");
    context?.drawImage(one, 0, 0);
    return [...(context?.getImageData(160, 90, 1, 1).data ?? [])];
  });
  const [red = 0, green = 0, blue = 0] = seen;
  assert.ok(red > 100 && green < 80 && blue < 130, `the picture of second 55 is red: ${seen}`); // hsl(330 60% 40%)
  const begins = answers.map((answer) => Number(/^206 bytes (\d+)-\d+\/\d+$/.exec(answer)?.[1] ?? assert.fail(answer)));
  assert.ok(Math.max(...begins) > 100_000_000, answers.join(", "));
  await act(page, "read").waitFor();
  assert.equal(await act(page, "read").count(), 1, "all of it is one reading");
});

test("videos and pictures are shown; what could carry a script is only saved, and names of all kinds are text", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const hostile = '<img src=x onerror="document.title=1">';
  const html = bytesOf("<script>document.title='taken'</script>");
  const page = await enter(t, server, ["custodian"]);
  const { webm, png } = await recordVideo(page);
  const video = await server.store(webm, { subject: "Bodycam 7", type: "video/webm" });
  const picture = await server.store(png, { subject: "Photo 1", type: "image/png" });
  const script = await server.store(html, { subject: hostile, type: "text/html" });
  const vector = await server.store(bytesOf("<svg xmlns='http://www.w3.org/2000/svg'/>"), { type: "image/svg+xml" });

  await page.goto(`${server.url}/vault/${video.id}`);
  await purpose(page).fill("review");
  await page.getByRole("button", { name: "Play here" }).click();
  await page.waitForFunction(() => (document.querySelector("video")?.currentTime ?? 0) > 0.2);
  assert.equal(await page.locator("video").evaluate((one: HTMLVideoElement) => one.videoWidth), 320);
  await agreement(page, "holds").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-video-desktop");

  await page.goto(`${server.url}/vault/${picture.id}`);
  await purpose(page).fill("review");
  await page.getByRole("button", { name: "Show here" }).click();
  await page.waitForFunction(
    () => (document.querySelector<HTMLImageElement>(".viewer img")?.naturalWidth ?? 0) === 320,
  );

  await page.goto(`${server.url}/vault/${script.id}`);
  await page.getByRole("heading", { name: hostile, exact: true }).waitFor();
  assert.equal(await page.getByRole("button", { name: /here/ }).count(), 0);
  await purpose(page).fill("review");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download to look at" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "img-src-x-onerror-document-title-1.bin");
  assert.deepEqual(new Uint8Array(readFileSync(await download.path())), html);
  await act(page, "read").waitFor();
  await checkAccessibility(page);

  await page.goto(`${server.url}/vault/${vector.id}`);
  await page.getByRole("button", { name: "Download to look at" }).waitFor();
  assert.match(await page.title(), /^Custody and vault/);
});

test("an export is checked before it is saved, and recorded; one that is damaged on the way is not saved", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const content = randomBytes(9_000_000);
  const { id } = await server.store(content, { subject: "Deed 4711", type: "application/pdf" });
  const page = await enter(t, server, ["custodian"], `/vault/${id}`);
  await page.getByRole("button", { name: "Export a copy" }).click();
  await page.getByText("Say what it is for").waitFor();
  await purpose(page).fill("court order 12");
  const exporting = page.getByRole("button", { name: "Export a copy" });
  const [download] = await Promise.all([page.waitForEvent("download"), exporting.click()]);
  assert.equal(download.suggestedFilename(), "Deed-4711.pdf");
  assert.ok(readFileSync(await download.path()).equals(content));
  await page.getByText("exactly what the thumbprint was made of").waitFor();
  await act(page, "exported").getByText("court order 12").waitFor();
  await agreement(page, "holds").waitFor();
  await checkAccessibility(page);
  await screenshot(page, "vault-export-desktop");
  await page.route("**/export", async (route) => {
    const answer = await route.fetch();
    const body = await answer.body();
    body[5_000_000] = (body[5_000_000] ?? 0) ^ 1;
    await route.fulfill({ response: answer, body });
  });
  const downloads: unknown[] = [];
  page.on("download", (one) => downloads.push(one));
  await exporting.click();
  await page.getByText("Nothing was saved.").waitFor();
  await page.unroute("**/export");
  await page.route("**/export", (route) => route.abort());
  await exporting.click();
  await page.getByText("The notary cannot be reached.").waitFor();
  assert.equal(downloads.length, 0);
  assert.equal(await act(page, "exported").count(), 2, "the one that was damaged left the vault all the same");
});

test("a copy that the browser has no room for is not saved, and a command that needs none is named", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const { id, hash } = await server.store(randomBytes(5000), { subject: "Deed 4711", type: "application/pdf" });
  const page = await enter(t, server, ["custodian"], `/vault/${id}`);
  await purpose(page).fill("court order 12");
  // A blob that cannot be read back, which is how a full store shows: its file was changed since.
  const path = join(temporaryFolder(t), "lost.bin");
  writeFileSync(path, randomBytes(5000));
  await page.evaluate(() => {
    const input = document.createElement("input");
    input.type = "file";
    input.id = "lost";
    document.body.append(input);
  });
  await page.setInputFiles("#lost", path);
  await page.evaluate(async () => {
    const lost = document.querySelector<HTMLInputElement>("#lost")?.files?.[0];
    document.querySelector("#lost")?.remove();
    if ((await lost?.arrayBuffer())?.byteLength !== 5000) throw new Error("the file is not there"); // as it was first
    Object.assign(globalThis, {
      Blob: function Blob() {
        return lost;
      },
    });
  });
  writeFileSync(path, "changed");
  const downloads: unknown[] = [];
  page.on("download", (one) => downloads.push(one));
  await page.getByRole("button", { name: "Export a copy" }).click();
  await page.locator(".copy[data-stage='too large']").getByText("This browser has no room").waitFor();
  await page.getByText(`attestry vault get ${hash}`).waitFor();
  await act(page, "exported").getByText("court order 12").waitFor();
  assert.deepEqual(downloads, []);
  await checkAccessibility(page);
  await screenshot(page, "vault-export-no-room");
});

test("a custodian holds, lifts, reclassifies and erases by order; erasing asks once more and leaves what still proves it", async (t) => {
  const server = await startVault(t, { bodycam: 0, deeds: 3650, births: "forever" });
  if (server === undefined) return;
  const { id, hash, entryIndex } = await server.store(randomBytes(500), { subject: "Case 9", recordClass: "bodycam" });
  const kept = await server.store(randomBytes(500), { subject: "Birth 1", recordClass: "bodycam" });
  const page = await enter(t, server, ["custodian"], `/vault/${id}`);
  await page.locator(".banner[data-standing=whole]").waitFor();
  const panel = (name: string) => page.locator(`.act[data-act=${name}]`);
  const fill = async (name: string, order: string | undefined, why: string): Promise<void> => {
    await panel(name).locator("summary").click();
    if (order !== undefined) await panel(name).getByLabel("Order").fill(order);
    await panel(name).getByLabel("Purpose").fill(why);
    await panel(name).locator("button[type=submit]").click();
  };
  await fill("hold", "", "discovery");
  await page.getByText("Fill this in").first().waitFor();
  await page.locator("#hold-what:focus").waitFor();
  await checkAccessibility(page);
  await panel("hold").getByLabel("Order").fill("case 26-1147");
  await panel("hold").locator("button[type=submit]").click();
  await page.locator(".done:focus", { hasText: "The hold is placed." }).waitFor();
  await page.locator(".banner[data-standing=held]", { hasText: "case 26-1147" }).waitFor();
  await panel("erase").locator("summary").click();
  await panel("erase").getByText("A hold forbids erasing.").waitFor();
  assert.equal(await panel("erase").locator("form").count(), 0);
  await act(page, "held").getByText("case 26-1147").waitFor();
  await agreement(page, "holds").waitFor();
  await checkAccessibility(page);
  await screenshot(page, "vault-held-desktop");
  await fill("release", undefined, "case closed");
  await page.locator(".banner[data-standing=whole]").waitFor();
  await fill("erase", "order 77", "expungement");
  const dialog = page.getByRole("dialog");
  await dialog.getByText("Nobody can bring it back").waitFor();
  assert.equal(await dialog.getByRole("button", { name: "Erase for good" }).isDisabled(), true);
  await page.locator(":focus", { hasText: /^Keep it$/ }).waitFor();
  await checkAccessibility(page);
  await screenshot(page, "vault-erase-confirm");
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(((await (await server.ask("GET", `/v1/objects/${id}`)).json()) as { state: string }).state, "whole");
  await panel("erase").locator("button[type=submit]").click();
  await dialog.getByLabel("I have the order before me").check();
  await dialog.getByRole("button", { name: "Erase for good" }).click();
  const tombstone = page.locator(".banner[data-standing=erased]");
  await tombstone.getByText("By the order “order 77”.").waitFor();
  await tombstone.getByRole("link", { name: `Signed thumbprint, entry ${entryIndex}` }).waitFor();
  await act(page, "erased").getByText("expungement").waitFor();
  await agreement(page, "holds").waitFor();
  assert.equal(await page.locator(".act, .use").count(), 0);
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-erased-desktop");
  const gone = await server.ask("GET", `/v1/objects/${id}/content?purpose=look`);
  assert.equal(gone.status, 410);
  await tombstone.getByRole("link", { name: /^Its erasure/ }).click();
  await page.waitForURL(/\/entry\/\d+$/);
  await page.goto(`${server.url}/vault?state=erased`);
  await page.locator(".found__one .standing--erased").waitFor();
  await page.goto(`${server.url}/vault/${hash}`);
  await tombstone.waitFor();

  await page.goto(`${server.url}/vault/${kept.id}`);
  await panel("reclassify").locator("summary").click();
  await panel("reclassify").getByLabel("Record class").selectOption("births (for ever)");
  await panel("reclassify").getByLabel("Purpose").fill("it is a birth");
  await panel("reclassify").locator("button[type=submit]").click();
  await page.locator(".banner[data-standing=retained]", { hasText: "Nothing can ever erase it." }).waitFor();
  await act(page, "reclassified").getByText("Kept for ever").waitFor();
  await panel("erase").locator("summary").click();
  await panel("erase").getByText("This record class is kept for ever.").waitFor();
});

test("an act that was edited in the database, or taken out of it, is named in the browser", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const { id } = await server.store(randomBytes(50), { subject: "Case 9" });
  await server.ask("POST", `/v1/objects/${id}/hold`, { body: { order: "case 7", purpose: "suit" } });
  await server.ask("POST", `/v1/objects/${id}/release`, { body: { order: "case 7", purpose: "done" } });
  const database = new DatabaseSync(join(server.data, "vault.db"));
  t.after(() => database.close());
  const rows = database.prepare("SELECT sequence, event FROM vault_custody WHERE object_id = ?").all(id);
  const edited = Buffer.from(rows.find(({ sequence }) => sequence === 1)?.["event"] as Uint8Array);
  edited.write("gift", edited.indexOf("suit"));
  database.prepare("UPDATE vault_custody SET event = ? WHERE object_id = ? AND sequence = 1").run(edited, id);
  const page = await enter(t, server, ["auditor"], `/vault/${id}`);
  await agreement(page, "broken").getByText("1 act below does not agree with the log.").waitFor();
  await act(page, "held").getByText("It was edited: the log has something else.").waitFor();
  await page.locator(".timeline__one[data-status=holds]").nth(1).waitFor();
  await checkAccessibility(page);
  await screenshot(page, "vault-edited-desktop");
  database.prepare("DELETE FROM vault_custody WHERE object_id = ? AND sequence = 1").run(id);
  await page.reload();
  await act(page, "released").getByText("Acts before this one are missing.").waitFor();
});

test("each role is shown what it may do; who may nothing learns nothing, and the vault is not even asked", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const content = bytesOf("sealed");
  const { id, hash } = await server.store(content, { subject: "Sealed 1", type: "audio/ogg" });

  const asked: string[] = [];
  const stranger = await enter(t, server, ["administrator"], `/vault/${id}`);
  stranger.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await stranger.reload();
  await stranger.getByText("Your account does not open the vault").waitFor();
  const known = await stranger.locator("main").innerText();
  await stranger.goto(`${server.url}/vault/${"a".repeat(26)}`);
  await stranger.getByText("Your account does not open the vault").waitFor();
  assert.equal(await stranger.locator("main").innerText(), known, "what exists looks like what does not");
  assert.deepEqual(
    asked.filter((path) => path.startsWith("/v1/objects")),
    [],
  );
  assert.equal(await stranger.getByRole("link", { name: "Vault" }).count(), 0);
  await checkAccessibility(stranger);
  await screenshot(stranger, "vault-forbidden-desktop");

  const reader = await enter(t, server, ["reader"], `/vault/${id}`);
  await reader.getByRole("button", { name: "Play here" }).waitFor();
  assert.equal(await reader.getByRole("button", { name: "Export a copy" }).count(), 0);
  assert.equal(await reader.locator(".act, .timeline").count(), 0);
  await checkAccessibility(reader);

  const auditor = await enter(t, server, ["auditor"]);
  await auditor.getByText("Your account sees who did what").waitFor();
  assert.equal(await auditor.locator(".found").count(), 0);
  await auditor.setInputFiles("input[type=file]", testFile("sealed.ogg", content));
  await auditor.waitForFunction((text) => document.querySelector<HTMLInputElement>("#hash")?.value === text, hash);
  await checkAccessibility(auditor);
  await auditor.getByRole("button", { name: "Find" }).click();
  await act(auditor, "stored").waitFor();
  assert.equal(await auditor.locator("h1").textContent(), "Sealed 1");
  await agreement(auditor, "holds").waitFor();
  assert.equal(await auditor.locator(".use, .act, .banner").count(), 0);

  const nobody = await openPage(t, `${server.url}/vault/${id}`);
  assert.ok(nobody);
  await nobody.getByText("Sign in first").waitFor();
  await checkAccessibility(nobody);
});

test("in Spanish, on a phone, by keyboard alone: found, played, held, released, reclassified", async (t) => {
  const server = await startVault(t, { general: 0, births: "forever", plans: 1 });
  if (server === undefined) return;
  await server.store(createWav(5), { subject: "Causa 17", type: "audio/wav" });
  const page = await enter(t, server, ["custodian"], "/vault?lang=es", { width: "phone" });
  await page.getByText("1 en esta página").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-list-phone-es");
  await tabTo(page, "#subject");
  await page.keyboard.type("Causa 17");
  await page.keyboard.press("Enter");
  await page.waitForURL("**subject=Causa+17**");
  await page.getByText("1 en esta página").waitFor();
  await tabTo(page, ".found a");
  await page.keyboard.press("Enter");
  await page.locator("h1", { hasText: "Causa 17" }).waitFor();
  await tabTo(page, "#purpose");
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await page.locator("#purpose:focus[aria-invalid=true]").waitFor();
  await page.locator("[role=alert]", { hasText: /./ }).waitFor();
  await page.keyboard.type("solicitud 88");
  await page.keyboard.press("Enter");
  await page.locator("audio:focus").waitFor();
  await page.waitForFunction(() => (document.querySelector("audio")?.currentTime ?? 0) > 0.1);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector("audio")?.paused === true);
  await agreement(page, "holds").waitFor();
  await tabTo(page, ".act[data-act=hold] summary");
  await page.keyboard.press("Enter");
  await checkFocusShows(page);
  await tabTo(page, "#hold-what", 1);
  await page.keyboard.type("causa 26-1147");
  await page.keyboard.press("Enter"); // without its purpose
  await page.locator("#hold-purpose:focus[aria-invalid=true]").waitFor();
  await page.keyboard.press("Shift+Tab");
  await page.locator("#hold-what:focus").waitFor();
  await tabTo(page, "#hold-purpose", 1);
  await page.keyboard.type("prueba");
  await page.keyboard.press("Enter");
  await page.locator(".done:focus", { hasText: "La retención está puesta." }).waitFor();
  await act(page, "held").getByText("causa 26-1147").waitFor();
  await agreement(page, "holds").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-recording-phone-es");

  await tabTo(page, ".act[data-act=release] summary");
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await tabTo(page, "#release-what", 1);
  await checkFocusShows(page);
  await checkAccessibility(page);
  await tabTo(page, "#release-purpose", 1);
  await checkFocusShows(page);
  await page.keyboard.press("Enter"); // without its purpose
  await page.locator("#release-purpose:focus[aria-invalid=true]").waitFor();
  await page.keyboard.type("caso cerrado");
  await tabTo(page, ".act[data-act=release] button[type=submit]", 1);
  await checkFocusShows(page);
  await page.keyboard.press("Space");
  await page.locator(".done:focus", { hasText: "La retención está levantada." }).waitFor();
  await page.locator(".banner[data-standing=whole]").waitFor();
  await act(page, "released").getByText("caso cerrado").waitFor();

  await tabTo(page, ".act[data-act=reclassify] summary");
  await checkFocusShows(page);
  await page.keyboard.press("Space");
  await tabTo(page, "#reclassify-what", 1);
  await checkFocusShows(page);
  await page.keyboard.press("ArrowDown");
  await checkAccessibility(page);
  await tabTo(page, "#reclassify-purpose", 1);
  await page.keyboard.type("es un plano");
  await page.keyboard.press("Enter");
  await page.locator(".done:focus", { hasText: "La clase documental está cambiada." }).waitFor();
  await page.locator(".banner[data-standing=retained]").waitFor();
  await act(page, "reclassified").getByText("es un plano").waitFor();
  await act(page, "reclassified").getByText("plans").waitFor();
  await agreement(page, "holds").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "vault-reclassified-phone-es");
});

test("the notary that is away, a session that ended, and content that was damaged are each said in their own words", async (t) => {
  const server = await startVault(t);
  if (server === undefined) return;
  const { id } = await server.store(createWav(12), { subject: "Radio 3", type: "audio/wav" });
  const page = await enter(t, server, ["custodian"], `/vault/${id}`);
  await purpose(page).fill("review");
  const play = page.getByRole("button", { name: "Play here" });
  await page.route("**/content?**", (route) =>
    route.fulfill({ status: 200, contentType: "audio/wav", body: "no sound" }),
  );
  await play.click();
  await page.getByText("This browser cannot play or show it.").waitFor();
  await page.unroute("**/content?**");
  const stored = globSync(`**/${id}`, { cwd: server.data })[0] ?? assert.fail("it is not on the disk");
  const ciphertext = readFileSync(join(server.data, stored));
  ciphertext[1_500_000] = (ciphertext[1_500_000] ?? 0) ^ 1;
  writeFileSync(join(server.data, stored), ciphertext);
  await page.getByRole("button", { name: "Export a copy" }).click();
  await page.getByText("The copy broke off before its end. Nothing was saved.").waitFor();
  await checkAccessibility(page);
  await page.context().clearCookies();
  await play.click();
  await page.getByText("You are no longer signed in.").waitFor();
  await checkAccessibility(page);
  await page.route("**/v1/**", (route) => route.abort());
  await page.getByRole("button", { name: "Export a copy" }).click();
  await page.getByText("The notary cannot be reached.").waitFor();
});
