/**
 * SHA-256 of a file (FIPS 180-4), read once, with memory that does not grow with the file. Needs nothing but the runtime, so
 * that a thread that runs it starts at once; `hash-file.ts` gives its errors their names.
 */
import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, read, readSync, type Stats, statSync } from "node:fs";

export interface HashedFile {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** In bytes. */
  readonly size: number;
}

/** Codes of the errors that are not the system's own. */
export const notAFile = "NOT_A_FILE";
export const fileChanged = "FILE_CHANGED";

// Up to a large file's size, reading and hashing in turn from one buffer that fits the processor's second-level cache is the
// fastest: opening, reading and hashing 4 KB so takes less time than one asynchronous read. Beyond it, another thread of the
// runtime reads the next piece while this one hashes; with smaller pieces the hand-over costs more than it gains.
const buffer = Buffer.allocUnsafeSlow(512 * 1024);
const largeFile = 16 * 1024 * 1024;
const pieceSize = 4 * 1024 * 1024;

/**
 * Hashes a file; `onBytes` is told the bytes of each piece of a large one.
 * @throws the system's error, or one of code NOT_A_FILE, or FILE_CHANGED when something wrote to it or replaced it meanwhile
 */
export async function readAndHash(path: string, onBytes: (count: number) => void): Promise<HashedFile> {
  // without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const before = fstatSync(descriptor);
    if (!before.isFile()) throw fault(notAFile);
    const hashed =
      before.size < largeFile ? hashSmall(descriptor, before) : await hashLarge(descriptor, before, onBytes);
    checkUnchanged(path, hashed.size, before);
    return hashed;
  } finally {
    closeSync(descriptor);
  }
}

function hashSmall(descriptor: number, { size: expected }: Stats): HashedFile {
  let count = readSync(descriptor, buffer, 0, buffer.length, null);
  if (count === expected && count < buffer.length) {
    return { digest: hash("sha256", buffer.subarray(0, count), "buffer"), size: count };
  }
  const state = createHash("sha256");
  let size = 0;
  for (; count > 0 && size <= expected; count = readSync(descriptor, buffer, 0, buffer.length, null)) {
    state.update(buffer.subarray(0, count));
    size += count;
  }
  return { digest: state.digest(), size };
}

async function hashLarge(
  descriptor: number,
  { size: expected }: Stats,
  onBytes: (count: number) => void,
): Promise<HashedFile> {
  const state = createHash("sha256");
  let [current, spare] = [Buffer.allocUnsafeSlow(pieceSize), Buffer.allocUnsafeSlow(pieceSize)];
  let size = 0;
  for (let count = await readPiece(descriptor, current); count > 0 && size <= expected; ) {
    const next = readPiece(descriptor, spare);
    state.update(current.subarray(0, count));
    size += count;
    onBytes(count);
    count = await next;
    [current, spare] = [spare, current];
  }
  return { digest: state.digest(), size };
}

function readPiece(descriptor: number, into: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    read(descriptor, into, 0, into.length, null, (error, count) => (error ? reject(error) : resolve(count)));
  });
}

/** @throws an error of code FILE_CHANGED unless the file is the one that it was, with as many bytes as were read */
export function checkUnchanged(path: string, size: number, before: Stats): void {
  const after = statSync(path, { throwIfNoEntry: false }); // by name: the file may have been replaced by another
  const same =
    after !== undefined &&
    before.dev === after.dev &&
    before.ino === after.ino &&
    before.ctimeMs === after.ctimeMs &&
    before.mtimeMs === after.mtimeMs;
  if (!same || size !== before.size || size !== after.size) throw fault(fileChanged);
}

export function fault(code: string): Error {
  return Object.assign(new Error(code), { code });
}
