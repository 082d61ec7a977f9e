import assert from "node:assert/strict";
import { KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import {
  encodeHex,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  parseStatement,
  sha256,
  signStatement,
} from "@attestry/core";
import { parseCertificate } from "@attestry/core/x509";
import { openSqliteAnchorStore } from "@attestry/ledger";
import { issue } from "../../../../core/src/x509/test-certificates.ts";
import { keptAnchor } from "../../../../server/src/anchoring/testing.ts";
import { now, type TestServer, temporaryFolder } from "../../../../server/src/testing.ts";
import { startWitness } from "../../../../server/src/witness/server.ts";
import {
  checkAccessibility,
  checkNoSideways,
  openBrowser,
  openPage,
  screenshot,
  startPortal,
  tabTo,
} from "../../../test/browser.ts";
import { flipByte, testFile } from "../../../test/records.ts";

const content = new TextEncoder().encode("The deed of lot 17\n");
const file = { name: "deed.txt", mimeType: "text/plain", buffer: Buffer.from(content) };
const issuerName = "https://deeds.kent.example.gov";

/** One entry by an issuer with a certificate, cosigned by a witness and anchored on a ledger. */
async function startAnchored(t: TestContext): Promise<TestServer> {
  const data = temporaryFolder(t);
  const first = await startPortal(t, { data, origin: "log.kent.example.gov" });
  const { verifierKeys, origin } = first.notary;
  await first.close();
  const witness = await startWitness({
    data: temporaryFolder(t),
    logs: [verifierKeys[0] ?? ""],
    port: 0,
    name: "county.example.gov/w1",
  });
  t.after(() => witness.close());
  const keys = witness.witness.verifierKeys.map(({ text }) => text);
  const options = { data, witnesses: [{ url: witness.url, verifierKeys: keys }], witnessWait: 10_000 };
  const second = await startPortal(t, options);
  const root = await issue({ subject: "CN=Kent County Root,O=Kent County", ca: {}, ...thisHour() });
  await second.notary.issuers.addRoot(root.der);
  await second.batch([await certified(root)]);
  const proof = parseProofFile(await second.notary.proofFile(0));
  const checkpoint = parseCheckpoint(parseNote(proof.receipts[0]?.evidence.checkpoint ?? new Uint8Array()).text);
  await second.close();
  await anchor(data, origin, checkpoint);
  return startPortal(t, options);
}

const thisHour = () => ({ notBefore: now() - 3600, notAfter: now() + 3600 });

async function certified(root: Awaited<ReturnType<typeof issue>>): Promise<Uint8Array> {
  const leaf = await issue({
    subject: "CN=Registrar of Deeds,O=Kent County",
    by: root,
    names: [{ type: "url", value: issuerName }],
    ...thisHour(),
  });
  const { publicKey } = parseCertificate(leaf.der);
  assert.ok(publicKey);
  const key = { key: KeyObject.from(leaf.keys.privateKey), dsaEncoding: "ieee-p1363" } as const;
  const signer = { publicKey, sign: async (bytes: Uint8Array) => new Uint8Array(sign("sha256", bytes, key)) };
  const claims = {
    issuer: issuerName,
    subject: "Deed 2026-4711",
    issuedAt: now(),
    digest: sha256(content),
    contentType: "text/plain",
  };
  return signStatement(claims, signer, { chain: [leaf.der, root.der] });
}

async function anchor(data: string, origin: string, checkpoint: ReturnType<typeof parseCheckpoint>): Promise<void> {
  const store = openSqliteAnchorStore(data);
  await store.put(await keptAnchor({ ...checkpoint, origin }, now()));
  await store.close();
}

test("an entry shows its whole chain, verified in the browser, with its proof and its certificate", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startAnchored(t);
  const page = await openPage(t, `${server.url}/entry/0`);
  assert.ok(page);
  await page.locator(".verdict[data-outcome=registered]").waitFor();
  for (const text of [
    "Deed 2026-4711",
    "text/plain",
    issuerName,
    "CN=Registrar of Deeds",
    "CN=Kent County Root",
    "log.kent.example.gov",
    "county.example.gov/w1",
    "Holds, under the key that the notary names",
    "Chain 1337",
    "Block 4711",
    "The log holds none that replaces or revokes this entry.",
  ])
    assert.ok(await page.locator(".chain").getByText(text).first().isVisible(), text);
  assert.equal(await page.locator(".chain__status--pass").count(), 5);
  assert.equal(await page.locator(".chain__status--unknown").count(), 1, "no trust file names the ledger");
  assert.equal(await page.locator(".chain .hash").first().textContent(), encodeHex(sha256(content)));
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "entry-desktop");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByText("Download the proof").click()]);
  assert.equal(download.suggestedFilename(), "entry-0.proof");
  assert.deepEqual(
    parseProofFile(new Uint8Array(readFileSync(await download.path()))).statement.digest,
    sha256(content),
  );
  const pdf = await page.getByText("Certificate to print").getAttribute("href");
  const response = await server.fetch(pdf ?? "");
  assert.equal(response.headers.get("content-type"), "application/pdf");
});

