import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { concatBytes, decodeHex, encodeHex, encodeUtf8, isAttestryError } from "@attestry/core";
import fc from "fast-check";
import {
  ciphertextSize,
  firstPlaintextLength,
  headerLength,
  plaintextLength,
  segmentCapacity,
  segmentCount,
  segmentLength,
  segmentStart,
} from "./geometry.ts";
import { openNaively, ourLayout, sealNaively } from "./naive.ts";
import { createStream, newDataKey, parseHeader, type SegmentStream } from "./stream.ts";
import { madeWithTink, madeWithTinkId, patternByte, publishedVectors } from "./tink-vectors.ts";

const id = madeWithTinkId;
const key = Uint8Array.from({ length: 32 }, (_, i) => i);
const pattern = Uint8Array.from({ length: 3 * segmentLength }, (_, i) => patternByte(i));
const isDamage = { code: "FATAL_CORRUPT" };

/** The segments of an object. */
function sealAll(stream: SegmentStream, plaintext: Uint8Array): Uint8Array[] {
  const count = segmentCount(plaintext.length);
  return Array.from({ length: count }, (_, index) => {
    const start = segmentStart(index);
    const part = plaintext.subarray(start, start + segmentCapacity(index));
    return stream.sealSegment(index, part, index === count - 1);
  });
}

function openAll(stream: SegmentStream, segments: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...segments.map((one, index) => stream.openSegment(index, one, index === segments.length - 1)));
}

test("the tests' own reading of Tink's format agrees with Tink's published vectors", async () => {
  for (const { layout, key, associatedData, plaintext, object } of publishedVectors) {
    const given = [layout, new Uint8Array(decodeHex(key)), new Uint8Array(decodeHex(associatedData))] as const;
    const header = decodeHex(object).subarray(0, decodeHex(object)[0]);
    assert.equal(encodeHex(await sealNaively(...given, header, encodeUtf8(plaintext))), object);
    assert.deepEqual(await openNaively(...given, decodeHex(object)), encodeUtf8(plaintext));
  }
});

for (const { size, header, sha256 } of madeWithTink) {
  test(`an object of ${size} bytes is byte for byte what Tink writes, and opens`, () => {
    const stream = createStream(key, id, decodeHex(header));
    const segments = sealAll(stream, pattern.subarray(0, size));
    const object = concatBytes(...segments);
    assert.equal(createHash("sha256").update(object).digest("hex"), sha256);
    assert.equal(object.length, ciphertextSize(size));
    assert.ok(
      Buffer.from(pattern.buffer, 0, size).equals(openAll(createStream(key, id, parseHeader(object)), segments)),
    );
  });
}

test("our segments join to what the tests' own reading writes and opens, whatever the size, key and name", async () => {
  const edges = [0, firstPlaintextLength, firstPlaintextLength + plaintextLength];
  const sizes = fc
    .tuple(fc.constantFrom(...edges), fc.integer({ min: -3, max: 3 }))
    .map(([n, d]) => Math.max(0, n + d));
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  await fc.assert(
    fc.asyncProperty(fc.oneof(sizes, fc.nat(500)), bytes, fc.string(), async (size, dataKey, name) => {
      const stream = createStream(dataKey, name);
      const plaintext = pattern.subarray(0, size);
      const object = Buffer.concat(sealAll(stream, plaintext));
      const given = [ourLayout, new Uint8Array(dataKey), new Uint8Array(encodeUtf8(name))] as const;
      assert.ok(object.equals(await sealNaively(...given, stream.header, plaintext)));
      assert.ok(Buffer.from(plaintext).equals(await openNaively(...given, object)));
    }),
    { numRuns: 30 },
  );
});

test("every new stream has its own salt and nonce prefix", () => {
  const headers = Array.from({ length: 100 }, () => createStream(key, id).header);
  assert.ok(headers.every((header) => header.length === headerLength && header[0] === headerLength));
  assert.equal(new Set(headers.map((header) => encodeHex(header.subarray(1, 33)))).size, 100);
  assert.equal(new Set(headers.map((header) => encodeHex(header.subarray(33)))).size, 100);
});

test("any bit flipped in a segment is noticed, in the header and the tag too", () => {
  const stream = createStream(key, id);
  const first = stream.sealSegment(0, pattern.subarray(0, 31), true);
  for (let bit = 0; bit < first.length * 8; bit += 1) {
    const changed = first.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => stream.openSegment(0, changed, true), isDamage, `bit ${bit}`);
    assert.throws(() => createStream(key, id, parseHeader(changed)).openSegment(0, changed, true), isDamage);
  }
  const full = stream.sealSegment(1, pattern.subarray(0, plaintextLength), false);
  fc.assert(
    fc.property(fc.nat(segmentLength - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const changed = full.slice();
      changed[at] = (changed[at] ?? 0) ^ mask;
      assert.throws(() => stream.openSegment(1, changed, false), isDamage);
    }),
    { numRuns: 50 },
  );
});

test("a segment cut short or made longer by any number of bytes is refused", () => {
  const stream = createStream(key, id);
  for (const index of [0, 1]) {
    const segment = stream.sealSegment(index, pattern.subarray(0, 20), true);
    for (let length = 0; length < segment.length; length += 1) {
      assert.throws(() => stream.openSegment(index, segment.subarray(0, length), true), isDamage, `${length}`);
    }
    assert.throws(() => stream.openSegment(index, concatBytes(segment, Uint8Array.of(0)), true), isDamage);
    assert.throws(() => stream.openSegment(index, new Uint8Array(segmentLength + 1), true), isDamage);
  }
});

