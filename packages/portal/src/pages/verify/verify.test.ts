/** The verify page as a citizen meets it: each verdict in a real Chromium, against a real notary. */
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { encodeVerifierKey, publicKey, sha256, signatureType } from "@attestry/core";
import type { Page } from "playwright-core";
import { createIssuer, type TestServer } from "../../../../server/src/testing.ts";
import {
  checkAccessibility,
  checkNoSideways,
  type OpenOptions,
  openPage,
  screenshot,
  startPortal,
  widths,
} from "../../../test/browser.ts";
import { flipByte, register, relationTo, type TestFile, testFile } from "../../../test/records.ts";
import type { Outcome } from "../../verify/question.ts";
import { verdicts as en } from "../../words/en/verdicts.ts";
import { verdicts as es } from "../../words/es/verdicts.ts";

/** The page of a running notary; undefined, and the test skipped, without a browser. */
async function visit(t: TestContext, path = "/", options: OpenOptions = {}): Promise<[Page, TestServer] | undefined> {
  const server = await startPortal(t);
  const page = await openPage(t, server.url + path, options);
  return page && [page, server];
}

async function drop(page: Page, ...files: TestFile[]): Promise<void> {
  await page.locator(":is(.verify, .next) > .file-drop input").setInputFiles(files as never);
}

/** Waits for the verdict and gives its outcome, its title and the whole of its words. */
async function verdict(page: Page): Promise<{ outcome: string | null; title: string; words: string }> {
  const panel = page.locator(".verdict");
  await panel.waitFor();
  const outcome = await panel.getAttribute("data-outcome");
  return { outcome, title: await panel.locator("h2").innerText(), words: await panel.innerText() };
}

/** Installs a trust file that names this notary's log and more. */
async function installTrust(page: Page, { notary }: TestServer, more: object): Promise<void> {
  const { origin, verifierKeys, receiptKeyUri } = notary;
  const file = { logs: [{ origin, verifierKeys, receiptKeys: [receiptKeyUri] }], ...more };
  const input = page.locator(".trust input");
  await input.setInputFiles(testFile("agency.json", Buffer.from(JSON.stringify(file))) as never);
}

const wordsOf = { en, es } as const;

/**
 * A verdict looks right to a person only if somebody looks: this makes the pictures, in English on a desktop and in Spanish on a
 * phone, and holds the page to WCAG in each, and at every width in both.
 */
async function examine(page: Page, name: string): Promise<void> {
  const { outcome } = await verdict(page);
  for (const [language, own] of [
    ["es", "phone"],
    ["en", "desktop"],
  ] as const) {
    await page.locator(`.site-header__languages [lang=${language}]`).click();
    const { title } = wordsOf[language].outcomes[outcome as Outcome];
    await page.locator(".verdict h2", { hasText: new RegExp(`^${title}$`) }).waitFor();
    for (const [width, size] of Object.entries(widths)) {
      await page.setViewportSize(size);
      await checkNoSideways(page);
      if (width !== own) continue;
      await checkAccessibility(page);
      await screenshot(page, `verify-${name}-${language}-${width}`);
    }
  }
}

/** Has the page fetch its words in the other language, which it cannot once the notary is away. */
async function loadBothLanguages(page: Page): Promise<void> {
  for (const language of ["es", "en"]) {
    await page.locator(`.site-header__languages [lang=${language}]`).click();
    await page.locator(`html[lang=${language}]`).waitFor();
  }
}

test("a registered file is verified from its content alone: who, when, where, and every check", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file } = await register(server);
  await drop(page, file);
  const { outcome, title, words } = await verdict(page);
  assert.deepEqual([outcome, title], ["verified", "Verified"]);
  assert.doesNotMatch(words, /cannot be reached/);
  const facts = await page.locator(".facts").innerText();
  assert.match(facts, /deed 4711/);
  assert.match(facts, /Existed by \w+ \d+, \d{4}/);
  assert.match(facts, /Entry 0 of the log/);
  await page.getByText(/^Every check \(\d+\)$/).click();
  const check = page.locator('[data-check="signature"]');
  assert.match(await check.innerText(), /Passed/);
  await check.locator("summary").click();
  await page.getByText("The signature covers").waitFor();
  await page.getByText("What this verdict rests on").click();
  assert.match(await page.locator(".trust").innerText(), /as this browser noted them/);
  await examine(page, "verified");
});

