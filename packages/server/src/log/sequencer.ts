/**
 * The sequencer gives admitted entries their index and makes them durable: while one batch is being written, the next one
 * gathers. One signature of the head serves the whole batch. Where other processes write to the same log, it takes turns with
 * them, and follows them while it has nothing to write.
 */
import { AttestryError, encodeHex, equalBytes, isAttestryError } from "@attestry/core";
import { createNewestHead } from "./newest-head.ts";
import type { AdmittedEntry, Batch, CurrentHead, Head, LogStore } from "./store.ts";
import { growTree, type LoadedTree, loadTree, type Tree } from "./tree.ts";

export interface Sequenced {
  readonly index: number;
  readonly leafHash: Uint8Array;
  /** False when the log had the entry already: `index` is then the first one's. */
  readonly isNew: boolean;
  /** A durable head that covers the entry; the same object for all entries of a batch. */
  readonly head: CurrentHead;
}

export interface SequencerOptions {
  readonly store: LogStore;
  /** Signs a head that the store does not have yet. */
  signHead(head: Head): Promise<Omit<CurrentHead, keyof Head>>;
  /** Checks that a head that was read from the store was signed by this log's keys. @throws when not */
  checkHead?(head: CurrentHead): Promise<void>;
  /** Told of each new head once it is durable, those of other processes included. Must not throw. */
  onHead?(head: CurrentHead): void;
  /** Milliseconds of Unix time. */
  readonly clock?: () => number;
  /** Entries in one write. */
  readonly maxBatch?: number;
  /** What may wait, in entries and in bytes of entries, before `submit` answers PUSHBACK. */
  readonly maxQueuedEntries?: number;
  readonly maxQueuedBytes?: number;
}

export interface Sequencer {
  /** The newest durable head that this process knows. */
  readonly head: CurrentHead;
  /** What waits or is being written. */
  readonly queued: { readonly entries: number; readonly bytes: number };
  /** Why nothing could be registered, where the last batch failed less than ten seconds ago. */
  readonly trouble: AttestryError | undefined;
  /**
   * Resolves, in the order of the entries, once all of them are durable. When it rejects, some may have been registered all
   * the same; submitting the same entries again is safe and answers with their index.
   * @throws PUSHBACK when too much waits; UNAVAILABLE_STOPPING after `close`; UNAVAILABLE_STORAGE, CONFLICT_SIZE and
   *   FATAL_INTERNAL (all of them: try again); FATAL_CLOCK; FATAL_CORRUPT
   */
  submit(entries: readonly AdmittedEntry[]): Promise<Sequenced[]>;
  /** Resolves when everything submitted so far has its answer. The store stays open. */
  close(): Promise<void>;
}

/** A clock may be this many seconds behind the last head; the head's time then stands still until the clock catches up. */
const clockTolerance = 60;

/**
 * Checks the log's right edge and the clock, and publishes the head of size 0 when the log is new.
 * @throws FATAL_CORRUPT, FATAL_CLOCK, UNAVAILABLE_STORAGE
 */
export async function createSequencer(options: SequencerOptions): Promise<Sequencer> {
  const { maxBatch = 2048, maxQueuedEntries = 32_768, maxQueuedBytes = 32 * 1024 * 1024 } = options;
  const writer = await createWriter(options);
  const queue: Waiting[] = [];
  const queued = { entries: 0, bytes: 0 };
  let draining: Promise<void> | undefined;
  let closed = false;
  let failed: { readonly error: AttestryError; readonly at: number } | undefined;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      await nextTurn(); // what arrived while the last batch was written joins this one
      const waiting = queue.splice(0, maxBatch);
      try {
        const sequenced = await writer.write(waiting.map(({ entry }) => entry));
        failed = undefined;
        waiting.forEach(({ submission, at }, i) => {
          submission.settle(at, sequenced[i] as Sequenced);
        });
      } catch (cause) {
        const error = foreseen(cause);
        failed = { error, at: performance.now() };
        for (const { submission } of waiting) submission.reject(error);
      }
      for (const { entry } of waiting) count(entry, -1);
    }
    draining = undefined;
  }

  function count({ entry }: AdmittedEntry, sign: 1 | -1): void {
    queued.entries += sign;
    queued.bytes += sign * entry.length;
  }

  return {
    get head(): CurrentHead {
      return writer.head;
    },
    queued,
    get trouble(): AttestryError | undefined {
      return failed !== undefined && performance.now() - failed.at < 10_000 ? failed.error : undefined;
    },
    async submit(entries: readonly AdmittedEntry[]): Promise<Sequenced[]> {
      if (closed) throw new AttestryError("UNAVAILABLE_STOPPING");
      if (entries.length === 0) return [];
      const bytes = entries.reduce((sum, { entry }) => sum + entry.length, 0);
      // What comes to an empty queue is in memory already, however large: it is taken.
      const isFull = queued.entries + entries.length > maxQueuedEntries || queued.bytes + bytes > maxQueuedBytes;
      if (isFull && queued.entries > 0) throw new AttestryError("PUSHBACK", undefined, { data: { ...queued } });
      return new Promise((resolve, reject) => {
        const submission = createSubmission(entries.length, resolve, reject);
        entries.forEach((entry, at) => {
          queue.push({ entry, submission, at });
          count(entry, 1);
        });
        draining ??= drain();
      });
    },
    async close(): Promise<void> {
      closed = true;
      await draining;
      await writer.stop();
    },
  };
}

interface Waiting {
  readonly entry: AdmittedEntry;
  readonly submission: Submission;
  readonly at: number;
}

