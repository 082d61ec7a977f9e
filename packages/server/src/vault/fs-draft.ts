/**
 * An object of the filesystem store while it is being written: its segments at fixed offsets in one file, and beside it a map
 * of 4 bytes a segment (its length, little-endian; 0 is none). An entry of the map is written when its segment is on the disk, so
 * whatever a crash leaves behind, what the map says is there.
 */
import { constants } from "node:fs";
import { type FileHandle, mkdir, open } from "node:fs/promises";
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

const entryLength = 4;
/** A map grows by as much at a time: a sync costs less where the file's length is as it was. */
const mapStep = 4096;

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
  const map = await open(
    paths.map,
    constants.O_RDWR | constants.O_CREAT | (isNew ? constants.O_TRUNC : 0),
    0o600,
  ).catch(async (error) => {
    await data.close();
    throw error;
  });
  const named = Promise.all([settle(paths.shard, paths.root, false), settle(paths.part, paths.shard, isNew)]);
  named.catch(() => {}); // told to those who write
  const syncData = inGroups(() => data.datasync());
  const note = inGroups((entries: readonly Entry[]) => writeEntries(map, entries));
  const inTurn = createTurns();
  const direct = await openDirect(paths.part);
  const directTurns = [createTurns(), createTurns()] as const; // one is on the disk while the next is made ready

  /** Past the system's cache where that can be: less work, and a long recording leaves in the cache what others need. */
  async function put(index: number, segment: Uint8Array): Promise<void> {
    const position = index * segmentLength;
    if (direct !== undefined && segment.length === segmentLength) {
      const turns = directTurns[index % 2 === 0 ? 0 : 1];
      const isDone = await turns(() => writeAll(direct, segment, position)).then(() => true, unlessRefused);
      if (isDone) return;
    }
    // One file takes one write at a time; the others would wait on threads that the syncs need.
    await inTurn(() => writeAll(data, segment, position));
  }

  return {
    async write(index, segment) {
      if ((await readEntry(map, index)) !== 0) await note({ index, length: 0 });
      await put(index, segment);
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

/** False when the system takes no such write past its cache. */
function unlessRefused(error: NodeJS.ErrnoException): false {
  if (error.code === "EINVAL") return false;
  throw error;
}

/** The lengths of all segments of a draft, 0 for those that are not there. @throws ENOENT */
export async function readMap(path: string): Promise<Uint32Array> {
  await using file = await open(path, "r");
  const bytes = await file.readFile();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: Math.floor(bytes.length / entryLength) }, (_, at) =>
    view.getUint32(at * entryLength, true),
  );
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

async function readEntry(map: FileHandle, index: number): Promise<number> {
  const entry = await readUpTo(map, entryLength, index * entryLength);
  return entry.length === entryLength ? Buffer.from(entry.buffer, entry.byteOffset, entryLength).readUInt32LE() : 0;
}

interface Entry {
  readonly index: number;
  readonly length: number;
}

/** Durable when it resolves. */
async function writeEntries(map: FileHandle, entries: readonly Entry[]): Promise<void> {
  const end = Math.max(...entries.map(({ index }) => (index + 1) * entryLength));
  if ((await map.stat()).size < end) await map.truncate(Math.ceil(end / mapStep) * mapStep);
  for (const { index, length } of entries) {
    const entry = new Uint8Array(entryLength);
    new DataView(entry.buffer).setUint32(0, length, true);
    await writeAll(map, entry, index * entryLength);
  }
  await map.datasync();
}

/** As many bytes as there are from that place on, up to `length`. */
export async function readUpTo(file: FileHandle, length: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    at += bytesRead;
    if (bytesRead === 0 || at === length) return bytes.subarray(0, at);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

/**
 * One call of `act` serves all who wait: what comes while one is running is served by the next, which begins after it came. So each
 * segment is durable when it is acknowledged, and several at once cost about one sync instead of one each.
 */
function inGroups<T = void>(act: (group: readonly T[]) => Promise<void>): (item: T) => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: { readonly group: T[]; readonly done: Promise<void> } | undefined;
  return (item) => {
    if (next === undefined) {
      const group: T[] = [];
      const done = running
        .catch(() => {})
        .then(() => {
          running = done;
          next = undefined;
          return act(group);
        });
      next = { group, done };
    }
    next.group.push(item);
    return next.done;
  };
}

/** Runs one after the other, in the order in which they were asked for. */
function createTurns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const turn = last.then(run, run);
    last = turn;
    return turn;
  };
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

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  await using folder = await open(path, "r");
  await folder.sync();
}
