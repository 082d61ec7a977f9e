// tus 1.0.0 over HTTP, by hand: creation, offsets, versions, termination, cut lines, restarts, expiry.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { encodeHex, sha256 } from "@attestry/core";
import { temporaryFolder } from "../testing.ts";
import { codeOf, offsetType, randomContent, startVaultServer, tus, type VaultServer } from "./vault-testing.ts";

async function offsetOf(server: VaultServer, path: string): Promise<number> {
  const response = await server.ask("HEAD", path, { headers: tus });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("cache-control"), "no-store");
  return Number(response.headers.get("upload-offset"));
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test("the server says which version of tus it speaks, and 412 to any other", async (t) => {
  const server = await startVaultServer(t);
  const options = await server.ask("OPTIONS", "/v1/uploads");
  assert.equal(options.status, 204);
  assert.equal(options.headers.get("tus-version"), "1.0.0");
  assert.equal(options.headers.get("tus-extension"), "creation,creation-defer-length,expiration,termination");
  const path = await server.begin({ "upload-length": "3" });
  for (const headers of [{}, { "tus-resumable": "0.2.2" }]) {
    for (const [method, where] of [
      ["POST", "/v1/uploads"],
      ["HEAD", path],
      ["PATCH", path],
      ["DELETE", path],
    ] as const) {
      const isPatch = method === "PATCH";
      const response = await server.ask(method, where, {
        headers: { ...headers, "upload-length": "3", ...(isPatch && { "content-type": offsetType }) },
        ...(isPatch && { body: new Uint8Array(3) }),
      });
      assert.equal(response.status, 412, method);
      assert.equal(response.headers.get("tus-version"), "1.0.0");
    }
  }
  assert.equal(await offsetOf(server, path), 0);
});

test("content comes in parts, and what was created says where it stands and what it is", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(2_500_000);
  const metadata = `filename ${base64("deed.pdf")},filetype ${base64("application/pdf")},isConfidential`;
  const path = await server.begin({ "upload-length": String(content.length), "upload-metadata": metadata });
  const head = await server.ask("HEAD", path, { headers: tus });
  assert.equal(head.headers.get("upload-length"), String(content.length));
  assert.equal(head.headers.get("upload-metadata"), metadata);
  assert.equal(head.headers.get("tus-resumable"), "1.0.0");
  for (const [from, to] of [
    [0, 1],
    [1, 1_048_577],
    [1_048_577, 2_499_999],
  ] as const) {
    const response = await server.patch(path, from, content.subarray(from, to));
    assert.equal(response.status, 204, await response.text());
    assert.equal(response.headers.get("upload-offset"), String(to));
    assert.equal(response.headers.get("attestry-content-hash"), null);
    assert.equal(await offsetOf(server, path), to);
  }
  const last = await server.patch(path, 2_499_999, content.subarray(2_499_999));
  assert.equal(last.headers.get("attestry-content-hash"), encodeHex(sha256(content)));
  const state = (await (await server.ask("GET", path)).json()) as { offset: number; hash: string };
  assert.deepEqual([state.offset, state.hash], [content.length, encodeHex(sha256(content))]);
  const committed = await server.commit(path, await server.statementOf(content));
  const object = (await committed.json()) as { contentType?: string; state: string };
  assert.deepEqual([object.contentType, object.state], ["application/pdf", "whole"]);
  assert.equal((await server.ask("HEAD", path, { headers: tus })).status, 404);
});

test("content at another offset than where the upload stands is refused with 409, and changes nothing", async (t) => {
  const server = await startVaultServer(t);
  const path = await server.begin({ "upload-length": "10" });
  await server.patch(path, 0, new Uint8Array(4));
  for (const offset of [0, 3, 5, 10, 999]) {
    const response = await server.patch(path, offset, new Uint8Array(6));
    assert.deepEqual([response.status, await codeOf(response)], [409, "CONFLICT_UPLOAD"]);
  }
  assert.equal(await offsetOf(server, path), 4);
  const long = await server.patch(path, 4, new Uint8Array(7));
  assert.deepEqual([long.status, await codeOf(long)], [413, "POLICY_TOO_LARGE"]);
  for (const offset of ["-1", "x", "1.5", "01", "9".repeat(30)]) {
    const response = await server.patch(path, 0, new Uint8Array(1), { headers: { "upload-offset": offset } });
    assert.deepEqual([response.status, await codeOf(response)], [400, "MALFORMED_REQUEST"], offset);
  }
  const typed = await server.patch(path, 4, new Uint8Array(6), { headers: { "content-type": "text/plain" } });
  assert.equal(typed.status, 415);
});

