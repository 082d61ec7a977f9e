// The page `admin`: each section's whole story, in a real browser against a real notary.
import assert from "node:assert/strict";
import { KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { encodeBase64Url, encodeCoseKey, encodeHex, sha256, signStatement } from "@attestry/core";
import { createAccessClient } from "@attestry/core/client";
import { anvilAccountKey, startAnvil } from "@attestry/ledger";
import { createAccount, deployContract } from "@attestry/ledger/evm";
import type { Locator, Page } from "playwright-core";
import { issue, pem } from "../../../../core/src/x509/test-certificates.ts";
import { ledgerPlace } from "../../../../server/src/anchoring/places.ts";
import type { ServerOptions } from "../../../../server/src/server.ts";
import {
  claimsOf,
  createIssuer,
  now,
  signerOf,
  type TestServer,
  temporaryFolder,
} from "../../../../server/src/testing.ts";
import { startWitness } from "../../../../server/src/witness/server.ts";
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

interface Office {
  readonly server: TestServer;
  readonly page: Page;
}

interface Wanted extends OpenOptions {
  readonly server?: Partial<ServerOptions>;
  /** After `/admin`. */
  readonly at: string;
}

/** The page of somebody who came by the link that the notary shows at its start. */
async function enter(t: TestContext, { server: options, at, ...rest }: Wanted): Promise<Office> {
  const server = await startPortal(t, options);
  const page = await openPage(t, server.makePortalLink(), rest);
  assert.ok(page);
  await page.goto(`${server.url}/admin${at}`);
  await page.locator("h2").first().waitFor();
  return { server, page };
}

const row = (page: Page, text: string): Locator => page.locator(".listed__one", { hasText: text });
const clientOf = (server: TestServer) => createAccessClient({ url: server.url, token: server.token });
/** A name that would run as a script, and turn the text after it around, where it was not taken as text. */
const hostile = "<img src=x onerror=alert(1)> \u202egnp.exe";

async function look(page: Page, name: string): Promise<void> {
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, name);
}

/** The newest actions of the notary, by name. */
async function actions(server: TestServer, count: number): Promise<string[]> {
  return (await clientOf(server).listActions(count)).map(({ action }) => action);
}

test("an administrator enrols a clerk's key and withdraws it; each is an entry that the record leads to", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "" });
  await page.getByRole("link", { name: "Issuers" }).and(page.locator("[aria-current=page]")).waitFor();
  await page.getByText("Enrol an issuer").click();
  await page.getByLabel("Key or certificate").fill("no key at all");
  await page.getByRole("button", { name: "Enrol", exact: true }).click();
  await page.getByText("This is neither a key").waitFor();
  await page.locator("#issuer-what:focus").waitFor();
  const key = encodeBase64Url(encodeCoseKey(createIssuer().signer.publicKey));
  await page.getByLabel("Key or certificate").fill(`  ${key}\n`);
  await page.getByLabel("Name that the statements carry").fill(hostile);
  await look(page, "admin-issuers-form");
  await page.getByRole("button", { name: "Enrol", exact: true }).click();
  await row(page, "<img src=x").waitFor();
  assert.equal(await page.locator(".name", { hasText: "<img src=x" }).first().textContent(), hostile);
  assert.match((await page.locator(".done").textContent()) ?? "", /Done, and in the record of actions/);
  assert.deepEqual(await actions(server, 1), ["issuer-added"]);
  // the same key again under another name
  await page.getByText("Enrol an issuer").click();
  await page.getByLabel("Key or certificate").fill(key);
  await page.getByLabel("Name that the statements carry").fill("https://other.example");
  await page.getByRole("button", { name: "Enrol", exact: true }).click();
  await page.getByText("There is one already with this name, key or certificate.").waitFor();
  const notary = row(page, "The notary’s own key");
  await notary.waitFor();
  assert.equal(await notary.getByRole("button").count(), 0, "nobody can withdraw it");
  await row(page, "<img src=x").getByRole("button", { name: "Withdraw" }).click();
  assert.ok(await row(page, "<img src=x").locator(".ask button[type=submit]").isDisabled(), "it asks for the reason");
  await page.getByLabel("Reason").fill("has left the office");
  await look(page, "admin-issuers");
  await page.locator(".ask button[type=submit]").click();
  await page.getByText("Withdrawn (1)").click();
  await page.getByText("has left the office").waitFor();
  const [ended] = server.notary.issuers.list().filter(({ revoked }) => revoked !== undefined);
  assert.deepEqual([ended?.issuer, ended?.revoked?.reason], [hostile, "has left the office"]);
  await page.getByRole("link", { name: "record of actions" }).first().click();
  await row(page, "Issuer withdrawn: <img").waitFor();
  await row(page, "Issuer withdrawn").getByText("Details").click();
  await look(page, "admin-actions");
  await row(page, "Issuer withdrawn").getByRole("link").click();
  await page.locator(".verdict[data-outcome=registered]").waitFor();
});

