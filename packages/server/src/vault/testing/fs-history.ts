/** A history of calls to an object store that is cut off anywhere, and what must be there afterwards. */
import assert from "node:assert/strict";
import { newAlignedMemory } from "../fs-draft.ts";
import { type ObjectStore, segmentLength } from "../object-store.ts";

const [a, b, c] = ["a", "b", "c"].map((letter) => letter.repeat(25).concat("a")) as [string, string, string];

interface Write {
  readonly id: string;
  readonly index: number;
  /** What the segment is filled with. */
  readonly fill: number;
  readonly length: number;
}

type Call =
  | { readonly act: "write"; readonly writes: readonly Write[] }
  | { readonly act: "seal"; readonly id: string; readonly segments: number }
  | { readonly act: "remove"; readonly id: string };

type Segment = [id: string, index: number, fill: number, length: number];

const write = (...writes: Segment[]): Call => ({
  act: "write",
  writes: writes.map(([id, index, fill, length]) => ({ id, index, fill, length })),
});

/** Every kind of call, in every state that an object can be in. */
export const history: readonly Call[] = [
  write([a, 0, 1, segmentLength]),
  write([a, 2, 2, 3000]),
  write([a, 1, 3, segmentLength], [b, 0, 4, segmentLength]),
  write([a, 1, 5, segmentLength]),
  write([a, 2, 6, 1000]),
  write([b, 1, 7, segmentLength], [b, 2, 8, segmentLength], [b, 3, 9, 50]),
  { act: "seal", id: a, segments: 3 },
  // The last two of them wait for the others, and go in one write.
  write(...[0, 1, 2, 3].map((index): Segment => [b, index, 14 + 2 * index, segmentLength])),
  { act: "remove", id: b },
  write([c, 0, 10, 77]),
  { act: "seal", id: c, segments: 1 },
  write([b, 1, 11, 500]),
  { act: "remove", id: a },
  write([a, 1, 12, 33]),
];

export async function makeCall(store: ObjectStore, call: Call): Promise<void> {
  if (call.act === "seal") await store.seal(call.id, call.segments);
  else if (call.act === "remove") await store.remove(call.id);
  else
    await Promise.all(
      call.writes.map(({ id, index, fill, length }) => store.writeSegment(id, index, bytesOf(fill, length))),
    );
}

/** Full segments go past the system's cache or through it, as their memory is. */
const bytesOf = (fill: number, length: number): Uint8Array =>
  (length === segmentLength && fill % 2 === 0 ? newAlignedMemory() : new Uint8Array(length)).fill(fill);

interface Expected {
  sealed: number | undefined;
  readonly segments: Map<number, Write>;
}

function replay(calls: readonly Call[]): Map<string, Expected> {
  const objects = new Map<string, Expected>();
  for (const call of calls) {
    if (call.act === "remove") objects.delete(call.id);
    else if (call.act === "seal") (objects.get(call.id) as Expected).sealed = call.segments;
    else {
      for (const write of call.writes) {
        if (!objects.has(write.id)) objects.set(write.id, { sealed: undefined, segments: new Map() });
        objects.get(write.id)?.segments.set(write.index, write);
      }
    }
  }
  return objects;
}

/**
 * Checks the whole store after so many calls were acknowledged and perhaps one more was begun: what was acknowledged is there, of
 * what was begun each piece is there as it was before, as it was to be, or (if it was to change) not at all; never a part of one.
 */
export async function checkAfter(store: ObjectStore, acknowledged: number): Promise<void> {
  assert.deepEqual(await store.check(), []);
  const begun = history[acknowledged];
  const [before, after] = [replay(history.slice(0, acknowledged)), replay(history.slice(0, acknowledged + 1))];
  const listed = await store.list(undefined, 10);
  for (const id of [a, b, c]) {
    const state = await store.stat(id);
    assert.equal(listed.includes(id), state !== undefined);
    const sealed = [before.get(id)?.sealed, after.get(id)?.sealed];
    const isRemoved = begun?.act === "remove" && begun.id === id;
    assert.ok(sealed.includes(state?.sealed), `${id} is sealed: ${state?.sealed}`);
    for (const index of [0, 1, 2, 3]) {
      const changes =
        isRemoved || (begun?.act === "write" && begun.writes.some((w) => w.id === id && w.index === index));
      const allowed = [before.get(id)?.segments.get(index), after.get(id)?.segments.get(index)].map(nameOf);
      const found = nameOfBytes(await store.readSegment(id, index));
      assert.ok(allowed.includes(found) || (changes && found === "none"), `${id}/${index}: ${found}, not ${allowed}`);
    }
  }
}

const nameOf = (write: Write | undefined) => (write === undefined ? "none" : `${write.length} × ${write.fill}`);

function nameOfBytes(bytes: Uint8Array | undefined): string {
  if (bytes === undefined) return "none";
  const [fill = 0] = bytes;
  return Buffer.compare(bytes, bytesOf(fill, bytes.length)) === 0 ? `${bytes.length} × ${fill}` : "torn";
}
