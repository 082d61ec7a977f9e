/**
 * An upload as its writer sees it: the stored segments hashed, the tail in memory, the next segment's index. It is kept in memory
 * between requests and made again from what is stored when it is not there or somebody else went on meanwhile.
 */
import { AttestryError, equalBytes, isAttestryError } from "@attestry/core";
import type { Content, Tail, UploadRow } from "./catalogue/catalogue.ts";
import { type ContentHash, createContentHash } from "./content-hash.ts";
import { segmentCapacity, segmentLength, segmentStart } from "./format/geometry.ts";
import { createStream, type SegmentStream } from "./format/stream.ts";
import { openTail, sealTail } from "./format/tail.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { ObjectStore } from "./object-store.ts";
import { createWindow, type SegmentMemory, type Window } from "./window.ts";

export interface Session {
  readonly id: string;
  /** Whether somebody is writing with it. */
  isBusy: boolean;
  /** Something failed, or it was wiped: it takes nothing more, and the upload goes on from what is stored. */
  readonly isSpoilt: boolean;
  /** The tail as it was last saved, which tells whether somebody else saved another. */
  savedTail: Tail | undefined;
  /** Bytes of content so far, the tail's among them. */
  readonly offset: number;
  /** How many segments were sealed. */
  readonly segments: number;
  /** Whether the last segment is stored already. */
  readonly isEnded: boolean;
  /** Takes content; what fills a segment is sealed, hashed and on its way to the store. @throws CONFLICT_UPLOAD when it has ended */
  add(chunk: Uint8Array): Promise<void>;
  /** Waits until all that was sealed is stored. @throws what the store threw */
  settle(): Promise<void>;
  /** The unfinished last segment, encrypted; undefined when there is nothing of it. */
  tail(): Tail | undefined;
  /** Seals and stores the last segment. */
  end(): Promise<Content>;
  /** Forgets the key and the content. */
  wipe(): void;
}

export interface SessionParts {
  readonly objects: ObjectStore;
  /** For segments on their way to it. */
  readonly memory: SegmentMemory;
  readonly keys: KeyWrapper;
}

/** The session of an upload that nobody has written yet. */
export function beginSession(row: UploadRow, dataKey: Uint8Array, { objects, memory }: SessionParts): Session {
  const stream = createStream(dataKey, row.id, row.header);
  const hash = createContentHash();
  const begin = { index: 0, size: 0, isEnded: false, tail: undefined, checkedBelow: 0 };
  return createSession({ row, objects, memory, dataKey, stream, hash, ...begin });
}

/** Opens an upload where it stands: every stored segment that opens counts, and the tail when it is the next one's beginning. */
export async function openSession(row: UploadRow, { objects, keys, memory }: SessionParts): Promise<Session> {
  const dataKey = await keys.unwrap(row.wrappedKey, row.id);
  const stream = createStream(dataKey, row.id, row.header);
  const hash = createContentHash();
  let index = 0;
  let size = 0;
  let isEnded = false;
  for (; !isEnded; index++) {
    const segment = await objects.readSegment(row.id, index);
    const opened = segment && openEither(stream, index, segment);
    if (opened === undefined) break;
    await hash.update(opened.plaintext);
    size += opened.plaintext.length;
    isEnded = opened.isLast;
  }
  const tail = isEnded ? undefined : readTail(row, dataKey, index);
  // What was on its way at a crash may have arrived, and one before it not.
  const checkedBelow = index + objects.writesAtOnce;
  return createSession({ row, objects, memory, dataKey, stream, hash, index, size, isEnded, tail, checkedBelow });
}

function openEither(stream: SegmentStream, index: number, segment: Uint8Array) {
  for (const isLast of [false, true]) {
    try {
      return { plaintext: stream.openSegment(index, segment, isLast), isLast };
    } catch (error) {
      if (!isAttestryError(error)) throw error;
    }
  }
  return undefined;
}

function readTail({ id, tail }: UploadRow, dataKey: Uint8Array, index: number): Uint8Array | undefined {
  if (tail?.index !== index) return undefined;
  try {
    return openTail(dataKey, id, segmentStart(index), tail.ciphertext);
  } catch (error) {
    if (isAttestryError(error)) return undefined; // sent again
    throw error;
  }
}

