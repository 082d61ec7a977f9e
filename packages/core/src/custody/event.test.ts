import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../bytes.ts";
import { decodeCbor, encodeCbor } from "../cose/cbor.ts";
import { sha256 } from "../crypto/index.ts";
import { isAttestryError } from "../errors.ts";
import { type CustodyAct, type CustodyEvent, encodeCustodyEvent, parseCustodyEvent } from "./event.ts";

const text = fc.string({ unit: fc.constantFrom("a", "Z", "é", "7", " ", "✓"), minLength: 1, maxLength: 512 });
const count = fc.maxSafeInteger().map(Math.abs);
const order = { order: text };
const recordClass = { recordClass: text, retainUntil: count };
const base32 = fc.string({
  unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"),
  minLength: 25,
  maxLength: 25,
});
const objectId = fc.tuple(base32, fc.constantFrom(..."aeimquy4")).map(([most, last]) => most + last);
const act: fc.Arbitrary<CustodyAct> = fc.oneof(
  fc.record({
    action: fc.constant("stored" as const),
    size: count,
    segments: count,
    contentType: fc.option(text, { nil: undefined }),
    entryIndex: count,
    ...recordClass,
  }),
  fc.record({ action: fc.constantFrom("read" as const, "exported" as const) }),
  fc.record({ action: fc.constantFrom("held" as const, "released" as const, "erased" as const), ...order }),
  fc.record({ action: fc.constant("reclassified" as const), ...recordClass }),
);
const event: fc.Arbitrary<CustodyEvent> = fc
  .tuple(
    fc.record({
      objectId,
      sequence: count,
      contentHash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      subject: text,
      who: text,
      purpose: text,
      time: count,
      salt: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    }),
    act,
  )
  .map(([facts, own]) => ({ ...facts, ...own }));

const isCorrupt = (error: unknown): boolean => isAttestryError(error) && error.code === "FATAL_CORRUPT";

test("an event is read back as it was written, and is the same bytes again", () => {
  fc.assert(
    fc.property(event, (value) => {
      const bytes = encodeCustodyEvent(value);
      assert.deepEqual({ ...parseCustodyEvent(bytes) }, { ...value });
      assert.deepEqual(encodeCustodyEvent(parseCustodyEvent(bytes)), bytes);
    }),
  );
});

test("bytes that are read are the only ones of their event; all others are refused with one code", () => {
  const mutated = fc.tuple(event, fc.nat(), fc.integer({ min: 1, max: 255 })).map(([value, at, flip]) => {
    const bytes = encodeCustodyEvent(value);
    bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      let value: CustodyEvent;
      try {
        value = parseCustodyEvent(bytes);
      } catch (error) {
        assert.ok(isCorrupt(error), String(error));
        return;
      }
      assert.deepEqual(encodeCustodyEvent(value), bytes);
    }),
    { numRuns: 5000 },
  );
});

const sample: CustodyEvent = {
  objectId: "aebagbafaydqqcikbmga2dqpca",
  sequence: 1,
  contentHash: new Uint8Array(32),
  subject: "record 17",
  who: "clerk",
  purpose: "filing",
  time: 1_700_000_000,
  salt: new Uint8Array(16),
  action: "held",
  order: "case 7",
};

test("an event with a field too many, too few or of another act is refused", () => {
  const fields = decodeCbor(encodeCustodyEvent(sample)) as Map<string, never>;
  for (const key of fields.keys()) {
    const without = new Map(fields);
    without.delete(key);
    assert.throws(() => parseCustodyEvent(encodeCbor(without)), isCorrupt, key);
  }
  for (const [key, value] of [
    ["note", "x"],
    ["action", "read"],
    ["action", "burnt"],
    ["action", "toString"],
    ["object", "no object"],
    ["object", "aebagbafaydqqcikbmga2dqpcb"],
    ["order", ""],
    ["order", "a\nb"],
    ["sequence", -1],
    ["salt", new Uint8Array(15)],
  ] as const) {
    assert.throws(() => parseCustodyEvent(encodeCbor(new Map([...fields, [key, value]]))), isCorrupt, String(key));
  }
  assert.throws(() => parseCustodyEvent(encodeCbor([])), isCorrupt);
});

test("the example of docs/format/custody.md is what it says", () => {
  const page = readFileSync(join(import.meta.dirname, "../../../../docs/format/custody.md"), "utf8");
  const [, hex = "", hash] = /```\n((?:[0-9a-f]+\n)+)\n([0-9a-f]{64})\n```/.exec(page) ?? [];
  const bytes = Buffer.from(hex.replaceAll("\n", ""), "hex");
  assert.equal(encodeHex(sha256(bytes)), hash);
  const event = parseCustodyEvent(new Uint8Array(bytes));
  const salt = Uint8Array.from({ length: 16 }, (_, at) => at);
  assert.deepEqual({ ...event, salt }, { ...event, who: "custodian R. Diaz", order: "case 26-1147", sequence: 3 });
  assert.deepEqual([event.contentHash, event.salt], [sha256(new Uint8Array()), salt]);
});

test("an event of 1,000 characters of purpose is not written", () => {
  assert.throws(() => encodeCustodyEvent({ ...sample, purpose: "x".repeat(1000) }), { code: "MALFORMED_REQUEST" });
});