test("a token's secret is shown once, copied, works, and is nowhere else; revoked, it opens nothing", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "/tokens", permissions: ["clipboard-read", "clipboard-write"] });
  await page.getByText("There is no token and no certificate yet.").waitFor();
  await page.getByText("Make a token or enrol a certificate").click();
  await page.getByLabel("Last day").fill("2001-01-01");
  await page.getByRole("button", { name: "Make the token" }).click();
  for (const text of ["Give a name of 1 to 64", "Choose at least one role.", "Choose a day that is not past."])
    await page.getByText(text).waitFor();
  await page.locator("#token-name:focus").waitFor();
  await page.getByLabel("Name", { exact: true }).fill("case system");
  await page.getByLabel("Auditor").check();
  await page.getByLabel("Last day").fill("");
  await look(page, "admin-tokens-form");
  await page.getByRole("button", { name: "Make the token" }).click();
  await page.getByText("Copy the token now").waitFor();
  await page.locator(":focus", { hasText: /^Copy the token now/ }).waitFor();
  const token = (await page.locator(".secret .key").textContent()) ?? "";
  assert.match(token, /^atk_[\w-]{43}$/);
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByText("Copied.").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), token);
  await checkAccessibility(page);
  await page.locator(".secret .key").evaluate((key) => key.replaceChildren("atk_…")); // pictures are kept
  await screenshot(page, "admin-token-secret");
  const ask = () => fetch(`${server.url}/v1/actions`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask()).status, 200);
  const kept = await page.evaluate(async () => {
    const databases = (await indexedDB.databases()).map(({ name }) => name);
    const cached = await Promise.all((await caches.keys()).map(async (name) => (await caches.open(name)).keys()));
    return JSON.stringify([
      location.href,
      { ...localStorage },
      { ...sessionStorage },
      history.state,
      databases,
      cached,
    ]);
  });
  assert.ok(!kept.includes("atk_"), kept);
  await page.getByRole("button", { name: "I have it" }).click();
  await page.reload();
  await row(page, "case system").waitFor();
  assert.ok(!(await page.content()).includes("atk_"));
  await page.getByText("Make a token or enrol a certificate").click();
  await page.getByLabel("Client certificate").check();
  await page.getByLabel("Name", { exact: true }).fill("gateway");
  await page.getByLabel("Name in the certificate").fill(`CN=${hostile}`);
  await page.getByLabel("Creator").check();
  await page.getByRole("button", { name: "Enrol the certificate" }).click();
  await page.getByText("The notary does not take this as it is.").waitFor(); // a name that turns the text around
  await page.getByLabel("Name in the certificate").fill("CN=<b>gateway</b>,O=Kent");
  await page.getByRole("button", { name: "Enrol the certificate" }).click();
  await row(page, "CN=<b>gateway</b>,O=Kent").waitFor();
  assert.equal(await page.locator(".secret").count(), 0, "a certificate has no secret to show");
  await row(page, "case system").getByRole("button", { name: "Revoke" }).click();
  await look(page, "admin-tokens");
  await page.locator(".ask button[type=submit]").click();
  await page.getByText("Revoked or expired (1)").waitFor();
  assert.equal((await ask()).status, 401);
  assert.deepEqual(await actions(server, 3), ["token-revoked", "token-added", "token-added"]);
});

