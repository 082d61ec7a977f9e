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
  /** `segmentLength` bytes for the next piece of the content; other ones after each `update`. */
  readonly memory: Uint8Array;
  /** Takes the first `length` bytes of the memory. Waits when the thread is behind. */
  update(length: number): Promise<void>;
  /** Ends it. */
  digest(): Promise<Uint8Array>;
  /** Ends it without a result, and wipes the memory. */
  drop(): void;
}

/** Pieces that may wait for the thread. */
const piecesAhead = 6;

/** Both threads see it: a piece goes to the other without a copy, and its memory comes back for one to come. */
const newMemory = (): Uint8Array<SharedArrayBuffer> => new Uint8Array(new SharedArrayBuffer(segmentLength));

let current: HashThread | undefined;
let lastContent = 0;

export function createContentHash(): ContentHash {
  const content = ++lastContent;
  let memory = newMemory();
  let first: Uint8Array<SharedArrayBuffer> | undefined; // stays here until there is a second piece
  let thread: HashThread | undefined;

  return {
    get memory() {
      return memory;
    },
    async update(length: number): Promise<void> {
      const piece = memory.subarray(0, length);
      if (thread === undefined) {
        if (first === undefined) {
          first = piece;
          memory = newMemory();
          return;
        }
        current ??= startThread(() => {
          current = undefined;
        });
        thread = current;
        thread.update(content, first);
        first = undefined;
      }
      thread.update(content, piece);
      memory = await thread.takeMemory();
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
      memory.fill(0);
      first?.fill(0);
      thread?.drop(content);
    },
  };
}

interface HashThread {
  /** Takes the piece's memory. */
  update(content: number, piece: Uint8Array<SharedArrayBuffer>): void;
  takeMemory(): Promise<Uint8Array<SharedArrayBuffer>>;
  digest(content: number): Promise<Uint8Array>;
  drop(content: number): void;
}

type Waiting<T> = PromiseWithResolvers<T>;

function startThread(onEnd: () => void): HashThread {
  const worker = new Worker(new URL("./hash-thread.ts", import.meta.url), { execArgv: [] });
  const free = Array.from({ length: piecesAhead }, newMemory);
  const waiting: Waiting<Uint8Array<SharedArrayBuffer>>[] = [];
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
      const memory = new Uint8Array(answer.buffer);
      const next = waiting.shift();
      if (next !== undefined) next.resolve(memory);
      else if (free.length < piecesAhead) free.push(memory);
    }
    hold();
  });
  worker.unref();
  const post = (request: HashRequest): void => worker.postMessage(request);

  return {
    update(content: number, { buffer, length }: Uint8Array<SharedArrayBuffer>): void {
      if (hasEnded) throw died();
      post({ kind: "update", content, buffer, length });
    },
    async takeMemory(): Promise<Uint8Array<SharedArrayBuffer>> {
      const memory = free.pop();
      if (memory !== undefined) return memory;
      if (hasEnded) throw died();
      const turn = Promise.withResolvers<Uint8Array<SharedArrayBuffer>>();
      waiting.push(turn);
      hold();
      return turn.promise;
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
