import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeHex, leafHash, parseStatement, sha256 } from "@attestry/core";
import type { TestServer } from "../../../../server/src/testing.ts";
import {
  checkAccessibility,
  checkNoSideways,
  openBrowser,
  openPage,
  screenshot,
  startPortal,
  tabTo,
} from "../../../test/browser.ts";

const content = new TextEncoder().encode("The deed of lot 17\n");

/** Thirty entries; the tenth is of `content`, the last but one revokes it. */
async function startFilled(t: TestContext): Promise<TestServer> {
  const server = await startPortal(t);
  const statements: Uint8Array[] = [];
  for (let at = 0; at < 28; at++) {
    const digest = at === 10 ? { digest: sha256(content), contentType: "text/plain" } : {};
    statements.push(await server.issuer.statement({ subject: `Deed 2026-${1000 + at}`, ...digest }));
  }
  const target = leafHash(parseStatement(statements[10] ?? new Uint8Array()).entry);
  const relation = { kind: "revokes", target, reason: "entered twice" } as const;
  statements.push(await server.issuer.statement({ subject: "Deed 2026-1010", digest: sha256(content), relation }));
  statements.push(await server.issuer.statement({ subject: "ni:///sha-256;AAAA" }));
  await server.batch(statements);
  return server;
}

test("entries are found by record number, issuer and day, a page at a time, under an address of their own", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startFilled(t);
  const page = await openPage(t, `${server.url}/search`);
  assert.ok(page);
  await page.getByText("20 entries on this page").waitFor();
  await page.getByText("No record number").waitFor();
  await page.getByText("Revokes an earlier entry").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "search-desktop");
  await page.getByRole("link", { name: "Older entries" }).click();
  await page.getByText("10 entries on this page").waitFor();
  assert.equal(await page.getByRole("link", { name: "Older entries" }).count(), 0);
  const older = page.url();
  await page.goto(older);
  await page.getByText("Deed 2026-1000").waitFor();
  await page.getByRole("link", { name: "Newest", exact: true }).click();
  await page.getByText("20 entries on this page").waitFor();
  await page.getByLabel("Record number").fill(" Deed 2026-1010 ");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("2 entries on this page").waitFor();
  assert.match(page.url(), /subject=Deed\+2026-1010/);
  await page.getByLabel("Record number").fill("");
  await page.getByLabel("Issuer", { exact: true }).fill(server.issuer.name);
  await page.getByLabel("Registered until").fill("2020-01-01");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("Nothing was found.").waitFor();
  await page.getByLabel("Registered until").fill(new Date().toISOString().slice(0, 10));
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("20 entries on this page").waitFor();
});

test("a file finds its own entries, by its hash, without leaving the browser", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startFilled(t);
  const page = await openPage(t, `${server.url}/search`);
  assert.ok(page);
  await page.getByLabel("SHA-256 hash of the file").fill("12ab");
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("has 64 digits").first().waitFor();
  assert.equal(new URL(page.url()).search, "");
  await page.setInputFiles("input[type=file]", {
    name: "deed.txt",
    mimeType: "text/plain",
    buffer: Buffer.from(content),
  });
  await page.waitForFunction(
    (hash) => document.querySelector<HTMLInputElement>("#hash")?.value === hash,
    encodeHex(sha256(content)),
  );
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByText("2 entries on this page").waitFor();
  await page.getByText("Entry 10 · text/plain").waitFor();
  await page.getByRole("link", { name: "Deed 2026-1010" }).last().click();
  await page.waitForURL("**/entry/10");
});

test("the search speaks Spanish on a phone, by keyboard alone, and says when the notary is away", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startFilled(t);
  const page = await openPage(t, `${server.url}/search?lang=es`, { width: "phone" });
  assert.ok(page);
  await tabTo(page, "#subject");
  await page.keyboard.type("Deed 2026-1003");
  await page.keyboard.press("Enter");
  await page.getByText("1 asiento en esta página").waitFor();
  await tabTo(page, ".results a");
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "search-phone-es");
  await page.route("**/v1/entries?**", (route) => route.abort());
  await page.goto(`${server.url}/search?lang=es&subject=x`);
  await page.getByText("No se puede contactar con el notario.").waitFor();
  await checkAccessibility(page);
});