test("an administrator sees who is signed in and signs somebody out", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "/sessions" });
  await page.locator(".listed__one").waitFor(); // and it is one, or playwright would not know which
  const other = await openPage(t, server.makePortalLink());
  assert.ok(other);
  await page.reload();
  await page.locator(".listed__one").nth(1).waitFor();
  assert.equal(await page.getByText("You", { exact: true }).count(), 1);
  await page.locator(".listed__one").first().getByRole("button").click(); // the newest
  await look(page, "admin-sessions");
  await page.locator(".ask button[type=submit]").click();
  await page.locator(".done", { hasText: "Done" }).waitFor();
  await page.locator(".listed__one").nth(1).waitFor({ state: "detached" });
  assert.deepEqual(await actions(server, 1), ["session-ended"]);
  await other.goto(`${server.url}/admin/sessions`);
  await other.getByText("Sign in first").waitFor();
  await page.locator(".listed__one .role", { hasText: "You" }).waitFor();
  // a session that ended by itself while the page was open
  const [own] = await clientOf(server).listSessions();
  await clientOf(server).endSession(own?.id ?? "");
  await page.getByRole("button", { name: "Sign out" }).last().click();
  await page.locator(".ask button[type=submit]").click();
  await page.getByText("You are signed in no more.").waitFor();
  await checkAccessibility(page);
});

test("an issuer is enrolled by its root certificate, and whom the root vouches for may register", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "/issuers" });
  const validity = { notBefore: now() - 3600, notAfter: now() + 3600 };
  const root = await issue({ subject: "CN=State Root", ca: {}, ...validity });
  const names = [{ type: "url", value: "https://deeds.kent.example.gov" } as const];
  const leaf = await issue({ subject: "CN=Registrar", by: root, names, ...validity });
  const signer = signerOf(KeyObject.from(leaf.keys.privateKey));
  const register = async (): Promise<unknown> => {
    const claims = claimsOf("https://deeds.kent.example.gov");
    const { entries } = await server.batch([await signStatement(claims, signer, { chain: [leaf.der] })]);
    return entries[0]?.get("index");
  };
  assert.equal(await register(), undefined);
  await page.getByText("Enrol an issuer").click();
  await page.getByLabel("Key or certificate").fill(pem(root.der).replace("\nMII", "\nMIJ"));
  await page.getByRole("button", { name: "Enrol", exact: true }).click();
  await page.getByText("The notary cannot read this certificate.").waitFor();
  await page.getByLabel("Key or certificate").fill(pem(root.der));
  await page.getByLabel("Name that the statements carry").fill("https://deeds.kent.example.gov");
  await page.getByRole("button", { name: "Enrol", exact: true }).click();
  const enrolled = row(page, "https://deeds.kent.example.gov");
  await enrolled.getByText("Root certificate").waitFor();
  await page.locator(".done:focus").waitFor();
  await look(page, "admin-issuers-root");
  assert.deepEqual(await actions(server, 1), ["issuer-added"]);
  assert.equal(typeof (await register()), "number");
});

