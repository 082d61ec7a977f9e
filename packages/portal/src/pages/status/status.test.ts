import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { sha256 } from "@attestry/core";
import { openSqliteAnchorStore } from "@attestry/ledger";
import type { TestServer } from "../../../../server/src/testing.ts";
import { temporaryFolder } from "../../../../server/src/testing.ts";
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

/** A log that has grown for half an hour and was anchored, whose one witness cosigns and whose other one is away. */
async function startGrown(t: TestContext): Promise<TestServer> {
  const data = temporaryFolder(t);
  const { vkey, origin, heads } = await grow(t, data);
  await anchor(data, origin, heads);
  const witness = await startWitness({
    data: temporaryFolder(t),
    logs: [vkey],
    port: 0,
    name: "county.example.gov/w1",
  });
  t.after(() => witness.close());
  const gone = await startWitness({ data: temporaryFolder(t), logs: [vkey], port: 0, name: "university.example.edu" });
  await gone.close();
  const witnesses = [witness, gone].map((one) => ({
    url: one.url,
    verifierKeys: one.witness.verifierKeys.map(({ text }) => text),
  }));
  const server = await startPortal(t, { data, witnesses, witnessQuorum: 1 });
  await server.batch([await server.issuer.statement()]);
  return server;
}

interface Grown {
  readonly vkey: string;
  readonly origin: string;
  /** `time`: whole seconds of Unix time. */
  readonly heads: readonly { readonly size: number; readonly time: number }[];
}

async function grow(t: TestContext, data: string): Promise<Grown> {
  let time = Date.now() - 30 * 60_000;
  const server = await startPortal(t, { data, origin: "log.kent.example.gov", clock: () => time });
  const heads: Grown["heads"][number][] = [];
  for (let minute = 0; minute < 30; minute++) {
    const count = minute % 9 === 4 ? 0 : 1 + ((minute * 7) % 5);
    const issuedAt = Math.floor(time / 1000);
    const statements = Array.from({ length: count }, () => server.issuer.statement({ issuedAt }));
    if (count > 0) await server.batch(await Promise.all(statements));
    heads.push({ size: server.notary.status.head.size, time: issuedAt });
    time += 60_000;
  }
  const { origin, verifierKeys } = server.notary;
  await server.close();
  return { vkey: verifierKeys[0] ?? "", origin, heads };
}

/** Anchors as two places would have made them: of every other tree, after some seconds. */
async function anchor(data: string, origin: string, heads: Grown["heads"]): Promise<void> {
  const store = openSqliteAnchorStore(data);
  const places = { "chain 1337 0x5FbDB2315678afecb367f032d93F642f64180aa3": 9, "tsa stamps.example.org/tsa": 2 };
  for (const [ledger, delay] of Object.entries(places)) {
    for (const [at, { size, time }] of heads.entries()) {
      if (at % 2 === 0) continue;
      const place = { block: 100 + at, id: `0x${at}`, time: time + delay + (at % 7) };
      const record = { ledger, origin, size, rootHash: sha256(Uint8Array.of(at)), submittedAt: time * 1000 };
      await store.put({ ...record, state: "final", place, proof: new Uint8Array(1) });
    }
  }
  await store.close();
}

test("everybody sees how the log is doing, and the browser checks what is signed", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startGrown(t);
  const page = await openPage(t, `${server.url}/status`);
  assert.ok(page);
  await page.getByText("Holds", { exact: true }).waitFor();
  const size = String(server.notary.status.head.size);
  assert.equal(await page.locator(".figures dd").first().textContent(), size);
  await page.getByText("1 of 2").waitFor();
  await page.locator(".rows__one", { hasText: "county.example.gov/w1" }).getByText("Cosigned").waitFor();
  await page.locator(".rows__one", { hasText: "university.example.edu" }).getByText("Has not cosigned").waitFor();
  assert.equal(await page.locator(".plot__drawing").count(), 4);
  assert.match((await page.locator(".plot__drawing").last().getAttribute("aria-label")) ?? "", /0x5FbD…0aa3 \d+ sec/);
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "status-desktop");
  await page.locator(".plot summary").first().click();
  assert.ok((await page.locator(".plot table").first().locator("tbody tr").count()) > 10);
  await checkAccessibility(page);
  await server.batch([await server.issuer.statement()]);
  await page
    .locator(".figures dd", { hasText: String(Number(size) + 1) })
    .first()
    .waitFor();
});

test("the status page speaks Spanish on a phone, by keyboard alone, and can be stopped", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startGrown(t);
  const page = await openPage(t, `${server.url}/status?lang=es`, { width: "phone" });
  assert.ok(page);
  await page.getByText("Es válida").waitFor();
  await tabTo(page, ".live button");
  await page.keyboard.press("Enter");
  await page.getByText("Las actualizaciones están en pausa.").waitFor();
  const before = await page.locator(".figures dd").first().textContent();
  await server.batch([await server.issuer.statement()]);
  const asked: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/v1/")) asked.push(pathname);
  });
  await tabTo(page, ".choice a[href*=day]");
  await page.keyboard.press("Enter");
  await page.locator(".choice [aria-current]", { hasText: "Último día" }).waitFor();
  assert.match(page.url(), /span=day/);
  assert.match(page.url(), /lang=es/);
  await page.locator(".plot__drawing").first().waitFor();
  assert.equal(await page.locator(".figures dd").first().textContent(), before);
  assert.deepEqual(asked, ["/v1/history"], "only the other period was asked for");
  await checkAccessibility(page);
  await checkNoSideways(page);
  await screenshot(page, "status-phone-es");
});

test("a log that signed nothing good, or cannot be reached, never looks healthy", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  await server.batch([await server.issuer.statement()]);
  const page = await openPage(t, server.url);
  assert.ok(page);
  await page.route("**/log/checkpoint", async (route) => {
    const response = await route.fetch();
    const text = await response.text();
    await route.fulfill({
      body: text.replace(/^(— \S+ .{10})(.)(.*)$/m, (_, head, one, rest) => `${head}${one === "A" ? "B" : "A"}${rest}`),
    });
  });
  await page.goto(`${server.url}/status`);
  await page.getByText("Does not hold").waitFor();
  await screenshot(page, "status-forged");
  await page.route("**/v1/status", (route) => route.abort());
  await page.getByText("The notary cannot be reached.").waitFor();
  await checkAccessibility(page);
});

test("an empty log says so and draws nothing", async (t) => {
  if ((await openBrowser(t)) === undefined) return;
  const server = await startPortal(t);
  const page = await openPage(t, `${server.url}/status?span=nonsense`);
  assert.ok(page);
  await page.getByText("Holds", { exact: true }).waitFor();
  await page.getByText("Nothing in this period.").first().waitFor();
  await page.getByText("No witness is asked to cosign this log.").waitFor();
  await page.getByText("This log is anchored nowhere.").waitFor();
  await checkAccessibility(page);
});
