// Audits that are begun over HTTP, beside a notary that goes on serving.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { auditData } from "../audit-data.ts";
import type { AuditState } from "../auditing/auditing.ts";
import type { AuditReport } from "../auditing/report.ts";
import { type AskOptions, startVaultServer, type VaultServer } from "./vault-testing.ts";

async function audit(server: VaultServer, method = "GET", init: AskOptions = {}): Promise<AuditState> {
  const response = await server.ask(method, "/v1/audit", init);
  assert.equal(response.status, 200, await response.clone().text());
  return (await response.json()) as AuditState;
}

/** Begins one, and gives its report. */
async function runAudit(server: VaultServer, token = server.token): Promise<AuditReport> {
  let state = await audit(server, "POST", { token, body: {} });
  assert.ok(state.running);
  while (state.running !== undefined) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    state = await audit(server);
  }
  assert.ok(state.last);
  return state.last;
}

async function actionsOf(server: VaultServer): Promise<{ action: string; who: string; facts: object }[]> {
  const { actions } = (await (await server.ask("GET", "/v1/actions")).json()) as {
    actions: { action: string; who: string; facts: object }[];
  };
  return actions.map(({ action, who, facts }) => ({ action, who, facts }));
}

const content = new Uint8Array(5000).fill(7);

test("an auditor runs an audit beside the notary; its beginning, its end and its report's hash are in the log", async (t) => {
  const server = await startVaultServer(t);
  const { id } = await server.store(content);
  assert.deepEqual(await audit(server), {});
  const token = await server.tokenFor("county auditor", "auditor");
  const begun = await audit(server, "POST", { token, body: {} });
  const again = await audit(server, "POST", { body: {} });
  assert.deepEqual([begun.running?.by, again.running?.startedAt], ["county auditor", begun.running?.startedAt]);
  await server.batch([await server.issuer.statement()]); // the notary takes statements meanwhile
  while ((await audit(server)).running !== undefined) await new Promise((resolve) => setTimeout(resolve, 50));
  const { last } = await audit(server);
  assert.deepEqual([last?.findings, last?.named, last?.problem, last?.by], [0, [], undefined, "county auditor"]);
  assert.deepEqual([last?.scope?.vault?.objects, last?.scope?.vault?.bytes], [1, content.length]);
  assert.ok((last?.scope?.treeSize ?? 0) >= 3);
  const [ended, started] = await actionsOf(server);
  assert.deepEqual([started?.action, ended?.action, ended?.who], ["audit-started", "audit-ended", "county auditor"]);
  const file = readFileSync(join(server.data, "audit.json"));
  const report = createHash("sha256").update(file).digest("hex");
  assert.deepEqual(ended?.facts, { findings: 0, problem: null, report });
  assert.equal((await server.ask("GET", `/v1/objects/${id}`)).status, 200);
  await server.close();
  const restarted = await startVaultServer(t, { data: server.data });
  assert.deepEqual((await audit(restarted)).last, last, "it is kept");
});

test("what was tampered with is named, with the sentences that attestry audit prints", async (t) => {
  const server = await startVaultServer(t);
  const { id } = await server.store(content, { subject: "deed 4711" });
  await server.batch([await server.issuer.statement()]);
  const vault = new DatabaseSync(join(server.data, "vault.db"));
  vault.exec("UPDATE vault_object SET record_class = 'other'");
  vault.close();
  const log = new DatabaseSync(join(server.data, "log.db"));
  log.exec("DELETE FROM seen WHERE idx = 0");
  log.close();
  const object = join(server.data, "objects", id.slice(0, 2), id);
  const bytes = readFileSync(object);
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  writeFileSync(object, bytes);
  const { findings, named, scope, limits } = await runAudit(server);
  const expected = [];
  for await (const finding of auditData({ data: server.data })) expected.push(finding);
  assert.equal(findings, 3);
  assert.deepEqual(named, expected);
  assert.deepEqual(named.map(({ record, problem }) => `${record} ${problem}`).sort(), [
    "row changed",
    "seen missing",
    "segment changed",
  ]);
  assert.ok(named.some(({ at }) => at["subject"] === "deed 4711"));
  assert.ok(scope !== undefined && limits.length > 0);
});

test("an audit that cannot get to its end says so, and is no good news", async (t) => {
  const server = await startVaultServer(t);
  await server.batch([await server.issuer.statement()]);
  writeFileSync(join(server.data, "vault.json"), "{");
  const { findings, scope, problem } = await runAudit(server);
  assert.deepEqual([findings, scope, problem?.code], [0, undefined, "USAGE"]);
  assert.ok(!JSON.stringify(problem).includes(server.data), "no path leaves the machine");
  assert.deepEqual((await actionsOf(server))[0]?.action, "audit-ended");
});

test("a report that was edited into nonsense counts for none; a notary that stops gives up an audit at once", async (t) => {
  const server = await startVaultServer(t);
  writeFileSync(join(server.data, "audit.json"), '{"findings":0}');
  await audit(server, "POST", { body: {} });
  await server.close();
  assert.equal(readFileSync(join(server.data, "audit.json"), "utf8"), '{"findings":0}');
  const again = await startVaultServer(t, { data: server.data });
  assert.deepEqual(await audit(again), {});
  assert.deepEqual(
    (await actionsOf(again)).map(({ action }) => action),
    ["audit-started"],
  );
});

test("only administrators and auditors may run or read an audit", async (t) => {
  const server = await startVaultServer(t);
  for (const role of ["reader", "creator", "custodian"] as const) {
    const token = await server.tokenFor(`a ${role}`, role);
    for (const method of ["GET", "POST"])
      assert.equal(
        (await server.ask(method, "/v1/audit", { token, ...(method === "POST" && { body: {} }) })).status,
        403,
      );
  }
  assert.deepEqual(await audit(server), {});
});

test("rotating keys and sweeping are recorded before they are done", async (t) => {
  const server = await startVaultServer(t);
  await server.store(content);
  await server.ask("POST", "/v1/vault/keys/rotate", { body: { forget: true } });
  await server.ask("POST", "/v1/vault/sweep", { body: {} });
  assert.deepEqual(await actionsOf(server), [
    { action: "vault-swept", who: "administrator", facts: {} },
    { action: "keys-rotated", who: "administrator", facts: { forget: true } },
  ]);
});
