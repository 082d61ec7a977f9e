import assert from "node:assert/strict";
import { test } from "node:test";
import { answerOf, checkAddress, forEach, refusedStorage } from "./account.ts";
import { openBlobStore } from "./blob-store.ts";
import { openCosmosStore } from "./cosmos-store.ts";
import { openKeyVault } from "./key-vault.ts";
import { missing } from "./testing.ts";

test("off this machine only TLS is spoken, and the address is not repeated", async () => {
  const good = [
    "https://a.blob.core.usgovcloudapi.net",
    "http://127.0.0.1:10000/x",
    "http://localhost:1",
    "http://[::1]:1",
  ];
  for (const text of good) assert.equal(checkAddress(text).href, new URL(text).href);
  const bad = [
    "http://a.blob.core.windows.net/?sig=abcdef",
    "http://127.0.0.1.example",
    "ftp://localhost",
    "abcdef",
    "",
  ];
  for (const text of bad) {
    assert.throws(
      () => checkAddress(text),
      (error) => !String(error).includes("abcdef") && /https/.test(String(error)),
    );
  }
});

test("every driver refuses to speak in the clear with a service elsewhere", async (t) => {
  if (missing !== undefined) return t.skip(missing);
  const [endpoint, key, container] = ["http://agency.example", "eA==", "c"];
  const connectionString = `DefaultEndpointsProtocol=http;AccountName=a;AccountKey=eA==;EndpointSuffix=core.windows.net`;
  for (const open of [
    () => openBlobStore({ endpoint, key, container }),
    () => openBlobStore({ connectionString, container }),
    () => openCosmosStore({ endpoint, key, database: "d", container }),
    () => openKeyVault({ vault: endpoint, key: "k" }),
  ]) {
    await assert.rejects(open, { code: "USAGE", message: /https/ });
  }
});

test("what a service answered is told by its status and its word, and nothing else of the request is", () => {
  const blob = { name: "RestError", code: "AuthorizationFailure", statusCode: 403, request: { url: "secret" } };
  const cosmos = { name: "Error", code: 429, body: { message: "secret" } };
  const line = { name: "RestError", code: "ECONNREFUSED", message: "connect secret" };
  for (const [error, message] of [
    [blob, "Azure refused (403 AuthorizationFailure)."],
    [cosmos, "Azure refused (429 Error)."],
    [line, "Azure cannot be reached (ECONNREFUSED)."],
    [{ name: "AbortError" }, "Azure cannot be reached (AbortError)."],
    [{ code: "a secret" }, "Azure cannot be reached (unknown reason)."],
  ] as const) {
    assert.equal(refusedStorage("Azure", error).message, message);
  }
  assert.equal(answerOf({ statusCode: 404 }).status, 404);
});

test("of many things under way the first error ends it, when all that was begun has ended", async () => {
  let [begun, ended] = [0, 0];
  const act = async (item: number) => {
    begun += 1;
    await new Promise(setImmediate);
    ended += 1;
    if (item === 20) throw new Error("20");
  };
  await assert.rejects(
    forEach(
      Array.from({ length: 100 }, (_, i) => i),
      act,
    ),
    /20/,
  );
  assert.ok(begun === ended && begun >= 21 && begun < 100, `${begun} begun, ${ended} ended`);
});
