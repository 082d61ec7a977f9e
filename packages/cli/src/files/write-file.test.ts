import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { keepCopy, writeFileWhole } from "./write-file.ts";

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "attestry-write-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

test("a file is written with its folders, and nothing else is left", (t) => {
  const root = folder(t);
  writeFileWhole(join(root, "a/b/c.proof"), Buffer.from("one"), { mode: 0o600, durable: true });
  writeFileWhole(join(root, "a/b/c.proof"), Buffer.from("two"), { mode: 0o600 });
  assert.equal(readFileSync(join(root, "a/b/c.proof"), "utf8"), "two");
  assert.equal(statSync(join(root, "a/b/c.proof")).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(root, "a/b")), ["c.proof"]);
});

test("when a file cannot be written, the error names it and its folder is as it was", (t) => {
  const root = folder(t);
  const path = join(root, "folder");
  writeFileWhole(join(path, "inside"), Buffer.from("x"));
  assert.throws(() => writeFileWhole(path, Buffer.from("x")), {
    code: "USAGE_FILE",
    message: /folder cannot be written/,
  });
  assert.throws(() => writeFileWhole(join(path, "inside", "below"), Buffer.from("x")), { code: "USAGE_FILE" });
  assert.deepEqual(readdirSync(root), ["folder"]);
  assert.deepEqual(readdirSync(path), ["inside"]);
});

test("an earlier file is kept under the next free number; an empty one is not worth keeping", (t) => {
  const root = folder(t);
  const path = join(root, "a.proof");
  assert.equal(keepCopy(path), undefined);
  writeFileSync(path, "");
  assert.equal(keepCopy(path), undefined);
  writeFileSync(path, "one");
  assert.equal(keepCopy(path), `${path}.1`);
  writeFileSync(path, "two");
  assert.equal(keepCopy(path), `${path}.2`);
  assert.deepEqual(
    [1, 2].map((number) => readFileSync(`${path}.${number}`, "utf8")),
    ["one", "two"],
  );
});

test("a full disk is told as that, names the file, and leaves nothing half written", (t) => {
  const root = mkdtempSync(join(tmpdir(), "attestry-full-"));
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", root]);
  t.after(() => {
    spawnSync("umount", [root]);
    rmSync(root, { recursive: true, force: true });
  });
  if (mounted.status !== 0) return t.skip(`a small file system cannot be mounted here: ${mounted.stderr}`);
  const path = join(root, "a.proof");
  writeFileWhole(path, Buffer.alloc(20_000, 1));
  const full = { code: "UNAVAILABLE_STORAGE", message: new RegExp(`^${path}.* disk is full`) };
  assert.throws(() => writeFileWhole(path, Buffer.alloc(60_000, 2)), full);
  assert.throws(() => writeFileWhole(join(root, "b.proof"), Buffer.alloc(60_000, 2)), {
    code: "UNAVAILABLE_STORAGE",
    message: /b\.proof cannot be written: the disk is full/,
  });
  assert.deepEqual(readdirSync(root), ["a.proof"]);
  assert.deepEqual(readFileSync(path), Buffer.alloc(20_000, 1));
});
