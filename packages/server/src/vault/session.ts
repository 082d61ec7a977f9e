/**
 * An upload as its writer sees it: the stored segments hashed, the tail in memory, the next segment's index. It is kept in memory
 * between requests and made again from what is stored when it is not there or somebody else went on meanwhile.
 *
 * No nonce serves twice: under one header one session after another seals, and each begins where everything that the one before
 * sealed is stored. Where that is not certain, what is stored is copied under a new header, and the session seals under that.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Content, LockedUpload, Tail, UploadRow } from "./catalogue/catalogue.ts";
import { type ContentHash, createContentHash } from "./content-hash.ts";
import { segmentCapacity, segmentStart } from "./format/geometry.ts";
import { createStream, type SegmentStream } from "./format/stream.ts";
import { openTail, sealTail } from "./format/tail.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import type { ObjectStore } from "./object-store.ts";
import { createWindow, type SegmentMemory, type Window } from "./window.ts";

export interface Session {
  readonly id: string;
  /** As of the upload. */
  readonly place: string;
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
  /**
   * Takes content; what fills a segment is sealed, hashed and on its way to the store. A promise only where something has to be
   * waited for, which most chunks need not.
   * @throws CONFLICT_UPLOAD when it has ended
   */
  add(chunk: Uint8Array): Promise<void> | undefined;
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
  return createSession({ row, objects, memory, dataKey, stream, hash, index: 0, size: 0, tail: undefined });
}

/** Who opens an upload, under its lock. */
export interface Opening {
  /** The lock's name, under which a copy is made. */
  readonly holder: string;
  /** Renews the lock when it is time. @throws CONFLICT_LOCKED when it was lost */
  keep(): Promise<unknown> | undefined;
  /** Makes the copy the upload's content, durably. */
  savePlace(copy: Pick<UploadRow, "place" | "header" | "tail">): Promise<void>;
}

/**
 * Opens an upload where it stands: the stored segments count as far as they follow each other and open, and the tail when it is the
 * next one's beginning.
 */
export async function openSession(row: LockedUpload, parts: SessionParts, opening: Opening): Promise<Session> {
  const { objects, memory, keys } = parts;
  const dataKey = await keys.unwrap(row.wrappedKey, row.id);
  const begin = { row, objects, memory, dataKey, stream: createStream(dataKey, row.id, row.header) };
  if (row.leftBy === undefined) {
    const stored = await readStored(begin, opening, async () => {});
    // Whoever lets go has saved the tail behind the last segment that it sealed: then all of them are there.
    if (!stored.hasEnded && stored.index === (row.tail?.index ?? 0) && stored.isTailWhole) {
      return createSession({ ...begin, ...stored });
    }
    stored.hash.drop();
  }
  // What a crash left of a copy.
  if (row.leftBy !== undefined && row.leftBy !== row.place) await objects.remove(row.leftBy);
  return copySession(begin, opening);
}

type Begin = Pick<State, "row" | "objects" | "memory" | "dataKey" | "stream">;

interface Stored extends Pick<State, "index" | "size" | "hash" | "tail"> {
  /** The last segment is stored: its content is the tail. */
  readonly hasEnded: boolean;
  /** There is no tail, or it opens. */
  readonly isTailWhole: boolean;
}

