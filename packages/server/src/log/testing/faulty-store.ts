/** A store that fails on command: before the wrapped store was asked, or after it has done what it was asked. */
import { AttestryError } from "@attestry/core";
import type { LogStore } from "../store.ts";

export type Step = "readHead" | "append" | "findSeen" | "readEntries" | "readTile";

export interface Fault {
  readonly step: Step;
  /** "before": failed and not done; "after": failed but done. */
  readonly when: "before" | "after";
  /** An error of the storage, or one that nobody foresaw. */
  readonly error?: Error;
}

export interface FaultyStore extends LogStore {
  /** The next call of that step fails so; faults of one step wait for each other. */
  failNext(fault: Fault): void;
  /** Faults that have not come to pass. */
  readonly waiting: readonly Fault[];
  readonly calls: Readonly<Record<Step, number>>;
}

export function createFaultyStore(store: LogStore): FaultyStore {
  const waiting: Fault[] = [];
  const calls = { readHead: 0, append: 0, findSeen: 0, readEntries: 0, readTile: 0 };

  async function through<T>(step: Step, act: () => Promise<T>): Promise<T> {
    calls[step] += 1;
    const at = waiting.findIndex((fault) => fault.step === step);
    const [fault] = at === -1 ? [] : waiting.splice(at, 1);
    const error = fault?.error ?? new AttestryError("UNAVAILABLE_STORAGE", "injected");
    if (fault?.when === "before") throw error;
    const result = await act();
    if (fault?.when === "after") throw error;
    return result;
  }

  return {
    ...store,
    readHead: () => through("readHead", () => store.readHead()),
    append: (batch) => through("append", () => store.append(batch)),
    findSeen: (statements) => through("findSeen", () => store.findSeen(statements)),
    readEntries: (from, to) => through("readEntries", () => store.readEntries(from, to)),
    readTile: (level, index) => through("readTile", () => store.readTile(level, index)),
    failNext: (fault) => void waiting.push(fault),
    waiting,
    calls,
  };
}
