/** Reads a file once, part by part from any place on, and hashes it on the way. The next part is read while one is being sent. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { checkUnchanged, fault, fileChanged, notAFile } from "./read-and-hash.ts";

/** Bytes of a part. */
export const partLength: number = 8 * 1024 * 1024;

export interface PartReader {
  readonly size: number;
  /** Nanoseconds of Unix time. */
  readonly mtime: string;
  /** The part at that place, the last one shorter. It is good until the one after the next is asked for, or `renew` is called. */
  part(at: number): Promise<Uint8Array>;
  /** Leaves the buffers to whoever may still be reading them. */
  renew(): void;
  /** SHA-256 of the whole file, reading what was not read yet. @throws an error of code FILE_CHANGED */
  finish(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @param onBytes told the bytes that were hashed @throws the system's error, or one of code NOT_A_FILE */
export async function openParts(path: string, onBytes: (count: number) => void): Promise<PartReader> {
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const before = await file.stat();
  if (!before.isFile()) {
    await file.close();
    throw fault(notAFile);
  }
  const { size } = before;
  const { mtimeNs } = await file.stat({ bigint: true });
  const hash = createHash("sha256");
  let hashed = 0;
  let digest: Uint8Array | undefined;
  let buffers = [Buffer.alloc(0), Buffer.alloc(0)];
  let next: { readonly at: number; readonly bytes: Promise<Uint8Array> } | undefined;

  function begin(at: number): Promise<Uint8Array> {
    const [older = Buffer.alloc(0), newer = older] = buffers;
    const length = Math.min(partLength, size - at);
    const buffer = older.length >= length ? older : Buffer.allocUnsafeSlow(length);
    buffers = [newer, buffer];
    const bytes = fill(file, buffer.subarray(0, length), at);
    bytes.catch(() => {}); // it may never be asked for
    return bytes;
  }

  async function read(at: number): Promise<Uint8Array> {
    const bytes = await (next?.at === at ? next.bytes : begin(at));
    const after = at + bytes.length;
    next = after < size ? { at: after, bytes: begin(after) } : undefined;
    if (hashed >= at && after > hashed) {
      hash.update(bytes.subarray(hashed - at));
      onBytes(after - hashed);
      hashed = after;
    }
    return bytes;
  }

  async function hashUpTo(at: number): Promise<void> {
    while (hashed < at) await read(hashed);
  }

  return {
    size,
    mtime: String(mtimeNs),
    async part(at): Promise<Uint8Array> {
      await hashUpTo(at);
      return read(at);
    },
    renew(): void {
      buffers = [Buffer.alloc(0), Buffer.alloc(0)];
      next = undefined;
    },
    async finish(): Promise<Uint8Array> {
      await hashUpTo(size);
      checkUnchanged(path, hashed, before);
      digest ??= new Uint8Array(hash.digest());
      return digest;
    },
    async close(): Promise<void> {
      await next?.bytes.catch(() => {});
      await file.close();
    },
  };
}

async function fill(file: FileHandle, buffer: Uint8Array, at: number): Promise<Uint8Array> {
  for (let filled = 0; filled < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, at + filled);
    if (bytesRead === 0) throw fault(fileChanged); // it is shorter than it was
    filled += bytesRead;
  }
  return buffer;
}
