/**
 * The `ObjectStore` in a folder of the local disk, the default. A whole object is one file, `objects/ab/abcd…`, with exactly the
 * ciphertext in it: what an implementation of Tink's streaming AEAD reads. One that is being written has `.part` and `.map` after
 * its name (see `fs-draft.ts`); a rename makes it whole. Files are for their owner alone.
 */
import { mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AttestryError } from "@attestry/core";
import { createDrafts, type DraftPaths, newAlignedMemory, readDraft } from "./fs-draft.ts";
import { readUpTo, syncFolder } from "./fs-file.ts";
import { readMap } from "./fs-map.ts";
import {
  checkIndex,
  checkObjectId,
  checkSegment,
  incompleteObject,
  isObjectId,
  type ObjectState,
  type ObjectStore,
  segmentLength,
  wholeObject,
} from "./object-store.ts";

interface ObjectPaths extends DraftPaths {
  readonly whole: string;
}

const fileName = /^([a-z2-7]{26})(\.part|\.map)?$/;

/**
 * Opens the objects in a folder, which is made when it is not there. Several processes may have it open; an object still has
 * one writer at a time. Every segment but an object's last must be of full length, as offsets follow from the index: `seal` takes a
 * shorter one for missing.
 * @throws UNAVAILABLE_STORAGE
 */
export async function openFsStore({ folder }: { folder: string }): Promise<ObjectStore> {
  const root = resolve(folder);
  await mapErrors(async () => {
    const made = await mkdir(root, { recursive: true, mode: 0o700 });
    if (made !== undefined) await syncFolder(dirname(made));
  });
  const drafts = createDrafts();
  const { guard, close } = createGate();

  function pathsOf(id: string): ObjectPaths {
    checkObjectId(id);
    const shard = join(root, id.slice(0, 2));
    const whole = join(shard, id);
    return { root, shard, whole, part: `${whole}.part`, map: `${whole}.map` };
  }

  async function seal(id: string, segments: number): Promise<void> {
    const paths = pathsOf(id);
    if ((await sizeOf(paths.whole)) === undefined) await makeWhole(id, paths, segments);
    const size = await sizeOf(paths.whole);
    if (size === undefined) throw incompleteObject(id, segments, 0); // removed meanwhile
    if (countSegments(size) !== segments) throw wholeObject(id);
    await syncFolder(paths.shard);
    await removeFile(paths.map); // only now: until the new name is durable, a crash may bring the old one back
    await removeFile(paths.part);
    drafts.forget(paths);
  }

  return {
    writesAtOnce: 48,
    newMemory: newAlignedMemory,
    writeSegment: guard(async (id: string, index: number, segment: Uint8Array) => {
      checkSegment(id, index, segment);
      const paths = pathsOf(id);
      const admit = async (): Promise<void> => {
        if ((await sizeOf(paths.whole)) !== undefined) throw wholeObject(id);
      };
      await drafts.use(paths, admit, (draft) => draft.write(index, segment));
    }),
    seal: guard(seal),
    readSegment: guard(async (id: string, index: number) => {
      checkIndex(index);
      const paths = pathsOf(id);
      // Looked for again as a whole object, which it may have become between the first two looks.
      const looks = [() => readWhole(paths, index), () => readDraft(paths, index), () => readWhole(paths, index)];
      for (const look of looks) {
        const segment = await whereThereIs(look);
        if (segment !== undefined) return segment;
      }
      return undefined;
    }),
    stat: guard(async (id: string) => {
      const paths = pathsOf(id);
      return (await statWhole(paths)) ?? (await statDraft(paths)) ?? (await statWhole(paths));
    }),
    remove: guard(async (id: string) => {
      const paths = pathsOf(id);
      // The map first and for good: one that comes back after a crash would vouch for segments that are not there.
      if (await removeFile(paths.map)) await syncFolder(paths.shard);
      const removed = [await removeFile(paths.part), await removeFile(paths.whole)];
      if (removed.includes(true)) await syncFolder(paths.shard);
      drafts.forget(paths);
    }),
    list: guard((after: string | undefined, limit: number) => listIds(root, after, limit)),
    check: guard(() => checkFiles(root)),
    close,
  };
}

