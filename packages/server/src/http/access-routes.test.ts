// Tokens, roles and the record of what administrators did, over HTTP.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import {
  type CborMap,
  decodeBase64Url,
  decodeCbor,
  encodeBase64Url,
  encodeCoseKey,
  equalBytes,
  sha256,
} from "@attestry/core";
import { pino } from "pino";
import { can, type Permission, roles } from "../access/roles.ts";
import { createIssuer, postJson, startTestServer, type TestServer } from "../testing.ts";

interface Made {
  readonly id: string;
  readonly token: string;
}

interface Logged {
  readonly msg: string;
  readonly who?: string;
  readonly why?: string;
  readonly permission?: string;
  readonly route?: string;
}

async function startLogged(
  t: TestContext,
  clock: () => number = Date.now,
): Promise<{ server: TestServer; log: string[] }> {
  const log: string[] = [];
  const logger = pino({ level: "debug" }, { write: (line: string) => void log.push(line) });
  return { server: await startTestServer(t, { logger, clock }), log };
}

const refusals = (log: readonly string[]): Logged[] =>
  log.map((line) => JSON.parse(line) as Logged).filter(({ msg }) => msg === "access refused");

const withToken = (token: string): RequestInit => ({ headers: { authorization: `Bearer ${token}` } });

async function makeToken(server: TestServer, body: object): Promise<Made> {
  const response = await server.fetch("/v1/tokens", postJson(body, server.token));
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as Made;
}

async function codeOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { code?: unknown }).code;
}

test("every route that asks for a permission lets in the roles that have it, and no others", async (t) => {
  const server = await startTestServer(t);
  const routes: readonly (readonly [Permission, string, "GET" | "POST"])[] = [
    ["access:manage", "/v1/tokens", "GET"],
    ["access:manage", "/v1/tokens", "POST"],
    ["access:manage", `/v1/tokens/${"x".repeat(16)}/revoke`, "POST"],
    ["access:manage", "/v1/sessions", "GET"],
    ["access:manage", `/v1/sessions/${"0".repeat(64)}/end`, "POST"],
    ["action:read", "/v1/actions", "GET"],
    ["issuer:manage", "/v1/issuers", "POST"],
    ["issuer:manage", `/v1/issuers/${"x".repeat(43)}/revoke`, "POST"],
  ];
  for (const role of roles) {
    const { token } = await makeToken(server, { name: `a ${role}`, roles: [role] });
    for (const [permission, path, method] of routes) {
      const allowed = can({ roles: new Set([role]) }, permission);
      const init = method === "GET" ? withToken(token) : postJson({}, token);
      const response = await server.fetch(path, init);
      // who is let in may still ask for what is not there, or in the wrong form
      if (allowed)
        assert.ok([200, 400, 404].includes(response.status), `${role} ${method} ${path}: ${response.status}`);
      else assert.deepEqual([response.status, await codeOf(response)], [403, "POLICY_FORBIDDEN"], `${role} ${path}`);
    }
  }
});

test("a refusal is the same whether the thing is there or not, and comes before the body is looked at", async (t) => {
  const server = await startTestServer(t);
  const { id, token } = await makeToken(server, { name: "reader", roles: ["reader"] });
  const answers = await Promise.all(
    [id, "x".repeat(16), "not even an id"].map(async (one) => {
      const path = `/v1/tokens/${encodeURIComponent(one)}/revoke`;
      const response = await server.fetch(path, { ...postJson({}, token), body: "{ no JSON" });
      return `${response.status} ${await response.text()}`;
    }),
  );
  assert.equal(new Set(answers).size, 1, answers.join("\n"));
});

