/**
 * SHA-256 of a file (FIPS 180-4), read once in pieces, with memory that does not grow with the file. Needs nothing but the
 * runtime, so that a thread that runs it starts at once; `hash-file.ts` gives its errors their names.
 */
import { createHash, hash } from "node:crypto";
import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";

export interface HashedFile {
  /** 32 bytes. */
  readonly digest: Uint8Array;
  /** In bytes. */
  readonly size: number;
}

/** Codes of the errors that are not the system's own. */
export const notAFile = "NOT_A_FILE";
export const fileChanged = "FILE_CHANGED";

// Fits the processor's second-level cache, so that hashing finds in it what reading has just put there. The kernel reads
// ahead meanwhile: measured as fast as two larger buffers in turn, and faster than a stream.
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
const piecesPerTurn = 32;

/**
 * Hashes a file in turns of some milliseconds, each of which yields the bytes read in it.
 * @throws the system's error, or one of code NOT_A_FILE, or FILE_CHANGED when something wrote to it or replaced it meanwhile
 */
export function* hashInTurns(path: string): Generator<number, HashedFile> {
  // without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever
  const descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    return yield* hashOpen(descriptor, path);
  } finally {
    closeSync(descriptor);
  }
}

/** As `hashInTurns`, at one go; `onBytes` is told the bytes of each turn. */
export function hashAtOnce(path: string, onBytes: (count: number) => void): HashedFile {
  const turns = hashInTurns(path);
  for (;;) {
    const turn = turns.next();
    if (turn.done) return turn.value;
    onBytes(turn.value);
  }
}

function* hashOpen(descriptor: number, path: string): Generator<number, HashedFile> {
  const before = fstatSync(descriptor);
  if (!before.isFile()) throw fault(notAFile);
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
    after !== undefined &&
    before.dev === after.dev &&
    before.ino === after.ino &&
    before.ctimeMs === after.ctimeMs &&
    before.mtimeMs === after.mtimeMs;
  if (!same || size !== before.size || size !== after.size) throw fault(fileChanged);
}

function fault(code: string): Error {
  return Object.assign(new Error(code), { code });
}
