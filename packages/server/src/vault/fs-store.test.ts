import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { temporaryFolder } from "../testing.ts";
import { newAlignedMemory } from "./fs-draft.ts";
import { openFsStore } from "./fs-store.ts";
import { testObjectStore } from "./object-store.contract.ts";
import { newObjectId, segmentLength } from "./object-store.ts";
import { randomSegment } from "./testing/segments.ts";

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
  const tapped: { write: unknown; writev: unknown } = Object.getPrototypeOf(handle);
  const { write, writev } = handle;
  const fulls: boolean[] = []; // of each full segment, whether it goes past the cache
  tapped.write = function (this: typeof handle, ...args: [Uint8Array, number, number, number]) {
    if (args[2] === segmentLength) fulls.push(false);
    return write.apply(this, args as never);
  };
  tapped.writev = async function (this: typeof handle, segments: Uint8Array[], position: number) {
    const result = await writev.call(this, segments, position);
    fulls.push(...segments.map(() => true));
    return result;
  };
  t.after(async () => {
    Object.assign(tapped, { write, writev });
    await store.close();
    await handle.close();
  });
  const id = newObjectId();
  const segments = [0, 1, 2, 3, 4].map(() => randomSegment(segmentLength));
  for (const isAligned of [true, false, true]) {
    const memories = segments.map((segment, index) => {
      segment[0] = index;
      const isThis = (index % 2 === 0) === isAligned;
      const memory = isThis ? newAlignedMemory() : new Uint8Array(new ArrayBuffer(segmentLength + 1), 1);
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
  const [direct, cached] = [fulls.filter((is) => is).length, fulls.filter((is) => !is).length];
  assert.equal(direct + cached, 15);
  if (direct === 0) return t.diagnostic("this file system writes through its cache");
  assert.deepEqual({ direct, cached }, { direct: 8, cached: 7 });
  t.diagnostic("this file system writes past its cache");
});
