import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { isAttestryError } from "@attestry/core";
import { openSqliteStore } from "../log/sqlite-store.ts";
import { auditedLog, auditVault } from "./audit.ts";
import {
  access,
  collect,
  openTestVault,
  sampleContent,
  sampleKeys,
  type TestVault,
  temporaryFolder,
} from "./testing/sample-vault.ts";
import { playScenario } from "./testing/steps.ts";

const compileCache = mkdtempSync(join(tmpdir(), "attestry-kill-"));
after(() => rmSync(compileCache, { recursive: true, force: true }));

const child = join(import.meta.dirname, "testing/vault-child.ts");
const content = sampleContent(2_200_000, 7);

/** Runs one process, to its death at a step when one is given. Gives the lines that it printed. */
async function run(folder: string, step: string): Promise<string[]> {
  const env = { ...process.env, KILL_AT: step, NODE_COMPILE_CACHE: compileCache };
  const running = spawn(process.execPath, [child, folder], { env, stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  running.stdout.on("data", (text) => {
    output += text;
  });
  running.stderr.on("data", (text) => {
    errors += text;
  });
  const [code, signal] = await once(running, "close");
  assert.deepEqual([code, signal], step === "" ? [0, null] : [null, "SIGKILL"], `${step} was not reached. ${errors}`);
  return output.split("\n").slice(0, -1);
}

async function problems({ folder, catalogue, objects, keys, issuer }: TestVault): Promise<string[]> {
  const store = openSqliteStore({ folder, readOnly: true });
  const found: string[] = [];
  try {
    const log = auditedLog(store);
    for await (const { message } of auditVault({ catalogue, objects, keys, log, issuers: [issuer.name] }))
      found.push(message);
  } finally {
    await store.close();
  }
  return found;
}

/** What was acknowledged holds, nothing is wrong, and whoever was interrupted can go on to the end. */
async function checkAfterKill(
  t: Parameters<typeof temporaryFolder>[0],
  folder: string,
  lines: readonly string[],
  step: string,
): Promise<void> {
  const said = new Map(lines.map((line) => line.split(" ") as [string, string]));
  const vault = await openTestVault(t, { folder, keys: sampleKeys(2) });
  await vault.sweep();
  assert.deepEqual(await problems(vault), [], step);
  const id = said.get("begun");
  const object = id === undefined ? undefined : await vault.object(id).catch(unlessMissing);
  if (said.has("stored")) assert.ok(object !== undefined, step);
  if (said.has("erased")) assert.equal(object?.state, "erased", step);
  if (said.has("held") && object?.state === "whole" && !said.has("released")) {
    const actions = (await vault.custodyOf(object.id)).map(({ event }) => event.action);
    assert.ok(actions.includes("held"), step);
  }
  if (object?.state === "whole")
    assert.deepEqual(await collect((await vault.read(object.id, access)).content), content, step);
  if (object?.state === "erased") {
    assert.equal(await vault.objects.stat(object.id), undefined, step);
    assert.ok((await vault.catalogue.readObject(object.id))?.wrappedKey.length === 0, step);
  }
  if (object?.state !== "erased") {
    const again = <T>(act: () => Promise<T>): Promise<T> => act();
    vault.clock.now += 61_000; // the lock of who died is over
    const rotate = () => {};
    const finished = await playScenario(
      { vault, content, rotate, say: () => {}, again },
      object === undefined ? await uploadOf(vault, id) : id,
    );
    assert.equal((await vault.object(finished)).state, "erased", step);
  }
  vault.clock.now += 8 * 86_400_000;
  await vault.sweep();
  assert.deepEqual(await vault.objects.list(undefined, 10), [], step);
  assert.deepEqual(await vault.catalogue.listUploads(undefined, 10), [], step);
  assert.deepEqual(await problems(vault), [], step);
  await vault.close();
}

async function uploadOf(vault: TestVault, id: string | undefined): Promise<string | undefined> {
  return id === undefined ? undefined : (await vault.catalogue.readUpload(id))?.id;
}

function unlessMissing(error: unknown): undefined {
  if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
}

test("a vault that is killed at any step of an object's life has all that it acknowledged, and goes on", async (t) => {
  const lines = await run(temporaryFolder(t), "");
  const steps = lines.filter((line) => line.startsWith("step ")).map((line) => line.slice(5));
  const counts = new Map<string, number>();
  const places = steps.map((step) => {
    counts.set(step, (counts.get(step) ?? 0) + 1);
    return `${step}:${counts.get(step)}`;
  });
  // After each change: until the next one, every moment is the same. Of each kind where it first comes and where it comes last.
  const changes = places.filter((place) => /^after /.test(place) && !/\.(read|list|stat|find|count|sign)/.test(place));
  const kept = changes.filter((place) => {
    const [step = "", count] = place.split(":");
    return count === "1" || Number(count) === counts.get(step);
  });
  const check = async (step: string): Promise<void> => {
    const folder = temporaryFolder(t);
    await checkAfterKill(t, folder, await run(folder, step), step);
  };
  for (let at = 0; at < kept.length; at += 2) await Promise.all(kept.slice(at, at + 2).map(check));
  t.diagnostic(`killed ${kept.length} times`);
  assert.ok(kept.some((step) => step.includes("replaceKey")) && kept.some((step) => step.includes("objects.remove")));
});
