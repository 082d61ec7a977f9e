import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkConsistency, checkInclusion, decodeHex } from "@attestry/core";
import { createLogReader } from "./reader.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { checkWholeLog, readAll } from "./testing/check-whole-log.ts";
import { collectAudit, temporaryFolder } from "./testing/sample-log.ts";

const compileCache = mkdtempSync(join(tmpdir(), "attestry-kill-"));
after(() => rmSync(compileCache, { recursive: true, force: true }));

const child = join(import.meta.dirname, "testing/kill-child.ts");

// Where a process kills itself: at opening, and at each step of a batch. A row is one of the statements of the transaction.
const steps = [
  "before pragma:1",
  "open:1",
  "findSeen:1",
  "sign:2",
  "before begin:2",
  "after begin:3",
  "row:9",
  "row:60",
  "row:200",
  "before commit:1",
  "before commit:4",
  "after commit:1",
  "after commit:4",
  "append:3",
  "answer:5",
];

interface Answer {
  readonly index: number;
  readonly leafHash: string;
  readonly size: number;
}

/** Runs one process to its death and gives what it had acknowledged. Without a step it is killed from outside. */
async function runAndKill(folder: string, word: string, step: string | undefined): Promise<Answer[]> {
  const env = { ...process.env, KILL_AT: step ?? "", NODE_COMPILE_CACHE: compileCache };
  const running = spawn(process.execPath, [child, folder, word], { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let errors = "";
  const enough = Math.floor(Math.random() * 6000);
  running.stderr.on("data", (text) => {
    errors += text;
  });
  running.stdout.on("data", (text) => {
    output += text;
    if (step === undefined && output.length > enough) running.kill("SIGKILL");
  });
  const [, signal] = await once(running, "close");
  assert.equal(signal, "SIGKILL", `${step ?? "no step"} was not reached. ${errors}`);
  return output.split("\n").slice(0, -1).map(parseAnswer);
}

function parseAnswer(line: string): Answer {
  const [index, leafHash = "", size] = line.split(" ");
  return { index: Number(index), leafHash, size: Number(size) };
}

/** Every answer is provable, nothing else is wrong, and each head that was ever published begins the next. */
async function checkAfterKills(folder: string, answers: readonly Answer[]): Promise<void> {
  const store = openSqliteStore({ folder });
  const leaves = await checkWholeLog(store);
  assert.deepEqual((await collectAudit(store)).findings, []);
  const reader = createLogReader(store);
  const { heads } = await readAll(store);
  const newest = heads.at(-1);
  assert.ok(newest !== undefined);
  for (const { index, leafHash, size } of answers) {
    assert.equal(leaves[index], leafHash, `entry ${index}`);
    assert.ok(
      heads.some((head) => head.size === size && index < size),
      `head ${size}`,
    );
    const path = await reader.inclusionPath(index, newest.size);
    checkInclusion({ index, size: newest.size, leafHash: decodeHex(leafHash), path, root: newest.rootHash });
  }
  for (const [at, head] of heads.slice(1).entries()) {
    const before = heads[at] ?? head;
    const path = await reader.consistencyPath(before.size, head.size);
    checkConsistency({ size1: before.size, root1: before.rootHash, size2: head.size, root2: head.rootHash, path });
  }
  await store.close();
}

for (const { name, killSteps, rounds } of [
  { name: "at each step of a batch", killSteps: steps, rounds: 8 },
  { name: "at random", killSteps: Array<undefined>(15).fill(undefined), rounds: 8 },
]) {
  test(`a log that is killed ${killSteps.length * rounds} times ${name} keeps all that it acknowledged`, async (t) => {
    const folders = Array.from({ length: rounds }, () => temporaryFolder(t));
    const kill = async (folder: string) => {
      const answers: Answer[] = [];
      for (const [life, step] of killSteps.entries()) answers.push(...(await runAndKill(folder, `life-${life}`, step)));
      await checkAfterKills(folder, answers);
      return answers.length;
    };
    const kept: number[] = [];
    // Two logs at a time: a process is mostly waiting to start.
    for (let at = 0; at < rounds; at += 2) kept.push(...(await Promise.all(folders.slice(at, at + 2).map(kill))));
    const total = kept.reduce((sum, count) => sum + count, 0);
    t.diagnostic(`${total} acknowledged entries were there after ${killSteps.length * rounds} kills`);
    assert.ok(total > killSteps.length * rounds);
  });
}
