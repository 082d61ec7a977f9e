/**
 * Hashes many files, on all cores where hashing is what takes the time, and states what was found in the same threads. Threads that
 * read and hash synchronously measured ten times faster on small files than the runtime's asynchronous reads: opening, reading and
 * closing 4 KB costs less than one turn of the event loop's pool. A signature made there saves more than half of its time for the
 * same reason.
 */
import { once } from "node:events";
import { statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { AttestryError } from "@attestry/core";
import { asAttestryError, fileError } from "../errors.ts";
import { hashFile } from "./hash-file.ts";
import type { GroupResult, Stationery, WorkerData, WorkerMessage } from "./hash-worker.ts";
import type { FoundFile } from "./walk.ts";

/** A file with its hash, or with why it has none. */
export interface HashOutcome {
  readonly file: FoundFile;
  readonly size: number;
  readonly digest?: Uint8Array;
  readonly error?: AttestryError;
  /** Its statement, when a thread made one; null when one found that it has its proof. */
  readonly statement?: Uint8Array | null;
}

const fewFiles = 32;
const fewBytes = 32 * 1024 * 1024;
/** Milliseconds of waiting for threads that are worth more of them: about the processor time that it takes to start one and warm it up. */
const patience = 500;

/**
 * The outcomes in the order of `files`, in groups. `onBytes` is told of bytes as they are read. With `stationery` the threads state
 * what they hash; a few files are hashed without threads, and nothing is stated.
 * @throws what `stationery` rejects with
 */
export async function* hashFiles(
  files: AsyncIterable<FoundFile>,
  onBytes: (count: number) => void,
  stationery?: Promise<Stationery | undefined>,
): AsyncGenerator<readonly HashOutcome[]> {
  stationery?.catch(() => {}); // it may not be needed
  const iterator = files[Symbol.asyncIterator]();
  const first = await take(iterator, fewFiles);
  if (first.length < fewFiles && totalSize(first) <= fewBytes) {
    for (const file of first) yield [await hashOne(file, onBytes)]; // starting threads would take longer
    return;
  }
  const pool = createPool(onBytes, stationery);
  const wait = createWait(pool.widen);
  const pending: Promise<readonly HashOutcome[]>[] = [];
  try {
    for (let group = first; group.length > 0; group = await take(iterator, pool.groupSize())) {
      pending.push(pool.hash(group));
      if (pending.length < pool.appetite) continue;
      await stationery; // it is no fault of the threads
      yield await wait(pending.shift() as Promise<readonly HashOutcome[]>);
    }
    await stationery;
    for (const outcomes of pending) yield await wait(outcomes);
  } finally {
    await pool.close();
    await iterator.return?.();
  }
}

/** Waits for promises, and calls `widen` each time that it has waited for `patience` in all. */
function createWait(widen: () => void): <T>(awaited: Promise<T>) => Promise<T> {
  let left = patience;
  return async (awaited) => {
    let since = performance.now();
    const arm = (): NodeJS.Timeout =>
      setTimeout(() => {
        widen();
        left = patience;
        since = performance.now();
        timer = arm();
      }, left);
    let timer = arm();
    try {
      return await awaited;
    } finally {
      clearTimeout(timer);
      left = Math.max(left - (performance.now() - since), 0); // a busy process comes late to its timers
    }
  };
}

async function take(iterator: AsyncIterator<FoundFile>, count: number): Promise<FoundFile[]> {
  const taken: FoundFile[] = [];
  while (taken.length < count) {
    const { done, value } = await iterator.next();
    if (done) break;
    taken.push(value);
  }
  return taken;
}

function totalSize(files: readonly FoundFile[]): number {
  return files.reduce((sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

async function hashOne(file: FoundFile, onBytes: (count: number) => void): Promise<HashOutcome> {
  try {
    let told = 0;
    const hashed = await hashFile(file.path, (count) => {
      told += count;
      onBytes(count);
    });
    onBytes(hashed.size - told);
    return { file, ...hashed };
  } catch (error) {
    return { file, size: 0, error: asAttestryError(error) };
  }
}

interface Pool {
  /** How many groups to have under way, so that no thread waits. */
  readonly appetite: number;
  /** How many files the next group should have: small files go in large groups, large ones alone. */
  groupSize(): number;
  hash(files: readonly FoundFile[]): Promise<readonly HashOutcome[]>;
  /** Twice as many threads as before, up to one a core. One is enough for small files: registering them takes longer. */
  widen(): void;
  close(): Promise<unknown>;
}

interface Job {
  readonly files: readonly FoundFile[];
  readonly done: (result: GroupResult) => void;
  readonly failed: (error: Error) => void;
}

function createPool(onBytes: (count: number) => void, stationery?: Promise<Stationery | undefined>): Pool {
  const most = availableParallelism();
  let threads = 1;
  const idle: Worker[] = [];
  const all: Worker[] = [];
  const queue: Job[] = [];
  let groupSize = fewFiles;

  const startNext = (): void => {
    if (queue.length === 0) return;
    if (idle.length === 0 && all.length < threads) idle.push(startThread(all, stationery));
    const worker = idle.pop();
    if (worker === undefined) return;
    const job = queue.shift() as Job;
    let told = 0;
    const tell = (count: number): void => {
      told += count;
      onBytes(count);
    };
    worker.removeAllListeners();
    worker.on("message", (message: number | GroupResult) => {
      if (typeof message === "number") return tell(message);
      tell(message.sizes.reduce((sum, size) => sum + size, -told)); // of small files nothing was told yet
      if (message.took < 5) groupSize = Math.min(groupSize * 2, 256);
      else if (message.took > 40) groupSize = Math.max(Math.floor(groupSize / 2), 1);
      job.done(message);
      idle.push(worker);
      startNext();
    });
    worker.on("error", job.failed);
    send(worker, { files: job.files });
  };

  return {
    appetite: most * 2,
    groupSize: () => groupSize,
    hash(files) {
      const { promise, resolve, reject } = Promise.withResolvers<GroupResult>();
      queue.push({ files, done: resolve, failed: reject });
      startNext();
      const outcomes = promise.then((result) => outcomesOf(files, result));
      outcomes.catch(() => {}); // a group that nobody waits for any more may fail unheard
      return outcomes;
    },
    widen() {
      const more = Math.min(threads * 2, most) - threads;
      threads += more;
      for (let i = 0; i < more; i++) startNext();
    },
    close() {
      queue.length = 0; // else a thread that finishes now would begin anew
      return Promise.all(all.map((worker) => (idle.includes(worker) ? endThread(worker) : worker.terminate())));
    },
  };
}

async function endThread(worker: Worker): Promise<void> {
  const ended = once(worker, "exit");
  send(worker, { end: true });
  await ended;
}

function startThread(all: Worker[], stationery?: Promise<Stationery | undefined>): Worker {
  const workerData: WorkerData = { states: stationery !== undefined };
  const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { workerData });
  all.push(worker);
  stationery?.then(
    (opened) => send(worker, { stationery: opened }),
    () => {}, // it fails the groups themselves
  );
  return worker;
}

function send(worker: Worker, message: WorkerMessage): void {
  worker.postMessage(message);
}

function outcomesOf(files: readonly FoundFile[], result: GroupResult): HashOutcome[] {
  const failed = new Map(result.failures.map((failure) => [failure.place, failure]));
  const { statements, statementLengths } = result;
  let start = 0;
  return files.map((file, place) => {
    const size = result.sizes[place] ?? 0;
    const failure = failed.get(place);
    if (failure === undefined) {
      const digest = result.digests.subarray(place * 32, place * 32 + 32);
      if (statements === undefined) return { file, size, digest };
      const end = start + (statementLengths?.[place] ?? 0);
      const statement = end === start ? null : statements.subarray(start, end);
      start = end;
      return { file, size, digest, statement };
    }
    const cause = Object.assign(new Error(failure.message), { code: failure.code });
    return { file, size, error: fileError(cause, file.path, "read") };
  });
}
