/** What a refusal becomes, by who may have given it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { createNotaryClient, createVaultClient } from "./index.ts";

const problem = "application/problem+json";

function answering(body: string | null, type: string, status = 404) {
  const headers: HeadersInit = type === "" ? {} : { "content-type": type };
  return { url: "http://127.0.0.1:1", fetch: async () => new Response(body, { status, headers }) };
}

test("only a notary's own problem says that there is no such thing; a gateway's 404 says nothing of the log", async () => {
  const said = '{"status":404,"code":"NOT_FOUND","detail":"The log has no entry 1."}';
  for (const [body, type, code] of [
    [said, problem, "NOT_FOUND"],
    [said, `${problem}; charset=utf-8`, "NOT_FOUND"],
    [said, "application/json", "UNAVAILABLE_SERVER"],
    ['{"message":"no Route matched with those values"}', "application/json", "UNAVAILABLE_SERVER"],
    ['{"title":"Not Found","code":404}', problem, "UNAVAILABLE_SERVER"],
    ["null", problem, "UNAVAILABLE_SERVER"],
    ["", "", "UNAVAILABLE_SERVER"],
    ["", "application/json", "UNAVAILABLE_SERVER"],
    ["<html>nothing here", "text/html", "UNAVAILABLE_SERVER"],
  ] as const) {
    await assert.rejects(createNotaryClient(answering(body, type)).proofFile(1), { code }, `${type}: ${body}`);
  }
});

test("an answer to HEAD has no body, and its type says whether it is a notary's", async () => {
  for (const [type, code] of [
    [problem, "NOT_FOUND"],
    ["text/html", "UNAVAILABLE_SERVER"],
    ["", "UNAVAILABLE_SERVER"],
  ] as const)
    await assert.rejects(createVaultClient(answering(null, type)).upload("x"), { code }, type);
});

test("a refusal keeps its code, its words and what the notary knew", async () => {
  const body = '{"code":"POLICY_RETAINED","detail":"A hold.","data":{"holds":["case 8"]}}';
  await assert.rejects(createNotaryClient(answering(body, problem, 409)).status(), {
    code: "POLICY_RETAINED",
    message: "A hold.",
    data: { holds: ["case 8"], status: 409 },
  });
  await assert.rejects(createNotaryClient(answering("busy", "", 503)).status(), { code: "UNAVAILABLE_SERVER" });
});

test("a certificate that is not accepted is said to be that, and not that the notary is away", async () => {
  const failing = (code: string) => ({
    url: "https://notary.example",
    fetch: async (): Promise<Response> => {
      throw new TypeError("fetch failed", { cause: Object.assign(new Error("of TLS"), { code }) });
    },
  });
  for (const [code, words] of [
    ["CERT_HAS_EXPIRED", /was reached, and its certificate is not accepted \(CERT_HAS_EXPIRED\)\.$/],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", /not accepted \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. .*NODE_EXTRA_CA_CERTS/],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", /NODE_EXTRA_CA_CERTS/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", /another name/],
    ["ECONNREFUSED", /cannot be reached/],
    ["toString", /cannot be reached/],
  ] as const)
    await assert.rejects(createNotaryClient(failing(code)).status(), { code: "UNAVAILABLE_SERVER", message: words });
});
