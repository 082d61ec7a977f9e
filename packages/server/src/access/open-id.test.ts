// Signing in through a real OpenID provider, as a browser does it, and everything that a wrong provider or visitor may try.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import { startTestServer, type TestServer, temporaryFolder } from "../testing.ts";
import { type Browser, createBrowser } from "./testing/browser.ts";
import { type OpenId, type ServeOptions, startOpenId } from "./testing/open-id.ts";

interface Scene {
  readonly server: TestServer;
  readonly openId: OpenId;
  readonly browser: Browser;
  /** The server's log. */
  readonly log: string[];
  session(browser?: Browser): Promise<Session>;
}

interface Session {
  readonly signedIn: boolean;
  readonly name?: string;
  readonly roles: readonly string[];
  readonly csrf: string;
}

const secret = "a-secret-that-only-the-two-know";

interface SceneOptions extends Partial<ServeOptions> {
  /** Changes to the notary's configuration, and to the provider's. */
  readonly provider?: object;
  readonly client?: object;
  /** More providers, at the same issuer. */
  readonly more?: readonly object[];
  readonly keyPem?: string;
  readonly clock?: () => number;
}

/** A notary whose one provider is `agency`. */
async function createScene(
  t: TestContext,
  { provider = {}, client = {}, more = [], keyPem = "", clock = Date.now, ...serve }: SceneOptions = {},
): Promise<Scene> {
  const openId = await startOpenId(t);
  const data = temporaryFolder(t);
  const config = {
    id: "agency",
    label: "Agency account",
    issuer: openId.issuer,
    clientId: "notary",
    clientSecretFile: "agency.secret",
    scope: "openid email groups",
    roleClaim: "groups",
    roles: { Clerks: ["creator", "reader"], Admins: ["administrator"] },
    ...provider,
  };
  writeFileSync(join(data, "agency.secret"), `${secret}\n`, { mode: 0o600 });
  writeFileSync(join(data, "agency.key"), keyPem, { mode: 0o600 });
  writeFileSync(
    join(data, "portal.json"),
    JSON.stringify({ providers: [config, ...more.map((one) => ({ ...one, issuer: openId.issuer }))] }),
  );
  const log: string[] = [];
  const logger = pino({ level: "info" }, { write: (line: string) => void log.push(line) });
  const server = await startTestServer(t, { data, logger, clock });
  const registered = {
    client_id: "notary",
    client_secret: secret,
    token_endpoint_auth_method: "client_secret_post",
    redirect_uris: [`${server.url}/auth/agency/callback`],
    post_logout_redirect_uris: [`${server.url}/`],
    ...client,
  };
  openId.serve({ clients: [registered], ...serve });
  const browser = createBrowser();
  return {
    server,
    openId,
    browser,
    log,
    session: async (by = browser) => (await (await by.fetch(`${server.url}/v1/session`)).json()) as Session,
  };
}

const isCallback = (url: string): boolean => url.includes("/auth/agency/callback");

/** Goes to the provider and back, up to the callback's address, which is not fetched yet. */
async function comeBack({ server, browser }: Scene): Promise<URL> {
  const { url } = await browser.follow(`${server.url}/auth/agency/login`, isCallback);
  assert.ok(isCallback(url), url);
  return new URL(url);
}

