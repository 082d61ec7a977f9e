/**
 * SHA-256 of content on a thread of its own, so that hashing and encrypting take a core each. One thread serves all uploads of the
 * process; content of a single piece is hashed where it is.
 */
import { createHash } from "node:crypto";
import { Worker } from "node:worker_threads";
import { AttestryError } from "@attestry/core";
import { segmentLength } from "./format/geometry.ts";
import type { HashAnswer, HashRequest } from "./hash-thread.ts";

/** Errors: FATAL_INTERNAL when the thread died; whoever begins again gets another. */
export interface ContentHash {
  /** Takes a copy of up to `segmentLength` bytes. Waits when the thread is behind. */
  update(bytes: Uint8Array): Promise<void>;
  /** Ends it. */
  digest(): Promise<Uint8Array>;
  /** Ends it without a result. */
  drop(): void;
}

/** Pieces that may wait for the thread. */
const piecesAhead = 6;

let current: HashThread | undefined;
let lastContent = 0;

export function createContentHash(): ContentHash {
  const content = ++lastContent;
  let first: Uint8Array | undefined; // stays here until there is a second piece
  let thread: HashThread | undefined;

  return {
    async update(bytes: Uint8Array): Promise<void> {
      if (first === undefined && thread === undefined) {
        first = new Uint8Array(bytes); // a copy, also of a Buffer
        return;
      }
      if (thread === undefined) {
        current ??= startThread(() => {
          current = undefined;
        });
        thread = current;
      }
      const begin = first;
      first = undefined;
      if (begin !== undefined) await thread.update(content, begin);
      await thread.update(content, bytes);
    },
    async digest(): Promise<Uint8Array> {
      if (thread !== undefined) return thread.digest(content);
      return new Uint8Array(
        createHash("sha256")
          .update(first ?? new Uint8Array())
          .digest(),
      );
    },
    drop(): void {
      first?.fill(0);
      thread?.drop(content);
    },
  };
}

interface HashThread {
  update(content: number, bytes: Uint8Array): Promise<void>;
  digest(content: number): Promise<Uint8Array>;
  drop(content: number): void;
}

type Waiting<T> = PromiseWithResolvers<T>;

function startThread(onEnd: () => void): HashThread {
  const worker = new Worker(new URL("./hash-thread.ts", import.meta.url), { execArgv: [] });
  const free = Array.from({ length: piecesAhead }, () => new SharedArrayBuffer(segmentLength));
  const waiting: Waiting<SharedArrayBuffer>[] = [];
  const digests = new Map<number, Waiting<Uint8Array>>();
  let hasEnded = false;

  /** The thread keeps the process alive only while somebody waits for it. */
  const hold = (): void => void (digests.size + waiting.length > 0 ? worker.ref() : worker.unref());

  function end(cause?: unknown): void {
    if (hasEnded) return;
    hasEnded = true;
    onEnd();
    for (const { reject } of [...waiting.splice(0), ...digests.values()]) reject(died(cause));
    digests.clear();
  }

  worker.on("error", end);
  worker.on("exit", () => end());
  worker.on("message", (answer: HashAnswer) => {
    if (answer.kind === "digest") {
      digests.get(answer.content)?.resolve(answer.digest);
      digests.delete(answer.content);
    } else {
      const next = waiting.shift();
      if (next === undefined) free.push(answer.buffer);
      else next.resolve(answer.buffer);
    }
    hold();
  });
  worker.unref();
  const post = (request: HashRequest): void => worker.postMessage(request);

  return {
    async update(content: number, bytes: Uint8Array): Promise<void> {
      if (hasEnded) throw died();
      let buffer = free.pop();
      if (buffer === undefined) {
        const turn = Promise.withResolvers<SharedArrayBuffer>();
        waiting.push(turn);
        hold();
        buffer = await turn.promise;
      }
      new Uint8Array(buffer).set(bytes);
      post({ kind: "update", content, buffer, length: bytes.length });
    },
    async digest(content: number): Promise<Uint8Array> {
      if (hasEnded) throw died();
      const result = Promise.withResolvers<Uint8Array>();
      digests.set(content, result);
      hold();
      post({ kind: "digest", content });
      return result.promise;
    },
    drop(content: number): void {
      if (!hasEnded) post({ kind: "drop", content });
    },
  };
}

function died(cause?: unknown): AttestryError {
  return new AttestryError("FATAL_INTERNAL", "The thread that hashes content ended. Try again.", { cause });
}