test("a length may be told with the last part, or by the statement alone", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(3000);
  const deferred = { "upload-defer-length": "1" };
  const told = await server.begin(deferred);
  const head = await server.ask("HEAD", told, { headers: tus });
  assert.deepEqual([head.headers.get("upload-defer-length"), head.headers.get("upload-length")], ["1", null]);
  await server.patch(told, 0, content.subarray(0, 1000));
  const last = await server.patch(told, 1000, content.subarray(1000), { headers: { "upload-length": "3000" } });
  assert.equal(last.headers.get("attestry-content-hash"), encodeHex(sha256(content)));
  assert.equal(last.headers.get("upload-length"), "3000");
  const untold = await server.begin(deferred);
  await server.patch(untold, 0, content);
  assert.equal((await server.commit(untold, await server.statementOf(content))).status, 200);
  for (const headers of [{}, { "upload-length": "5", ...deferred }, { "upload-length": "-5" }]) {
    const response = await server.ask("POST", "/v1/uploads", { headers: { ...tus, ...headers } });
    assert.deepEqual([response.status, await codeOf(response)], [400, "MALFORMED_REQUEST"]);
  }
});

test("content of no bytes is content", async (t) => {
  const server = await startVaultServer(t);
  const object = await server.store(new Uint8Array());
  assert.equal(object.size, 0);
  const response = await server.ask("GET", `/v1/objects/${object.id}/content`);
  assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [200, 0]);
});

test("what is given up is gone; who gives up what is not there is told so", async (t) => {
  const server = await startVaultServer(t);
  const path = await server.begin({ "upload-length": "10" });
  await server.patch(path, 0, new Uint8Array(4));
  assert.equal((await server.ask("DELETE", path, { headers: tus })).status, 204);
  for (const method of ["HEAD", "DELETE", "GET"])
    assert.equal((await server.ask(method, path, { headers: tus })).status, 404, method);
  assert.equal((await server.patch(path, 4, new Uint8Array(1))).status, 404);
});

test("another's upload is none: not to see, to write, to give up or to commit", async (t) => {
  const server = await startVaultServer(t);
  const owner = await server.tokenFor("camera 7", "creator");
  const other = await server.tokenFor("camera 8", "creator");
  const content = randomContent(100);
  const path = await server.begin({ "upload-length": "100" }, owner);
  const statement = await server.statementOf(content);
  const attempts = async (token: string): Promise<number[]> => [
    (await server.ask("HEAD", path, { token, headers: tus })).status,
    (await server.ask("GET", path, { token })).status,
    (await server.patch(path, 0, content, { token })).status,
    (await server.commit(path, statement, token)).status,
    (await server.ask("DELETE", path, { token, headers: tus })).status,
  ];
  assert.deepEqual(await attempts(other), [404, 404, 404, 404, 404]);
  assert.equal((await server.patch(path, 0, content, { token: owner })).status, 204);
  assert.equal((await server.commit(path, statement, other)).status, 404, "complete, and still another's");
  assert.equal((await server.commit(path, statement, owner)).status, 200);
});

test("the statement must be about the content that was sent; the same again gives the same object", async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(5000);
  const path = await server.begin({ "upload-length": "5000" });
  const statement = await server.statementOf(content);
  const early = await server.commit(path, statement);
  assert.deepEqual([early.status, await codeOf(early)], [409, "CONFLICT_UPLOAD"]);
  await server.patch(path, 0, content);
  const wrong = await server.commit(path, await server.statementOf(randomContent(5000)));
  assert.deepEqual([wrong.status, await codeOf(wrong)], [422, "VERIFY_DIGEST"]);
  assert.equal((await server.ask("GET", "/v1/objects")).status, 200);
  const size = server.notary.status.head.size;
  const first = await (await server.commit(path, statement)).json();
  assert.deepEqual(await (await server.commit(path, statement)).json(), first);
  assert.equal(server.notary.status.head.size, size + 2, "the statement and the custody event, once each");
});

