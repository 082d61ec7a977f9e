import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError, type ErrorCode, errorCatalogue } from "@attestry/core";
import { toProblem } from "./problem.ts";

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
