import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { hashFile } from "./hash-file.ts";
import { type HashOutcome, hashFiles } from "./hash-pool.ts";
import type { FoundFile } from "./walk.ts";

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "attestry-hash-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");

test("the hash is that of the content, whatever the size", async (t) => {
  const path = join(folder(t), "file");
  const [buffer, large, piece] = [512 * 1024, 16 * 1024 * 1024, 4 * 1024 * 1024];
  const around = [0, 55, buffer, 3 * buffer, large, large + piece].flatMap((size) => [size - 1, size, size + 1]);
  for (const size of around.filter((size) => size >= 0)) {
    const content = Buffer.alloc(size, `${size} `);
    writeFileSync(path, content);
    const hashed = await hashFile(path);
    assert.equal(hex(hashed.digest), sha256(content), `${size} bytes`);
    assert.equal(hashed.size, size);
  }
});

test("large files that are hashed side by side do not mix", async (t) => {
  const root = folder(t);
  const contents = [1, 2, 3].map((fill) => Buffer.alloc(20_000_000 + fill, fill));
  contents.forEach((content, at) => void writeFileSync(join(root, `${at}`), content));
  const hashed = await Promise.all(contents.map((_, at) => hashFile(join(root, `${at}`))));
  assert.deepEqual(
    hashed.map(({ digest }) => hex(digest)),
    contents.map(sha256),
  );
});

test("the bytes that are told of as progress add up to the file", async (t) => {
  const path = join(folder(t), "file");
  writeFileSync(path, Buffer.alloc(30_000_000));
  let told = 0;
  await hashFile(path, (count) => {
    told += count;
  });
  assert.equal(told, 30_000_000);
});

const changes: Record<string, (path: string) => void> = {
  grows: (path) => appendFileSync(path, "x"),
  "is cut short": (path) => truncateSync(path, 10_000_000),
  "is written to in place, and its time set back": (path) => {
    writeFileSync(path, Buffer.alloc(20_000_000, 9), { flag: "r+" });
    utimesSync(path, 1_000_000, 1_000_000);
  },
  "is replaced by another of the same size": (path) => {
    writeFileSync(`${path}.new`, Buffer.alloc(20_000_000, 9));
    utimesSync(`${path}.new`, 1_000_000, 1_000_000);
    renameSync(`${path}.new`, path);
  },
  "is removed": (path) => rmSync(path),
};

for (const [what, change] of Object.entries(changes)) {
  test(`a file that ${what} while it is read is refused by name`, async (t) => {
    const path = join(folder(t), "file");
    writeFileSync(path, Buffer.alloc(20_000_000, 1));
    utimesSync(path, 1_000_000, 1_000_000);
    let changed = false;
    const hashing = hashFile(path, () => {
      if (!changed) change(path);
      changed = true;
    });
    await assert.rejects(hashing, (error: { code: string; message: string }) => {
      assert.equal(error.code, "CONFLICT_FILE_CHANGED");
      assert.ok(error.message.includes(path));
      return true;
    });
  });
}

test("folders, pipes that nobody writes to, and missing files are refused by name, at once", async (t) => {
  const root = folder(t);
  mkdirSync(join(root, "folder"));
  execFileSync("mkfifo", [join(root, "pipe")]);
  for (const name of ["folder", "pipe", "missing"]) {
    const path = join(root, name);
    await assert.rejects(hashFile(path), (error: { code: string; message: string }) => {
      assert.equal(error.code, "USAGE_FILE");
      assert.ok(error.message.startsWith(path));
      return true;
    });
  }
});

async function hashAll(files: readonly FoundFile[]): Promise<{ outcomes: HashOutcome[]; bytes: number }> {
  async function* source(): AsyncGenerator<FoundFile> {
    yield* files;
  }
  let bytes = 0;
  const add = (count: number): void => {
    bytes += count;
  };
  return { outcomes: (await Array.fromAsync(hashFiles(source(), add))).flat(), bytes };
}

