/** Segments for the tests of object stores, and what is in a store. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type ObjectStore, segmentLength } from "../object-store.ts";

export const full = (): Uint8Array => randomSegment(segmentLength);

/** Bytes that no other call gives; only its first ones are random, so that big objects cost little. */
export function randomSegment(length: number): Uint8Array {
  const bytes = new Uint8Array(length).fill(Math.floor(Math.random() * 256));
  bytes.set(randomBytes(Math.min(length, 32)));
  return bytes;
}

export const digest = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && createHash("sha256").update(bytes).digest("base64");

export async function assertSegments(store: ObjectStore, id: string, expected: readonly Uint8Array[]): Promise<void> {
  for (const [index, segment] of expected.entries()) {
    const read = await store.readSegment(id, index);
    assert.equal(digest(read), digest(segment), `segment ${index}`);
  }
  assert.equal(await store.readSegment(id, expected.length), undefined);
}

export async function storeObject(store: ObjectStore, id: string, segments: readonly Uint8Array[]): Promise<void> {
  for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
  await store.seal(id, segments.length);
}

export async function listAll(store: ObjectStore, limit = 1000): Promise<string[]> {
  const all: string[] = [];
  for (;;) {
    const page = await store.list(all.at(-1), limit);
    assert.ok(page.length <= limit);
    if (page.length === 0) return all;
    all.push(...page);
  }
}