test("a record that quotes a checkpoint shows since when it can exist, and by whose clock", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  await register(server);
  const { origin, status } = server.notary;
  const { file } = await register(server, { claims: { after: { origin, ...status.head } } });
  await drop(page, file);
  assert.equal((await verdict(page)).outcome, "verified");
  const facts = await page.locator(".facts").innerText();
  assert.match(facts, /Signed after \w+ \d+, \d{4}.*, as it quotes entry count 1 of the log .*, by that log’s clock/);
  await examine(page, "interval");
});

test("a file that was altered by one byte is altered, whichever byte it is", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file, proof } = await register(server);
  for (const at of [0, 1000, file.buffer.length - 1]) {
    await drop(page, flipByte(file, at), proof);
    await page.locator('.verdict[data-outcome="altered"]').waitFor();
    await page.getByRole("button", { name: "Start over" }).click();
  }
  await drop(page, flipByte(file, 7), proof);
  assert.equal((await verdict(page)).title, "Altered");
  await page.getByRole("heading", { name: "The record that the proof is of" }).waitFor();
  await examine(page, "altered");
});

test("a proof that was altered by one byte is invalid or vouched for by nobody, and never verified", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file, proof } = await register(server);
  const seen = new Set<string | null>();
  for (let at = 0; at < proof.buffer.length; at += Math.ceil(proof.buffer.length / 12)) {
    await drop(page, file, flipByte(proof, at));
    seen.add((await verdict(page)).outcome);
    await page.getByRole("button", { name: "Start over" }).click();
  }
  for (const outcome of seen)
    assert.ok(["invalid", "untrusted", "altered", "other_file"].includes(String(outcome)), String(outcome));
  await drop(page, file, flipByte(proof, proof.buffer.length - 200));
  assert.equal((await verdict(page)).title, "Invalid proof");
  await examine(page, "invalid");
});

test("a proof of another file is named as such, and leads to the file's own record", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file } = await register(server);
  const other = await register(server, { name: "other.pdf" });
  await drop(page, file, other.proof);
  assert.deepEqual((await verdict(page)).outcome, "other_file");
  assert.equal(await page.locator(".verdict a").getAttribute("href"), "/entry/0");
  await examine(page, "other-file");
});

for (const [kind, outcome, reason] of [
  ["revokes", "revoked", "issued in error"],
  ["supersedes", "superseded", "boundary corrected"],
] as const) {
  test(`a statement that was ${outcome} says so, by whom and why, with an old proof as well`, async (t) => {
    const visited = await visit(t);
    if (visited === undefined) return;
    const [page, server] = visited;
    const record = await register(server);
    await server.batch([
      await server.issuer.statement({
        subject: "deed 4711",
        digest: kind === "revokes" ? sha256(record.file.buffer) : sha256(Buffer.from("the corrected deed")),
        relation: relationTo(record, kind, reason),
      }),
    ]);
    await drop(page, record.file);
    assert.equal((await verdict(page)).outcome, outcome);
    assert.match((await verdict(page)).words, new RegExp(`by the signer, .*${reason}`));
    await page.getByRole("button", { name: "Start over" }).click();
    await drop(page, record.file, record.proof);
    assert.equal((await verdict(page)).outcome, outcome);
    await examine(page, outcome);
  });
}

test("a signer whose enrolment was withdrawn since makes a verdict of its own, with the reason", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file } = await register(server);
  const [own] = server.notary.issuers.list().filter(({ issuer }) => issuer === server.issuer.name);
  assert.ok(own);
  await server.notary.issuers.revoke(own.id, "key lost with a laptop");
  await drop(page, file);
  const { outcome, title, words } = await verdict(page);
  assert.deepEqual([outcome, title], ["issuer_revoked", "Signer no longer accepted"]);
  assert.match(words, /Withdrawn on .*key lost with a laptop/s);
  await examine(page, "issuer-revoked");
});

