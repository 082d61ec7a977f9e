import assert from "node:assert/strict";
import { test } from "node:test";
import { type CustodyEvent, isAttestryError } from "@attestry/core";
import { factsAfter } from "./facts.ts";
import { newObjectId } from "./object-store.ts";

const isCorrupt = (error: unknown): boolean => isAttestryError(error) && error.code === "FATAL_CORRUPT";

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

test("an object follows from its events alone, and an event that does not follow is refused", () => {
  const stored: CustodyEvent = {
    ...sample,
    action: "stored",
    sequence: 0,
    size: 10,
    segments: 1,
    recordClass: "deed",
    contentType: undefined,
    retainUntil: 5,
    entryIndex: 7,
  };
  const first = factsAfter(undefined, stored, 8);
  assert.deepEqual([first.events, first.storedIndex, first.entryIndex, first.storedAt], [1, 8, 7, 1_700_000_000]);
  const held = factsAfter(first, sample, 9);
  assert.deepEqual([held.events, held.holds], [2, ["case 7"]]);
  const erased = factsAfter(held, { ...sample, action: "erased", sequence: 2, time: 1_800_000_000 }, 10);
  assert.deepEqual([erased.state, erased.erasedAt, erased.holds], ["erased", 1_800_000_000, ["case 7"]]);
  for (const [before, next] of [
    [undefined, sample],
    [first, stored],
    [held, sample],
    [first, { ...sample, sequence: 2 }],
    [first, { ...sample, subject: "record 18" }],
    [first, { ...sample, objectId: newObjectId() }],
    [first, { ...sample, contentHash: new Uint8Array(32).fill(1) }],
    [erased, { ...sample, sequence: 3 }],
  ] as const) {
    assert.throws(() => factsAfter(before, next, 11), isCorrupt);
  }
});