test("a witness that cosigns and a chain that carries anchors are shown as working, and in trouble once they are gone", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const chain = await startAnvil();
  t.after(() => chain.close());
  const account = createAccount(anvilAccountKey);
  const { contract } = await deployContract({ url: chain.url, chainId: chain.chainId, account });
  const data = temporaryFolder(t);
  const first = await startPortal(t, { data }); // the witness must know the log's keys, and the log the witness's
  const logs = first.notary.verifierKeys;
  await first.close();
  const university = await startWitness({ data: temporaryFolder(t), logs, port: 0, name: "university.example.edu" });
  t.after(() => university.close());
  const verifierKeys = university.witness.verifierKeys.map(({ text }) => text);
  const server = { data, witnesses: [{ url: university.url, verifierKeys }] };
  const anchoring = [ledgerPlace({ url: chain.url, contract, account, everyMs: 100, finality: 0 })];
  const { server: notary, page } = await enter(t, { at: "/places", server: { ...server, anchoring } });
  await notary.batch([await notary.issuer.statement()]);
  const witness = row(page, "university.example.edu");
  await witness.getByText("Working").waitFor();
  await witness.getByText(/^Cosigned 1 of 1 entries/).waitFor();
  const ledger = row(page, "Covers 1 of 1 entries");
  await ledger.getByText("Working").waitFor();
  await row(page, "Final of the tree of size 1").waitFor();
  await look(page, "admin-places-working");
  await university.close();
  await chain.close();
  await notary.batch([await notary.issuer.statement()]);
  await witness.getByText("In trouble").waitFor();
  await witness.getByText(/^Cosigned 1 of 2 entries/).waitFor();
  const lost = row(page, "Covers 1 of 2 entries");
  await lost.getByText("In trouble").waitFor();
  await look(page, "admin-places-trouble");
});

test("a witness that never answers is in trouble, and a log that is anchored nowhere says so", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const gone = await startWitness({ data: temporaryFolder(t), logs: [], port: 0, name: "university.example.edu" });
  await gone.close();
  const verifierKeys = gone.witness.verifierKeys.map(({ text }) => text);
  const { server, page } = await enter(t, { at: "/places", server: { witnesses: [{ url: gone.url, verifierKeys }] } });
  await server.batch([await server.issuer.statement()]);
  await row(page, "university.example.edu").getByText("In trouble").waitFor();
  await page.getByText("Cosigned 0 of 1 entries").waitFor();
  await page.getByText("The log is anchored nowhere.").waitFor();
  await look(page, "admin-places");
});

test("record classes are shown, added and changed, keys rotate with their progress, and a sweep tells what it removed", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const data = temporaryFolder(t);
  const recordClasses = { deeds: "forever", bodycam: 30, permits: 730 };
  writeFileSync(join(data, "vault.json"), JSON.stringify({ recordClasses }));
  const { server, page } = await enter(t, { at: "/vault", server: { data } });
  const kept = async (name: string) => page.locator("tr", { hasText: name }).locator("td").textContent();
  await page.locator("tr", { hasText: "bodycam" }).waitFor();
  assert.deepEqual(
    [await kept("general"), await kept("deeds"), await kept("bodycam"), await kept("permits")],
    ["No set time", "Forever", "30 days", "2 years"],
  );
  await page.getByText("Add or change a record class").click();
  await page.getByRole("button", { name: "Save the class" }).click();
  await page.locator("#class-name:focus").waitFor();
  await page.getByText("Give a whole number of at least 1").waitFor();
  await page.getByLabel("Name of the new class").fill("deeds");
  await page.getByText("that no class has yet.").waitFor();
  await page.getByLabel("Name of the new class").fill("drone-video");
  await page.getByRole("button", { name: "Save the class" }).click();
  await page.locator("#class-amount:focus").waitFor();
  await look(page, "admin-class-form");
  await page.getByLabel("Its records are kept at least").selectOption("A number of years (of 365 days)");
  await page.getByLabel("Years").fill("5");
  await page.getByRole("button", { name: "Save the class" }).click();
  await page.locator(".done:focus").waitFor();
  await page.locator("tr", { hasText: "drone-video" }).getByText("5 years").waitFor();
  await page.getByText("Add or change a record class").click();
  await page.locator("#class-which").selectOption("bodycam");
  await page.getByLabel("Its records are kept at least").selectOption("Forever");
  await page.getByRole("button", { name: "Save the class" }).click();
  await page.locator("tr", { hasText: "bodycam" }).getByText("Forever").waitFor();
  await page.getByText("What is stored already keeps the period").waitFor();
  assert.deepEqual(
    (await clientOf(server).listActions(2)).map(({ action, facts }) => [action, facts]),
    [
      ["class-changed", { name: "bodycam", retention: "forever", before: 30 * 86_400 }],
      ["class-added", { name: "drone-video", retention: 5 * 365 * 86_400 }],
    ],
  );
  const before = await page.locator(".key").textContent();
  await page.getByRole("button", { name: "Rotate" }).click();
  await page.getByLabel("Forget the old keys").check();
  await look(page, "admin-vault");
  await page.locator(".ask button[type=submit]").click();
  await page.locator(".rows__one", { hasText: "Last rotation" }).getByText("Done").waitFor();
  assert.notEqual(await page.locator(".key").textContent(), before);
  await page.getByRole("button", { name: "Sweep now" }).click();
  await page.locator(".ask button[type=submit]").click();
  await page.getByText("Swept. Uploads removed: 0; left-over objects removed: 0.").waitFor();
  assert.deepEqual(await actions(server, 2), ["vault-swept", "keys-rotated"]);
  const [, rotated] = await clientOf(server).listActions(2);
  assert.deepEqual(rotated?.facts, { forget: true });
});

