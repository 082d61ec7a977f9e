/** Writes files whole or not at all: beside the place, then renamed into it. Nothing that is there is lost. */
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeFolder } from "@attestry/server/make-folder";
import { fileError } from "../errors.ts";

let serial = 0;

/**
 * Writes a file, replacing one of that name, and makes its folders.
 * @param options `durable`: on the disk, not only in the system's cache, when it returns; `mode` as for open
 * @throws UNAVAILABLE_STORAGE when the disk is full, USAGE_FILE otherwise; then the file is as it was before
 */
export function writeFileWhole(
  path: string,
  data: Uint8Array,
  options: { durable?: boolean; mode?: number } = {},
): void {
  const folder = dirname(path);
  const temporary = join(folder, `.attestry-${process.pid}-${serial++}.tmp`);
  let written = false;
  try {
    const descriptor = openNew(temporary, folder, options.mode ?? 0o666);
    written = true;
    writeAll(descriptor, data, options.durable === true);
    renameSync(temporary, path);
  } catch (error) {
    if (written) rmSync(temporary, { force: true });
    throw fileError(error, path, "written");
  }
}

/**
 * Copies an existing file to the first free of `path.1`, `path.2`, …; gives that name, or undefined when there is none or
 * it is empty.
 * @throws as `writeFileWhole`
 */
export function keepCopy(path: string): string | undefined {
  if (!((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0)) return undefined;
  for (let number = 1; ; number++) {
    const copy = `${path}.${number}`;
    try {
      copyFileSync(path, copy, constants.COPYFILE_EXCL);
      return copy;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(error, copy, "written");
    }
  }
}

function writeAll(descriptor: number, data: Uint8Array, durable: boolean): void {
  try {
    for (let at = 0; at < data.length; ) at += writeSync(descriptor, data, at);
    if (durable) fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function openNew(path: string, folder: string, mode: number): number {
  try {
    return openSync(path, "wx", mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    makeFolder(folder);
    return openSync(path, "wx", mode);
  }
}
