// Sessions as browsers have them: the one-time link, cookies, CSRF, other sites' pages, idleness and age.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { noOpenssl } from "../../../core/src/timestamp/test-openssl.ts";
import { permissions } from "../access/roles.ts";
import { type Browser, createBrowser } from "../access/testing/browser.ts";
import { postJson, startTestServer, type TestServer, temporaryFolder } from "../testing.ts";

interface Session {
  readonly signedIn: boolean;
  readonly name?: string;
  readonly permissions: readonly string[];
  readonly csrf: string;
}

const cookieName = "attestry-session";

async function signIn(server: TestServer, browser: Browser = createBrowser()): Promise<Browser> {
  const response = await browser.fetch(server.makePortalLink());
  assert.deepEqual([response.status, response.headers.get("location")], [303, "/"]);
  return browser;
}

async function sessionOf(server: TestServer, browser: Browser): Promise<Session> {
  return (await (await browser.fetch(`${server.url}/v1/session`)).json()) as Session;
}

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

/** For what `fetch` does not do: another Host, and a certificate of our own. */
function ask(url: string, options: https.RequestOptions): Promise<{ status: number; cookies: readonly string[] }> {
  const { request } = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, options, (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, cookies: response.headers["set-cookie"] ?? [] });
    });
    sent.on("error", reject).end();
  });
}

/** A change that an administrator makes, with these headers. */
function change(server: TestServer, browser: Browser, headers: Record<string, string>): Promise<Response> {
  const body = JSON.stringify({ name: `n${Math.random()}`.replace(".", ""), roles: ["reader"] });
  const type = { "content-type": "application/json", accept: "application/json" };
  return browser.fetch(`${server.url}/v1/tokens`, { method: "POST", headers: { ...type, ...headers }, body });
}

test("the link opens the portal once, as an administrator who may do everything", async (t) => {
  const server = await startTestServer(t);
  const link = server.makePortalLink();
  assert.match(link, new RegExp(`^${server.url}/auth/local\\?code=[\\w-]{43}$`));
  const browser = createBrowser();
  assert.equal((await sessionOf(server, browser)).signedIn, false);
  assert.equal((await fetch(link, { method: "HEAD" })).status, 404, "a look at the link does not use it up");
  assert.equal((await browser.fetch(link)).status, 303);
  const { signedIn, name, permissions: may } = await sessionOf(server, browser);
  assert.deepEqual([signedIn, name, may], [true, "administrator", [...permissions]]);
  const late = createBrowser();
  const replayed = await late.fetch(link);
  assert.equal(replayed.status, 403);
  assert.match(await replayed.text(), /was used before/);
  assert.deepEqual([...late.cookies(server.url)], []);
  assert.equal((await browser.fetch(`${server.url}/v1/actions`)).status, 200);
});

test("a link ends after ten minutes, and one that never was is refused", async (t) => {
  let time = Date.now();
  const server = await startTestServer(t, { clock: () => time });
  const link = server.makePortalLink();
  time += 600_000;
  const browser = createBrowser();
  for (const url of [
    link,
    `${server.url}/auth/local`,
    `${server.url}/auth/local?code=x`,
    `${server.url}/auth/local?code=a&code=b`,
  ]) {
    assert.equal((await browser.fetch(url)).status, 403, url);
  }
});

test("the data folder's token makes more links; an administrator's token does not", async (t) => {
  const server = await startTestServer(t);
  const made = await server.fetch("/v1/links", postJson({}, server.token));
  const { path } = (await made.json()) as { path: string };
  assert.equal((await createBrowser().fetch(server.url + path)).status, 303);
  const admin = await server.fetch("/v1/tokens", postJson({ name: "chief", roles: ["administrator"] }, server.token));
  const { token } = (await admin.json()) as { token: string };
  assert.equal((await server.fetch("/v1/links", postJson({}, token))).status, 403);
  const browser = await signIn(server);
  const { csrf } = await sessionOf(server, browser);
  const bySession = await browser.fetch(`${server.url}/v1/links`, {
    ...postJson({}),
    headers: { "content-type": "application/json", origin: server.url, "x-attestry-csrf": csrf },
  });
  assert.equal(bySession.status, 403);
});

