/** Reads content: recorded before the first byte is given, and decrypted segment by segment, only those that are asked for. */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { StoredObject } from "./catalogue/catalogue.ts";
import { type SegmentSlice, segmentsOfRange } from "./format/geometry.ts";
import { createStream } from "./format/stream.ts";
import type { LookUp } from "./lookup.ts";
import { toVaultObject } from "./lookup.ts";
import { checkAccess, type Recorder } from "./recording.ts";
import type { Access, Reading, Vault, VaultOptions } from "./vault.ts";

export interface ReadingParts extends Pick<VaultOptions, "catalogue" | "objects" | "keys"> {
  readonly recorder: Recorder;
  readonly lookUp: LookUp;
  /** Milliseconds of Unix time. */
  readonly clock: () => number;
}

/** Milliseconds in which one who reads an object again for the same purpose is not recorded again. */
const oneReading = 15 * 60_000;
const maxRemembered = 10_000;

export function createReading(parts: ReadingParts): Pick<Vault, "read" | "export"> {
  const { recorder, lookUp, clock } = parts;
  const recent = new Map<string, { readonly at: number; readonly recorded: Promise<unknown> }>();

  /** Waits for the event that covers this reading, its own or an earlier one. */
  async function recordRead(id: string, access: Access): Promise<void> {
    const key = JSON.stringify([id, access.who, access.purpose]);
    const known = recent.get(key);
    if (known !== undefined && clock() - known.at < oneReading) return void (await known.recorded);
    const recorded = recorder.record(id, access, (object) => {
      if (object.state === "erased") throw new AttestryError("POLICY_ERASED");
      return { action: "read" };
    });
    recent.delete(key);
    recent.set(key, { at: clock(), recorded });
    if (recent.size > maxRemembered) recent.delete(recent.keys().next().value ?? "");
    try {
      await recorded;
    } catch (error) {
      recent.delete(key);
      throw error;
    }
  }

  async function open(object: StoredObject, start: number, end: number): Promise<Reading> {
    const content = start < end ? readContent(parts, object, start, end) : nothing();
    return { object: toVaultObject(object), start, end, content };
  }

  return {
    async read(ref, access, range = { start: 0 }): Promise<Reading> {
      checkAccess(access);
      const object = await lookUp.latest(ref);
      if (object.state === "erased") throw new AttestryError("POLICY_ERASED");
      const { start, end = object.size } = range;
      const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end;
      if (!isRange || end > object.size) {
        const data = { size: object.size };
        throw new AttestryError("MALFORMED_REQUEST", "The content has no such range.", { data });
      }
      await recordRead(object.id, access);
      return open(object, start, end);
    },

    async export(ref: string, access: Access): Promise<Reading> {
      checkAccess(access);
      const object = await lookUp.latest(ref);
      await recorder.record(object.id, access, ({ state }) => {
        if (state === "erased") throw new AttestryError("POLICY_ERASED");
        return { action: "exported" };
      });
      return open(object, 0, object.size);
    },
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** One segment is on its way from the store while the one before it is decrypted. */
async function* readContent(
  { catalogue, objects, keys }: ReadingParts,
  object: StoredObject,
  start: number,
  end: number,
): AsyncGenerator<Uint8Array> {
  const { id, place, segments } = object;
  const dataKey = await keys.unwrap(object.wrappedKey, id);
  const stream = createStream(dataKey, id, object.header);
  dataKey.fill(0);
  const slices = segmentsOfRange(start, end);
  const fetch = (slice: SegmentSlice | undefined) => {
    const segment = slice && objects.readSegment(place, slice.index);
    segment?.catch(() => {}); // whoever stops reading never waits for it
    return { slice, segment };
  };
  let next = fetch(slices.next().value ?? undefined);
  while (next.slice !== undefined) {
    const { slice, segment } = next;
    const stored = await segment;
    next = fetch(slices.next().value ?? undefined);
    if (stored === undefined) throw await missing(catalogue, id, slice.index);
    try {
      yield stream.openSegment(slice.index, stored, slice.index === segments - 1).subarray(slice.from, slice.to);
    } catch (error) {
      if (!isAttestryError(error)) throw error;
      throw new AttestryError(error.code, error.message, { data: { ...error.data, objectId: id } });
    }
  }
}

async function missing(catalogue: ReadingParts["catalogue"], id: string, segment: number): Promise<AttestryError> {
  const object = await catalogue.readObject(id);
  if (object?.state === "erased") return new AttestryError("POLICY_ERASED");
  return new AttestryError("FATAL_CORRUPT", `Segment ${segment} of the object is missing.`, {
    data: { objectId: id, segment },
  });
}