/** Registers a statement about content, and keeps the content in the vault. */
async function store(server: TestServer, subject: string): Promise<void> {
  const content = Buffer.from(subject.repeat(100));
  await server.batch([await server.issuer.statement({ subject, digest: sha256(content) })]);
  const path = `/v1/objects/${encodeHex(sha256(content))}?purpose=filing`;
  const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/pdf" };
  const response = await server.fetch(path, { method: "PUT", headers, body: content });
  assert.equal(response.status, 200, await response.text());
}

test("an audit run from the page finds nothing, and after log and vault were tampered with names what", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "/audit", server: { auditEvery: 86_400 } });
  const subject = "deed <b>4711</b>";
  await store(server, subject);
  await page.getByText("No audit has ended yet.").waitFor();
  const first = await page.getByText("The next begins by itself on").locator("time").getAttribute("datetime");
  await page.getByRole("button", { name: "Run an audit" }).click();
  await page.locator(".running progress").waitFor();
  await checkAccessibility(page);
  await page.getByText("All that was looked at holds").waitFor();
  const next = await page.getByText("The next begins by itself on").locator("time").getAttribute("datetime");
  assert.ok(Date.parse(next ?? "") - Date.parse(first ?? "") > 80_000_000, "a day after the end of this one");
  await look(page, "admin-audit-holds");
  const log = new DatabaseSync(join(server.data, "log.db"));
  log.exec("DELETE FROM seen WHERE idx = 0");
  log.close();
  const vault = new DatabaseSync(join(server.data, "vault.db"));
  vault.exec("UPDATE vault_object SET record_class = 'other'");
  vault.close();
  await page.getByRole("button", { name: "Run an audit" }).click();
  await page.getByText("2 things do not hold").waitFor();
  const edited = row(page, subject);
  await edited.getByText("Row of a stored record: changed").waitFor();
  assert.match(await edited.innerText(), /was edited: recordClass is "other", not "general"/);
  await row(page, "Entry 0").getByText("The row that tells a duplicate of entry 0 is missing.").waitFor();
  await look(page, "admin-audit-fails");
  await row(page, "Entry 0").getByRole("link", { name: "Entry 0" }).click();
  await page.locator(".verdict").waitFor();
  writeFileSync(join(server.data, "vault.json"), "{");
  await page.goto(`${server.url}/admin/audit?lang=es`);
  await page.getByRole("button", { name: "Hacer una auditoría" }).click();
  await page.getByText("La auditoría no llegó a su fin").waitFor();
  assert.ok(!(await page.locator("main").innerText()).includes(server.data), "no path leaves the machine");
  await look(page, "admin-audit-stopped-es");
});

