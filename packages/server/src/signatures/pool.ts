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

/** One call of `check`: what it was asked, and has been answered so far. */
interface Request {
  readonly statements: readonly Uint8Array[];
  /** How many of them were taken from the queue. */
  taken: number;
  readonly outcomes: CheckOutcome[];
  missing: number;
  resolve(outcomes: CheckOutcome[]): void;
}

/** Statements of a request that are checked together: those from one place up to another. */
interface Part {
  readonly request: Request;
  readonly from: number;
  readonly to: number;
}

function settle(request: Request, at: number, outcome: CheckOutcome): void {
  request.outcomes[at] = outcome;
  request.missing -= 1;
  if (request.missing === 0) request.resolve(request.outcomes);
}

interface Thread {
  readonly worker: Worker;
  /** What it is told with its next statements. */
  keys: LearntKey[];
  /** What it was sent and has not answered. */
  readonly chunks: (readonly Part[])[];
}

export function createCheckPool(count: number = availableParallelism()): CheckPool {
  const known = createKnownKeys();
  const threads = new Set<Thread>();
  let closed = false;
  const queue: Request[] = [];
  let waiting = 0; // statements of them
  let gathering = false;

  function take(most: number): Part[] {
    const parts: Part[] = [];
    for (let left = Math.min(most, waiting); left > 0; ) {
      const request = queue[0] as Request;
      const from = request.taken;
      const to = Math.min(from + left, request.statements.length);
      parts.push({ request, from, to });
      request.taken = to;
      waiting -= to - from;
      left -= to - from;
      if (to === request.statements.length) queue.shift();
    }
    return parts;
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
      let next = 0;
      for (const { request, from, to } of chunk)
        for (let at = from; at < to; at++) settle(request, at, outcomes[next++] as CheckOutcome);
      if (thread.chunks.length === 0) worker.unref(); // an idle thread keeps no process alive
      dispatch();
    });
    worker.once("error", () => {}); // "exit" follows
    worker.once("exit", () => {
      // A thread that ended leaves nothing unanswered; the next rush starts another.
      threads.delete(thread);
      checkHere(thread.chunks.splice(0).flat());
      if (threads.size === 0) checkHere(take(waiting));
    });
  }

  /** Gives each thread its share of what waits. */
  function dispatch(): void {
    for (;;) {
      const [thread] = [...threads].sort((a, b) => a.chunks.length - b.chunks.length);
      // Little work waits for a thread that is idle, and grows meanwhile: a message costs as much as some checks.
      const most = waiting < chunkLength ? 1 : chunksEach;
      if (waiting === 0 || thread === undefined || thread.chunks.length >= most) return;
      const chunk = take(Math.min(chunkLength, Math.ceil(waiting / threads.size)));
      const statements = chunk.flatMap(({ request, from, to }) => request.statements.slice(from, to));
      const work = packWork({ keys: thread.keys, statements });
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
    const isRush = isBusy || waiting >= rush;
    while (isRush && !closed && threads.size < count) start();
    if (isRush && threads.size > 0) dispatch();
    else checkHere(take(waiting));
  }

  function checkHere(parts: readonly Part[]): void {
    for (const { request, from, to } of parts) {
      for (let at = from; at < to; at++) {
        checkStatement(request.statements[at] as Uint8Array, known).then(
          (checked) => settle(request, at, checked),
          (error: unknown) => settle(request, at, { error }),
        );
      }
    }
  }

  return {
    check(statements: readonly Uint8Array[]): Promise<CheckOutcome[]> {
      if (statements.length === 0) return Promise.resolve([]);
      return new Promise((resolve) => {
        queue.push({ statements, taken: 0, outcomes: [], missing: statements.length, resolve });
        waiting += statements.length;
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
