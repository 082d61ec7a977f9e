/**
 * A tap on `node:fs/promises` that stops a process's changes to one folder at a chosen step, and then can take back what was
 * never synced, as a power cut does: nothing is really synced meanwhile. A step is one call that changes a file, a name or what is durable.
 */
import fs, { promises } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { dirname, join, resolve } from "node:path";
import { setImmediate } from "node:timers/promises";

/** "before": the step is not made; "half": a write is made by half. */
export type Cut = "before" | "half";

export interface CrashDisk {
  /**
   * Watches a folder: at that step, counted from 1, it calls `fall` and lets no more of that folder's calls end. So that none of
   * them ends later, the folder should have another name when it is used again.
   */
  arm(root: string, step: number, cut: Cut, fall: () => void): void;
  /** Takes back changes that were not synced: of writes each with that probability, of names the last ones. */
  loseUnsynced(probability: number): void;
  /** Watches nothing any more. */
  disarm(): Promise<void>;
}

interface Change {
  readonly kind: "write" | "name";
  /** What a sync makes durable: a file's number, or a folder's path. */
  readonly place: string;
  undo(): void;
  /** Gives up what `undo` needs. */
  drop(): void;
}

const never = new Promise<never>(() => {});

/** Taps the files of one folder at a time, for the rest of the process's life. `attic` is a folder on the same disk. */
export function tapDisk(attic: string): CrashDisk {
  const original = { open: promises.open, rename: promises.rename, unlink: promises.unlink, mkdir: promises.mkdir };
  let handles: FileHandle[] = [];
  let changes: Change[] = [];
  let kept = 0;
  let run = { root: "", step: 0, cut: "before" as Cut, fall: (): void => {}, steps: 0, isDown: false };

  /** Whether a path is of the folder that is watched, or the one that the folder's own name is in. */
  const isTapped = (path: string) =>
    run.root !== "" && (resolve(path).startsWith(run.root) || resolve(path) === dirname(run.root));

  /** Resolves when the step may be made, with false when only by half. */
  async function reach(armed: typeof run, canHalve = false): Promise<boolean> {
    if (armed.isDown) return never;
    armed.steps += 1;
    if (armed.steps !== armed.step) return true;
    armed.isDown = true;
    if (canHalve && armed.cut === "half") return false;
    armed.fall();
    return never;
  }

  const noteName = (path: string, undo: () => void) =>
    void changes.push({ kind: "name", place: dirname(path), undo, drop: () => {} });
  function settle(isSettled: (change: Change) => boolean): void {
    for (const change of changes.filter(isSettled)) change.drop();
    changes = changes.filter((change) => !isSettled(change));
  }

  function tapHandle(handle: FileHandle, path: string): FileHandle {
    const armed = run;
    const isFolder = fs.fstatSync(handle.fd).isDirectory();
    const place = isFolder ? resolve(path) : `inode ${fs.fstatSync(handle.fd).ino}`;
    handle.sync = async () => {
      await reach(armed);
      const covered = new Set(changes.filter((change) => change.place === place));
      // Others go on meanwhile; a folder's sync is the slower one, so that nobody gets away with not waiting for it.
      for (let turn = isFolder ? 30 : 3; turn > 0; turn--) await setImmediate();
      if (!armed.isDown) settle((change) => covered.has(change));
    };
    handle.datasync = handle.sync;
    handle.truncate = async (length = 0) => {
      await reach(armed);
      const { size } = fs.fstatSync(handle.fd);
      const changed = keepRange(handle.fd, Math.min(length, size), Math.abs(size - length));
      changes.push({ kind: "write", place, ...changed });
      fs.ftruncateSync(handle.fd, length);
    };
    const change = async (position: number, length: number, make: (length: number) => number): Promise<number> => {
      const isWhole = await reach(armed, true);
      const part = isWhole ? length : Math.floor(length / 2);
      changes.push({ kind: "write", place, ...keepRange(handle.fd, position, part) });
      try {
        const bytesWritten = make(part);
        if (isWhole) return bytesWritten;
      } catch (error) {
        if (isWhole) throw error;
      }
      armed.fall();
      return never;
    };
    const write = async (bytes: Uint8Array, offset: number, length: number, position: number) => ({
      bytesWritten: await change(position, length, (part) => fs.writeSync(handle.fd, bytes, offset, part, position)),
      buffer: bytes,
    });
    const writev = async (buffers: readonly Uint8Array[], position: number) => {
      const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
      const make = (part: number) => fs.writevSync(handle.fd, firstBytes(buffers, part), position);
      return { bytesWritten: await change(position, length, make), buffers };
    };
    handle.write = write as typeof handle.write;
    handle.writev = writev as typeof handle.writev;
    handles.push(handle);
    return handle;
  }

  // All changes below are made synchronously, so that none is under way when the process is taken for dead.
  promises.open = (async (path: string, flags?: string | number, mode?: number) => {
    if (!isTapped(path)) return original.open(path, flags, mode);
    if (flags === "r" || flags === "r+" || fs.existsSync(path))
      return tapHandle(await original.open(path, flags, mode), path);
    await reach(run);
    fs.closeSync(fs.openSync(path, flags ?? "r", mode));
    noteName(path, () => fs.rmSync(path, { force: true }));
    return tapHandle(await original.open(path, "r+"), path);
  }) as typeof promises.open;
  promises.rename = (async (from: string, to: string) => {
    if (!isTapped(from) || !fs.existsSync(from)) return original.rename(from, to);
    await reach(run);
    fs.renameSync(from, to);
    noteName(to, () => fs.renameSync(to, from));
  }) as typeof promises.rename;
  promises.unlink = (async (path: string) => {
    if (!isTapped(path) || !fs.existsSync(path)) return original.unlink(path);
    await reach(run);
    const copy = join(attic, `kept-${kept++}`);
    fs.renameSync(path, copy);
    noteName(path, () => fs.renameSync(copy, path));
  }) as typeof promises.unlink;
  promises.mkdir = (async (path: string, options?: fs.MakeDirectoryOptions) => {
    if (!isTapped(path) || fs.existsSync(path)) return original.mkdir(path, options);
    await reach(run);
    const made = fs.mkdirSync(path, options);
    noteName(path, () => fs.rmSync(path, { recursive: true, force: true }));
    return made;
  }) as typeof promises.mkdir;
  syncBuiltinESMExports();

  return {
    arm: (root, step, cut, fall) => {
      run = { root: resolve(root), step, cut, fall, steps: 0, isDown: false };
    },
    loseUnsynced: (probability) => {
      // A folder's changes reach the disk in order, so it is the last ones that are lost.
      const firstLost = changes.findIndex(({ kind }) => kind === "name" && Math.random() < probability);
      const isLost = ({ kind }: Change, at: number) =>
        kind === "write" ? Math.random() < probability : firstLost !== -1 && at >= firstLost;
      const lost = changes.filter(isLost).reverse();
      for (const kind of ["write", "name"]) for (const change of lost) if (change.kind === kind) change.undo();
      settle(() => true);
    },
    disarm: async () => {
      run.isDown = true; // for those of its calls that are still under way
      run = { ...run, root: "" };
      settle(() => true);
      const left = handles;
      handles = [];
      for (const handle of left) await handle.close().catch(() => {});
    },
  };
}

function firstBytes(buffers: readonly Uint8Array[], length: number): Uint8Array[] {
  let left = length;
  return buffers.map((buffer) => {
    const part = buffer.subarray(0, left);
    left -= part.length;
    return part;
  });
}

/** To put a range of a file back as it is now, and the file's length. It has a descriptor of its own, as names may change. */
function keepRange(descriptor: number, position: number, length: number): Pick<Change, "undo" | "drop"> {
  const own = fs.openSync(`/proc/self/fd/${descriptor}`, "r+");
  const before = fs.fstatSync(own).size;
  const old = new Uint8Array(Math.max(0, length));
  const oldLength = fs.readSync(own, old, 0, old.length, position);
  const undo = () => {
    // A later write that was not lost may have made the file longer: then there are zeros where this one was.
    const isLast = position + length >= fs.fstatSync(own).size;
    fs.writeSync(own, old, 0, isLast ? oldLength : length, position);
    if (isLast) fs.ftruncateSync(own, before);
  };
  return { undo, drop: () => fs.closeSync(own) };
}