test("in Spanish, on a phone, by keyboard alone: from section to section, a token made, somebody signed out and an audit run", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const { server, page } = await enter(t, { at: "?lang=es", width: "phone" });
  await page.locator(".listed__one").first().waitFor();
  await look(page, "admin-issuers-phone-es");
  await tabTo(page, "a[href='/admin/tokens']");
  await page.keyboard.press("Enter");
  await page.getByText("Todavía no hay claves de acceso ni certificados.").waitFor();
  await tabTo(page, ".maker summary");
  await page.keyboard.press("Enter");
  await tabTo(page, "#token-name");
  await page.keyboard.type("archivo");
  await tabTo(page, ".choices input[type=checkbox]");
  await page.keyboard.press("Space");
  await page.keyboard.press("Enter");
  await page.getByText("Copie ahora la clave de acceso").waitFor();
  await page.locator(".secret .key").evaluate((key) => key.replaceChildren(`atk_${"x".repeat(43)}`));
  await look(page, "admin-secret-phone-es");
  await tabTo(page, ".secret button.usa-button--outline");
  await page.keyboard.press("Enter");
  await tabTo(page, ".act__open");
  await page.keyboard.press("Enter");
  await page.locator(".ask:focus").waitFor();
  await tabTo(page, ".ask button[type=button]");
  await page.keyboard.press("Enter");
  await page.locator(".act__open:focus").waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".ask:focus").waitFor();
  await tabTo(page, ".ask button[type=submit]", 3);
  await page.keyboard.press("Enter");
  await page.getByText("Revocados o vencidos (1)").waitFor();
  await page.locator(".done:focus").waitFor();
  assert.deepEqual(await actions(server, 2), ["token-revoked", "token-added"]);
  await page.keyboard.press("Shift+Tab");
  await tabTo(page, "a[href='/admin/actions']");
  await page.keyboard.press("Enter");
  await row(page, "Clave de acceso o certificado revocado: archivo").waitFor();
  await look(page, "admin-actions-phone-es");
  await page.goto(`${server.url}/admin/issuers?lang=es`);
  await tabTo(page, ".maker summary");
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await tabTo(page, "#issuer-what", 1);
  await checkFocusShows(page);
  await page.keyboard.type("nada");
  await tabTo(page, ".maker button[type=submit]", 2);
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await page.locator("#issuer-what:focus[aria-invalid=true]").waitFor();
  await page.locator("#issuer-what-error[role=alert]", { hasText: /./ }).waitFor();
  await page.goto(`${server.url}/admin/vault?lang=es`);
  await tabTo(page, ".maker summary");
  await page.keyboard.press("Enter");
  await tabTo(page, "#class-which", 1);
  await checkFocusShows(page);
  await tabTo(page, "#class-name", 1);
  await page.keyboard.press("Enter");
  await page.locator("#class-name:focus[aria-invalid=true]").waitFor();
  await page.locator("#class-name-error[role=alert]", { hasText: /./ }).waitFor();
  await look(page, "admin-class-form-phone-es");
  await page.keyboard.type("planos");
  await tabTo(page, "#class-keep", 1);
  await page.keyboard.press("ArrowDown");
  await tabTo(page, "#class-amount", 1);
  await page.keyboard.type("2");
  await page.keyboard.press("Enter");
  await page.locator(".done:focus").waitFor();
  await page.locator("tr", { hasText: "planos" }).getByText("2 años").waitFor();
  await tabTo(page, ".act__open");
  await page.keyboard.press("Enter");
  await page.locator(".ask:focus").waitFor();
  await tabTo(page, ".ask input[type=checkbox]", 1);
  await checkFocusShows(page);
  const other = await openPage(t, server.makePortalLink());
  assert.ok(other);
  await page.goto(`${server.url}/admin/sessions?lang=es`);
  await page.locator(".listed__one").nth(1).waitFor();
  await tabTo(page, ".listed__one:first-child .act__open"); // the newest
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await page.locator(".ask:focus").waitFor();
  await look(page, "admin-sign-out-phone-es");
  await tabTo(page, ".ask button[type=submit]", 1);
  await checkFocusShows(page);
  await page.keyboard.press("Enter");
  await page.locator(".done:focus").waitFor();
  await page.locator(".listed__one").nth(1).waitFor({ state: "detached" });
  await page.locator(".listed__one .role", { hasText: "Usted" }).waitFor();
  assert.deepEqual(await actions(server, 1), ["session-ended"]);
  await other.goto(`${server.url}/admin/sessions`);
  await other.getByText("Sign in first").waitFor();
  for (const section of ["vault", "places", "sessions", "audit"]) {
    await page.goto(`${server.url}/admin/${section}?lang=es`);
    await page.locator(".admin__room p:visible").first().waitFor();
    await look(page, `admin-${section}-phone-es`);
  }
  await tabTo(page, ".admin__room > button");
  await page.keyboard.press("Enter");
  await page.getByText("Todo lo examinado es válido").waitFor();
  await look(page, "admin-audit-done-phone-es");
});

