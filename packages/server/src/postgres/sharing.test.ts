/** Several processes write to one log, and die. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkConsistency, checkInclusion, decodeHex, encodeHex } from "@attestry/core";
import { createLogReader } from "../log/reader.ts";
import type { LogStore } from "../log/store.ts";
import { checkWholeLog, readAll } from "../log/testing/check-whole-log.ts";
import { collectAudit, origin } from "../log/testing/sample-log.ts";
import { openDatabase } from "./database.ts";
import { openPostgresLogStore } from "./log-store.ts";
import { postgresForTests } from "./testing/server.ts";

const postgres = postgresForTests();
const child = join(import.meta.dirname, "testing/write-child.ts");
const compileCache = mkdtempSync(join(tmpdir(), "attestry-sharing-"));
after(() => rmSync(compileCache, { recursive: true, force: true }));

interface Answer {
  readonly index: number;
  readonly leafHash: string;
  readonly size: number;
  readonly isNew: boolean;
}

/** What a process said while it lived. */
interface Writer {
  readonly process: ChildProcess;
  readonly answers: Answer[];
  readonly heads: { readonly size: number; readonly rootHash: string }[];
  /** Milliseconds between its answers, at most. */
  longestSilence(): number;
  errors: string;
}

function startWriter(url: string, word: string): Writer {
  const process_ = spawn(process.execPath, [child, url, word], {
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let rest = "";
  let silence = 0;
  let last: number | undefined;
  const writer: Writer = { process: process_, answers: [], heads: [], longestSilence: () => silence, errors: "" };
  process_.stderr.on("data", (text) => {
    writer.errors += text;
  });
  process_.stdout.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) read(line, writer);
    const now = performance.now();
    silence = Math.max(silence, now - (last ?? now));
    last = now;
  });
  return writer;
}

function read(line: string, { answers, heads }: Writer): void {
  const [kind, first, hash = "", size, known] = line.split(" ");
  if (kind === "head") heads.push({ size: Number(first), rootHash: hash });
  else answers.push({ index: Number(first), leafHash: hash, size: Number(size), isNew: known === "new" });
}

async function untilAnswers(writer: Writer, count: number): Promise<void> {
  const wanted = writer.answers.length + count;
  while (writer.answers.length < wanted) {
    assert.equal(writer.process.exitCode, null, writer.errors);
    await once(writer.process.stdout as NonNullable<ChildProcess["stdout"]>, "data");
  }
}

async function kill(writer: Writer): Promise<void> {
  writer.process.kill("SIGKILL");
  await once(writer.process, "close");
}

async function end(writer: Writer): Promise<void> {
  writer.process.stdin?.end();
  const [code] = await once(writer.process, "close");
  assert.equal(code, 0, writer.errors);
}

/** Every answer is provable, every entry is new once, and each head that anyone served is one of one log. */
async function checkShared(store: LogStore, writers: readonly Writer[]): Promise<number> {
  const leaves = await checkWholeLog(store);
  assert.deepEqual((await collectAudit(store)).findings, []);
  const { heads } = await readAll(store);
  const newest = heads.at(-1);
  assert.ok(newest !== undefined);
  const reader = createLogReader(store);
  const rootAt = new Map(heads.map(({ size, rootHash }) => [size, encodeHex(rootHash)]));
  const answers = writers.flatMap((writer) => writer.answers);
  for (const { index, leafHash, size } of answers) {
    assert.equal(leaves[index], leafHash, `entry ${index}`);
    assert.ok(index < size && rootAt.has(size), `head ${size}`);
  }
  const paths = await reader.inclusionPaths(answers.map(({ index }) => index), newest.size); // biome-ignore format: one line
  for (const [at, { index, leafHash }] of answers.entries()) {
    const proof = {
      index,
      size: newest.size,
      leafHash: decodeHex(leafHash),
      path: paths[at] ?? [],
      root: newest.rootHash,
    };
    checkInclusion(proof);
  }
  const isNew = answers.filter((answer) => answer.isNew).map(({ index }) => index);
  assert.equal(new Set(isNew).size, isNew.length, "an entry was new twice");
  for (const { size, rootHash } of writers.flatMap((writer) => writer.heads)) assert.equal(rootAt.get(size), rootHash);
  for (const [at, head] of heads.slice(1).entries()) {
    const before = heads[at] ?? head;
    const path = await reader.consistencyPath(before.size, head.size);
    checkConsistency({ size1: before.size, root1: before.rootHash, size2: head.size, root2: head.rootHash, path });
  }
  return answers.length;
}

async function openStore(url: string): Promise<LogStore> {
  const database = await openDatabase(url);
  try {
    return await openPostgresLogStore({ database, origin, readOnly: true });
  } finally {
    await database.close();
  }
}

test("three processes share one log, and killing them one after the other loses nothing", {
  skip: postgres.skip ?? false,
}, async (t) => {
  const url = await (await postgres.server()).createDatabase();
  const all: Writer[] = [];
  const start = (word: string): Writer => {
    const writer = startWriter(url, word);
    all.push(writer);
    t.after(() => writer.process.kill("SIGKILL"));
    return writer;
  };
  const alive = [start("a"), start("b"), start("c")];
  await Promise.all(alive.map((writer) => untilAnswers(writer, 30)));
  for (let life = 0; life < 6; life++) {
    const place = life % 3;
    await kill(alive[place] as Writer);
    const others = alive.filter((_, at) => at !== place);
    await Promise.all(others.map((writer) => untilAnswers(writer, 50)));
    alive[place] = start(`life-${life}`);
    await untilAnswers(alive[place], 30);
  }
  await Promise.all(alive.map((writer) => untilAnswers(writer, 100)));
  await Promise.all(alive.map(end));
  const store = await openStore(url);
  t.after(() => store.close());
  const count = await checkShared(store, all);
  const silence = Math.max(...all.map((writer) => writer.longestSilence()));
  t.diagnostic(
    `${count} acknowledged entries were there after 6 kills; nobody waited longer than ${Math.round(silence)} ms`,
  );
  assert.ok(silence < 60_000, "a dead process holds up the others");
});