test("the cookie is out of reach of scripts and of other sites, and holds nothing but a random id", async (t) => {
  const server = await startTestServer(t);
  const browser = await signIn(server);
  const cookie = browser.cookies(server.url).get(cookieName);
  assert.match(cookie?.value ?? "", /^[\w-]{43}$/);
  assert.deepEqual([...(cookie?.attributes ?? [])].sort(), ["HttpOnly", "Path=/", "SameSite=Lax"]);
  const { csrf } = await sessionOf(server, browser);
  assert.ok(csrf !== cookie?.value && /^[\w-]{43}$/.test(csrf));
  await server.close();
  for (const name of readdirSync(server.data).filter((file) => file.startsWith("access.db"))) {
    const bytes = readFileSync(join(server.data, name));
    assert.ok(!bytes.includes(cookie?.value ?? "") && !bytes.includes(csrf), "neither is on the disk");
  }
});

test("over TLS the cookie is Secure and bound to the host", { skip: noOpenssl }, async (t) => {
  const folder = temporaryFolder(t);
  const openssl = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  const files = ["-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost"];
  execFileSync("openssl", [...openssl, ...files], { cwd: folder, stdio: "ignore" });
  const read = (name: string): string => readFileSync(join(folder, name), "utf8");
  const server = await startTestServer(t, { tls: { cert: read("cert.pem"), key: read("key.pem") } });
  const { cookies: lines } = await ask(server.makePortalLink(), {
    ca: read("cert.pem"),
    checkServerIdentity: () => undefined,
  });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^__Host-attestry-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/);
});

test("behind a proxy that ends TLS, cookie and origin are those of the public address", async (t) => {
  const publicUrl = "https://notary.example.gov";
  const server = await startTestServer(t, { publicUrl });
  const link = server.makePortalLink();
  assert.ok(link.startsWith(`${publicUrl}/auth/local?code=`));
  const host = "notary.example.gov";
  const { cookies } = await ask(link.replace(publicUrl, server.url), { headers: { host } });
  const [line = ""] = cookies;
  assert.match(line, /^__Host-attestry-session=[\w-]{43}; .*; Secure$/);
  const cookie = line.split(";")[0] ?? "";
  const statusOf = async (headers: Record<string, string>): Promise<number> =>
    (await ask(`${server.url}/v1/actions`, { headers: { host, cookie, ...headers } })).status;
  assert.equal(await statusOf({ origin: publicUrl }), 200);
  assert.equal(await statusOf({ origin: server.url }), 403);
  assert.equal(await statusOf({ origin: "http://notary.example.gov" }), 403);
});

test("an id that somebody planted before the sign-in is not the session's, and the old session ends", async (t) => {
  const server = await startTestServer(t);
  const browser = createBrowser();
  const planted = "A".repeat(43);
  browser.setCookie(server.url, cookieName, planted);
  await signIn(server, browser);
  const first = browser.cookies(server.url).get(cookieName)?.value ?? "";
  assert.notEqual(first, planted);
  await signIn(server, browser);
  assert.notEqual(browser.cookies(server.url).get(cookieName)?.value, first);
  const attacker = createBrowser();
  for (const id of [planted, first]) {
    attacker.setCookie(server.url, cookieName, id);
    assert.equal((await sessionOf(server, attacker)).signedIn, false);
  }
});