interface State {
  readonly row: UploadRow;
  readonly objects: ObjectStore;
  readonly memory: SegmentMemory;
  readonly dataKey: Uint8Array;
  readonly stream: SegmentStream;
  readonly hash: ContentHash;
  index: number;
  size: number;
  isEnded: boolean;
  readonly tail: Uint8Array | undefined;
  /** Segments before this one may be stored already. */
  readonly checkedBelow: number;
}

function createSession(state: State): Session {
  const { row, objects, dataKey, stream, hash, tail, checkedBelow } = state;
  const { id } = row;
  const buffer = new Uint8Array(segmentLength);
  let filled = tail?.length ?? 0;
  if (tail !== undefined) buffer.set(tail);
  const window: Window = createWindow(state.memory);

  let isSpoilt = false;

  /** Sealing again with other content, after a failure, would use a nonce twice: whatever fails spoils the session. */
  async function orSpoil<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      isSpoilt = true;
      throw error;
    }
  }

  function checkGood(): void {
    if (isSpoilt) throw new AttestryError("CONFLICT_LOCKED", "Somebody else is writing this upload; try again later.");
  }

  /** A segment that is stored counts and is not sealed again. */
  async function isStored(plaintext: Uint8Array, isLast: boolean): Promise<boolean> {
    const { index } = state;
    const segment = index < checkedBelow ? await objects.readSegment(id, index) : undefined;
    const opened = segment && openEither(stream, index, segment);
    if (opened === undefined) return false;
    if (opened.isLast === isLast && equalBytes(opened.plaintext, plaintext)) return true;
    const message = "Other content came than was sent before. Start the upload again.";
    throw new AttestryError("CONFLICT_FILE_CHANGED", message);
  }

  async function seal(isLast: boolean): Promise<void> {
    const plaintext = buffer.subarray(0, filled);
    if (!(await isStored(plaintext, isLast))) {
      await window.begin((memory) => {
        checkGood(); // wiped meanwhile, the buffer holds zeros
        return objects.writeSegment(id, state.index, stream.sealSegment(state.index, plaintext, isLast, memory));
      });
    }
    await hash.update(plaintext); // on another thread, while this one encrypts the next and the store writes
    state.index += 1;
    state.size += filled;
    state.isEnded = isLast;
    filled = 0;
  }

  async function add(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      // A full segment waits for the byte after it: the last one is sealed otherwise.
      if (filled === segmentCapacity(state.index)) await seal(false);
      checkGood();
      const part = chunk.subarray(at, at + segmentCapacity(state.index) - filled);
      buffer.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }

  async function end(): Promise<Content> {
    if (!state.isEnded) await seal(true);
    await window.drain();
    await objects.seal(id, state.index);
    return { hash: await hash.digest(), size: state.size, segments: state.index };
  }

  return {
    id,
    isBusy: false,
    savedTail: row.tail,
    get isSpoilt() {
      return isSpoilt;
    },
    get offset() {
      return state.size + filled;
    },
    get segments() {
      return state.index;
    },
    get isEnded() {
      return state.isEnded;
    },
    async add(chunk: Uint8Array): Promise<void> {
      checkGood();
      if (state.isEnded && chunk.length > 0) throw endedAt(state.size);
      await orSpoil(() => add(chunk));
    },
    settle: () => orSpoil(() => window.drain()),
    tail(): Tail | undefined {
      if (filled === 0) return undefined;
      const ciphertext = sealTail(dataKey, id, segmentStart(state.index), buffer.subarray(0, filled));
      return { index: state.index, ciphertext };
    },
    end: () => orSpoil(end),
    wipe(): void {
      isSpoilt = true;
      dataKey.fill(0);
      buffer.fill(0);
      hash.drop();
    },
  };
}

/** The error of what would go on elsewhere than where the upload stands. */
export function endedAt(offset: number): AttestryError {
  const message = `The upload stands at ${offset} bytes; go on there.`;
  return new AttestryError("CONFLICT_UPLOAD", message, { data: { offset } });
}