test("a token that is unknown, malformed, expired or revoked opens nothing, and the log says which, with no secret", async (t) => {
  let time = Date.now();
  const { server, log } = await startLogged(t, () => time);
  const inAnHour = new Date(time + 3_600_000).toISOString();
  const expiring = await makeToken(server, { name: "expiring", roles: ["auditor"], expiresAt: inAnHour });
  const revoked = await makeToken(server, { name: "revoked", roles: ["auditor"] });
  const asked = async (token: string): Promise<number> => (await server.fetch("/v1/actions", withToken(token))).status;
  assert.deepEqual([await asked(expiring.token), await asked(revoked.token)], [200, 200]);
  assert.equal((await server.fetch(`/v1/tokens/${revoked.id}/revoke`, postJson({}, server.token))).status, 200);
  time += 3_600_000;
  const bad: [string, string | undefined][] = [
    [expiring.token, "token expiring has expired"],
    [revoked.token, "token revoked was revoked"],
    [`atk_${"x".repeat(43)}`, "unknown token"],
    [expiring.token.slice(0, -1), "unknown token"],
    [expiring.token.toUpperCase(), "unknown token"],
    [expiring.id, "unknown token"],
    ["x".repeat(300), "unknown token"],
    ["a b", "unknown token"],
    ["", "unknown token"],
  ];
  for (const [token, why] of bad) {
    const response = await server.fetch("/v1/actions", withToken(token));
    assert.deepEqual([response.status, await codeOf(response)], [401, "POLICY_UNAUTHORISED"], token);
    assert.equal(refusals(log).at(-1)?.why, why, token);
  }
  assert.equal((await server.fetch("/v1/actions")).status, 401);
  const basic = { headers: { authorization: `Basic ${btoa("administrator:x")}` } };
  assert.equal((await server.fetch("/v1/actions", basic)).status, 401);
  const reader = await makeToken(server, { name: "reader", roles: ["reader"] });
  await server.fetch("/v1/actions?limit=3", withToken(reader.token));
  const { who, permission, route } = refusals(log).at(-1) ?? {};
  assert.deepEqual([who, permission, route], ["reader", "action:read", "/v1/actions"]);
  const text = log.join("\n");
  for (const { token } of [expiring, revoked, reader, { token: server.token }]) assert.ok(!text.includes(token));
});

test("routes that are open stay so, whatever is shown at them", async (t) => {
  const { server, log } = await startLogged(t);
  for (const headers of [
    { authorization: "Bearer wrong" },
    { cookie: "attestry-session=wrong" },
    { authorization: "x" },
  ]) {
    assert.equal((await server.fetch("/v1/status", { headers })).status, 200);
    assert.equal((await server.fetch("/v1/issuers", { headers })).status, 200);
  }
  assert.deepEqual(refusals(log), []);
});

test("a token is shown once; lists tell of its use and its end, and never the secret", async (t) => {
  const server = await startTestServer(t);
  const { id, token } = await makeToken(server, { name: "camera 7", roles: ["creator", "creator", "reader"] });
  assert.match(token, /^atk_[\w-]{43}$/);
  const list = async (): Promise<{ id: string; lastUsedAt?: string; revokedAt?: string }[]> =>
    ((await (await server.fetch("/v1/tokens", withToken(server.token))).json()) as { tokens: Made[] }).tokens;
  const [first] = await list();
  assert.deepEqual(
    { ...first, addedAt: "" },
    { id, kind: "token", name: "camera 7", roles: ["creator", "reader"], addedAt: "" },
  );
  assert.equal((await server.fetch("/v1/session", withToken(token))).status, 200);
  assert.notEqual((await list())[0]?.lastUsedAt, undefined);
  const revoke = (): Promise<Response> => server.fetch(`/v1/tokens/${id}/revoke`, postJson({}, server.token));
  assert.equal((await revoke()).status, 200);
  assert.equal((await revoke()).status, 404);
  assert.notEqual((await list())[0]?.revokedAt, undefined);
  assert.ok(!JSON.stringify(await list()).includes(token));
  await server.close();
  for (const name of readdirSync(server.data).filter((file) => file.startsWith("access.db"))) {
    assert.ok(!readFileSync(join(server.data, name)).includes(token.slice(4)), "the secret is not on the disk");
  }
});

test("a token outlives a restart, and so does its revocation", async (t) => {
  const first = await startTestServer(t);
  const kept = await makeToken(first, { name: "kept", roles: ["auditor"] });
  const revoked = await makeToken(first, { name: "revoked", roles: ["auditor"] });
  await first.fetch(`/v1/tokens/${revoked.id}/revoke`, postJson({}, first.token));
  await first.close();
  const second = await startTestServer(t, { data: first.data });
  assert.equal((await second.fetch("/v1/actions", withToken(kept.token))).status, 200);
  assert.equal((await second.fetch("/v1/actions", withToken(revoked.token))).status, 401);
});

test("a token that makes no sense, or is there already, is refused, and the log has nothing of it", async (t) => {
  const server = await startTestServer(t);
  await makeToken(server, { name: "taken", roles: ["reader"] });
  const { size } = server.notary.status.head;
  const wrong: [object, number][] = [
    [{ name: "taken", roles: ["reader"] }, 409],
    [{ name: "administrator", roles: ["reader"] }, 400],
    [{ name: "agency:ana", roles: ["reader"] }, 400],
    [{ name: " x", roles: ["reader"] }, 400],
    [{ name: "x\u0000", roles: ["reader"] }, 400],
    [{ name: "x", roles: [] }, 400],
    [{ name: "x", roles: ["root"] }, 400],
    [{ name: "x", roles: ["reader"], expiresAt: "2020-01-01T00:00:00Z" }, 400],
    [{ name: "x", roles: ["reader"], expiresAt: "soon" }, 400],
    [{ name: "x", roles: ["reader"], certificate: "gateway" }, 400],
    [{ name: "x", roles: ["reader"], more: 1 }, 400],
    [{}, 400],
  ];
  for (const [body, status] of wrong) {
    const response = await server.fetch("/v1/tokens", postJson(body, server.token));
    assert.equal(response.status, status, JSON.stringify(body));
  }
  assert.equal(server.notary.status.head.size, size);
});

