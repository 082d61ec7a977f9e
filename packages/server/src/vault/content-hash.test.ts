import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@attestry/core";
import fc from "fast-check";
import { createContentHash } from "./content-hash.ts";
import { sampleContent } from "./testing/sample-vault.ts";

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
        const memory = new Uint8Array(300_000); // used again for each piece, as an upload's is
        let at = 0;
        for (const length of lengths) {
          memory.set(content.subarray(at, at + length));
          await hash.update(memory.subarray(0, length));
          memory.fill(0);
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
    for (let i = 0; i < pieces; i++) await hash.update(sampleContent(1000, i));
    hash.drop();
  }
  const hash = createContentHash();
  for (let i = 0; i < 3; i++) await hash.update(sampleContent(1000, i));
  const whole = Buffer.concat([0, 1, 2].map((seed) => sampleContent(1000, seed)));
  assert.deepEqual(await hash.digest(), sha256(whole));
});
