/** Files that nobody else may read: written whole or not at all, and refused when others could have read or changed them. */
import { randomBytes } from "node:crypto";
import { link, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { AttestryError } from "@attestry/core";
import { makeFolder } from "../make-folder.ts";
import { systemReason } from "../system-reason.ts";

/**
 * Writes a file that does not exist yet, mode 0600. When it resolves, the content and the name are on the disk; when it
 * rejects, there is no such file.
 * @throws CONFLICT_EXISTS, UNAVAILABLE_STORAGE (disk full), USAGE_FILE
 */
export async function writePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    makeFolder(dirname(path), 0o700);
    await writeDurably(temporary, content);
    await link(temporary, path); // unlike rename, never replaces
    await syncFolder(dirname(path));
  } catch (error) {
    throw fileError(error, path, "written");
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

/**
 * Writes a file in place of the one that is there, mode 0600. Whoever reads sees the old content or the new, whole. When it
 * resolves, the new one is on the disk.
 * @throws UNAVAILABLE_STORAGE (disk full), USAGE_FILE
 */
export async function replacePrivateFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    await writeDurably(temporary, content);
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw fileError(error, path, "written");
  }
}

/**
 * Reads a file that only its owner can.
 * @throws NOT_FOUND, USAGE_FILE when it cannot be read or when others can read or change it
 */
export async function readPrivateFile(path: string): Promise<string> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new AttestryError(
        "USAGE_FILE",
        `Others can read or change ${path}. Make it yours alone: chmod 600 ${path}`,
      );
    }
    return await readFile(path, "utf8");
  } catch (error) {
    throw fileError(error, path, "read");
  }
}

async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function fileError(error: unknown, path: string, done: string): AttestryError {
  if (error instanceof AttestryError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "ENOENT") return new AttestryError("NOT_FOUND", `There is no ${path}.`, { cause: error });
  if (code === "EEXIST") return new AttestryError("CONFLICT_EXISTS", `${path} exists already.`, { cause: error });
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EROFS") {
    return new AttestryError("UNAVAILABLE_STORAGE", `${path} could not be ${done}: the disk is full or read-only.`, {
      cause: error,
    });
  }
  return new AttestryError("USAGE_FILE", `${path} could not be ${done}: ${systemReason(error)}.`, { cause: error });
}