test("a change needs the session's own CSRF token, from a page of the same origin", async (t) => {
  const server = await startTestServer(t);
  const [browser, other] = [await signIn(server), await signIn(server)];
  const { csrf } = await sessionOf(server, browser);
  const { csrf: foreign } = await sessionOf(server, other);
  assert.notEqual(csrf, foreign);
  const origin = server.url;
  const { port } = new URL(origin);
  const refused: Record<string, string>[] = [
    {},
    { origin },
    { "x-attestry-csrf": csrf },
    { origin, "x-attestry-csrf": "" },
    { origin, "x-attestry-csrf": foreign },
    { origin, "x-attestry-csrf": csrf.slice(0, -1) },
    { origin, "x-attestry-csrf": `${csrf}, ${csrf}` },
    { origin: "https://evil.example", "x-attestry-csrf": csrf },
    { origin: `http://localhost:${port}`, "x-attestry-csrf": csrf },
    { origin: "http://127.0.0.1", "x-attestry-csrf": csrf },
    { origin: "null", "x-attestry-csrf": csrf },
    { origin, "x-attestry-csrf": csrf, "sec-fetch-site": "cross-site" },
    { origin, "x-attestry-csrf": csrf, "sec-fetch-site": "same-site" },
  ];
  for (const headers of refused) {
    const response = await change(server, browser, headers);
    assert.deepEqual([response.status, await codeOf(response)], [403, "POLICY_CROSS_SITE"], JSON.stringify(headers));
  }
  assert.equal(server.notary.status.head.size, 0, "nothing was done");
  const good = { origin, "x-attestry-csrf": csrf, "sec-fetch-site": "same-origin" };
  assert.equal((await change(server, browser, good)).status, 200);
});

