/**
 * An object of the filesystem store while it is being written: its segments at fixed offsets in one file, and beside it a map
 * of 4 bytes a segment (its length, little-endian; 0 is none). An entry of the map is written when its segment is on the disk, so
 * whatever a crash leaves behind, what the map says is there.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
import { readUpTo, syncFolder, writeAll } from "./fs-file.ts";
import { openMap, readEntry } from "./fs-map.ts";
import { createTurns, inGroups, inRuns, type Piece } from "./fs-queue.ts";
import { segmentLength } from "./object-store.ts";

export interface DraftPaths {
  readonly root: string;
  /** The folder of the root that the object's files are in. */
  readonly shard: string;
  readonly part: string;
  readonly map: string;
}

export interface Draft {
  /** Durable when it resolves. */
  write(index: number, segment: Uint8Array): Promise<void>;
}

/**
 * Memory that begins where a page of the system does: engines give such to a buffer that may be resized. Only from there can a
 * segment go to the disk past the system's cache; from elsewhere it goes through it.
 */
export function newAlignedMemory(): Uint8Array {
  return new Uint8Array(new ArrayBuffer(segmentLength, { maxByteLength: segmentLength }), 0, segmentLength);
}

/**
 * Gives drafts of objects to whoever writes; those who write to one object at the same time share its open files and their
 * syncs. No file stays open when nobody writes.
 */
export function createDrafts(): {
  /** @param admit is asked before the files are opened, and throws what nobody may write for */
  use<T>(paths: DraftPaths, admit: () => Promise<void>, act: (draft: Draft) => Promise<T>): Promise<T>;
  /** To be called when the object's files go away. */
  forget(paths: DraftPaths): void;
} {
  const inUse = new Map<string, { users: number; readonly opened: Promise<Draft & { close(): Promise<void> }> }>();
  const settle = createSettler();
  return {
    async use(paths, admit, act) {
      const shared = inUse.get(paths.part) ?? { users: 0, opened: admit().then(() => openDraft(paths, settle)) };
      inUse.set(paths.part, shared);
      shared.users += 1;
      try {
        return await act(await shared.opened);
      } finally {
        shared.users -= 1;
        if (shared.users === 0) {
          inUse.delete(paths.part);
          await shared.opened.then((draft) => draft.close()).catch(() => {}); // what failed to open has said so
        }
      }
    },
    forget: (paths) => settle.forget(paths.part),
  };
}

async function openDraft(paths: DraftPaths, settle: Settler): Promise<Draft & { close(): Promise<void> }> {
  await mkdir(paths.shard, { recursive: true, mode: 0o700 });
  const [data, isNew] = await openOrCreate(paths.part);
  // A map without its file tells of an object that was removed.
  const mapFlags = constants.O_RDWR | constants.O_CREAT | (isNew ? constants.O_TRUNC : 0);
  const map = await openMap(paths.map, mapFlags).catch(async (error) => {
    await data.close();
    throw error;
  });
  const named = Promise.all([settle(paths.shard, paths.root, false), settle(paths.part, paths.shard, isNew)]);
  named.catch(() => {}); // told to those who write
  const syncData = inGroups(() => data.datasync());
  const note = inGroups(map.write);
  const inTurn = createTurns();
  const direct = await openDirect(paths.part);
  // One file takes one write at a time; the others would wait on threads that the syncs need.
  const putCached = ({ index, segment }: Piece) => inTurn(() => writeAll(data, segment, index * segmentLength));
  const putDirect = direct && inRuns((run) => writeDirect(direct, run, putCached));

  /** Past the system's cache where that can be: less work, and a long recording leaves in the cache what others need. */
  const put = (piece: Piece) =>
    putDirect !== undefined && piece.segment.length === segmentLength ? putDirect(piece) : putCached(piece);

  return {
    async write(index, segment) {
      if (map.lengthOf(index) !== 0) await note({ index, length: 0 });
      await put({ index, segment });
      await Promise.all([syncData(), named]);
      await note({ index, length: segment.length });
    },
    close: async () => {
      await Promise.allSettled([named, data.close(), map.close(), direct?.close()]);
    },
  };
}

async function openOrCreate(path: string): Promise<[file: FileHandle, isNew: boolean]> {
  try {
    return [await open(path, "wx+", 0o600), true];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return [await open(path, "r+"), false];
  }
}

/** The file for writes past the system's cache; undefined where the system or the file system knows none. */
async function openDirect(path: string): Promise<FileHandle | undefined> {
  const { O_RDWR, O_DIRECT } = constants as { O_RDWR: number; O_DIRECT?: number };
  if (O_DIRECT === undefined) return undefined;
  return open(path, O_RDWR | O_DIRECT).catch(() => undefined);
}

/** Writes full segments that follow each other; what the system takes in no such way goes the other. */
async function writeDirect(
  file: FileHandle,
  run: readonly Piece[],
  otherwise: (piece: Piece) => Promise<void>,
): Promise<void> {
  const position = (run[0]?.index ?? 0) * segmentLength;
  try {
    const segments = run.map(({ segment }) => segment);
    const { bytesWritten } = await file.writev(segments, position);
    if (bytesWritten < run.length * segmentLength) await Promise.all(run.map(otherwise)); // the disk may be full
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error;
    if (run.length === 1) await Promise.all(run.map(otherwise));
    else for (const piece of run) await writeDirect(file, [piece], otherwise);
  }
}

/** One segment of a draft; undefined when there is none. @throws ENOENT */
export async function readDraft(paths: DraftPaths, index: number): Promise<Uint8Array | undefined> {
  await using map = await open(paths.map, "r");
  const length = await readEntry(map, index);
  if (length === 0 || length > segmentLength) return undefined;
  await using data = await open(paths.part, "r");
  const segment = await readUpTo(data, length, index * segmentLength);
  return segment.length === length ? segment : undefined;
}

interface Settler {
  /** Makes the folder's names durable: once in this process for each name in it, and again when the name is new. */
  (name: string, folder: string, isNew: boolean): Promise<void>;
  forget(name: string): void;
}

function createSettler(): Settler {
  const settled = new Map<string, Promise<void>>();
  const settle = (name: string, folder: string, isNew: boolean) => {
    const known = isNew ? undefined : settled.get(name);
    if (known !== undefined) return known;
    const syncing = syncFolder(folder);
    settled.set(name, syncing);
    syncing.catch(() => settled.delete(name));
    return syncing;
  };
  return Object.assign(settle, { forget: (name: string) => void settled.delete(name) });
}