test("the bytes told of many files add up too, small and large ones, in one thread and in several", async (t) => {
  const root = folder(t);
  const files = Array.from({ length: 40 }, (_, at) => ({ path: join(root, `f${at}`), relative: `f${at}` }));
  for (const [at, { path }] of files.entries())
    writeFileSync(path, Buffer.alloc(at % 10 === 0 ? 9_000_001 : 1000 + at));
  for (const some of [files.slice(0, 1), files.slice(0, 5), files]) {
    const { outcomes, bytes } = await hashAll(some);
    assert.equal(
      bytes,
      outcomes.reduce((sum, { size }) => sum + size, 0),
    );
  }
});

test("many files come out in order with their own hashes, and one that cannot be read spoils none of the others", async (t) => {
  const root = folder(t);
  const files = Array.from({ length: 1500 }, (_, at) => ({ path: join(root, `f${at}`), relative: `f${at}` }));
  for (const [at, { path }] of files.entries()) if (at !== 700) writeFileSync(path, `content ${at}`);
  const { outcomes } = await hashAll(files);
  assert.deepEqual(
    outcomes.map(({ file }) => file.path),
    files.map(({ path }) => path),
  );
  for (const [at, { digest, error }] of outcomes.entries()) {
    if (at === 700) assert.equal(error?.code, "USAGE_FILE");
    else assert.equal(hex(digest), sha256(Buffer.from(`content ${at}`)));
  }
});

test("more threads join in when hashing is what is waited for", async (t) => {
  if (availableParallelism() === 1) return t.skip("there is one processor core: more threads would gain nothing");
  const path = join(folder(t), "sparse");
  writeFileSync(path, "");
  truncateSync(path, 60_000_000);
  let started = 0;
  const count = (): void => void started++;
  process.on("worker", count);
  const { outcomes } = await hashAll(Array.from({ length: 36 }, (_, at) => ({ path, relative: `f${at}` })));
  process.off("worker", count);
  assert.equal(new Set(outcomes.map(({ digest }) => hex(digest))).size, 1);
  assert.ok(started > 1, `${started} threads`);
});

test("a process that is too busy to widen in time does so later, and warns of nothing", async (t) => {
  const path = join(folder(t), "file");
  writeFileSync(path, "content");
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  t.after(() => process.off("warning", note));
  async function* source(): AsyncGenerator<FoundFile> {
    for (let at = 0; at < 400; at++) yield { path, relative: `f${at}` };
  }
  let busy = true;
  for await (const _ of hashFiles(source(), () => {
    for (const start = performance.now(); busy && performance.now() - start < 700; );
    busy = false;
  }));
  await new Promise(setImmediate); // warnings are told of on the next turn
  assert.deepEqual(warnings, []);
});

test("leaving off early ends the threads, wherever they are", async (t) => {
  const path = join(folder(t), "file");
  writeFileSync(path, "content");
  async function* source(): AsyncGenerator<FoundFile> {
    for (let at = 0; at < 5000; at++) yield { path, relative: `f${at}` };
  }
  const threads: Worker[] = [];
  const note = (thread: Worker): void => void threads.push(thread);
  process.on("worker", note);
  t.after(() => process.off("worker", note));
  for (let enough = 0; enough < 2000; enough += 100) {
    let seen = 0;
    for await (const group of hashFiles(source(), () => {})) {
      seen += group.length;
      if (seen > enough) break;
    }
    const ended = -1; // the id of a thread that is no more
    assert.deepEqual([...new Set(threads.map(({ threadId }) => threadId))], [ended]);
  }
});

test("memory does not grow with the file", async (t) => {
  const path = join(folder(t), "sparse");
  writeFileSync(path, "");
  truncateSync(path, 400_000_000);
  global.gc?.();
  const before = process.memoryUsage.rss();
  let most = 0;
  await hashFile(path, () => {
    most = Math.max(most, process.memoryUsage.rss());
  });
  assert.ok(most - before < 30_000_000, `grew by ${most - before} bytes`);
});