test("another site's page cannot read with the session either, nor sign the person out", async (t) => {
  const server = await startTestServer(t);
  const browser = await signIn(server);
  const read = (headers: Record<string, string>): Promise<Response> =>
    browser.fetch(`${server.url}/v1/actions`, { headers });
  assert.equal((await read({ "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await read({ origin: "https://evil.example" })).status, 403);
  assert.equal((await read({ "sec-fetch-site": "same-origin" })).status, 200);
  assert.equal((await read({ "sec-fetch-site": "none" })).status, 200);
  const out = (headers: Record<string, string>): Promise<Response> =>
    browser.fetch(`${server.url}/auth/logout`, { method: "POST", headers: { accept: "application/json", ...headers } });
  assert.equal((await out({ origin: "https://evil.example", "sec-fetch-site": "cross-site" })).status, 403);
  const { signedIn, csrf } = await sessionOf(server, browser);
  assert.equal(signedIn, true);
  const left = await out({ origin: server.url, "x-attestry-csrf": csrf });
  assert.deepEqual([left.status, await left.json()], [200, { next: "/" }]);
  assert.equal(browser.cookies(server.url).has(cookieName), false);
  assert.equal((await sessionOf(server, browser)).signedIn, false);
  assert.equal((await out({ origin: server.url })).status, 200, "signing out twice is no error");
});

test("a session ends when it is idle for half an hour, and after twelve hours at the latest", async (t) => {
  let time = Date.now();
  const server = await startTestServer(t, { clock: () => time });
  const minute = 60_000;
  const idle = await signIn(server);
  time += 30 * minute - 1000;
  assert.equal((await sessionOf(server, idle)).signedIn, true);
  time += 30 * minute;
  assert.equal((await sessionOf(server, idle)).signedIn, false);
  const busy = await signIn(server);
  for (let at = 0; at < 47; at++) {
    time += 15 * minute;
    assert.equal((await sessionOf(server, busy)).signedIn, true, `after ${at + 1} quarters`);
  }
  time += 15 * minute;
  assert.equal((await sessionOf(server, busy)).signedIn, false);
});

test("an administrator ends somebody's session, which is recorded; it opens nothing from then on", async (t) => {
  const server = await startTestServer(t);
  const [browser, other] = [await signIn(server), await signIn(server)];
  const asAdmin = { headers: { authorization: `Bearer ${server.token}` } };
  const list = async (): Promise<{ id: string; name: string }[]> =>
    ((await (await server.fetch("/v1/sessions", asAdmin)).json()) as { sessions: { id: string; name: string }[] })
      .sessions;
  const open = await list();
  assert.deepEqual(
    open.map(({ name }) => name),
    ["administrator", "administrator"],
  );
  const id = hash("sha256", browser.cookies(server.url).get(cookieName)?.value ?? "", "hex");
  const end = (): Promise<Response> => server.fetch(`/v1/sessions/${id}/end`, postJson({}, server.token));
  assert.equal((await end()).status, 204);
  assert.equal((await end()).status, 404);
  assert.equal((await sessionOf(server, browser)).signedIn, false);
  assert.equal((await sessionOf(server, other)).signedIn, true);
  assert.deepEqual(
    (await list()).map((one) => one.id),
    open.map((one) => one.id).filter((one) => one !== id),
  );
  const { actions } = (await (await server.fetch("/v1/actions", asAdmin)).json()) as { actions: { action: string }[] };
  assert.deepEqual(
    actions.map(({ action }) => action),
    ["session-ended"],
  );
  const stolen = createBrowser();
  stolen.setCookie(server.url, cookieName, open.find((one) => one.id !== id)?.id ?? "");
  assert.equal((await sessionOf(server, stolen)).signedIn, false, "the id in the list is not the one in the cookie");
});

test("a session outlives a restart of the notary", async (t) => {
  const first = await startTestServer(t);
  const browser = await signIn(first);
  const id = browser.cookies(first.url).get(cookieName)?.value ?? "";
  await first.close();
  const second = await startTestServer(t, { data: first.data });
  browser.setCookie(second.url, cookieName, id);
  assert.equal((await sessionOf(second, browser)).signedIn, true);
});

test("who tries too often has to wait, and is told so", async (t) => {
  const server = await startTestServer(t);
  const browser = createBrowser();
  const statuses: number[] = [];
  let page = new Response();
  while (page.status !== 429 && statuses.length < 1000) {
    page = await browser.fetch(`${server.url}/auth/local?code=${statuses.length}`);
    statuses.push(page.status);
  }
  assert.deepEqual([...new Set(statuses)], [403, 429]);
  assert.ok(statuses.length > 100);
  assert.match(await page.text(), /too many attempts/);
  assert.match(page.headers.get("retry-after") ?? "", /^\d+$/);
  assert.equal((await server.fetch("/v1/status")).status, 200);
});

test("addresses and headers that make no sense are answered as the client's fault", async (t) => {
  const server = await startTestServer(t);
  const paths = [
    "/auth/x/login",
    "/auth/x/callback?%",
    "/auth/x/callback?state=%00&code=%ff",
    "/auth/%2e%2e/callback",
    "/auth/%ff/login",
    `/auth/${"x".repeat(300)}/login`,
    "/auth/local?code[]=x",
    "/auth/local?%",
    "/auth/local/callback",
    "/auth/logout",
  ];
  for (const path of paths) {
    for (const host of [undefined, "x y", "[", "", "a/b?c"]) {
      const { status } = await ask(server.url + path, { headers: host === undefined ? {} : { host } });
      assert.ok(status >= 400 && status < 500, `${path} at ${host}: ${status}`);
    }
  }
  for (const cookie of [`${cookieName}=`, `${cookieName}=x; ${cookieName}=y`, `=;;${"x".repeat(5000)}`, "\u00ff"]) {
    assert.equal((await ask(`${server.url}/v1/session`, { headers: { cookie } })).status, 200, cookie);
  }
});

test("the answers about sessions are kept by no cache", async (t) => {
  const server = await startTestServer(t);
  for (const path of ["/v1/session", "/auth/local?code=x", "/v1/tokens"]) {
    assert.equal((await server.fetch(path)).headers.get("cache-control"), "no-store", path);
  }
});
