/** SHA-256 of files (FIPS 180-4), read once in pieces, with memory that does not grow with the file. */
import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { AttestryError } from "@attestry/core";
import { fileError } from "../errors.ts";

export interface HashedFile {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** In bytes. */
  readonly size: number;
}

// Fits the processor's second-level cache, so that hashing finds in it what reading has just put there. The kernel reads
// ahead meanwhile: measured as fast as two larger buffers in turn, and faster than a stream.
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
const piecesPerTurn = 32;

/**
 * Hashes a file without holding up the event loop for long; `onBytes` is told the bytes read since it was last called.
 * @throws USAGE_FILE when it cannot be read, CONFLICT_FILE_CHANGED when something wrote to it meanwhile
 */
export async function hashFile(path: string, onBytes?: (count: number) => void): Promise<HashedFile> {
  const steps = hashSteps(path);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    onBytes?.(step.value);
    await new Promise(setImmediate);
  }
}

/** As `hashFile`, at one go. For small files and for worker threads. */
export function hashFileSync(path: string, onBytes?: (count: number) => void): HashedFile {
  const steps = hashSteps(path);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    onBytes?.(step.value);
  }
}

/** Standard input to its end. */
export async function hashStandardInput(onBytes?: (count: number) => void): Promise<HashedFile> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.length;
    onBytes?.(piece.length);
  }
  return { digest: hash.digest(), size };
}

function* hashSteps(path: string): Generator<number, HashedFile> {
  let descriptor: number | undefined;
  try {
    // without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    return yield* hashOpen(descriptor, path);
  } catch (error) {
    throw fileError(error, path, "read");
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

function* hashOpen(descriptor: number, path: string): Generator<number, HashedFile> {
  const before = fstatSync(descriptor);
  if (!before.isFile()) throw new AttestryError("USAGE_FILE", `${path} is not a file.`, { data: { path } });
  const first = readSync(descriptor, buffer, 0, buffer.length, null);
  if (first === before.size && first < buffer.length) {
    checkUnchanged(path, first, before);
    return { digest: hash("sha256", buffer.subarray(0, first), "buffer"), size: first };
  }
  const state = createHash("sha256");
  let size = 0;
  let reported = 0;
  // The buffer is shared by all calls: each piece is hashed before anything else can run.
  for (let piece = 1, count = first; count > 0; piece++, count = readSync(descriptor, buffer, 0, buffer.length, null)) {
    state.update(buffer.subarray(0, count));
    size += count;
    if (piece % piecesPerTurn !== 0) continue;
    yield size - reported;
    reported = size;
  }
  if (size > reported) yield size - reported;
  checkUnchanged(path, size, before);
  return { digest: state.digest(), size };
}

function checkUnchanged(path: string, size: number, before: Stats): void {
  const after = statSync(path, { throwIfNoEntry: false }); // by name: the file may have been replaced by another
  const same =
    after !== undefined && before.dev === after.dev && before.ino === after.ino && before.ctimeMs === after.ctimeMs;
  if (same && before.mtimeMs === after.mtimeMs && size === before.size && size === after.size) return;
  throw new AttestryError(
    "CONFLICT_FILE_CHANGED",
    `${path} changed while it was being read. Try again when nothing writes to it.`,
    {
      data: { path },
    },
  );
}
