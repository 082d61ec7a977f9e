import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ciphertextSize,
  firstPlaintextLength,
  maxObjectSize,
  plaintextLength,
  plaintextSize,
  segmentAt,
  segmentCapacity,
  segmentCount,
  segmentLength,
  segmentStart,
  segmentsOfRange,
} from "./geometry.ts";

/** Sizes on and around the ends of segments, small ones and huge ones. */
const sizes = fc.oneof(
  fc.nat(5 * segmentLength),
  fc.integer({ min: 0, max: maxObjectSize }),
  fc.tuple(fc.nat(5), fc.integer({ min: -2, max: 2 })).map(([n, d]) => Math.max(0, segmentStart(n + 1) + d)),
);

test("the numbers are those of Tink's AES256_GCM_HKDF_1MB", () => {
  assert.deepEqual(
    { segmentLength, firstPlaintextLength, plaintextLength },
    { segmentLength: 1_048_576, firstPlaintextLength: 1_048_520, plaintextLength: 1_048_560 },
  );
  const table = [0, 1, 1_048_520, 1_048_521, 2_097_080, 2_097_081].map((size) => [
    size,
    segmentCount(size),
    ciphertextSize(size),
  ]);
  assert.deepEqual(table, [
    [0, 1, 56],
    [1, 1, 57],
    [1_048_520, 1, 1_048_576],
    [1_048_521, 2, 1_048_593],
    [2_097_080, 2, 2_097_152],
    [2_097_081, 3, 2_097_169],
  ]);
});

test("the plaintext's size follows from the stored size, and the other way", () => {
  fc.assert(fc.property(sizes, (size) => plaintextSize(ciphertextSize(size)) === size));
  assert.equal(plaintextSize(ciphertextSize(maxObjectSize)), maxObjectSize);
});

test("a size that no object can have is refused", () => {
  const cut = [
    0,
    1,
    40,
    55,
    segmentLength + 1,
    segmentLength + 16,
    3 * segmentLength + 7,
    2 ** 52 + 17,
    0.5,
    Number.NaN,
  ];
  for (const bytes of cut) assert.throws(() => plaintextSize(bytes), { code: "FATAL_CORRUPT" }, `${bytes}`);
  for (const bytes of [56, segmentLength, segmentLength + 17]) assert.ok(plaintextSize(bytes) >= 0);
  assert.throws(() => segmentCount(maxObjectSize + 1), { code: "POLICY_TOO_LARGE" });
});

test("every byte is in the segment whose range it falls into", () => {
  fc.assert(
    fc.property(sizes, (offset) => {
      const index = segmentAt(offset);
      return segmentStart(index) <= offset && offset < segmentStart(index) + segmentCapacity(index);
    }),
  );
});

test("a range is cut into parts of following segments that join to it exactly", () => {
  fc.assert(
    fc.property(sizes, fc.nat(4 * segmentLength), (start, length) => {
      let at = start;
      let index = segmentAt(start);
      for (const slice of segmentsOfRange(start, start + length)) {
        assert.equal(slice.index, index++);
        assert.equal(segmentStart(slice.index) + slice.from, at);
        assert.ok(slice.from < slice.to && slice.to <= segmentCapacity(slice.index));
        at += slice.to - slice.from;
      }
      assert.equal(at, start + length);
    }),
  );
  assert.deepEqual([...segmentsOfRange(7, 7)], []);
});

test("a range of one megabyte touches two segments at most, wherever it is in a large object", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (start) => [...segmentsOfRange(start, start + 1e6)].length <= 2),
  );
});
