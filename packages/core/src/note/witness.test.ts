import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeBase64, encodeUtf8 } from "../bytes.ts";
import { encodeNote, signNote } from "./note.ts";
import { logSigner } from "./testing.ts";
import { encodeAddCheckpoint, parseAddCheckpoint } from "./witness.ts";

const root = encodeBase64(new Uint8Array(32).fill(9));
const checkpoint = await signNote(`example.com/log\n5\n${root}\n`, [logSigner("example.com/log", 1)]);
const note = encodeNote(checkpoint);
const hashes = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { maxLength: 63 });

test("a request reads back as it was", () => {
  fc.assert(
    fc.property(fc.maxSafeInteger().map(Math.abs), hashes, (oldSize, path) => {
      const request = { oldSize, path, checkpoint };
      assert.deepEqual(parseAddCheckpoint(encodeAddCheckpoint(request)), request);
    }),
  );
});

test("a proof of 63 hashes is the longest", () => {
  const path = Array<Uint8Array>(63).fill(new Uint8Array(32));
  assert.equal(parseAddCheckpoint(encodeAddCheckpoint({ oldSize: 1, path, checkpoint })).path.length, 63);
});

test("a request is laid out as tlog-witness says", () => {
  const path = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const body = decodeUtf8(encodeAddCheckpoint({ oldSize: 3, path, checkpoint }));
  assert.equal(body, `old 3\n${path.map(encodeBase64).join("\n")}\n\n${note}`);
});

const refused: Record<string, string> = {
  nothing: "",
  "no old size": `\n${note}`,
  "an empty line first": `\nold 0\n\n${note}`,
  "no empty line": "old 0\n",
  "no space": `old0\n\n${note}`,
  "two spaces": `old  0\n\n${note}`,
  "another word": `new 0\n\n${note}`,
  capitals: `Old 0\n\n${note}`,
  "an empty old size": `old \n\n${note}`,
  "a leading zero": `old 05\n\n${note}`,
  "a sign": `old +5\n\n${note}`,
  hexadecimal: `old 0x10\n\n${note}`,
  "a size beyond 2^53 - 1": `old 9007199254740992\n\n${note}`,
  "a space at the end": `old 5 \n\n${note}`,
  "a carriage return": `old 5\r\n\n${note}`,
  "a hash of 31 bytes": `old 1\n${encodeBase64(new Uint8Array(31))}\n\n${note}`,
  "a hash of 33 bytes": `old 1\n${encodeBase64(new Uint8Array(33))}\n\n${note}`,
  "a hash without padding": `old 1\n${root.replace("=", "")}\n\n${note}`,
  "two hashes on a line": `old 1\n${root} ${root}\n\n${note}`,
  "64 hashes": `old 1\n${`${root}\n`.repeat(64)}\n${note}`,
};
for (const [what, body] of Object.entries(refused)) {
  test(`a request is refused with ${what}`, () => {
    assert.throws(() => parseAddCheckpoint(encodeUtf8(body)), { code: "MALFORMED_REQUEST" });
  });
}

test("a request is refused with a checkpoint that is not a signed note", () => {
  for (const rest of ["", "text\n", note.trimEnd(), `${note}\n`, `\n${note}`.replace("\u2014", "-")]) {
    assert.throws(
      () => parseAddCheckpoint(encodeUtf8(`old 0\n\n${rest}`)),
      { code: "MALFORMED_NOTE" },
      JSON.stringify(rest),
    );
  }
});

test("a request that is not UTF-8 is refused", () => {
  assert.throws(() => parseAddCheckpoint(Uint8Array.of(0x6f, 0xff)), { code: "MALFORMED_REQUEST" });
});

test("a request that a witness would refuse is not written", () => {
  for (const bad of [
    { oldSize: -1 },
    { oldSize: 0.5 },
    { oldSize: 2 ** 53 },
    { path: Array(64).fill(new Uint8Array(32)) },
    { path: [new Uint8Array(31)] },
  ]) {
    assert.throws(() => encodeAddCheckpoint({ oldSize: 1, path: [], checkpoint, ...bad }), {
      code: "MALFORMED_REQUEST",
    });
  }
});

test("any bytes are a request that is written as it was read, or are refused", () => {
  const good = `old 1\n${root}\n\n${note}`;
  const near = fc
    .tuple(fc.nat(good.length), fc.string({ maxLength: 2 }))
    .map(([at, s]) => good.slice(0, at) + s + good.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), near.map(encodeUtf8)), (body) => {
      try {
        assert.deepEqual(encodeAddCheckpoint(parseAddCheckpoint(body)), Uint8Array.from(body));
      } catch (error) {
        assert.match(String((error as { code?: unknown }).code), /^MALFORMED_(?:REQUEST|NOTE)$/);
      }
    }),
    { numRuns: 1000 },
  );
});