async function refusedPage(response: Response, status: number, words: RegExp): Promise<void> {
  const page = await response.text();
  assert.equal(response.status, status, page);
  assert.match(page, words);
  assert.match(response.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(response.headers.get("content-security-policy") ?? "", /^default-src 'none'/);
  assert.ok(!/<script|OAUTH|invalid_grant|at .*\.ts/.test(page), page);
}

const start = /This sign-in cannot be used/;

/** What the log says of the last sign-in that was refused. */
const refusalIn = (log: readonly string[]): string =>
  log.findLast((line) => line.includes("sign-in refused")) ?? "no sign-in was refused";

test("a clerk signs in, has the roles of their groups, and comes back to the page that they wanted", async (t) => {
  const { server, openId, browser, session, log } = await createScene(t);
  openId.account = { sub: "17", email: "ana@kent.example", groups: ["Clerks", "Softball"] };
  const wanted = `${server.url}/vault?x=1`;
  const { url } = await browser.follow(`${server.url}/auth/agency/login?to=/vault%3Fx=1`, (next) => next === wanted);
  assert.equal(url, wanted);
  const { signedIn, name, roles } = await session();
  const expected = { signedIn: true, name: "agency:ana@kent.example", roles: ["creator", "reader"] };
  assert.deepEqual({ signedIn, name, roles }, expected);
  assert.ok(log.some((line) => line.includes("signed in") && line.includes("agency:ana@kent.example")));
  assert.ok(!log.some((line) => line.includes("code=") || line.includes(secret)));
});

test("the way back leads nowhere but to our own pages", async (t) => {
  const { server, openId, browser } = await createScene(t);
  openId.account = { sub: "17", groups: ["Clerks"] };
  for (const to of [
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "javascript:alert(1)",
    "/a\nb",
    "",
    "vault",
  ]) {
    const login = `${server.url}/auth/agency/login?to=${encodeURIComponent(to)}`;
    const { url } = await browser.follow(login, (next) => !isCallback(next) && next.startsWith(server.url));
    assert.equal(url, `${server.url}/`, to);
  }
});

test("whoever refuses, and whoever has no role, is not signed in and is told why", async (t) => {
  const scene = await createScene(t);
  const { server, openId, browser, session, log } = scene;
  openId.account = undefined;
  const denied = await browser.follow(`${server.url}/auth/agency/login`);
  await refusedPage(denied.response, 403, start);
  openId.account = { sub: "18", email: "bo@kent.example", groups: ["Softball", "constructor", "__proto__"] };
  const stranger = await browser.fetch((await comeBack(scene)).href, { headers: { "accept-language": "es-MX" } });
  await refusedPage(stranger, 403, /lang="es".*no tiene ninguna función aquí/s);
  assert.equal((await session()).signedIn, false);
  assert.ok(log.some((line) => line.includes("access_denied") && line.includes("POLICY_SIGN_IN")));
  assert.ok(log.some((line) => line.includes("agency:bo@kent.example has no role")));
});

test("an e-mail address that the provider did not verify names nobody and gives no role", async (t) => {
  const scene = await createScene(t, {
    provider: { roleClaim: "email", roles: { "boss@kent.example": ["administrator"] } },
  });
  scene.openId.account = { sub: "19", email: "boss@kent.example", email_verified: false };
  assert.equal((await scene.browser.fetch((await comeBack(scene)).href)).status, 403);
  scene.openId.account = { sub: "20", email: "boss@kent.example", email_verified: true };
  const other = { ...scene, browser: createBrowser() };
  await other.browser.fetch((await comeBack(other)).href);
  assert.deepEqual((await scene.session(other.browser)).roles, ["administrator"]);
});

test("a client that signs with its key, and claims that only the userinfo endpoint has: as Login.gov does it", async (t) => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const scene = await createScene(t, {
    claimsInIdToken: false,
    keyPem: privateKey.export({ format: "pem", type: "pkcs8" }) as string,
    provider: { clientSecretFile: undefined, clientKeyFile: "agency.key", parameters: { acr_values: "urn:x:ial:1" } },
    client: {
      client_secret: undefined,
      token_endpoint_auth_method: "private_key_jwt",
      jwks: { keys: [publicKey.export({ format: "jwk" })] },
    },
  });
  scene.openId.account = { sub: "21", email: "cy@kent.example", email_verified: true, groups: ["Admins"] };
  const started = await scene.browser.fetch(`${scene.server.url}/auth/agency/login`);
  const url = new URL(started.headers.get("location") ?? "");
  assert.equal(url.searchParams.get("acr_values"), "urn:x:ial:1");
  assert.equal(url.searchParams.get("code_challenge_method"), "S256");
  for (const name of ["state", "nonce", "code_challenge"]) assert.equal(url.searchParams.get(name)?.length, 43, name);
  await scene.browser.fetch((await comeBack(scene)).href);
  const { name, roles } = await scene.session();
  assert.deepEqual([name, roles], ["agency:cy@kent.example", ["administrator"]]);
  const [{ iss, sub, aud } = {}] = scene.openId.assertions;
  assert.deepEqual(
    [iss, sub, aud],
    ["notary", "notary", `${scene.openId.issuer}/token`],
    "as OpenID Connect Core §9 has it",
  );
});

