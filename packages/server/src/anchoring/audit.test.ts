import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type Checkpoint, parseCheckpoint, parseNote, sha256 } from "@attestry/core";
import { type AnchorRecord, openSqliteAnchorStore } from "@attestry/ledger";
import { auditData } from "../audit-data.ts";
import { bytesOf, startTestServer } from "../testing.ts";
import { keptAnchor } from "./testing.ts";

/** A running notary with an entry, and its checkpoint. */
async function startWithOne(t: TestContext): Promise<{ data: string; checkpoint: Checkpoint }> {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  const note = await bytesOf(await server.fetch("/log/checkpoint"));
  return { data: server.data, checkpoint: parseCheckpoint(parseNote(note).text) };
}

async function put(data: string, records: readonly AnchorRecord[]): Promise<void> {
  const store = openSqliteAnchorStore(data);
  for (const record of records) await store.put(record);
  await store.close();
}

async function audit(data: string): Promise<{ named: string[]; findings: number }> {
  const named: string[] = [];
  const steps = auditData({ data });
  for (;;) {
    const step = await steps.next();
    if (step.done) return { named, findings: step.value.findings };
    const { record, problem, at } = step.value;
    named.push([record, problem, ...Object.values(at)].join(" "));
  }
}

test("anchors that hold and are of the log's heads are no finding", async (t) => {
  const { data, checkpoint } = await startWithOne(t);
  await put(data, [await keptAnchor(checkpoint)]);
  assert.deepEqual(await audit(data), { named: [], findings: 0 });
});

test("the audit names the anchors and time stamps that do not hold, or are of no tree that the log had", async (t) => {
  const { data, checkpoint } = await startWithOne(t);
  const anchor = await keptAnchor(checkpoint);
  const { proof } = anchor;
  await put(data, [
    anchor,
    { ...anchor, ledger: "chain 1337 changed", proof: proof.with(-40, (proof.at(-40) ?? 0) ^ 1) },
    { ...anchor, ledger: "tsa tsa.example/", proof: new Uint8Array(9) },
    { ...(await keptAnchor({ ...checkpoint, size: 9 })), ledger: "chain 1337 longer" },
    { ...(await keptAnchor({ ...checkpoint, rootHash: sha256(proof) })), ledger: "chain 1337 root" },
  ]);
  assert.deepEqual(await audit(data), {
    named: [
      "anchor changed chain 1337 changed 1",
      "anchor extra chain 1337 longer 9",
      "anchor changed chain 1337 root 1",
      "anchor changed tsa tsa.example/ 1",
    ],
    findings: 4,
  });
});

test("anchors that cannot be read are a finding", async (t) => {
  const { data } = await startWithOne(t);
  writeFileSync(join(data, "anchors.db"), "This is no database. ".repeat(99));
  assert.deepEqual(await audit(data), { named: ["anchor unreadable"], findings: 1 });
});
