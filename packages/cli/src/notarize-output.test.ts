import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError } from "@attestry/core";
import { createLedger, type Ledger } from "./notarize-output.ts";
import { createProgress } from "./progress.ts";

const place = { server: "http://127.0.0.1:8080", origin: "log.example/a" };
const file = (path: string) => ({ path, relative: path });

/** A ledger, with what it prints. */
function ledger(json: boolean): Ledger & { lines: string[]; notes: string[]; values: unknown[] } {
  const [lines, notes, values]: [string[], string[], unknown[]] = [[], [], []];
  const output = {
    json,
    line: (text = "") => void lines.push(text),
    note: (text: string) => void notes.push(text),
    value: (value: unknown) => void values.push(value),
    style: (_style: unknown, text: string) => text,
  };
  return { ...createLedger(output, createProgress("", false), () => place), lines, notes, values };
}

test("many lines of a kind are cut short, every failure of a file's own is shown, and the closing line counts all", () => {
  const { files, finish, lines, notes, values } = ledger(false);
  for (let index = 0; index < 50; index++) {
    files.onOutcome(file(`f${index}`), {
      status: "notarized",
      proofPath: `f${index}.proof`,
      digest: new Uint8Array(32),
      index,
    });
    files.onOutcome(file(`g${index}`), { status: "failed", error: new AttestryError("POLICY_CLAIMS") });
  }
  assert.equal(finish(undefined), 2);
  assert.equal(lines.length, 22);
  assert.equal(lines[0], "✓ f0 → f0.proof (entry 0)");
  assert.equal(lines[20], "  … and more like this");
  assert.equal(lines[21], "50 files notarised at log.example/a (http://127.0.0.1:8080); 50 files without a proof.");
  assert.equal(notes.length, 50);
  assert.match(notes[49] ?? "", /^✗ g49: A claim/);
  assert.equal(values.length, 100);
});

test("a run that was stopped says why once, and what to do", () => {
  const { files, finish, lines, notes } = ledger(false);
  const error = new AttestryError("UNAVAILABLE_SERVER", "The notary cannot be reached.");
  for (let index = 0; index < 500; index++) files.onOutcome(file(`f${index}`), { status: "left", error });
  assert.equal(finish(error), 3);
  assert.deepEqual(notes.slice(-3), [
    "✗ f19 has no proof",
    "  … and more like this",
    "attestry: The notary cannot be reached. Run the same command again for the rest.",
  ]);
  assert.deepEqual(lines, ["0 files notarised at log.example/a (http://127.0.0.1:8080); 500 files without a proof."]);
});

test("what repeating does not cure is not told to be repeated", () => {
  const { finish, notes } = ledger(false);
  assert.equal(finish(new AttestryError("POLICY_ISSUER_REVOKED", "It was revoked.")), 2);
  assert.deepEqual(notes, ["attestry: It was revoked."]);
});

test("names that would disturb a terminal are made harmless", () => {
  const { files, lines } = ledger(false);
  const name = "a\x1b[2J\n\u202eb";
  files.onOutcome(file(name), { status: "already", proofPath: `${name}.proof`, digest: new Uint8Array(32) });
  assert.deepEqual(lines, ["  a\ufffd\ufffdb has its proof already"]);
});
