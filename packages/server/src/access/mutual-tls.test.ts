// Client certificates on real TLS connections, issued by openssl.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { noOpenssl } from "../../../core/src/timestamp/test-openssl.ts";
import { refusal, startTestServer, type TestServer } from "../testing.ts";

interface Pair {
  readonly cert: string;
  readonly key: string;
}

let folder = "";
let authority: Pair;
let tls: Pair & { readonly clientCa: string };

/** A certificate under `by`, or a root. */
function issue(name: string, subject: string, by?: string, extra: readonly string[] = []): Pair {
  const under = by === undefined ? [] : ["-CA", `${by}.pem`, "-CAkey", `${by}.key`];
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject];
  const constraint = by === undefined ? [] : ["-addext", "basicConstraints=critical,CA:FALSE"];
  const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
  execFileSync("openssl", ["req", "-x509", ...ec, "-days", "2", ...constraint, ...files, ...under, ...extra], {
    cwd: folder,
    stdio: "ignore",
  });
  return read(name);
}

/** One whose time is over since yesterday. */
function issueEnded(name: string, subject: string, by: string): Pair {
  const run = (args: readonly string[]): void => void execFileSync("openssl", args, { cwd: folder, stdio: "ignore" });
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", subject];
  run(["req", "-new", ...ec, "-keyout", `${name}.key`, "-out", `${name}.csr`]);
  const under = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-days", "-1"];
  run(["x509", "-req", "-in", `${name}.csr`, ...under, "-out", `${name}.pem`]);
  return read(name);
}

function read(name: string): Pair {
  const file = (ending: string): string => readFileSync(join(folder, `${name}.${ending}`), "utf8");
  return { cert: file("pem"), key: file("key") };
}

before(() => {
  if (noOpenssl) return;
  folder = mkdtempSync(join(tmpdir(), "attestry-mtls-"));
  authority = issue("authority", "/O=Kent County/CN=Devices");
  tls = { ...issue("server", "/CN=localhost"), clientCa: authority.cert };
});

after(() => rmSync(folder, { recursive: true, force: true }));

