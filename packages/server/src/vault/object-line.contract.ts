/** What an `ObjectStore` driver that talks to a server must do when the connection is lost half way. */
import assert from "node:assert/strict";
import type { ObjectPlace, TestContext } from "./object-store.contract.ts";
import { newObjectId, segmentLength } from "./object-store.ts";
import { assertSegments, digest, full, listAll, randomSegment } from "./testing/segments.ts";

export function testLine(
  promise: (behaviour: string, run: (t: TestContext) => Promise<void>) => void,
  createPlace: (t: TestContext) => Promise<ObjectPlace>,
): void {
  const unavailable = { code: "UNAVAILABLE_STORAGE" };

  promise("when the line is cut half way, what was acknowledged is there and the rest can be sent again", async (t) => {
    const place = await createPlace(t);
    const { line } = place;
    assert.ok(line !== undefined);
    const store = await place.open();
    t.after(() => store.close());
    const segments = [...Array.from({ length: 5 }, full), randomSegment(99)];
    for (const afterBytes of [0, 100, 700_000, segmentLength * 2 + 5000, segmentLength * 4]) {
      const id = newObjectId();
      line.cut(afterBytes);
      const outcomes = await Promise.allSettled(segments.map((segment, at) => store.writeSegment(id, at, segment)));
      const failed = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
      assert.ok(line.down && failed.length > 0, `nothing failed after ${afterBytes} bytes`);
      for (const error of failed) assert.equal(error.code, "UNAVAILABLE_STORAGE");
      line.mend();
      for (const [index, { status }] of outcomes.entries()) {
        const read = digest(await store.readSegment(id, index));
        // One that was not acknowledged may have arrived all the same, but never in part.
        if (status === "fulfilled" || read !== undefined) assert.equal(read, digest(segments[index]));
        else await store.writeSegment(id, index, segments[index] as Uint8Array);
      }
      await store.seal(id, segments.length);
      await assertSegments(store, id, segments);
    }
  });

  promise("while the line is down every call says so, and goes on when it is back", async (t) => {
    const place = await createPlace(t);
    const { line } = place;
    assert.ok(line !== undefined);
    const store = await place.open();
    t.after(() => store.close());
    const id = newObjectId();
    const segments = [full(), randomSegment(7)];
    for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
    line.cut(0);
    await assert.rejects(store.seal(id, 2), unavailable);
    await assert.rejects(store.readSegment(id, 0), unavailable);
    await assert.rejects(store.stat(id), unavailable);
    await assert.rejects(store.list(undefined, 5), unavailable);
    await assert.rejects(store.remove(id), unavailable);
    await assert.rejects(store.writeSegment(id, 0, full()), unavailable);
    line.mend();
    assert.deepEqual(await store.stat(id), { sealed: undefined, written: 2 });
    await store.seal(id, 2);
    await assertSegments(store, id, segments);
  });

  promise(
    "an object whose sealing or removal is cut off is made whole or removed by the same call again",
    async (t) => {
      const place = await createPlace(t);
      const { line } = place;
      assert.ok(line !== undefined);
      const store = await place.open();
      t.after(() => store.close());
      for (const afterBytes of [1, 60, 150, 300, 600, 1200, 2500]) {
        const id = newObjectId();
        const segments = [full(), full(), randomSegment(7)];
        for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
        line.cut(afterBytes);
        await store.seal(id, 3).catch((error) => assert.equal(error.code, "UNAVAILABLE_STORAGE"));
        line.mend();
        const state = await store.stat(id);
        assert.equal(state?.written, 3);
        assert.ok(state.sealed === undefined || state.sealed === 3);
        await store.seal(id, 3);
        await assertSegments(store, id, segments);
        line.cut(afterBytes);
        await store.remove(id).catch((error) => assert.equal(error.code, "UNAVAILABLE_STORAGE"));
        line.mend();
        const rest = await store.stat(id);
        assert.ok(rest?.sealed === undefined || rest.written === 3, "what lacks segments says that it is whole");
        await store.remove(id);
        assert.equal(await store.stat(id), undefined);
        assert.equal((await listAll(store)).includes(id), false);
      }
    },
  );
}
