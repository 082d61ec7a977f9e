import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@attestry/core";
import fc from "fast-check";
import { type ContentHash, createContentHash } from "./content-hash.ts";
import { sampleContent } from "./testing/sample-vault.ts";

async function update(hash: ContentHash, piece: Uint8Array): Promise<void> {
  hash.memory.set(piece);
  await hash.update(piece.length);
}

test("the hash is that of the content, whatever its pieces, and beside others on the same thread", async () => {
  const pieces = fc.array(fc.integer({ min: 0, max: 300_000 }), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 5 }), async (contents) => {
      const digests = contents.map(async (lengths, seed) => {
        const content = sampleContent(
          lengths.reduce((sum, length) => sum + length, 0),
          seed,
        );
        const hash = createContentHash();
        let at = 0;
        for (const length of lengths) {
          await update(hash, content.subarray(at, at + length));
          at += length;
        }
        assert.deepEqual(await hash.digest(), sha256(content));
      });
      await Promise.all(digests);
    }),
    { numRuns: 20 },
  );
});

test("a hash that is dropped leaves nothing behind for the next one", async () => {
  for (const pieces of [0, 1, 2, 5]) {
    const hash = createContentHash();
    for (let i = 0; i < pieces; i++) await update(hash, sampleContent(1000, i));
    hash.drop();
  }
  const hash = createContentHash();
  for (let i = 0; i < 3; i++) await update(hash, sampleContent(1000, i));
  const whole = Buffer.concat([0, 1, 2].map((seed) => sampleContent(1000, seed)));
  assert.deepEqual(await hash.digest(), sha256(whole));
});
