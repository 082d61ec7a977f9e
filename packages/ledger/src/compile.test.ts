import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { artifactPath, compileContract, encodeArtifact } from "./compile.ts";

test("the committed ABI and bytecode are, byte for byte, what the compiler makes of the committed source", () => {
  assert.equal(readFileSync(artifactPath, "utf8"), encodeArtifact(compileContract()));
});