test("content that the notary does not have is not found, and a proof can be added", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { proof } = await register(server);
  await drop(page, testFile("letter.txt", Buffer.from("never registered")));
  assert.equal((await verdict(page)).outcome, "not_found");
  await examine(page, "not-found");
  await drop(page, proof);
  await page.locator('.verdict[data-outcome="altered"]').waitFor();
});

test("an unreachable notary: without a proof nothing is said of the file, with one it is checked all the same", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file, proof } = await register(server);
  await drop(page, file);
  await verdict(page); // the notary is met, and all that verifies is loaded
  await loadBothLanguages(page);
  await page.getByRole("button", { name: "Start over" }).click();
  await server.close();
  await drop(page, file);
  const alone = await verdict(page);
  assert.equal(alone.outcome, "unreachable");
  assert.match(alone.words, /says nothing about the file/);
  await examine(page, "unreachable");
  await drop(page, proof);
  await page.locator('.verdict[data-outcome="verified"]').waitFor();
  assert.match((await verdict(page)).words, /notary cannot be reached/);
  await examine(page, "verified-offline");
  await page.getByRole("button", { name: "Start over" }).click();
  await drop(page, flipByte(file, 0), proof);
  assert.equal((await verdict(page)).outcome, "altered");
});

test("a proof without its file waits for the file; one that lacks what the trust asks for cannot be told yet", async (t) => {
  const visited = await visit(t);
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file, proof } = await register(server);
  await drop(page, proof);
  assert.equal((await verdict(page)).outcome, "registered");
  await examine(page, "registered");
  await drop(page, file);
  await page.locator('.verdict[data-outcome="verified"]').waitFor();

  // A witness that has not cosigned, and then an issuer that is somebody else.
  await page.getByText("What this verdict rests on").click();
  const key = publicKey("EdDSA", createIssuer("ed25519").signer.publicKey.bytes);
  const witness = encodeVerifierKey("w.example/1", key, signatureType.ed25519Cosignature);
  await installTrust(page, server, { witnesses: [witness], quorum: 1 });
  await page.locator('.verdict[data-outcome="incomplete"]').waitFor();
  assert.match((await verdict(page)).words, /Fewer witnesses/);
  await examine(page, "incomplete");
  await installTrust(page, server, { issuers: [{ issuer: "https://other.example", keys: [server.issuer.name] }] });
  await page.locator('.verdict[data-outcome="untrusted"]').waitFor();
  await examine(page, "untrusted");
});

test("a certificate's link shows the record, and the file is compared with it", async (t) => {
  const server = await startPortal(t);
  const { file } = await register(server);
  const hash = sha256(file.buffer).toHex();
  const page = await openPage(t, `${server.url}/?hash=${hash}`);
  if (page === undefined) return;
  assert.equal((await verdict(page)).outcome, "registered");
  await drop(page, flipByte(file, 3));
  await page.locator('.verdict[data-outcome="altered"]').waitFor();
  await drop(page, file);
  await page.locator('.verdict[data-outcome="verified"]').waitFor();
  await page.goto(`${server.url}/?hash=12`);
  await page.getByText("The link names no record").waitFor();
});

test("in Spanish, on a phone: the checks and the trust", async (t) => {
  const visited = await visit(t, "/?lang=es", { width: "phone" });
  if (visited === undefined) return;
  const [page, server] = visited;
  const { file } = await register(server);
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "verify-front-es-phone");
  await drop(page, file);
  assert.equal((await verdict(page)).title, "Verificado");
  await page.getByText(/^Todas las comprobaciones/).click();
  await page.locator('[data-check="content"] summary').click();
  await page.getByText("En qué se apoya").first().click();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "verify-checks-es-phone");
});
