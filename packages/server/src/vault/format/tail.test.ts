import assert from "node:assert/strict";
import { createDecipheriv, hkdfSync } from "node:crypto";
import { test } from "node:test";
import { concatBytes } from "@attestry/core";
import fc from "fast-check";
import { plaintextLength } from "./geometry.ts";
import { createStream, newDataKey } from "./stream.ts";
import { openTail, sealTail } from "./tail.ts";

const id = "tvptcxmlrj2w4yg3ot66mbxhxm";
const isDamage = { code: "FATAL_CORRUPT" };

test("a tail of any length opens for its own object and place, and is other bytes each time", () => {
  const key = newDataKey();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.maxSafeNat(), (plaintext, start) => {
      const tail = sealTail(key, id, start, plaintext);
      assert.equal(tail.length, plaintext.length + 28);
      assert.deepEqual(new Uint8Array(openTail(key, id, start, tail)), plaintext);
      assert.notDeepEqual(sealTail(key, id, start, plaintext), tail);
    }),
  );
  const large = new Uint8Array(plaintextLength).fill(7);
  assert.ok(Buffer.from(large).equals(openTail(key, id, 0, sealTail(key, id, 0, large))));
});

test("a changed, cut or other tail is refused", () => {
  const key = newDataKey();
  const tail = sealTail(key, id, 1_048_520, Uint8Array.of(1, 2, 3));
  for (let bit = 0; bit < tail.length * 8; bit += 1) {
    const changed = tail.slice();
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.throws(() => openTail(key, id, 1_048_520, changed), isDamage);
  }
  for (let length = 0; length < tail.length; length += 1) {
    assert.throws(() => openTail(key, id, 1_048_520, tail.subarray(0, length)), isDamage);
  }
  assert.throws(() => openTail(key, id, 1_048_520, concatBytes(tail, Uint8Array.of(0))), isDamage);
  assert.throws(() => openTail(key, id, 1_048_521, tail), isDamage);
  assert.throws(() => openTail(key, "aaaaaaaaaaaaaaaaaaaaaaaaaa", 1_048_520, tail), isDamage);
  assert.throws(() => openTail(newDataKey(), id, 1_048_520, tail), isDamage);
});

test("a tail is the AES-GCM that docs/format/vault.md describes, under a key that no segment has", () => {
  const key = newDataKey();
  const tail = sealTail(key, id, 0x1_0000_0002, Uint8Array.of(9, 8, 7));
  const derived = new Uint8Array(hkdfSync("sha256", key, "", `attestry/vault-tail ${id}`, 32));
  const decipher = createDecipheriv("aes-256-gcm", derived, tail.subarray(0, 12));
  decipher.setAAD(Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2)).setAuthTag(tail.subarray(-16));
  assert.deepEqual([...decipher.update(tail.subarray(12, -16)), ...decipher.final()], [9, 8, 7]);
  const stream = createStream(key, id);
  assert.throws(() => stream.openSegment(1, tail, true), isDamage);
  assert.throws(() => openTail(key, id, 0, stream.sealSegment(1, Uint8Array.of(9, 8, 7), true)), isDamage);
});