test("a client without a secret signs people in by PKCE alone", async (t) => {
  const scene = await createScene(t, {
    provider: { clientSecretFile: undefined },
    client: { client_secret: undefined, token_endpoint_auth_method: "none" },
  });
  scene.openId.account = { sub: "22", groups: ["Clerks"] };
  await scene.browser.fetch((await comeBack(scene)).href);
  assert.equal((await scene.session()).name, "agency:22");
});

test("a way back is open once, in one browser, for ten minutes, and with the state, code and issuer it was begun with", async (t) => {
  let time = Date.now();
  const scene = await createScene(t, { clock: () => time });
  const { openId, browser, session, log } = scene;
  openId.account = { sub: "23", groups: ["Clerks"] };
  const change = async (why: RegExp, edit: (url: URL) => void): Promise<void> => {
    const url = await comeBack(scene);
    edit(url);
    await refusedPage(await browser.fetch(url.href), 403, start);
    assert.equal((await session()).signedIn, false);
    assert.match(refusalIn(log), why);
  };
  const gone = /no such sign-in is under way/;
  await change(gone, (url) => url.searchParams.set("state", "x".repeat(43)));
  await change(gone, (url) => url.searchParams.delete("state"));
  await change(gone, (url) => url.searchParams.append("state", "another"));
  await change(/invalid_grant/, (url) => url.searchParams.set("code", "x".repeat(43)));
  await change(/INVALID_RESPONSE/, (url) => url.searchParams.delete("code"));
  await change(/INVALID_RESPONSE/, (url) => url.searchParams.set("iss", "https://evil.example"));
  await change(/INVALID_RESPONSE/, (url) => url.searchParams.delete("iss")); // RFC 9207: this provider always sends it
  await change(gone, () => {
    time += 601_000;
  });
  time = Date.now();

  const stolen = (await comeBack(scene)).href;
  await refusedPage(await createBrowser().fetch(stolen), 403, start);
  await refusedPage(await browser.fetch(stolen), 403, start); // and the try has used it up

  const good = (await comeBack(scene)).href;
  assert.equal((await browser.fetch(good)).status, 303);
  await refusedPage(await browser.fetch(good), 403, start);
  assert.equal((await session()).signedIn, true, "a replay does not end the session that there is");
});

test("the way back of one provider is not open for another", async (t) => {
  const other = {
    id: "other",
    label: "Other",
    clientId: "notary",
    roleClaim: "groups",
    roles: { Clerks: ["creator"] },
  };
  const scene = await createScene(t, { more: [other] });
  const { openId, browser, server, session, log } = scene;
  openId.account = { sub: "28", groups: ["Clerks"] };
  const back = await comeBack(scene);
  await refusedPage(await browser.fetch(back.href.replace("/auth/agency/", "/auth/other/")), 403, start);
  assert.match(refusalIn(log), /no such sign-in is under way/);
  assert.equal((await session()).signedIn, false);
  const { providers } = (await (await server.fetch("/v1/session")).json()) as { providers: unknown };
  assert.deepEqual(providers, [
    { id: "agency", label: "Agency account", path: "/auth/agency/login" },
    { id: "other", label: "Other", path: "/auth/other/login" },
  ]);
});

test("a code of one sign-in is no good in another: the verifier and the nonce are others", async (t) => {
  const scene = await createScene(t);
  const { openId, browser, server, session, log } = scene;
  openId.account = { sub: "24", groups: ["Clerks"] };
  const first = await comeBack(scene);
  const second = await comeBack(scene);
  second.searchParams.set("code", first.searchParams.get("code") ?? "");
  await refusedPage(await browser.fetch(second.href), 403, start);

  // somebody between the notary and the browser changes what the provider is asked for
  for (const [name, why] of [
    ["nonce", /JWT_CLAIM_COMPARISON_FAILED/],
    ["code_challenge", /invalid_grant/],
  ] as const) {
    const begun = await browser.fetch(`${server.url}/auth/agency/login`);
    const url = new URL(begun.headers.get("location") ?? "");
    url.searchParams.set(name, "y".repeat(43));
    const back = await browser.follow(url.href, isCallback);
    await refusedPage(await browser.fetch(back.url), 403, start);
    assert.match(refusalIn(log), why);
  }
  assert.equal((await session()).signedIn, false);
});

