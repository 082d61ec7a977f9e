import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { auditData } from "../audit-data.ts";
import { sqliteTables } from "./catalogue/sqlite-catalogue.ts";
import { createKeyring } from "./keys/local-keyring.ts";
import { testTampering } from "./tampering.contract.ts";
import { access, localPlace, openTestVault, sampleContent, temporaryFolder } from "./testing/sample-vault.ts";

testTampering("SQLite and the local disk", async (t) => {
  const folder = temporaryFolder(t);
  return { ...localPlace(folder), openTables: async () => sqliteTables(new DatabaseSync(join(folder, "vault.db"))) };
});

test("the audit of a data folder goes over log and vault, beside the notary, and opens content with the passphrase", async (t) => {
  const folder = temporaryFolder(t);
  const keys = await createKeyring(join(folder, "keys", "vault.keyring"), "correct horse");
  const vault = await openTestVault(t, { folder, keys });
  const { id } = await vault.store(sampleContent(2_000_000));
  await vault.read(id, access);
  const audit = async (passphrase?: string) => {
    const steps = auditData({ data: folder, passphrase });
    const found: string[] = [];
    for (;;) {
      const step = await steps.next();
      if (step.done === true) return { found, summary: step.value };
      found.push(`${step.value.record} ${step.value.problem} ${step.value.at["object"]} ${step.value.at["segment"]}`);
    }
  };
  const { found, summary } = await audit("correct horse");
  assert.deepEqual(found, []);
  assert.deepEqual(
    summary.vault && [summary.vault.objects, summary.vault.events, summary.vault.bytes],
    [1, 2, 2_000_000],
  );
  const path = join(folder, "objects", id.slice(0, 2), id);
  const file = readFileSync(path);
  writeFileSync(path, file.with(1_500_000, (file[1_500_000] ?? 0) ^ 1));
  assert.deepEqual((await audit("correct horse")).found, [`segment changed ${id} 1`]);
  const locked = await audit();
  assert.deepEqual([locked.found, locked.summary.vault?.bytes], [[], 0]);
  assert.ok(locked.summary.limits.some((limit) => limit.includes("keys were not given")));
  await assert.rejects(audit("wrong"), { code: "USAGE_PASSPHRASE" });
});

test("a vault whose catalogue is gone is missed, since the log has its events", async (t) => {
  const folder = temporaryFolder(t);
  const audit = async () => {
    const found = await Array.fromAsync(auditData({ data: folder }));
    return found.map(({ record, problem, expected }) => `${record} ${problem} ${expected}`);
  };
  const vault = await openTestVault(t, { folder });
  const removeCatalogue = () => {
    for (const ending of ["", "-wal", "-shm"]) rmSync(join(folder, `vault.db${ending}`), { force: true });
  };
  const { id } = await vault.store(sampleContent(1000));
  await vault.read(id, access);
  removeCatalogue();
  assert.deepEqual(await audit(), ["storage missing 2 events"]);
});
