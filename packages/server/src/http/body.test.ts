import assert from "node:assert/strict";
import { test } from "node:test";
import { streamBody } from "./body.ts";

test("a piece of a body is the reader's until it asks for the next one, then its memory is freed; what is shared stays", async () => {
  const shared = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const pieces = [Uint8Array.of(7, 8), shared.subarray(0, 3), shared.subarray(3), Uint8Array.of(9)];
  async function* body(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }
  const read: number[] = [];
  for await (const piece of streamBody(body())) read.push(...piece);
  assert.deepEqual(read, [7, 8, 1, 2, 3, 4, 5, 6, 9]);
  assert.deepEqual(
    pieces.map(({ length }) => length),
    [0, 3, 3, 0],
  );
});

test("a request without a body has no bytes", async () => {
  for (const body of [undefined, null]) {
    for await (const piece of streamBody(body)) assert.fail(`${piece.length} bytes`);
  }
});
