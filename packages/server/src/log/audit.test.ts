import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { encodeHex, encodeUtf8 } from "@attestry/core";
import type { Finding } from "./audit.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import type { LogStore } from "./store.ts";
import {
  collectAudit,
  deriveEntry,
  lookUpKey,
  openSequencer,
  origin,
  sampleEntries,
  temporaryFolder,
} from "./testing/sample-log.ts";

type TestContext = Parameters<typeof temporaryFolder>[0];

const entries = sampleEntries(700);
const batches = [1, 299, 1, 300, 99];

/** A log of 700 entries in five batches (heads at 0, 1, 300, 301, 601, 700) with two cosigned checkpoints, closed. */
async function makeLog(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  const sequencer = await openSequencer(store);
  let from = 0;
  for (const width of batches) {
    const [first] = await sequencer.submit(entries.slice(from, from + width));
    from += width;
    if (from === 300 || from === 601) await store.putCosigned(from, first?.head.note ?? new Uint8Array());
  }
  await sequencer.close();
  await store.close();
  return folder;
}

/** Changes the stored rows behind the log's back, then audits. */
async function auditAfter(t: TestContext, tamper: (db: DatabaseSync) => void): Promise<Finding[]> {
  const folder = await makeLog(t);
  const db = new DatabaseSync(join(folder, "log.db"));
  tamper(db);
  db.close();
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  return (await collectAudit(store)).findings;
}

/** What a finding names, in one line. */
function named({ record, problem, at }: Finding): string {
  return `${record} ${problem} ${Object.entries(at)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}`;
}

test("an audit of an untouched log finds nothing and says what it cannot tell", async (t) => {
  const folder = await makeLog(t);
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  const { findings, summary } = await collectAudit(store);
  assert.deepEqual(findings, []);
  assert.equal(summary.head?.size, 700);
  assert.equal(summary.findings, 0);
  assert.match(summary.limits.join(" "), /older copy.*witnesses/);
});