test("what administrators do is in the log before it is done, and auditors can check each event against its entry", async (t) => {
  const server = await startTestServer(t);
  const admin = await makeToken(server, { name: "chief", roles: ["administrator"] });
  const auditor = await makeToken(server, { name: "auditor", roles: ["auditor"] });
  const key = encodeBase64Url(encodeCoseKey(createIssuer().signer.publicKey));
  const issuer = (await (
    await server.fetch("/v1/issuers", postJson({ issuer: "https://kent.example", key }, admin.token))
  ).json()) as Made;
  await server.fetch("/v1/issuers", postJson({ issuer: "https://kent.example", key }, admin.token)); // nothing new
  await server.fetch(`/v1/issuers/${issuer.id}/revoke`, postJson({ reason: "left" }, admin.token));
  await server.fetch(`/v1/issuers/${issuer.id}/revoke`, postJson({ reason: "again" }, admin.token)); // 404
  await server.fetch(`/v1/tokens/${admin.id}/revoke`, postJson({}, server.token));
  const answer = await server.fetch("/v1/actions", withToken(auditor.token));
  const { actions } = (await answer.json()) as {
    actions: {
      sequence: number;
      action: string;
      who: string;
      event: string;
      entryIndex: number;
      facts: { id: string };
    }[];
  };
  assert.deepEqual(
    actions.map(({ action, who, facts }) => [action, who, facts.id]),
    [
      ["token-revoked", "administrator", admin.id],
      ["issuer-revoked", "chief", issuer.id],
      ["issuer-added", "chief", issuer.id],
      ["token-added", "administrator", auditor.id],
      ["token-added", "administrator", admin.id],
    ],
  );
  for (const { event, entryIndex, action } of actions) {
    const bytes = decodeBase64Url(event);
    const { statement } = await server.notary.entry(entryIndex);
    assert.ok(equalBytes(statement.digest, sha256(bytes)));
    assert.deepEqual(
      [statement.contentType, statement.subject],
      ["application/vnd.attestry.action+cbor", "administration"],
    );
    assert.equal((decodeCbor(bytes) as CborMap).get("action"), action);
    assert.ok(!Buffer.from(statement.entry).includes("chief"), "who did it is in no entry");
  }
  const older = await server.fetch(`/v1/actions?limit=1&before=${actions[0]?.sequence}`, withToken(auditor.token));
  assert.deepEqual(((await older.json()) as { actions: unknown[] }).actions, [actions[1]]);
});

test("an action that cannot be recorded is not done", async (t) => {
  const server = await startTestServer(t);
  await makeToken(server, { name: "first", roles: ["reader"] });
  const own = server.notary.issuers.list().at(-1);
  const byHttp = await server.fetch(`/v1/issuers/${own?.id}/revoke`, postJson({ reason: "x" }, server.token));
  assert.equal(byHttp.status, 403, "the notary's own key is not for administrators to revoke");
  await server.notary.issuers.revoke(own?.id ?? "", "lost");
  assert.equal(
    (await server.fetch("/v1/tokens", postJson({ name: "second", roles: ["reader"] }, server.token))).status,
    403,
  );
  const { tokens } = (await (await server.fetch("/v1/tokens", withToken(server.token))).json()) as {
    tokens: { name: string }[];
  };
  assert.deepEqual(
    tokens.map(({ name }) => name),
    ["first"],
  );
});

test("after a crash, an action whose event reached the log is listed, and one whose event did not never was", async (t) => {
  const server = await startTestServer(t);
  await makeToken(server, { name: "first", roles: ["reader"] });
  await server.close();
  const database = new DatabaseSync(join(server.data, "access.db"));
  database.exec("UPDATE actions SET entry_index = NULL");
  database.prepare("INSERT INTO actions (event) VALUES (?)").run(Uint8Array.of(0xa0));
  database.close();
  const again = await startTestServer(t, { data: server.data });
  const { actions } = (await (await again.fetch("/v1/actions", withToken(again.token))).json()) as {
    actions: { action: string; entryIndex: number }[];
  };
  assert.deepEqual(
    actions.map(({ action, entryIndex }) => [action, entryIndex]),
    [["token-added", 0]],
  );
  const kept = new DatabaseSync(join(server.data, "access.db"), { readOnly: true });
  assert.equal(kept.prepare("SELECT count(*) AS n FROM actions").get()?.["n"], 1, "the other is forgotten");
  kept.close();
});