test("an object cut after a whole segment, or gone on with, is refused: the last segment is marked", () => {
  const stream = createStream(key, id);
  const segments = sealAll(stream, pattern.subarray(0, firstPlaintextLength + plaintextLength + 5));
  assert.throws(() => openAll(stream, segments.slice(0, 2)), isDamage);
  assert.throws(() => openAll(stream, segments.slice(0, 1)), isDamage);
  const ended = stream.sealSegment(1, pattern.subarray(0, plaintextLength), true);
  assert.throws(() => stream.openSegment(1, ended, false), isDamage);
});

test("segments in another order, or of another place, are refused", () => {
  const stream = createStream(key, id);
  const full = pattern.subarray(0, plaintextLength);
  const sealed = [1, 2, 256, 65_536, 2 ** 32 - 1].map(
    (index) => [index, stream.sealSegment(index, full, false)] as const,
  );
  for (const [index, segment] of sealed) {
    for (const [other] of sealed) {
      if (other === index) assert.ok(Buffer.from(full).equals(stream.openSegment(index, segment, false)));
      else assert.throws(() => stream.openSegment(other, segment, false), isDamage, `${index} as ${other}`);
    }
    assert.throws(() => stream.openSegment(0, segment, false), isDamage);
  }
});

test("a segment of another object is refused: another name, another key, or the same key once more", () => {
  const mine = createStream(key, id);
  const part = pattern.subarray(0, 1000);
  const otherName = createStream(key, "aaaaaaaaaaaaaaaaaaaaaaaaaa", mine.header);
  const otherKey = createStream(newDataKey(), id, mine.header);
  const otherHeader = createStream(key, id);
  const otherPrefix = createStream(
    key,
    id,
    Uint8Array.from([...mine.header.subarray(0, 39), mine.header[39] === 0 ? 1 : 0]),
  );
  for (const other of [otherName, otherKey, otherHeader, otherPrefix]) {
    for (const index of [0, 1]) {
      assert.throws(() => mine.openSegment(index, other.sealSegment(index, part, true), true), isDamage);
    }
  }
  assert.ok(
    Buffer.from(part).equals(createStream(key, id, mine.header).openSegment(1, mine.sealSegment(1, part, true), true)),
  );
});

test("a plaintext that has no place in the format is not sealed", () => {
  const stream = createStream(key, id);
  const of = (length: number) => new Uint8Array(length);
  const wrong: readonly (readonly [number, number, boolean])[] = [
    [0, 5, false],
    [0, firstPlaintextLength - 1, false],
    [0, plaintextLength, true],
    [1, firstPlaintextLength, false],
    [1, 0, true],
    [1, plaintextLength + 1, true],
    [-1, 5, true],
    [0.5, 5, true],
    [2 ** 32, 5, true],
    [Number.NaN, 5, true],
  ];
  for (const [index, length, isLast] of wrong) {
    assert.throws(
      () => stream.sealSegment(index, of(length), isLast),
      { code: "FATAL_INTERNAL" },
      `${index}, ${length}`,
    );
    assert.throws(() => stream.openSegment(index, of(length + 56), isLast), isDamage, `${index}, ${length}`);
  }
  assert.throws(() => createStream(of(16), id), { code: "FATAL_INTERNAL" });
});

test("a header of another length or kind is refused", () => {
  const header = createStream(key, id).header;
  const other = Uint8Array.from(header, (byte, at) => (at === 0 ? 24 : byte));
  for (const bytes of [header.subarray(1), concatBytes(header, header), new Uint8Array(0), other]) {
    assert.throws(() => createStream(key, id, bytes), isDamage);
  }
  assert.throws(() => parseHeader(header.subarray(0, 39)), isDamage);
  assert.throws(() => parseHeader(other), isDamage);
});

test("memory given for the result is used, is not needed before, and holds nothing else", () => {
  const stream = createStream(key, id);
  const into = new Uint8Array(randomBytes(segmentLength));
  for (const [index, size] of [
    [0, firstPlaintextLength],
    [1, plaintextLength],
    [1, 7],
    [0, 0],
  ] as const) {
    const plaintext = pattern.subarray(0, size);
    const isLast = size !== segmentCapacity(index);
    const segment = stream.sealSegment(index, plaintext, isLast, into);
    assert.equal(segment.buffer, into.buffer);
    assert.ok(Buffer.from(segment).equals(stream.sealSegment(index, plaintext, isLast)));
  }
});

test("the header is kept, whatever becomes of the memory that it was given in", () => {
  const header = createStream(key, id).header.slice();
  const stream = createStream(key, id, header);
  const segment = stream.sealSegment(0, pattern.subarray(0, 9), true);
  header.fill(0);
  assert.deepEqual(new Uint8Array(stream.openSegment(0, segment, true)), pattern.slice(0, 9));
});

test("an error holds neither the key nor what was stored", () => {
  const secret = newDataKey();
  const plaintext = encodeUtf8("Jane Doe, born 1 April 1970");
  const stream = createStream(secret, id);
  const segment = stream.sealSegment(0, plaintext, true);
  segment[50] = (segment[50] ?? 0) ^ 1;
  try {
    stream.openSegment(0, segment, true);
    assert.fail("opened");
  } catch (error) {
    assert.ok(isAttestryError(error));
    const told = inspect(error, { depth: 9, showHidden: true }) + JSON.stringify(error.data);
    for (const form of ["hex", "base64", "latin1"] as const) {
      assert.ok(!told.includes(Buffer.from(secret).toString(form)));
      assert.ok(!told.includes(Buffer.from(plaintext).toString(form)));
    }
    assert.equal(error.cause, undefined);
    assert.deepEqual(error.data, { segment: 0 });
  }
});
