import assert from "node:assert/strict";
import { test } from "node:test";
import { createSegmentMemory, type SegmentMemory } from "./window.ts";

async function takeAll(memory: SegmentMemory, count: number): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: count }, () => memory.take()));
}

test("segments' memory is used again while uploads go on, and given up when there were none for a while", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let made = 0;
  const memory = createSegmentMemory(4, () => {
    made += 1;
    return new Uint8Array(1);
  });
  const use = async (): Promise<void> => {
    for (const piece of await takeAll(memory, 4)) memory.giveBack(piece);
  };
  await use();
  t.mock.timers.tick(1999);
  await use();
  t.mock.timers.tick(1999);
  assert.equal(made, 4, "a pause is no end");
  const [lent] = await takeAll(memory, 1);
  t.mock.timers.tick(10_000);
  memory.giveBack(lent ?? assert.fail());
  await use();
  assert.equal(made, 4, "nor is one slow upload");
  t.mock.timers.tick(2000);
  await use();
  assert.equal(made, 4 + 3, "one is kept");
});
