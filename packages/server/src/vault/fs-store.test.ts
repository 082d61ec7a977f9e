import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../testing.ts";
import { newAlignedMemory } from "./fs-draft.ts";
import { openFsStore } from "./fs-store.ts";
import { randomSegment, testObjectStore } from "./object-store.contract.ts";
import { newObjectId, segmentLength } from "./object-store.ts";

testObjectStore(
  "filesystem",
  async (t) => {
    const folder = temporaryFolder(t as never);
    return { open: () => openFsStore({ folder }) };
  },
  { bigSegments: 200, histories: 15 },
);

test("filesystem: segments past the system's cache and through it are the same, also in each other's place", async (t) => {
  const folder = temporaryFolder(t);
  const store = await openFsStore({ folder });
  const handle = await open(join(folder, "tap"), "w");
  const tapped: { write: unknown } = Object.getPrototypeOf(handle);
  const { write } = handle;
  const fulls: boolean[] = [];
  tapped.write = function (this: typeof handle, ...args: [Uint8Array, number, number, number]) {
    if (args[2] === segmentLength) fulls.push((args[0].buffer as ArrayBuffer).resizable);
    return write.apply(this, args as never);
  };
  t.after(async () => {
    tapped.write = write;
    await store.close();
    await handle.close();
  });
  const id = newObjectId();
  const segments = [0, 1, 2, 3, 4].map(() => randomSegment(segmentLength));
  for (const isAligned of [true, false, true]) {
    const memories = segments.map((segment, index) => {
      segment[0] = index;
      if ((index % 2 === 0) !== isAligned) return segment.slice();
      const memory = newAlignedMemory();
      memory.set(segment);
      return memory;
    });
    await Promise.all(memories.map((memory, index) => store.writeSegment(id, index, memory)));
    for (const [index, segment] of segments.entries())
      assert.ok(Buffer.from(segment).equals((await store.readSegment(id, index)) ?? assert.fail()));
  }
  await store.writeSegment(id, 5, randomSegment(100));
  await store.seal(id, 6);
  assert.equal(Buffer.compare((await store.readSegment(id, 4)) ?? assert.fail(), segments[4] ?? assert.fail()), 0);
  const [aligned, other] = [fulls.filter((is) => is).length, fulls.filter((is) => !is).length];
  assert.ok(aligned >= 8 && other >= 7);
  t.diagnostic(
    aligned === 8 && other > 7 ? "this file system writes past its cache" : "this one writes through its cache",
  );
});
