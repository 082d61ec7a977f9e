/** How the portal's files are served: to every browser in its coding, cached for as long as they hold, under a strict policy. */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { brotliCompressSync, gunzipSync, gzipSync } from "node:zlib";
import { startTestServer, type TestServer, temporaryFolder } from "../testing.ts";

const page = '<!doctype html><script type="module" src="/assets/main-abcdefgh.js"></script>';
const script = "export const answer = 42;".repeat(20);

/** A folder as the portal's build makes it. */
function builtPortal(t: TestContext): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), page);
  writeFileSync(join(folder, "sw.js"), "// none");
  writeFileSync(join(folder, ".stamp"), "secret of the build");
  writeFileSync(join(folder, "assets/main-abcdefgh.js"), script);
  writeFileSync(join(folder, "assets/main-abcdefgh.js.br"), brotliCompressSync(script));
  writeFileSync(join(folder, "assets/main-abcdefgh.js.gz"), gzipSync(script));
  return folder;
}

interface Raw {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** As the server sends it: `fetch` would undo the coding. */
function get({ url }: TestServer, path: string, headers: Record<string, string> = {}): Promise<Raw> {
  return new Promise((resolve, reject) => {
    request(url + path, { headers }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("end", () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers as Raw["headers"],
          body: Buffer.concat(pieces),
        }),
      );
    })
      .on("error", reject)
      .end();
  });
}

test("every page's address answers with the one document, under a policy that lets in no inline and no foreign script", async (t) => {
  const server = await startTestServer(t, { portal: builtPortal(t) });
  for (const path of [
    "/",
    "/?lang=es&hash=12",
    "/entry/17",
    "/search",
    "/status",
    "/notarize",
    "/vault",
    "/vault/7",
    "/admin",
  ]) {
    const { status, headers, body } = await get(server, path);
    assert.deepEqual([status, body.toString()], [200, page], path);
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.equal(headers["cache-control"], "no-cache");
    assert.match(
      headers["content-security-policy"] ?? "",
      /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/,
    );
    assert.doesNotMatch(headers["content-security-policy"] ?? "", /unsafe-inline|'unsafe-eval'|https?:|\*/);
    assert.match(
      headers["content-security-policy"] ?? "",
      /frame-ancestors 'none'; require-trusted-types-for 'script'/,
    );
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal(headers["referrer-policy"], "no-referrer");
    assert.equal(headers["cross-origin-opener-policy"], "same-origin");
  }
});

test("a script comes in the smallest coding that the client takes, and each coding has an entity tag of its own", async (t) => {
  const server = await startTestServer(t, { portal: builtPortal(t) });
  const path = "/assets/main-abcdefgh.js";
  const tags = new Set<string | undefined>();
  for (const [accepted, coding] of [
    ["br, gzip", "br"],
    ["gzip, deflate", "gzip"],
    ["br;q=0, gzip", "gzip"],
    ["GZIP", "gzip"],
    ["identity", undefined],
    ["", undefined],
  ] as const) {
    const { status, headers, body } = await get(server, path, { "accept-encoding": accepted });
    assert.deepEqual([status, headers["content-encoding"]], [200, coding], accepted);
    if (coding === undefined) assert.equal(body.toString(), script);
    if (coding === "gzip") assert.equal(gunzipSync(body).toString(), script);
    assert.equal(headers["vary"], "accept-encoding");
    assert.equal(headers["cache-control"], "public, max-age=31536000, immutable");
    tags.add(headers["etag"]);
  }
  assert.equal(tags.size, 3);
});

test("what a client has already is not sent again", async (t) => {
  const server = await startTestServer(t, { portal: builtPortal(t) });
  const { headers } = await get(server, "/");
  const again = await get(server, "/", { "if-none-match": headers["etag"] ?? "" });
  assert.deepEqual([again.status, again.body.length], [304, 0]);
  assert.equal((await get(server, "/", { "if-none-match": '"other"' })).status, 200);
});

test("nothing but the portal's own files is there: no hidden file, no coding by its name, no way out of the folder", async (t) => {
  const server = await startTestServer(t, { portal: builtPortal(t) });
  for (const path of [
    "/.stamp",
    "/assets/main-abcdefgh.js.br",
    "/index.html",
    "/assets/",
    "/assets/../.stamp",
    "/%2e%2e/package.json",
    "/entry/x/y",
  ])
    assert.equal((await get(server, path)).status, 404, path);
  assert.equal((await get(server, "/sw.js")).headers["cache-control"], "no-cache");
  assert.equal((await get(server, "/v1/status")).status, 200);
});

test("without a built portal the notary shows its plain page", async (t) => {
  for (const portal of [undefined, temporaryFolder(t)]) {
    const server = await startTestServer(t, portal === undefined ? {} : { portal });
    assert.match((await get(server, "/")).body.toString(), /Attestry notary/);
    assert.equal((await get(server, "/search")).status, 404);
  }
});