/** Moves a complete draft to its place. Nothing happens when another has just done so. @throws CONFLICT_INCOMPLETE */
async function makeWhole(id: string, paths: ObjectPaths, segments: number): Promise<void> {
  const lengths = (await whereThereIs(() => readMap(paths.map))) ?? new Uint32Array();
  const present = lengths.filter((length) => length > 0).length;
  const full = lengths.subarray(0, segments - 1).filter((length) => length === segmentLength).length;
  const last = lengths[segments - 1] ?? 0;
  const size = full * segmentLength + last;
  const isComplete = present === segments && full === segments - 1 && last > 0;
  if (!isComplete || ((await sizeOf(paths.part)) ?? 0) < size) {
    if ((await sizeOf(paths.whole)) !== undefined) return;
    throw incompleteObject(id, segments, isComplete ? 0 : Math.min(present, full + 1));
  }
  await whereThereIs(async () => {
    await cutTo(paths.part, size);
    await rename(paths.part, paths.whole);
  });
}

/** A last segment that replaced a longer one leaves bytes behind it. */
async function cutTo(path: string, size: number): Promise<void> {
  await using file = await open(path, "r+");
  if ((await file.stat()).size === size) return;
  await file.truncate(size);
  await file.sync();
}

const countSegments = (size: number): number => Math.ceil(size / segmentLength);

async function readWhole(paths: ObjectPaths, index: number): Promise<Uint8Array | undefined> {
  await using file = await open(paths.whole, "r");
  const segment = await readUpTo(file, segmentLength, index * segmentLength);
  return segment.length > 0 ? segment : undefined;
}

async function statWhole(paths: ObjectPaths): Promise<ObjectState | undefined> {
  const size = await sizeOf(paths.whole);
  return size === undefined ? undefined : { sealed: countSegments(size), written: countSegments(size) };
}

async function statDraft(paths: ObjectPaths): Promise<ObjectState | undefined> {
  if ((await sizeOf(paths.part)) === undefined) return undefined;
  const lengths = (await whereThereIs(() => readMap(paths.map))) ?? new Uint32Array();
  return { sealed: undefined, written: lengths.filter((length) => length > 0).length };
}

async function listIds(root: string, after: string | undefined, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (const shard of (await readdir(root)).sort()) {
    if (ids.length >= limit) break;
    if (after !== undefined && shard < after.slice(0, 2)) continue;
    const names = (await whereThereIs(() => readdir(join(root, shard)))) ?? [];
    const found = new Set(names.map((name) => fileName.exec(name)?.[1] ?? "").filter(isObjectId));
    ids.push(...[...found].filter((id) => after === undefined || id > after).sort());
  }
  return ids.slice(0, limit);
}

async function checkFiles(root: string): Promise<string[]> {
  const findings: string[] = [];
  for (const shard of (await readdir(root)).sort()) {
    for (const name of ((await whereThereIs(() => readdir(join(root, shard)))) ?? []).sort()) {
      const facts = await whereThereIs(() => stat(join(root, shard, name)));
      if (facts === undefined) continue; // gone meanwhile
      const [, id = "", suffix] = fileName.exec(name) ?? [];
      const place = `${shard}/${name}`;
      if (!isObjectId(id) || id.slice(0, 2) !== shard || !facts.isFile()) findings.push(`${place} is no object's file`);
      else if (suffix === undefined && facts.size === 0) findings.push(`${place} is empty`);
      if (process.platform !== "win32" && (facts.mode & 0o077) !== 0)
        findings.push(`others can read or change ${place}`);
    }
  }
  return findings;
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await whereThereIs(() => stat(path)))?.size;
}

/** Whether there was such a file. */
async function removeFile(path: string): Promise<boolean> {
  return (await whereThereIs(() => unlink(path).then(() => true))) ?? false;
}

async function whereThereIs<T>(act: () => Promise<T>): Promise<T | undefined> {
  try {
    return await act();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Errors of the system are of the storage; anything else is as it was. */
async function mapErrors<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined) throw error;
    const full = code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG";
    const message = `The vault's folder refused it: ${full ? "the disk is full" : (code ?? "unknown reason")}.`;
    throw new AttestryError("UNAVAILABLE_STORAGE", message, { cause: error });
  }
}

/** Lets calls through until it is closed; closing waits for those under way. */
function createGate(): {
  guard<A extends readonly unknown[], T>(act: (...args: A) => Promise<T>): (...args: A) => Promise<T>;
  close(): Promise<void>;
} {
  const underWay = new Set<Promise<unknown>>();
  let closed = false;
  return {
    guard:
      (act) =>
      async (...args) => {
        if (closed) throw new AttestryError("UNAVAILABLE_STORAGE", "The object store is closed.");
        const call = mapErrors(() => act(...args));
        underWay.add(call);
        try {
          return await call;
        } finally {
          underWay.delete(call);
        }
      },
    close: async () => {
      closed = true;
      await Promise.allSettled(underWay);
    },
  };
}
