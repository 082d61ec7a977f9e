import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { encodeBase64, encodeHex, encodeUtf8 } from "../bytes.ts";
import { leafHash } from "../merkle/hash.ts";
import { createFrontier } from "../merkle/tree.ts";
import { isAllSeen } from "../unseen.ts";
import { encodeCheckpoint, parseCheckpoint, parseTreeSize } from "./checkpoint.ts";
import { checkNote, encodeNote, parseNote } from "./note.ts";
import { parseVerifierKey } from "./vkey.ts";

const vectors = join(import.meta.dirname, "../../../../../shared/vectors/tlog-tiles");
const entries = "one two three four five six seven eit nain ten ileven twelf threeten fourten fivten"
  .split(" ")
  .map(encodeUtf8);

test("every checkpoint of Tessera's log verifies and has the root of its entries", async (t) => {
  if (!existsSync(vectors)) return t.skip(`the vectors are not at ${vectors}`);
  const key = parseVerifierKey("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx");
  const frontier = createFrontier();
  for (let size = 0; size <= 15; size++) {
    const bytes = readFileSync(join(vectors, `checkpoint.${size}`));
    const note = parseNote(bytes);
    assert.deepEqual((await checkNote(note, [key])).verified, [key]);
    const checkpoint = parseCheckpoint(note.text);
    assert.deepEqual(
      [checkpoint.origin, checkpoint.size, checkpoint.extensions],
      ["example.com/log/testdata", size, []],
    );
    assert.equal(encodeHex(checkpoint.rootHash), encodeHex(frontier.root()));
    assert.equal(encodeCheckpoint(checkpoint), note.text);
    assert.equal(encodeNote(note), bytes.toString("utf8"));
    if (size < 15) frontier.append(leafHash(entries[size] as Uint8Array));
  }
});

const line = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 }).filter((text) => !/[\x00-\x1f]/.test(text));
const checkpoints = fc.record(
  {
    origin: line.filter(isAllSeen),
    size: fc.maxSafeInteger().map(Math.abs),
    rootHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    extensions: fc.array(line, { maxLength: 3 }),
  },
  { noNullPrototype: true },
);

test("a checkpoint reads back as it was", () => {
  fc.assert(
    fc.property(checkpoints, (checkpoint) =>
      assert.deepEqual(parseCheckpoint(encodeCheckpoint(checkpoint)), checkpoint),
    ),
  );
});

const root = encodeBase64(new Uint8Array(32).fill(9));
const refused: Record<string, string> = {
  "no text": "",
  "an empty line alone": "\n",
  "two lines": "example.com/log\n5\n",
  "no newline at the end": `example.com/log\n5\n${root}`,
  "an empty line at the end": `example.com/log\n5\n${root}\n\n`,
  "an empty origin": `\n5\n${root}\n`,
  "an empty size": `example.com/log\n\n${root}\n`,
  "an empty extension line": `example.com/log\n5\n${root}\n\nmore\n`,
  "an empty root": "example.com/log\n5\n\n",
  "a root of 31 bytes": `example.com/log\n5\n${encodeBase64(new Uint8Array(31))}\n`,
  "a root of 33 bytes": `example.com/log\n5\n${encodeBase64(new Uint8Array(33))}\n`,
  "a root without padding": `example.com/log\n5\n${root.replace(/=+$/, "")}\n`,
  "a root with stray bits": `example.com/log\n5\n${root.replace(/.=$/, "l=")}\n`,
  "a root in base64url": `example.com/log\n5\n${encodeBase64(new Uint8Array(32).fill(0xff)).replaceAll("/", "_")}\n`,
  "a root in hexadecimal": `example.com/log\n5\n${"09".repeat(32)}\n`,
  "a space after the root": `example.com/log\n5\n${root} \n`,
  "carriage returns": `example.com/log\r\n5\r\n${root}\r\n`,
  "a tab": `example.com/log\n5\n${root}\n\tx\n`,
};
for (const [what, text] of Object.entries(refused)) {
  test(`a checkpoint is refused with ${what}`, () => {
    assert.throws(() => parseCheckpoint(text), { code: "MALFORMED_CHECKPOINT" });
  });
}

test("a tree size is plain decimal, as large as a number holds exactly", () => {
  for (const size of ["0", "1", "10", "9007199254740991"])
    assert.equal(parseTreeSize(size, "MALFORMED_REQUEST"), Number(size));
  const bad = [
    "",
    " ",
    "00",
    "05",
    "+5",
    "-5",
    "-0",
    "5 ",
    " 5",
    "5\n",
    "5.0",
    "5e1",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1,000",
    "٥",
    "５",
  ];
  for (const size of [...bad, "NaN", "Infinity", "5n", "9007199254740992", "18446744073709551616", "9".repeat(400)]) {
    assert.throws(() => parseTreeSize(size, "MALFORMED_REQUEST"), { code: "MALFORMED_REQUEST" }, size);
    assert.throws(() => parseCheckpoint(`example.com/log\n${size}\n${root}\n`), { code: "MALFORMED_CHECKPOINT" }, size);
  }
});

test("a checkpoint has at most 16,384 characters, since each of its signatures takes reading it", () => {
  const text = (length: number) => `example.com/log\n5\n${root}\n`.padEnd(length - 1, "x").concat("\n");
  assert.equal(parseCheckpoint(text(16_384)).extensions.length, 1);
  assert.throws(() => parseCheckpoint(text(16_385)), { code: "MALFORMED_CHECKPOINT" });
});

test("what could not be read again is not written", () => {
  const good = { origin: "example.com/log", size: 5, rootHash: new Uint8Array(32), extensions: [] };
  for (const bad of [
    { origin: "" },
    { origin: "a\nb" },
    { origin: "a\u0000" },
    { extensions: [""] },
    { extensions: ["a\nb"] },
    { size: -1 },
    { size: 0.5 },
    { size: 2 ** 53 },
    { size: Number.NaN },
    { rootHash: new Uint8Array(31) },
    { extensions: ["x".repeat(16_384)] },
  ]) {
    assert.throws(() => encodeCheckpoint({ ...good, ...bad }), { code: "MALFORMED_CHECKPOINT" }, JSON.stringify(bad));
  }
});

test("any text is a checkpoint that is written as it was read, or is refused", () => {
  const good = `example.com/log\n5\n${root}\n`;
  const near = fc
    .tuple(fc.nat(good.length), fc.string({ maxLength: 2 }))
    .map(([at, s]) => good.slice(0, at) + s + good.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      try {
        assert.equal(encodeCheckpoint(parseCheckpoint(text)), text);
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "MALFORMED_CHECKPOINT");
      }
    }),
    { numRuns: 1000 },
  );
});
