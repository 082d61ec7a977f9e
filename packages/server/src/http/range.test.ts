import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type ByteRange, parseRange } from "./range.ts";

test("one range of bytes, as RFC 9110 §14.1.2 and §14.2 read it", () => {
  const expected: readonly (readonly [string | undefined, ByteRange | "unsatisfiable" | undefined])[] = [
    [undefined, undefined],
    ["bytes=0-499", { start: 0, end: 500 }],
    ["bytes=500-999", { start: 500, end: 1000 }],
    ["bytes=9500-", { start: 9500, end: 10_000 }],
    ["bytes=9500-99999", { start: 9500, end: 10_000 }],
    ["bytes=-500", { start: 9500, end: 10_000 }],
    ["bytes=-99999", { start: 0, end: 10_000 }],
    ["bytes=9999-9999", { start: 9999, end: 10_000 }],
    ["bytes=10000-", "unsatisfiable"],
    ["bytes=10000-10001", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    // several, another unit, or no range at all: the whole
    ["bytes=0-1,5-6", undefined],
    ["bytes=5-4", undefined],
    ["items=0-1", undefined],
    ["bytes=", undefined],
    ["bytes=-", undefined],
    ["bytes=a-b", undefined],
    ["bytes=0x1-2", undefined],
    [`bytes=${"9".repeat(400)}-`, undefined],
  ];
  for (const [header, range] of expected) assert.deepEqual(parseRange(header, 10_000), range, String(header));
});

test("an empty object has no range", () => {
  for (const header of ["bytes=0-", "bytes=0-0", "bytes=-1"]) assert.equal(parseRange(header, 0), "unsatisfiable");
});

test("whatever the header, a range lies within the content", () => {
  const part = fc.oneof(fc.nat({ max: 300 }).map(String), fc.constantFrom("", " ", "-", "00", "999999999999999"));
  const header = fc.oneof(
    fc.tuple(part, part).map(([first, last]) => `bytes=${first}-${last}`),
    fc.string({ maxLength: 30 }),
  );
  fc.assert(
    fc.property(header, fc.nat({ max: 250 }), (text, size) => {
      const range = parseRange(text, size);
      if (range === undefined || range === "unsatisfiable") return;
      assert.ok(range.start >= 0 && range.start < range.end && range.end <= size, `${text} of ${size}`);
    }),
  );
});
