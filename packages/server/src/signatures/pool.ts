/**
 * Checks statements on all cores. A few are checked at once on the calling thread, which is the fastest way for them; when many
 * come together they go to threads, which are started at the first such rush.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { PublicKey } from "@attestry/core";
import { type CheckedStatement, checkStatement, createKnownKeys } from "./check.ts";
import { type LearntKey, packWork, unpackChecked } from "./pack.ts";

export interface CheckPool {
  /** Checks each as `checkStatement` does, with the keys that were learnt; the answers stand in the order of the statements. */
  check(statements: readonly Uint8Array[]): Promise<CheckOutcome[]>;
  /** What `check` is asked from now on knows the key, until thousands of others were learnt. */
  learn(thumbprint: Uint8Array, key: PublicKey): void;
  /** Ends the threads; what is asked afterwards is checked on the calling thread. */
  close(): Promise<void>;
}

/** So many that come in one turn of the event loop, or wait already, are a rush. */
const rush = 16;
/** Checks in one message: some milliseconds of work. */
const chunkLength = 128;
/** Messages that a thread has at once, so that it has work while the main thread writes a batch. */
const chunksEach = 4;

/** A statement, or why it is none. */
export type CheckOutcome = CheckedStatement | { readonly error: unknown };

interface Waiting {
  readonly statement: Uint8Array;
  readonly request: Request;
  readonly at: number;
}

/** What one call of `check` has been answered so far. */
interface Request {
  readonly outcomes: CheckOutcome[];
  missing: number;
  resolve(outcomes: CheckOutcome[]): void;
}

function settle({ request, at }: Waiting, outcome: CheckOutcome): void {
  request.outcomes[at] = outcome;
  request.missing -= 1;
  if (request.missing === 0) request.resolve(request.outcomes);
}

interface Thread {
  readonly worker: Worker;
  /** What it is told with its next statements. */
  keys: LearntKey[];
  /** What it was sent and has not answered. */
  readonly chunks: (readonly Waiting[])[];
}

export function createCheckPool(count: number = availableParallelism()): CheckPool {
  const known = createKnownKeys();
  const threads = new Set<Thread>();
  let closed = false;
  let queue: Waiting[] = [];
  let next = 0; // taken from the front by index: shift() would move the whole queue
  let gathering = false;

  function take(length: number): Waiting[] {
    const chunk = queue.slice(next, next + length);
    next += chunk.length;
    if (next === queue.length) {
      queue = [];
      next = 0;
    }
    return chunk;
  }

  function start(): void {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), {
      execArgv: [], // those of `node --eval` make no sense to a thread
      resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 64 },
    });
    const thread: Thread = { worker, keys: [...known.list()], chunks: [] };
    threads.add(thread);
    worker.on("message", (message: Uint8Array) => {
      const chunk = thread.chunks.shift() ?? [];
      const outcomes = unpackChecked(message);
      for (const [at, waiting] of chunk.entries()) settle(waiting, outcomes[at] as CheckOutcome);
      if (thread.chunks.length === 0) worker.unref(); // an idle thread keeps no process alive
      dispatch();
    });
    worker.once("error", () => {}); // "exit" follows
    worker.once("exit", () => {
      // A thread that ended leaves nothing unanswered; the next rush starts another.
      threads.delete(thread);
      checkHere(thread.chunks.splice(0).flat());
      if (threads.size === 0) checkHere(take(queue.length));
    });
  }

  /** Gives each thread its share of what waits. */
  function dispatch(): void {
    for (;;) {
      const waiting = queue.length - next;
      const [thread] = [...threads].sort((a, b) => a.chunks.length - b.chunks.length);
      // Little work waits for a thread that is idle, and grows meanwhile: a message costs as much as some checks.
      const most = waiting < chunkLength ? 1 : chunksEach;
      if (waiting === 0 || thread === undefined || thread.chunks.length >= most) return;
      const chunk = take(Math.min(chunkLength, Math.ceil(waiting / threads.size)));
      const work = packWork({ keys: thread.keys, statements: chunk.map(({ statement }) => statement) });
      thread.keys = [];
      thread.chunks.push(chunk);
      thread.worker.ref();
      thread.worker.postMessage(work, [work.buffer]);
    }
  }

  /** What came in one turn goes together. */
  function proceed(): void {
    gathering = false;
    const isBusy = [...threads].some(({ chunks }) => chunks.length > 0);
    const isRush = isBusy || queue.length - next >= rush;
    while (isRush && !closed && threads.size < count) start();
    if (isRush && threads.size > 0) dispatch();
    else checkHere(take(queue.length));
  }

  function checkHere(waiting: readonly Waiting[]): void {
    for (const one of waiting) {
      checkStatement(one.statement, known).then(
        (checked) => settle(one, checked),
        (error: unknown) => settle(one, { error }),
      );
    }
  }

  return {
    check(statements: readonly Uint8Array[]): Promise<CheckOutcome[]> {
      if (statements.length === 0) return Promise.resolve([]);
      return new Promise((resolve) => {
        const request = { outcomes: [], missing: statements.length, resolve };
        for (const [at, statement] of statements.entries()) queue.push({ statement, request, at });
        if (gathering) return;
        gathering = true;
        setImmediate(proceed);
      });
    },

    learn(thumbprint: Uint8Array, key: PublicKey): void {
      known.add(thumbprint, key);
      for (const { keys } of threads) keys.push([thumbprint, key]);
    },

    async close(): Promise<void> {
      closed = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}
