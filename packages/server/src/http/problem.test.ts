import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError, type ErrorCode, errorCatalogue } from "@attestry/core";
import { startTestServer } from "../testing.ts";
import { toProblem } from "./problem.ts";
import { startVaultServer } from "./vault-testing.ts";

test("every code answers with its status, and asks to come back when that may help", () => {
  for (const [code, facts] of Object.entries(errorCatalogue)) {
    const problem = toProblem(new AttestryError(code as ErrorCode));
    assert.deepEqual([problem.code, problem.status, problem.title], [code, facts.status, facts.meaning]);
    assert.equal(problem.retryAfter !== undefined, facts.status === 503 || facts.status === 429, code);
  }
  assert.equal(toProblem(new AttestryError("POLICY_RATE", undefined, { data: { retryAfter: 7 } })).retryAfter, 7);
});

test("messages that may name something inside are replaced by the catalogue's line, others reach the client", () => {
  const secret = "/home/notary/keys/log.pem";
  const inward: ErrorCode[] = [
    "USAGE",
    "USAGE_FILE",
    "USAGE_PASSPHRASE",
    "UNAVAILABLE_STORAGE",
    "FATAL_CORRUPT",
    "FATAL_INTERNAL",
  ];
  for (const code of inward) {
    assert.equal(toProblem(new AttestryError(code, secret)).detail, errorCatalogue[code].meaning, code);
  }
  for (const error of [new Error(secret), new TypeError(secret), { message: secret }, secret, undefined, null]) {
    const problem = toProblem(error);
    assert.deepEqual([problem.code, problem.status], ["FATAL_INTERNAL", 500]);
    assert.ok(!JSON.stringify(problem).includes(secret));
  }
  assert.equal(toProblem(new AttestryError("POLICY_CLAIMS", "too far ahead")).detail, "too far ahead");
});

test("the framework's own refusals become ours", () => {
  const expected = [
    [400, "MALFORMED_REQUEST"],
    [408, "MALFORMED_REQUEST"],
    [413, "POLICY_TOO_LARGE"],
    [415, "MALFORMED_REQUEST"],
    [503, "UNAVAILABLE_STOPPING"],
    [500, "FATAL_INTERNAL"],
  ] as const;
  for (const [statusCode, code] of expected) {
    const problem = toProblem(Object.assign(new Error("x"), { statusCode }));
    assert.deepEqual([problem.status, problem.code], [statusCode, code]);
  }
});

test("what a schema refuses is told in words: which part of the request, and what it takes", async (t) => {
  const server = await startTestServer(t);
  const id = "A".repeat(43);
  const wrong: [path: string, body: unknown, detail: RegExp][] = [
    ["/v1/history?span=year", undefined, /^"span" in the query takes hour, day or month\.$/],
    ["/v1/entries/0/certificate.pdf?lang=xx", undefined, /^"lang" in the query takes en or es\.$/],
    ["/v1/entries?hash=12", undefined, /^"hash" in the query takes this: 32 bytes, lower-case hexadecimal\.$/],
    ["/v1/entries?limit=x", undefined, /^"limit" in the query takes a whole number from 1 to 500\.$/],
    ["/v1/entries?limit=501", undefined, /^"limit" in the query takes a whole number from 1 to 500\.$/],
    ["/v1/entries?subject=", undefined, /^"subject" in the query takes 1 to 512 characters\.$/],
    ["/v1/entries?what=1", undefined, /^The query takes hash, .*, limit and cursor, and no "what"\.$/],
    ["/v1/entries/x", undefined, /^"index" in the address takes a whole number from 0 to \d+\.$/],
    [
      "/v1/issuers/nope/revoke",
      { reason: "x" },
      /^"id" in the address takes this: the id that the list of issuers shows/,
    ],
    [`/v1/issuers/${id}/revoke`, {}, /^The body lacks "reason"\.$/],
    [`/v1/issuers/${id}/revoke`, [], /^The body takes an object\.$/],
    ["/v1/issuers", {}, /^The body takes this: Either `key` or `certificateRoot`/],
    ["/v1/issuers", { key: "x".repeat(2000) }, /^"key" in the body takes at most 1000 characters\.$/],
  ];
  for (const [path, body, expected] of wrong) {
    const headers = { authorization: `Bearer ${server.token}`, "content-type": "application/json" };
    const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
    const response = await server.fetch(path, init);
    const { code, detail } = (await response.json()) as { code: string; detail: string };
    assert.deepEqual([response.status, code], [400, "MALFORMED_REQUEST"], path);
    assert.match(detail, expected, path);
  }
});

test("every pattern that a request has to match is described, since a pattern alone tells nobody anything", async (t) => {
  const server = await startVaultServer(t);
  const { paths } = (await (await server.ask("GET", "/openapi.json")).json()) as { paths: object };
  let count = 0;
  const look = (node: unknown, described = false): void => {
    if (typeof node !== "object" || node === null) return;
    const { pattern, description } = node as { pattern?: unknown; description?: unknown };
    const isDescribed = described || description !== undefined;
    if (typeof pattern === "string") assert.ok(isDescribed, pattern);
    if (typeof pattern === "string") count += 1;
    for (const inner of Object.values(node)) look(inner, isDescribed && "schema" in node);
  };
  for (const operation of Object.values(paths).flatMap((methods) => Object.values(methods as object))) {
    look((operation as { parameters?: unknown }).parameters);
    look((operation as { requestBody?: unknown }).requestBody);
  }
  assert.ok(count > 10, String(count));
});
