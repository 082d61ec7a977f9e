import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { loadSdk } from "./sdk.ts";

test("a library that is not installed is named, with the command that installs it", () => {
  for (const load of [
    () => loadSdk("@azure/no-such-library"),
    () => loadSdk("@azure/no-such-library", "@azure/none"),
  ]) {
    assert.throws(load, { code: "USAGE", message: /@azure\/no-such-library.*npm run setup:azure/ });
  }
});

test("importing the package loads none of Microsoft's libraries", () => {
  const entry = JSON.stringify(join(import.meta.dirname, "index.ts"));
  const program = `await import(${entry}); console.log(Object.keys(require("node:module")._cache).join("\\n"))`;
  const loaded = execFileSync(
    process.execPath,
    [
      "--input-type=module",
      "--eval",
      `import { createRequire } from "node:module"; const require = createRequire(${entry}); ${program}`,
    ],
    { encoding: "utf8" },
  );
  assert.doesNotMatch(loaded, /@azure|tedious/);
});
