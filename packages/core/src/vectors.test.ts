import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  makeVectorFiles,
  type ProofVector,
  readProof,
  readStatement,
  type StatementVector,
} from "../test-kit/vectors.ts";

const folder = join(import.meta.dirname, "../../../vectors");
const read = (name: string): string => readFileSync(join(folder, name), "utf8");

test("the published vectors are what `npm run vectors` writes", async () => {
  for (const [name, content] of await makeVectorFiles()) assert.equal(read(name), content, name);
});

test("published statements and proofs read as they say, and both good and bad ones are among them", async () => {
  const statements: StatementVector[] = JSON.parse(read("statements.json"));
  for (const { name, statement, expect } of statements)
    assert.deepEqual(readStatement(Uint8Array.fromHex(statement)), expect, name);
  assert.equal(statements.filter(({ expect }) => "error" in expect).length, 4);
  const proofs: ProofVector[] = JSON.parse(read("proofs.json"));
  for (const { expect, ...input } of proofs) assert.deepEqual(await readProof(input), expect, input.name);
  const verdicts = new Set(proofs.map(({ expect }) => expect.verdict));
  assert.deepEqual([...verdicts].sort(), [
    "altered",
    "incomplete",
    "invalid",
    "revoked",
    "superseded",
    "untrusted",
    "verified",
  ]);
});
