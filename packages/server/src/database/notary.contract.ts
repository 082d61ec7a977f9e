/** Two whole notaries over one database, whatever its kind. A driver's test file calls `testNotaries` once. */
import assert from "node:assert/strict";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type CborMap, verify } from "@attestry/core";
import { auditData } from "../audit-data.ts";
import type { AuditState } from "../auditing/auditing.ts";
import { until } from "../postgres/testing/until.ts";
import { bytesOf, randomDigest, refusal, startTestServer, temporaryFolder, trustIn } from "../testing.ts";

function folderWithKeysOf(t: TestContext, data: string): string {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "keys"), { mode: 0o700 });
  cpSync(join(data, "keys"), join(folder, "keys"), { recursive: true });
  return folder;
}

async function findingsOf(data: string, database: string): Promise<string[]> {
  const findings: string[] = [];
  for await (const { message } of auditData({ data, database })) findings.push(message);
  return findings;
}

export function testNotaries(kind: string, createDatabase: () => Promise<string>, reason: string | undefined): void {
  const skip = { skip: reason ?? false };

  test(`${kind}: two notaries over one database are one log to whoever uses them`, skip, async (t) => {
    const database = await createDatabase();
    const one = await startTestServer(t, { database });
    const two = await startTestServer(t, { database, data: folderWithKeysOf(t, one.data) });
    assert.deepEqual(two.notary.verifierKeys, one.notary.verifierKeys);

    // Enrolled at one, registered at the other, proved by the first.
    const digest = randomDigest();
    const statement = await two.issuer.statement({ digest });
    await until(() => one.notary.issuers.find(two.notary.issuers.list().at(-1)?.id ?? "") !== undefined);
    const [entry] = (await one.batch([statement])).entries;
    const index = Number(entry?.get("index") ?? entry?.get("id"));
    const proof = await bytesOf(await two.fetch(`/v1/entries/${index}/proof`));
    const report = await verify({ proof, digest, trust: trustIn(one.notary) });
    assert.equal(report.verdict, "verified", report.summary);

    const enrolled = one.notary.issuers.list().length;
    await until(() => two.notary.issuers.list().length === enrolled);
    // Both at once, again and again; then both serve the same checkpoint.
    const registrations = Array.from({ length: 10 }, async (_, round) => {
      const statements = await Promise.all(Array.from({ length: 8 }, () => one.issuer.statement()));
      return (round % 2 === 0 ? one : two).batch(statements);
    });
    const answers = (await Promise.all(registrations)).flatMap(({ entries }): readonly CborMap[] => entries);
    assert.deepEqual(new Set(answers.map((answer) => answer.get("code"))), new Set([undefined]));
    const newest = Math.max(one.notary.status.head.size, two.notary.status.head.size);
    assert.equal(newest, 81);
    await until(() => one.notary.status.head.size === newest && two.notary.status.head.size === newest);
    assert.deepEqual(Buffer.from(one.notary.checkpoint).toString(), Buffer.from(two.notary.checkpoint).toString());
    assert.deepEqual(await findingsOf(two.data, database), []);
  });

  test(
    `${kind}: a notary without the log's keys, or with others, or on a folder in use, does not start`,
    skip,
    async (t) => {
      const database = await createDatabase();
      const one = await startTestServer(t, { database });
      await assert.rejects(startTestServer(t, { database }), refusal("NOT_FOUND"));
      await assert.rejects(startTestServer(t, { database, data: one.data }), refusal("CONFLICT_LOCKED"));
      const stranger = await startTestServer(t);
      await assert.rejects(startTestServer(t, { database, data: folderWithKeysOf(t, stranger.data) }), {
        code: /^VERIFY_(SIGNATURE|UNTRUSTED)$/,
      });
      await one.close();
      const again = await startTestServer(t, { data: one.data, database });
      assert.equal(again.notary.origin, one.notary.origin);
    },
  );

  test(`${kind}: an audit that is run from a notary reads the database beside it`, skip, async (t) => {
    const database = await createDatabase();
    const server = await startTestServer(t, { database });
    await server.batch([await server.issuer.statement()]);
    const audit = async (method: "GET" | "POST"): Promise<AuditState> => {
      const headers = { authorization: `Bearer ${server.token}` };
      return (await (await server.fetch("/v1/audit", { method, headers })).json()) as AuditState;
    };
    assert.ok((await audit("POST")).running);
    await until(async () => (await audit("GET")).last !== undefined);
    const { last } = await audit("GET");
    assert.deepEqual([last?.problem, last?.named, last?.scope?.treeSize], [undefined, [], 2]);
    assert.deepEqual(last?.scope?.vault, { objects: 0, events: 0, bytes: 0 });
  });
}
