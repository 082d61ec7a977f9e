/**
 * Writes of the embedded log, done by a thread of their own: the main thread never waits for the disk. The thread is started by the
 * first write, and anew should it ever end.
 */
import { Worker } from "node:worker_threads";
import { AttestryError } from "@attestry/core";
import { packBatch, type WriterAnswer, type WriterOrder } from "./sqlite-batch.ts";
import { toStorageError } from "./sqlite-database.ts";
import type { LogStore } from "./store.ts";

/** Writes are done one after the other, in the order in which they were asked for. */
export interface SqliteWriter extends Pick<LogStore, "append" | "putCosigned"> {
  /** Ends the thread once it has done what it was asked before. */
  close(): Promise<void>;
}

/** The thread's module. */
export const writerThread: URL = new URL("./sqlite-writer-thread.ts", import.meta.url);

/** @param module what the thread runs: `writerThread`, or what a test puts around it */
export function createSqliteWriter(folder: string, module: URL): SqliteWriter {
  const waiting: PromiseWithResolvers<void>[] = [];
  let thread: Worker | undefined;
  let closed = false;

  function start(): Worker {
    const worker = new Worker(module, {
      workerData: folder,
      execArgv: [], // those of `node --eval` make no sense to a thread
      // It prints nothing. Tied to the process's own output it would leave that non-blocking, for writes that can fail.
      stdout: true,
      stderr: true,
      resourceLimits: { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 128 },
    });
    worker.on("message", (answer: WriterAnswer) => {
      const { resolve, reject } = waiting.shift() as PromiseWithResolvers<void>;
      if (waiting.length === 0 && !closed) worker.unref(); // an idle thread keeps no process alive
      if (answer === "done") resolve();
      else reject(toError(answer));
    });
    let cause: unknown;
    worker.once("error", (error) => {
      cause = error;
    });
    worker.once("exit", () => {
      thread = undefined;
      for (const { reject } of waiting.splice(0))
        reject(new AttestryError("FATAL_INTERNAL", "The thread that writes the log ended.", { cause }));
    });
    return worker;
  }

  function ask(order: WriterOrder, moved: readonly ArrayBuffer[] = []): Promise<void> {
    if (closed) return Promise.reject(new AttestryError("FATAL_INTERNAL", "The log was closed."));
    thread ??= start();
    const answer = Promise.withResolvers<void>();
    thread.ref();
    thread.postMessage(order, moved);
    waiting.push(answer);
    return answer.promise;
  }

  return {
    append(batch) {
      const append = packBatch(batch);
      return ask({ append }, [append.numbers.buffer, append.bytes.buffer]);
    },
    putCosigned: (size, note) => ask({ putCosigned: { size, note } }),
    async close(): Promise<void> {
      closed = true;
      const worker = thread;
      if (worker === undefined) return;
      worker.ref();
      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.postMessage("close" satisfies WriterOrder);
      await ended;
    },
  };
}

function toError(answer: Exclude<WriterAnswer, "done">): unknown {
  if ("conflict" in answer) return new AttestryError("CONFLICT_SIZE", undefined, { data: answer.conflict });
  const { message, code, errcode } = answer;
  return toStorageError(Object.assign(new Error(message), { code, errcode }));
}
