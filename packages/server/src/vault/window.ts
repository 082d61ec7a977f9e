/** A number of writes that may be under way at once. */

export interface Window {
  /** Waits until there is room for one more. @throws what a write before it threw */
  room(): Promise<void>;
  add(write: Promise<void>): void;
  /** Waits for all of them. @throws what the first that failed threw */
  drain(): Promise<void>;
}

export function createWindow(width: number): Window {
  const running = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;

  function check(): void {
    if (failure !== undefined) throw failure.error;
  }

  return {
    async room(): Promise<void> {
      while (running.size >= width) await Promise.race(running);
      check();
    },
    add(write: Promise<void>): void {
      const settled: Promise<void> = write
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => void running.delete(settled));
      running.add(settled);
    },
    async drain(): Promise<void> {
      await Promise.all(running);
      check();
    },
  };
}
