/** The map of a draft: 4 bytes a segment, its length, little-endian; 0 is none. */
import { type FileHandle, open } from "node:fs/promises";
import { readUpTo, writeAll } from "./fs-file.ts";

const entryLength = 4;
/** A map grows by as much at a time: a sync costs less where the file's length is as it was. */
const mapStep = 4096;

/** The lengths of all segments of a draft, 0 for those that are not there. @throws ENOENT */
export async function readMap(path: string): Promise<Uint32Array> {
  await using file = await open(path, "r");
  const bytes = await file.readFile();
  return Uint32Array.from({ length: Math.floor(bytes.length / entryLength) }, (_, at) =>
    viewOf(bytes).getUint32(at * entryLength, true),
  );
}

/** The length of one segment of a draft, 0 when it is not there. */
export async function readEntry(map: FileHandle, index: number): Promise<number> {
  const entry = await readUpTo(map, entryLength, index * entryLength);
  return entry.length === entryLength ? viewOf(entry).getUint32(0, true) : 0;
}

export interface Entry {
  readonly index: number;
  /** Of the segment, in bytes. */
  readonly length: number;
}

/** A draft's map, as its one writer knows it. */
export interface DraftMap {
  lengthOf(index: number): number;
  /** Durable when it resolves. */
  write(entries: readonly Entry[]): Promise<void>;
  close(): Promise<void>;
}

/** @param flags as of `open` */
export async function openMap(path: string, flags: number): Promise<DraftMap> {
  const map = await open(path, flags, 0o600);
  const stored = await map.readFile().catch(async (error) => {
    await map.close();
    throw error;
  });
  const toFull = (length: number): number => Math.ceil(length / mapStep) * mapStep;
  let known = new Uint8Array(toFull(stored.length));
  known.set(stored);

  return {
    lengthOf: (index) =>
      (index + 1) * entryLength <= known.length ? viewOf(known).getUint32(index * entryLength, true) : 0,
    async write(entries: readonly Entry[]): Promise<void> {
      const start = Math.min(...entries.map(({ index }) => index)) * entryLength;
      const end = Math.max(...entries.map(({ index }) => index + 1)) * entryLength;
      if (end > known.length) {
        const grown = new Uint8Array(toFull(end));
        grown.set(known);
        await map.truncate(grown.length);
        known = grown;
      }
      // What lies between goes out as it is there already: one write, however many there are.
      const run = known.slice(start, end);
      for (const { index, length } of entries) viewOf(run).setUint32(index * entryLength - start, length, true);
      await writeAll(map, run, start);
      await map.datasync();
      known.set(run, start); // only what is on the disk is known
    },
    close: () => map.close(),
  };
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
