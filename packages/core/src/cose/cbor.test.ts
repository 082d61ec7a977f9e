import assert from "node:assert/strict";
import { test } from "node:test";
import { decode as cborgDecode, encode as cborgEncode, rfc8949EncodeOptions } from "cborg";
import fc from "fast-check";
import { isAttestryError } from "../errors.ts";
import { type CborValue, decodeCbor, encodeCbor, Tagged } from "./cbor.ts";

const key = fc.oneof(fc.maxSafeInteger(), fc.string({ unit: "grapheme", maxLength: 8 }));
const { value: anyValue } = fc.letrec<{ value: CborValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.maxSafeInteger(),
    fc.string({ unit: "grapheme" }),
    fc.boolean(),
    fc.constant(null),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 30 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 30 }).map((pairs) => new Map(pairs)),
  ),
}));

const refuses = (hex: string, options = {}): void =>
  assert.throws(
    () => decodeCbor(Uint8Array.fromHex(hex), options),
    (error) => isAttestryError(error) && error.code === "MALFORMED_CBOR",
    hex,
  );

test("what is encoded decodes to the same value, and cborg agrees byte for byte", () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const bytes = encodeCbor(value);
      assert.deepEqual(decodeCbor(bytes), value);
      assert.deepEqual(bytes, Uint8Array.from(cborgEncode(value, rfc8949EncodeOptions)));
      assert.deepEqual(cborgDecode(bytes, { useMaps: true }), value);
    }),
    { numRuns: 2000 },
  );
});

test("bytes that decode encode back to themselves; all other bytes are refused with one code", () => {
  const mutated = fc.tuple(anyValue, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, flip]) => {
    const bytes = encodeCbor(value);
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 64 })), (bytes) => {
      let value: CborValue;
      try {
        value = decodeCbor(bytes);
      } catch (error) {
        assert.ok(isAttestryError(error) && error.code === "MALFORMED_CBOR");
        return;
      }
      assert.deepEqual(encodeCbor(value), bytes);
    }),
    { numRuns: 20_000 },
  );
});

test("the largest and smallest integers that a number holds exactly are kept", () => {
  for (const value of [Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER])
    assert.equal(decodeCbor(encodeCbor(value)), value);
});

test("tags are kept", () => {
  assert.deepEqual(decodeCbor(Uint8Array.fromHex("d28101")), new Tagged(18, [1]));
  assert.deepEqual(encodeCbor(new Tagged(18, [1])), Uint8Array.fromHex("d28101"));
});

test("refuses every second way to write the same value (RFC 8949 §4.2.1)", () => {
  for (const hex of [
    "1800",
    "1817",
    "190017",
    "1900ff",
    "1a0000ffff",
    "1b00000000ffffffff",
    "5800",
    "7800",
    "9800",
    "b800",
  ])
    refuses(hex);
  refuses("a20201" + "0102"); // keys out of order
  refuses("5f41004100ff"); // indefinite byte string
  refuses("9fff");
  refuses("bfff");
});

test("map keys may stand in any order where the caller keeps the bytes", () => {
  const bytes = Uint8Array.fromHex("a202010102");
  assert.deepEqual(decodeCbor(bytes, { keyOrder: "any" }), new Map([[2, 1], [1, 2]])); // biome-ignore format: one line reads better
  refuses("a201010102", { keyOrder: "any" });
});

test("refuses duplicate keys, odd keys, floats, undefined, big numbers, bad UTF-8, cut and trailing bytes", () => {
  const bad = [
    "a201010102",
    "a1410001",
    "a1f401",
    "f90000",
    "fb3ff8000000000000",
    "f7",
    "f6f6",
    "",
    "1b0020000000000000",
  ];
  for (const hex of [
    ...bad,
    "3b0020000000000000",
    "3b001fffffffffffff",
    "61ff",
    "62c328",
    "42ff",
    "8201",
    "c1",
    "ff",
    "1c",
    "5b001fffffffffffff",
  ])
    refuses(hex);
});

test("refuses deep nesting instead of overflowing the stack", () => {
  refuses(`${"81".repeat(60_000)}01`);
  refuses(`${"d2".repeat(60_000)}01`);
  assert.doesNotThrow(() => decodeCbor(Uint8Array.fromHex(`${"81".repeat(16)}01`)));
  refuses(`${"81".repeat(17)}01`);
});

test("a length that promises more than there is takes no memory", () => {
  refuses("9b000fffffffffffff");
  refuses("bb000fffffffffffff");
});

test("refuses more items than anything of ours has, each of which takes far more memory than its one byte", () => {
  const items = (count: number) => Uint8Array.fromHex(`9a${count.toString(16).padStart(8, "0")}${"a0".repeat(count)}`);
  assert.equal((decodeCbor(items(131_071)) as CborValue[]).length, 131_071);
  refuses(items(131_072).toHex());
});
