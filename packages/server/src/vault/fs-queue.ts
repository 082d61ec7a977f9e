/** Orders in which calls to the disk wait for each other. */

/**
 * One call of `act` serves all who wait: what comes while one is running is served by the next, which begins after it came. So each
 * segment is durable when it is acknowledged, and several at once cost about one sync instead of one each.
 */
export function inGroups<T = void>(act: (group: readonly T[]) => Promise<void>): (item: T) => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let next: { readonly group: T[]; readonly done: Promise<void> } | undefined;
  return (item) => {
    if (next === undefined) {
      const group: T[] = [];
      const done = running
        .catch(() => {})
        .then(() => {
          running = done;
          next = undefined;
          return act(group);
        });
      next = { group, done };
    }
    next.group.push(item);
    return next.done;
  };
}

/** Runs one after the other, in the order in which they were asked for. */
export function createTurns(): <T>(run: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (run) => {
    const turn = last.then(run, run);
    last = turn;
    return turn;
  };
}

/** Of an object, on its way to the disk. */
export interface Piece {
  readonly index: number;
  readonly segment: Uint8Array;
}

/** The most segments that go to the disk in one write. */
const runLength = 4;
/** Writes at once: the next is made ready while one is on its way. */
const lanes = 2;

/** What follows each other and waits for the writes before it goes together in the next. */
export function inRuns(write: (run: readonly Piece[]) => Promise<void>): (piece: Piece) => Promise<void> {
  const waiting: (Piece & { readonly written: PromiseWithResolvers<void> })[] = [];
  let busy = 0;

  async function work(): Promise<void> {
    busy += 1;
    while (waiting.length > 0) {
      const start = waiting[0]?.index ?? 0;
      const end = waiting.findIndex(({ index }, at) => at === runLength || index !== start + at);
      const run = waiting.splice(0, end === -1 ? waiting.length : end);
      const writing = write(run);
      for (const { written } of run) writing.then(written.resolve, written.reject);
      await writing.catch(() => {}); // told to those who wait
    }
    busy -= 1;
  }

  return (piece) => {
    const written = Promise.withResolvers<void>();
    waiting.push({ ...piece, written });
    if (busy < lanes) void work();
    return written.promise;
  };
}
