/**
 * Segments on their way to the store. All uploads of a process share the memory for them, so that many at once take no more than one
 * that is quick.
 */
import { segmentLength } from "./format/geometry.ts";

export interface SegmentMemory {
  /** `segmentLength` bytes, once there are some. To be given back. */
  take(): Promise<Uint8Array>;
  giveBack(memory: Uint8Array): void;
}

/** Milliseconds without any upload after which the memory is given up: a page that comes anew from the system costs more than its copy. */
const restTime = 2000;

/**
 * @param count how many segments have memory at once
 * @param make gives memory of `segmentLength` bytes
 */
export function createSegmentMemory(
  count: number,
  make: () => Uint8Array = () => new Uint8Array(segmentLength),
): SegmentMemory {
  const waiting: ((memory: Uint8Array) => void)[] = [];
  const free: Uint8Array[] = [];
  let lent = 0;
  let rest: NodeJS.Timeout | undefined;
  return {
    async take(): Promise<Uint8Array> {
      if (lent === count) return new Promise((resolve) => waiting.push(resolve));
      lent += 1;
      clearTimeout(rest);
      return free.pop() ?? make();
    },
    giveBack(memory: Uint8Array): void {
      const next = waiting.shift();
      if (next !== undefined) next(memory);
      else {
        lent -= 1;
        free.push(memory);
        if (lent === 0) rest = setTimeout(() => free.splice(1), restTime).unref();
      }
    },
  };
}

/** The writes of one upload that are under way. */
export interface Window {
  /**
   * Begins a write, once there is memory for it, and does not wait for its end.
   * @throws what the write throws before it is under way; what a write before it threw
   */
  begin(write: (memory: Uint8Array) => Promise<void>): Promise<void>;
  /** Waits for all of them. @throws what the first that failed threw */
  drain(): Promise<void>;
}

export function createWindow(memories: SegmentMemory): Window {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  function check(): void {
    if (failure !== undefined) throw failure.error;
  }

  async function follow(write: Promise<void>, memory: Uint8Array): Promise<void> {
    try {
      await write;
    } catch (error) {
      failure ??= { error };
    } finally {
      memories.giveBack(memory);
    }
  }

  return {
    async begin(write: (memory: Uint8Array) => Promise<void>): Promise<void> {
      const memory = await memories.take();
      try {
        check();
        const settled: Promise<void> = follow(write(memory), memory).finally(() => void running.delete(settled));
        running.add(settled);
      } catch (error) {
        memories.giveBack(memory);
        throw error;
      }
    },
    async drain(): Promise<void> {
      await Promise.all(running);
      check();
    },
  };
}