/** Reads and hashes what is stored, and hands on each full segment's content. */
async function readStored(
  { row, objects, dataKey, stream }: Begin,
  { keep }: Opening,
  take: (index: number, plaintext: Uint8Array) => Promise<void>,
): Promise<Stored> {
  const hash = createContentHash();
  const fetch = (index: number): Promise<Uint8Array | undefined> => {
    const segment = objects.readSegment(row.place, index);
    segment.catch(() => {}); // whoever stops here never waits for it
    return segment;
  };
  let next = fetch(0);
  for (let index = 0; ; index++) {
    await keep();
    const segment = await next;
    const opened = segment && openEither(stream, index, segment);
    if (opened?.isLast === false) {
      next = fetch(index + 1); // on its way while this one is hashed and taken
      hash.memory.set(opened.plaintext);
      await Promise.all([hash.update(opened.plaintext.length), take(index, opened.plaintext)]);
      (opened.plaintext.buffer as ArrayBuffer).transfer(0); // nobody else has it; decision 37
      continue;
    }
    const isTail = row.tail?.index === index;
    const tail = opened?.plaintext ?? (isTail ? readTail(row, dataKey, row.tail) : undefined);
    const hasEnded = opened !== undefined;
    return { index, size: segmentStart(index), hash, tail, hasEnded, isTailWhole: !isTail || tail !== undefined };
  }
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

/** Undefined when it is not as it was saved: then it is sent again. */
function readTail({ id }: UploadRow, dataKey: Uint8Array, { index, ciphertext }: Tail): Uint8Array | undefined {
  try {
    return openTail(dataKey, id, segmentStart(index), ciphertext);
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}

/**
 * Copies what is stored to a place of its own, where nobody else writes, under a header that no one has sealed with. Nothing of what
 * counts is given up before the copy is whole and the catalogue names it.
 */
async function copySession(from: Begin, opening: Opening): Promise<Session> {
  const { row, objects, memory, dataKey } = from;
  const place = opening.holder;
  if (place === row.place) throw locked(); // the copy before this one is there; the next lock has another name
  const stream = createStream(dataKey, row.id);
  const window = createWindow(memory);
  await objects.remove(place); // an earlier try's
  try {
    const stored = await readStored(from, opening, (index, plaintext) =>
      window.begin((into) => objects.writeSegment(place, index, stream.sealSegment(index, plaintext, false, into))),
    ).finally(() => window.drain());
    const tail = saveTail(row.id, dataKey, stored.index, stored.tail);
    await opening.savePlace({ place, header: stream.header, tail });
    await objects.remove(row.place).catch(() => {}); // it is swept
    return createSession({ ...from, ...stored, stream, row: { ...row, place, header: stream.header, tail } });
  } catch (error) {
    await objects.remove(place).catch(() => {});
    throw error;
  }
}

function saveTail(id: string, dataKey: Uint8Array, index: number, tail: Uint8Array | undefined): Tail | undefined {
  if (tail === undefined || tail.length === 0) return undefined;
  return { index, ciphertext: sealTail(dataKey, id, segmentStart(index), tail) };
}

interface State {
  readonly row: UploadRow;
  readonly objects: ObjectStore;
  readonly memory: SegmentMemory;
  readonly dataKey: Uint8Array;
  readonly stream: SegmentStream;
  readonly hash: ContentHash;
  readonly index: number;
  readonly size: number;
  readonly tail: Uint8Array | undefined;
}

function createSession(state: State): Session {
  const { row, objects, dataKey, stream, hash, tail } = state;
  const { id, place } = row;
  let filled = tail?.length ?? 0;
  if (tail !== undefined) hash.memory.set(tail);
  const window: Window = createWindow(state.memory);
  let { index, size } = state;
  let isEnded = false;
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
    if (isSpoilt) throw locked();
  }

  async function seal(isLast: boolean): Promise<void> {
    const plaintext = hash.memory.subarray(0, filled);
    await window.begin((memory) => {
      checkGood(); // wiped meanwhile, the memory holds zeros
      return objects.writeSegment(place, index, stream.sealSegment(index, plaintext, isLast, memory));
    });
    await hash.update(filled); // on another thread, while this one encrypts the next and the store writes
    index += 1;
    size += filled;
    isEnded = isLast;
    filled = 0;
  }

  async function addSealing(chunk: Uint8Array): Promise<void> {
    for (let at = 0; at < chunk.length; ) {
      // A full segment waits for the byte after it: the last one is sealed otherwise.
      if (filled === segmentCapacity(index)) await seal(false);
      checkGood();
      const part = chunk.subarray(at, at + segmentCapacity(index) - filled);
      fill(part);
      at += part.length;
    }
  }

  function fill(part: Uint8Array): void {
    hash.memory.set(part, filled);
    filled += part.length;
  }

  async function end(): Promise<Content> {
    if (!isEnded) await seal(true);
    await window.drain();
    await objects.seal(place, index);
    return { hash: await hash.digest(), size, segments: index };
  }

  return {
    id,
    place,
    isBusy: false,
    savedTail: row.tail,
    get isSpoilt() {
      return isSpoilt;
    },
    get offset() {
      return size + filled;
    },
    get segments() {
      return index;
    },
    get isEnded() {
      return isEnded;
    },
    add(chunk: Uint8Array): Promise<void> | undefined {
      checkGood();
      if (isEnded && chunk.length > 0) throw endedAt(size);
      if (filled + chunk.length > segmentCapacity(index)) return orSpoil(() => addSealing(chunk));
      fill(chunk);
      return undefined;
    },
    settle: () => orSpoil(() => window.drain()),
    tail: () => saveTail(id, dataKey, index, hash.memory.subarray(0, filled)),
    end: () => orSpoil(end),
    wipe(): void {
      isSpoilt = true;
      dataKey.fill(0);
      hash.drop();
    },
  };
}

function locked(): AttestryError {
  return new AttestryError("CONFLICT_LOCKED", "Somebody else is writing this upload; try again later.");
}

/** The error of what would go on elsewhere than where the upload stands. */
export function endedAt(offset: number): AttestryError {
  const message = `The upload stands at ${offset} bytes; go on there.`;
  return new AttestryError("CONFLICT_UPLOAD", message, { data: { offset } });
}
