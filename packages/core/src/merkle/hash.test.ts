import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { emptyRoot, floorLog2, leafHash, nodeHash } from "./hash.ts";

const sha256 = (...parts: Uint8Array[]) => createHash("sha256").update(Buffer.concat(parts)).digest("hex");
const hash = () => fc.uint8Array({ minLength: 32, maxLength: 32 });

test("the root of an empty tree is the hash of nothing", () => {
  assert.equal(emptyRoot.toHex(), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
});

test("leaves and nodes are hashed behind prefixes that tell them apart, whatever was hashed before", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), hash(), hash(), (entry, left, right) => {
      assert.equal(leafHash(entry).toHex(), sha256(Buffer.of(0), entry));
      assert.equal(nodeHash(left, right).toHex(), sha256(Buffer.of(1), left, right));
    }),
  );
});

test("entries of every length are hashed, also those longer than a bundle holds", () => {
  for (const length of [0xffff, 0x10000, 200_000, 1, 0]) {
    const entry = new Uint8Array(length).fill(7);
    assert.equal(leafHash(entry).toHex(), sha256(Buffer.of(0), entry));
  }
});

test("a hash that was given out does not change with later calls", () => {
  const first = leafHash(Uint8Array.of(1));
  const before = first.toHex();
  nodeHash(first, leafHash(Uint8Array.of(2)));
  assert.equal(first.toHex(), before);
});

test("a node is made of two 32-byte hashes and nothing else", () => {
  for (const length of [0, 31, 33, 64]) {
    assert.throws(() => nodeHash(new Uint8Array(length), emptyRoot), { code: "FATAL_INTERNAL" });
    assert.throws(() => nodeHash(emptyRoot, new Uint8Array(length)), { code: "FATAL_INTERNAL" });
  }
});

test("the logarithm is exact at every power of two up to 2^53", () => {
  for (let k = 0; k <= 52; k++) {
    assert.equal(floorLog2(2 ** k), k);
    assert.equal(floorLog2(2 ** (k + 1) - 1), k);
  }
});