test("a file that is compared with the entry is found the same, or altered", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  await server.batch([await server.issuer.statement({ digest: sha256(content) })]);
  const page = await openPage(t, `${server.url}/entry/0`);
  assert.ok(page);
  await page.locator(".verdict[data-outcome=registered]").waitFor();
  await page.setInputFiles("input[type=file]", file);
  await page.locator(".verdict[data-outcome=verified]").waitFor();
  await page.locator(":focus", { hasText: /^Verified$/ }).waitFor();
  await page.setInputFiles("input[type=file]", { ...file, buffer: Buffer.from("The deed of lot 18\n") });
  await page.locator(".verdict[data-outcome=altered]").waitFor();
  await checkAccessibility(page);
});

test("a revocation shows at once, on a phone and in Spanish, and leads to the statement that says so", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  const statement = await server.issuer.statement({ digest: sha256(content), subject: "Acta 17" });
  await server.batch([statement]);
  const target = leafHash(parseStatement(statement).entry);
  const relation = { kind: "revokes", target, reason: "inscrita dos veces" } as const;
  await server.batch([await server.issuer.statement({ digest: sha256(content), subject: "Acta 17", relation })]);
  const page = await openPage(t, `${server.url}/entry/0?lang=es`, { width: "phone" });
  assert.ok(page);
  await page.locator(".verdict[data-outcome=revoked]").waitFor();
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "entry-revoked-phone-es");
  await tabTo(page, ".chain a");
  await page.keyboard.press("Enter");
  await page.getByText("Revoca el asiento con el hash de hoja").waitFor();
  assert.match(page.url(), /\/entry\/1\?lang=es/);
  assert.equal(await page.locator("h1").textContent(), "Asiento 1");
});

test("an entry that is not there, a proof that was changed on its way, and a notary that is away are told apart", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  await server.batch([await server.issuer.statement()]);
  const page = await openPage(t, `${server.url}/entry/5`);
  assert.ok(page);
  await page.getByText("There is no such entry").waitFor();
  await checkAccessibility(page);
  await page.route("**/v1/entries/0/proof", async (route) => {
    const body = await (await route.fetch()).body();
    const { signature } = parseProofFile(body).statement;
    await route.fulfill({ body: flipByte(testFile("proof", body), body.indexOf(signature) + 5).buffer });
  });
  await page.goto(`${server.url}/entry/0`);
  await page.locator(".verdict[data-outcome=invalid]").waitFor();
  await page.locator(".chain__link").first().locator(".chain__status--fail").waitFor();
  await checkAccessibility(page);
  await page.route("**/v1/**", (route) => route.abort());
  await page.goto(`${server.url}/entry/0`);
  await page.locator(".verdict[data-outcome=unreachable]").waitFor();
  await checkAccessibility(page);
});