test("the record of actions is read page by page", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  const access = clientOf(server);
  for (let at = 0; at < 52; at++) await access.addToken({ name: `camera ${at}`, roles: ["creator"] });
  const page = await openPage(t, server.makePortalLink());
  assert.ok(page);
  await page.goto(`${server.url}/admin/actions`);
  await page.getByRole("button", { name: "Show older ones" }).click();
  await row(page, "camera 0").waitFor();
  assert.equal(await page.locator(".listed__one").count(), 52);
  assert.equal(await page.getByRole("button", { name: "Show older ones" }).count(), 0);
});

test("who is not signed in, has another role, or only reads, is told so and shown no more", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  await server.batch([await server.issuer.statement()]);
  const page = await openPage(t, `${server.url}/admin/tokens`);
  assert.ok(page);
  await page.getByText("Sign in first").waitFor();
  assert.equal(await page.locator("header a[href='/admin']").count(), 0);
  await checkAccessibility(page);
  await page.goto(server.makePortalLink());
  let permissions: readonly string[] = ["object:read", "object:store", "class:read"];
  await page.route("**/v1/session", async (route) => {
    const session = await (await route.fetch()).json();
    await route.fulfill({ json: { ...session, permissions } });
  });
  await page.goto(`${server.url}/admin/tokens`);
  await page.getByText("Your role does not open this").waitFor();
  await look(page, "admin-forbidden");
  permissions = ["custody:read", "class:read", "action:read", "audit:run"];
  await page.goto(`${server.url}/admin/tokens`);
  await page.getByText("Your role does not open this").waitFor();
  const shown = await page.locator(".admin__nav a").allTextContents();
  assert.deepEqual(shown, ["Issuers", "Witnesses and ledgers", "Retention and keys", "Audit", "Record of actions"]);
  for (const name of ["Issuers", "Retention and keys"]) {
    await page.getByRole("link", { name }).click();
    await page.locator("#room", { hasText: name }).waitFor();
    await page.locator(".listed__one, tbody tr").first().waitFor();
    assert.equal(await page.locator(".admin__room button, .maker").count(), 0, "an auditor changes nothing");
    await checkAccessibility(page);
  }
  await page.route("**/v1/issuers", (route) => route.abort());
  await page.goto(`${server.url}/admin/issuers`);
  await page.getByText("The notary cannot be reached.").waitFor();
});
