import assert from "node:assert/strict";
import { test } from "node:test";
import { RLP } from "@ethereumjs/rlp";
import fc from "fast-check";
import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { asRlpNumber, asRlpScalar, decodeRlp, encodeRlp, encodeScalar, type RlpItem } from "./rlp.ts";

const code = "MALFORMED_ANCHOR";
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text.replaceAll(" ", ""));
const refusal = (error: unknown): boolean => isAttestryError(error) && error.code === code;

const { item: anyItem } = fc.letrec<{ item: RlpItem }>((tie) => ({
  item: fc.oneof(
    { maxDepth: 5 },
    fc.uint8Array({ maxLength: 70 }),
    fc.uint8Array({ minLength: 200, maxLength: 300 }),
    fc.array(tie("item"), { maxLength: 20 }),
  ),
}));

test("the examples of Ethereum's own description are encoded as it says", () => {
  const text = (value: string): RlpItem => encodeUtf8(value);
  const lorem = "Lorem ipsum dolor sit amet, consectetur adipisicing elit";
  const examples: [RlpItem, string][] = [
    [text("dog"), "83646f67"],
    [[text("cat"), text("dog")], "c88363617483646f67"],
    [text(""), "80"],
    [[], "c0"],
    [hex("00"), "00"],
    [hex("0f"), "0f"],
    [hex("0400"), "820400"],
    [[[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"],
    [text(lorem), `b838${encodeUtf8(lorem).toHex()}`],
  ];
  for (const [item, encoded] of examples) {
    assert.equal(encodeRlp(item).toHex(), encoded);
    assert.deepEqual(decodeRlp(hex(encoded), code), item);
  }
});

test("what is encoded decodes to the same item, and another implementation agrees byte for byte", () => {
  fc.assert(
    fc.property(anyItem, (item) => {
      const bytes = encodeRlp(item);
      assert.deepEqual(decodeRlp(bytes, code), item);
      assert.deepEqual(bytes, RLP.encode(item as Parameters<typeof RLP.encode>[0]));
      assert.deepEqual(RLP.decode(bytes), item);
    }),
    { numRuns: 500 },
  );
});

test("bytes that decode encode back to themselves; all others are refused with the given code", () => {
  const damaged = fc.tuple(anyItem, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([item, at, flip]) => {
    const bytes = Uint8Array.from(encodeRlp(item));
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
    return bytes;
  });
  let accepted = 0;
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 40 })), (bytes) => {
      let item: RlpItem;
      try {
        item = decodeRlp(bytes, code);
      } catch (error) {
        assert.ok(refusal(error));
        return;
      }
      accepted += 1;
      assert.deepEqual(encodeRlp(item), bytes);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(accepted > 100);
});

test("every other way to write the same item is refused", () => {
  const others = {
    "nothing at all": "",
    "bytes after the end": "8000",
    "a single byte with a length": "8105",
    "a short string with a long length": "b801ff",
    "a length with leading zeros": `b90038${"aa".repeat(56)}`,
    "a short list with a long length": "f803 820400",
    "a string cut short": "83646f",
    "a list cut short": "c883636174",
    "an item that reaches past its list's end": "c28301 0203",
    "a length that is cut short": "b9",
    "a length of eight bytes": "bfffffffffffffffff00",
  };
  for (const [what, bytes] of Object.entries(others)) {
    assert.throws(() => decodeRlp(hex(bytes), code), refusal, what);
  }
});

/** A list in a list in a list … as many levels deep. */
function nested(levels: number): Uint8Array {
  const prefixes: Uint8Array[] = [];
  for (let length = 0; prefixes.length < levels; length += prefixes.at(-1)?.length ?? 0) {
    const size = encodeScalar(length);
    prefixes.push(Uint8Array.from(length <= 55 ? [0xc0 + length] : [0xf7 + size.length, ...size]));
  }
  return concatBytes(...prefixes.toReversed());
}

test("lists deeper than any header or node are refused, and do not exhaust the stack", () => {
  assert.deepEqual(decodeRlp(nested(3), code), [[[]]]);
  assert.deepEqual(encodeRlp(decodeRlp(nested(17), code)), nested(17));
  for (const levels of [18, 100, 50_000]) assert.throws(() => decodeRlp(nested(levels), code), refusal);
});

test("whole numbers have no leading zeros and stay exact", () => {
  for (const value of [0, 1, 127, 128, 255, 256, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    assert.equal(asRlpNumber(encodeScalar(value), "It", code), value);
  }
  assert.equal(encodeScalar(0).length, 0);
  for (const bytes of ["00", "0001", "20000000000000", "ffffffffffffffff", "010000000000000000"]) {
    assert.throws(() => asRlpNumber(hex(bytes), "It", code), refusal, bytes);
  }
  assert.throws(() => asRlpNumber([], "It", code), refusal);
  assert.throws(() => asRlpScalar(hex("010203"), "It", code, 2), refusal);
});