test("a provider that is another issuer than the configured one, or signs with keys that it does not show, is refused", async (t) => {
  const scene = await createScene(t, { claimedIssuer: "http://127.0.0.1:1" });
  await refusedPage(await scene.browser.fetch(`${scene.server.url}/auth/agency/login`), 403, start);
  assert.ok(
    scene.log.some((line) => line.includes("OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED")),
    scene.log.join("\n"),
  );

  const forged = await createScene(t);
  forged.openId.account = { sub: "25", groups: ["Admins"] };
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
  const keys = JSON.stringify({ keys: [{ ...other, kid: "rsa", use: "sig", alg: "RS256" }] });
  forged.openId.intercept = (path) => (path.startsWith("/jwks") ? { status: 200, body: keys } : undefined);
  await refusedPage(await forged.browser.fetch((await comeBack(forged)).href), 403, start);
  assert.equal((await forged.session()).signedIn, false);
});

test("a provider that is away gets a page that says so; who is signed in stays so, and all works when it is back", async (t) => {
  const scene = await createScene(t);
  const { openId, browser, server, session } = scene;
  const away = /cannot be reached at the moment. Nothing was lost/;
  openId.account = { sub: "26", groups: ["Clerks"] };
  openId.intercept = () => ({ status: 503 });
  const first = await browser.fetch(`${server.url}/auth/agency/login`);
  await refusedPage(first.clone(), 503, away);
  assert.match(await first.text(), /href="\/auth\/agency\/login"/);
  openId.intercept = undefined;
  const back = await comeBack(scene);
  openId.intercept = () => ({ status: 500, body: "{" });
  await refusedPage(await browser.fetch(back.href), 503, away);
  openId.intercept = undefined;
  assert.equal((await browser.fetch((await comeBack(scene)).href)).status, 303);
  const late = await comeBack(scene);
  await openId.close();
  await refusedPage(await browser.fetch(late.href), 503, away);
  assert.equal((await session()).signedIn, true);
  assert.equal((await server.fetch("/v1/status")).status, 200);
});

test("a provider that nobody knows, and one whose address nobody answers at, are told apart", async (t) => {
  const { server, browser, openId } = await createScene(t);
  await openId.close();
  await refusedPage(await browser.fetch(`${server.url}/auth/nobody/login`), 404, /no such way to sign in/);
  await refusedPage(await browser.fetch(`${server.url}/auth/agency/login`), 503, /cannot be reached/);
  const program = await browser.fetch(`${server.url}/auth/agency/login`, { headers: { accept: "*/*" } });
  assert.equal(program.headers.get("content-type"), "application/problem+json");
  assert.equal(((await program.json()) as { code: string }).code, "UNAVAILABLE_SIGN_IN");
});

test("signing out ends the session here and leads to the provider's own sign-out", async (t) => {
  const scene = await createScene(t);
  const { openId, browser, server, session } = scene;
  openId.account = { sub: "27", groups: ["Clerks"] };
  await browser.fetch((await comeBack(scene)).href);
  const kept = browser.cookies(server.url).get("attestry-session")?.value ?? "";
  const { csrf } = await session();
  const out = (headers: Record<string, string>): Promise<Response> =>
    browser.fetch(`${server.url}/auth/logout`, { method: "POST", headers: { accept: "application/json", ...headers } });
  assert.equal((await out({ origin: server.url })).status, 403, "without the CSRF token nobody is signed out");
  assert.equal((await session()).signedIn, true);
  const answer = await out({ origin: server.url, "x-attestry-csrf": csrf });
  const next = new URL(((await answer.json()) as { next: string }).next);
  assert.equal(next.origin, openId.issuer);
  assert.equal(next.searchParams.get("post_logout_redirect_uri"), `${server.url}/`);
  assert.equal((await session()).signedIn, false);
  browser.setCookie(server.url, "attestry-session", kept);
  assert.equal((await session()).signedIn, false, "the id is dead, not only the cookie");
});