/** Gathers the answers to one `submit`, whose entries may be spread over batches. */
interface Submission {
  settle(at: number, sequenced: Sequenced): void;
  reject(error: unknown): void;
}

function createSubmission(
  length: number,
  resolve: (all: Sequenced[]) => void,
  reject: (e: unknown) => void,
): Submission {
  const all = new Array<Sequenced>(length);
  let missing = length;
  return {
    settle(at: number, sequenced: Sequenced): void {
      all[at] = sequenced;
      missing -= 1;
      if (missing === 0) resolve(all);
    },
    reject,
  };
}

/** Submitters match on codes; an error that nobody foresaw invites to try again, like the others. */
function foreseen(cause: unknown): AttestryError {
  return isAttestryError(cause) ? cause : new AttestryError("FATAL_INTERNAL", undefined, { cause });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

interface Writer {
  readonly head: CurrentHead;
  write(entries: readonly AdmittedEntry[]): Promise<Sequenced[]>;
  /** Follows other processes no more. */
  stop(): void;
}

/** Writes one batch at a time. Start and recovery are one: whenever it is not sure of the store, it loads the tree from it. */
async function createWriter({ store, signHead, clock = Date.now, ...options }: SequencerOptions): Promise<Writer> {
  const newest = createNewestHead({ store, ...options });
  let loaded: LoadedTree | undefined; // undefined while nobody knows what is stored
  let isStopped = false;

  async function current(): Promise<LoadedTree> {
    loaded ??= await newest.follow(() => loadTree(store));
    return loaded;
  }

  async function publish(entries: readonly AdmittedEntry[]): Promise<CurrentHead> {
    const before = await current();
    const leafHashes = entries.map(({ leafHash }) => leafHash);
    const { tree, tiles } = growTree(before.tree, leafHashes);
    const next = { size: tree.size, rootHash: tree.rootHash, time: timeAfter(before.head, clock()) };
    const head = { ...next, ...(await signHead(next)) };
    await append({ expectedSize: before.tree.size, entries, tiles, head }, tree);
    const stored = (await current()).head ?? head;
    newest.moveTo(stored);
    return stored;
  }

  async function append(batch: Batch, tree: Tree): Promise<void> {
    loaded = undefined;
    try {
      await store.append(batch);
      loaded = { tree, head: batch.head };
    } catch (cause) {
      // The write may have reached the disk all the same; only what is there now gives a definite answer.
      const { head } = await current();
      if (head?.size === batch.head.size && equalBytes(head.rootHash, batch.head.rootHash)) return;
      throw cause;
    }
  }

  async function write(entries: readonly AdmittedEntry[]): Promise<Sequenced[]> {
    const seen = await store.findSeen(entries);
    const covered = newest.value?.size ?? 0;
    if (seen.some((index) => index !== undefined && index >= covered)) loaded = undefined; // another process was there first
    const { fresh, places } = placeEntries(entries, seen, (await current()).tree.size);
    const head = fresh.length > 0 ? await publish(fresh) : (newest.value as CurrentHead);
    return entries.map(({ leafHash }, at) => {
      const { index, isNew } = places[at] as Place;
      return { leafHash, index, isNew, head };
    });
  }

  timeAfter((await current()).head, clock());
  await untilNoConflict(async () => void (newest.value ?? (await publish([]))));
  store.shared?.watch(async (size) => {
    if (isStopped || size === newest.value?.size) return;
    await newest.follow(async () => ({ head: await store.readHead() }));
  });
  const inTurn = store.shared?.inTurn ?? (<T>(act: (size?: number) => Promise<T>) => act());
  return {
    get head(): CurrentHead {
      return newest.value as CurrentHead; // there is one from the start
    },
    write: (entries) =>
      inTurn((size) => {
        // Also when only the head was followed: a store that was put back to the size of the tree must not be built on.
        const isCurrent = size === loaded?.tree.size && size === newest.value?.size;
        if (size !== undefined && !isCurrent) loaded = undefined;
        return untilNoConflict(() => write(entries));
      }),
    stop(): void {
      isStopped = true;
    },
  };
}

/** How often a batch is built again because others' came first: they take turns, but a turn is a courtesy. */
const maxAttempts = 10;

async function untilNoConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = maxAttempts; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left <= 1 || !isAttestryError(error) || error.code !== "CONFLICT_SIZE") throw error;
    }
  }
}

type Place = Pick<Sequenced, "index" | "isNew">;

/** Gives each entry its index: the first one's for a duplicate, in the log or in the batch. */
function placeEntries(entries: readonly AdmittedEntry[], seen: readonly (number | undefined)[], size: number) {
  const fresh: AdmittedEntry[] = [];
  const placed = new Map<string, number>();
  const places = entries.map((entry, at): Place => {
    const key = encodeHex(entry.leafHash);
    const before = seen[at] ?? placed.get(key);
    if (before !== undefined) return { index: before, isNew: false };
    const index = size + fresh.push(entry) - 1;
    placed.set(key, index);
    return { index, isNew: true };
  });
  return { fresh, places };
}

/** Whole seconds, never before the last head. @throws FATAL_CLOCK when the clock is further behind than it may be */
function timeAfter(last: Head | undefined, milliseconds: number): number {
  const now = Math.floor(milliseconds / 1000);
  if (last === undefined || now >= last.time) return now;
  if (last.time - now <= clockTolerance) return last.time;
  const message = `The clock is ${last.time - now} seconds before the last checkpoint. Set it right.`;
  throw new AttestryError("FATAL_CLOCK", message, { data: { now, last: last.time } });
}