test("what came before a line was cut counts, and the upload goes on from there", { timeout: 60_000 }, async (t) => {
  const server = await startVaultServer(t);
  const content = randomContent(3_000_000);
  const path = await server.begin({ "upload-length": String(content.length) });
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(
    `PATCH ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.token}\r\ntus-resumable: 1.0.0\r\n` +
      `content-type: ${offsetType}\r\nupload-offset: 0\r\ncontent-length: ${content.length}\r\n\r\n`,
  );
  await new Promise((resolve) => socket.write(content.subarray(0, 2_000_000), resolve));
  const head = (): Promise<Response> => server.ask("HEAD", path, { headers: tus });
  // the upload is locked from when the server writes it until it has seen the end of the line
  let answer = await head();
  for (; answer.status === 200; answer = await head());
  socket.end();
  for (; answer.status === 409; answer = await head());
  const offset = Number(answer.headers.get("upload-offset"));
  assert.ok(offset > 0 && offset <= 2_000_000, String(offset));
  const rest = await server.patch(path, offset, content.subarray(offset));
  assert.equal(rest.headers.get("attestry-content-hash"), encodeHex(sha256(content)));
});

test("an upload goes on after the server was started again", async (t) => {
  const data = temporaryFolder(t);
  const before = await startVaultServer(t, { data });
  const content = randomContent(2_200_000);
  const path = await before.begin({ "upload-length": String(content.length) });
  await before.patch(path, 0, content.subarray(0, 1_500_000));
  await before.close();
  const after = await startVaultServer(t, { data });
  assert.equal(await offsetOf(after, path), 1_500_000);
  const rest = await after.patch(path, 1_500_000, content.subarray(1_500_000));
  assert.equal(rest.headers.get("attestry-content-hash"), encodeHex(sha256(content)));
});

test("an upload says until when it is kept, and is swept after that if nobody went on with it", async (t) => {
  let now = Date.now();
  const server = await startVaultServer(t, { clock: () => now });
  const expiryOf = ({ headers }: Response): number => Date.parse(headers.get("upload-expires") ?? "");
  const sweep = async (): Promise<unknown> => (await server.ask("POST", "/v1/vault/sweep", { body: {} })).json();
  const headers = { ...tus, "upload-length": "10" };
  const begun = await server.ask("POST", "/v1/uploads", { headers });
  const path = begun.headers.get("location") ?? "";
  const week = 7 * 86_400_000;
  assert.equal(expiryOf(begun), Math.floor((now + week) / 1000) * 1000);
  now += 86_400_000;
  const patched = await server.patch(path, 0, new Uint8Array(4));
  assert.equal(expiryOf(patched), Math.floor((now + week) / 1000) * 1000);
  now = expiryOf(patched);
  assert.deepEqual(await sweep(), { uploads: 0, orphans: 0 });
  now += 1000;
  assert.deepEqual(await sweep(), { uploads: 1, orphans: 0 });
  assert.equal((await server.ask("HEAD", path, { headers: tus })).status, 404);
});

test("uploads may take their time, and nothing else may", async (t) => {
  const server = await startVaultServer(t, { requestTimeout: 1000 });
  const content = randomContent(4);
  const slowly = (): ReadableStream =>
    new ReadableStream({
      async pull(controller) {
        for (const byte of content) {
          controller.enqueue(Uint8Array.of(byte));
          await new Promise((resolve) => setTimeout(resolve, 300));
        }
        controller.close();
      },
    });
  const path = await server.begin({ "upload-length": "4" });
  const patched = await server.ask("PATCH", path, {
    headers: { ...tus, "content-type": offsetType, "upload-offset": "0" },
    body: slowly(),
  });
  assert.equal(patched.status, 204);
  await server.batch([await server.statementOf(content)]);
  const put = await server.ask("PUT", `/v1/objects/${encodeHex(sha256(content))}`, { body: slowly() });
  assert.equal(put.status, 200, await put.text());
  const headers = { "content-type": "application/cose" };
  const slow = await server.ask("POST", `${path}/commit`, { headers, body: slowly() }).then(
    ({ status }) => status,
    () => 408, // the connection may be gone before the answer is read
  );
  assert.equal(slow, 408);
});

test("metadata that is no metadata, and a record class that is none, are refused", async (t) => {
  const server = await startVaultServer(t);
  for (const metadata of ["a b c", "key ===", ",", "é x", "k ".repeat(4000), `recordClass ${base64("nowhere")}`]) {
    const headers = { ...tus, "upload-length": "1", "upload-metadata": Buffer.from(metadata).toString("latin1") };
    const response = await server.ask("POST", "/v1/uploads", { headers });
    assert.deepEqual([response.status, await codeOf(response)], [400, "MALFORMED_REQUEST"], metadata.slice(0, 20));
  }
});