/** One exchange on a connection of its own. */
function ask(
  server: TestServer,
  path: string,
  client?: Pair,
  more: { method?: string; headers?: object; body?: object } = {},
): Promise<{ status: number; text: string }> {
  const { method = "GET", headers = {}, body } = more;
  const type = body === undefined ? {} : { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const options = {
      ca: tls.cert,
      checkServerIdentity: () => undefined,
      agent: false,
      method,
      headers: { ...type, ...headers },
      ...client,
    };
    const sent = request(server.url + path, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
    });
    sent.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function enrol(server: TestServer, name: string, certificate: string, role = "auditor"): Promise<string> {
  const headers = { authorization: `Bearer ${server.token}` };
  const answer = await ask(server, "/v1/tokens", undefined, {
    method: "POST",
    headers,
    body: { name, roles: [role], certificate },
  });
  assert.equal(answer.status, 200, answer.text);
  return (JSON.parse(answer.text) as { id: string }).id;
}

const start = (t: TestContext): Promise<TestServer> => startTestServer(t, { tls });

test("an enrolled certificate is its principal: by its subject, and by each alternative name", {
  skip: noOpenssl,
}, async (t) => {
  const server = await start(t);
  const subject = issue("subject", "/C=US/O=Kent County/CN=gateway", "authority");
  const named = issue("named", "/CN=any", "authority", [
    "-addext",
    "subjectAltName=DNS:cam7.kent.example,URI:urn:dev:7",
  ]);
  assert.equal((await ask(server, "/v1/actions", subject)).status, 401, "not enrolled yet");
  await enrol(server, "gateway", "CN=gateway,O=Kent County,C=US");
  await enrol(server, "camera", "DNS:cam7.kent.example");
  assert.equal((await ask(server, "/v1/actions", subject)).status, 200);
  assert.equal((await ask(server, "/v1/actions", named)).status, 200);
  assert.deepEqual(
    ((session) => [session.name, session.roles])(JSON.parse((await ask(server, "/v1/session", named)).text)),
    ["camera", ["auditor"]],
  );
  assert.equal((await ask(server, "/v1/tokens", subject)).status, 403, "and has its roles alone");
});

test("a certificate of another authority, one that has ended, and one for servers open nothing", {
  skip: noOpenssl,
}, async (t) => {
  const server = await start(t);
  await enrol(server, "gateway", "CN=gateway");
  issue("stranger", "/O=Kent County/CN=Devices");
  issue("chainer", "/CN=chainer", "authority");
  const wrong: [string, Pair][] = [
    ["another authority of the same name", issue("forged", "/CN=gateway", "stranger")],
    ["signed by itself", issue("selfmade", "/CN=gateway")],
    ["signed by another client", issue("chained", "/CN=gateway", "chainer")],
    ["for servers", issue("serving", "/CN=gateway", "authority", ["-addext", "extendedKeyUsage=serverAuth"])],
    ["ended", issueEnded("ended", "/CN=gateway", "authority")],
    ["its name within another's", issue("within", "/CN=x/O=CN=gateway", "authority")],
  ];
  for (const [why, client] of wrong) {
    assert.equal((await ask(server, "/v1/actions", client)).status, 401, why);
    assert.equal((await ask(server, "/v1/status", client)).status, 200, `${why}: what is open stays so`);
  }
  assert.equal((await ask(server, "/v1/actions", issue("good", "/CN=gateway", "authority"))).status, 200);
});

test("a client without a certificate is served, with what is open and with tokens", { skip: noOpenssl }, async (t) => {
  const server = await start(t);
  assert.equal((await ask(server, "/v1/status")).status, 200);
  assert.equal((await ask(server, "/v1/actions")).status, 401);
  const headers = { authorization: `Bearer ${server.token}` };
  assert.equal((await ask(server, "/v1/actions", undefined, { headers })).status, 200);
});

test("a wrong token is not made good by a certificate, and another site's page cannot use one", {
  skip: noOpenssl,
}, async (t) => {
  const server = await start(t);
  await enrol(server, "gateway", "CN=gateway");
  const client = issue("gateway", "/CN=gateway", "authority");
  const status = async (headers: object): Promise<number> =>
    (await ask(server, "/v1/actions", client, { headers })).status;
  assert.equal(await status({ authorization: "Bearer wrong" }), 401);
  assert.equal(await status({ "sec-fetch-site": "cross-site" }), 403);
  assert.equal(await status({ origin: "https://evil.example" }), 403);
  assert.equal(await status({}), 200);
});

test("an enrolment that is revoked opens nothing from the next request on, and its name is free again", {
  skip: noOpenssl,
}, async (t) => {
  const server = await start(t);
  const client = issue("gateway", "/CN=gateway", "authority");
  const id = await enrol(server, "gateway", "CN=gateway");
  assert.equal((await ask(server, "/v1/actions", client)).status, 200);
  const headers = { authorization: `Bearer ${server.token}` };
  await ask(server, `/v1/tokens/${id}/revoke`, undefined, { method: "POST", headers, body: {} });
  assert.equal((await ask(server, "/v1/actions", client)).status, 401);
  await enrol(server, "gateway", "CN=gateway", "reader");
  assert.equal((await ask(server, "/v1/actions", client)).status, 403);
});

test("without an authority for clients nobody's certificate counts, and a file without one is refused", {
  skip: noOpenssl,
}, async (t) => {
  const { clientCa: _clientCa, ...plain } = tls;
  const server = await startTestServer(t, { tls: plain });
  await enrol(server, "gateway", "CN=gateway");
  assert.equal((await ask(server, "/v1/actions", issue("gateway", "/CN=gateway", "authority"))).status, 401);
  await assert.rejects(
    startTestServer(t, { tls: { ...plain, clientCa: "nothing" } }),
    refusal("MALFORMED_CERTIFICATE"),
  );
});
