import assert from "node:assert/strict";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeFolder } from "./make-folder.ts";
import { temporaryFolder } from "./testing.ts";

test("folders are made with those above them, and left as they are when they are there", (t) => {
  const path = join(temporaryFolder(t), "a/b/c");
  makeFolder(path, 0o700);
  writeFileSync(join(path, "kept"), "");
  makeFolder(path);
  assert.deepEqual([statSync(path).mode & 0o777, existsSync(join(path, "kept"))], [0o700, true]);
});

test("what cannot be made is an error, where a file is in the way and where the system takes no folders", (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  assert.throws(() => makeFolder(file), { code: "EEXIST" });
  assert.throws(() => makeFolder(join(file, "below")), { code: "ENOTDIR" });
  if (process.platform !== "linux") return t.diagnostic("only Linux has /proc");
  assert.throws(() => makeFolder("/proc/attestry/below"), { code: "ENOENT" });
});
