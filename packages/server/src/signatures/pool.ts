/**
 * Checks signatures on all cores. A few are checked at once on the calling thread, which is the fastest way for them; when many
 * come together they go to threads, which are started at the first such rush.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { type PublicKey, verifySignature } from "@attestry/core";
import { packChecks, type SignatureCheck } from "./pack.ts";

export interface SignaturePool {
  /** As core's `verifySignature`: true only when the signature is the key's over the data. Never rejects. */
  verify(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean>;
  /** Ends the threads; what is asked afterwards is checked on the calling thread. */
  close(): Promise<void>;
}

/** So many that come in one turn of the event loop, or wait already, are a rush. */
const rush = 16;
/** Checks in one message: some milliseconds of work. */
const chunkLength = 128;
/** Messages that a thread has at once, so that it has work while the main thread writes a batch. */
const chunksEach = 4;

interface Waiting extends SignatureCheck {
  settle(verdict: boolean | Promise<boolean>): void;
}

interface Thread {
  readonly worker: Worker;
  /** What it was sent and has not answered. */
  readonly chunks: (readonly Waiting[])[];
}

export function createSignaturePool(count: number = availableParallelism()): SignaturePool {
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
      resourceLimits: { maxYoungGenerationSizeMb: 16, maxOldGenerationSizeMb: 64 },
    });
    const thread: Thread = { worker, chunks: [] };
    threads.add(thread);
    worker.on("message", (verdicts: Uint8Array) => {
      const chunk = thread.chunks.shift() ?? [];
      for (const [at, { settle }] of chunk.entries()) settle(verdicts[at] === 1);
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
      const checks = packChecks(chunk);
      thread.chunks.push(chunk);
      thread.worker.ref();
      thread.worker.postMessage(checks, [checks.buffer]);
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

  return {
    verify(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
      return new Promise((settle) => {
        queue.push({ key, data, signature, settle });
        if (gathering) return;
        gathering = true;
        setImmediate(proceed);
      });
    },

    async close(): Promise<void> {
      closed = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}

function checkHere(checks: readonly Waiting[]): void {
  for (const { key, data, signature, settle } of checks) settle(verifySignature(key, data, signature));
}
