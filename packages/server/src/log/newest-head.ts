/**
 * The newest head that a process knows. It only moves on, and what the store says is believed only when the log's keys signed it
 * and it extends what was known: a store that was put back, or that others have forked, is found at once.
 */
import { AttestryError, checkConsistency, equalBytes } from "@attestry/core";
import { createLogReader } from "./reader.ts";
import type { CurrentHead, Head, LogStore } from "./store.ts";

export interface NewestHead {
  /** Undefined only before the first head of a new log. */
  readonly value: CurrentHead | undefined;
  /** Moves on to a head that this process has made durable. */
  moveTo(head: CurrentHead): void;
  /**
   * Reads what the store has, and moves on to its head.
   * @param read gives the stored head, with whatever else is read along with it
   * @throws FATAL_CORRUPT when it is shorter than what was known, another log, or not signed by this one's keys
   */
  follow<T extends { readonly head: CurrentHead | undefined }>(read: () => Promise<T>): Promise<T>;
}

export interface NewestHeadOptions {
  readonly store: LogStore;
  checkHead?(head: CurrentHead): Promise<void>;
  /** Told whenever it moves on, but not of what was there at the start. */
  onHead?(head: CurrentHead): void;
}

export function createNewestHead({ store, checkHead, onHead }: NewestHeadOptions): NewestHead {
  const reader = createLogReader(store);
  let newest: CurrentHead | undefined;

  function moveTo(head: CurrentHead): void {
    if (newest !== undefined && head.size <= newest.size) return;
    newest = head;
    onHead?.(head);
  }

  async function check(head: CurrentHead | undefined, known: CurrentHead | undefined): Promise<void> {
    if (known !== undefined && (head?.size ?? 0) < known.size) {
      throw corrupt(
        `The log had ${known.size} entries and now has ${head?.size ?? 0}; it was replaced by an older copy.`,
      );
    }
    if (head === undefined || (known !== undefined && isSameTree(head, known))) return;
    try {
      await checkHead?.(head);
    } catch (cause) {
      const message = `The head at size ${head.size} is not signed by the keys of this process; all need the same ones.`;
      throw corrupt(message, cause);
    }
    if (known !== undefined) await checkExtends(head, known);
  }

  async function checkExtends(head: Head, known: Head): Promise<void> {
    const path = await reader.consistencyPath(known.size, head.size);
    try {
      checkConsistency({ size1: known.size, root1: known.rootHash, size2: head.size, root2: head.rootHash, path });
    } catch (cause) {
      throw corrupt(`The log at size ${head.size} does not extend the one that had ${known.size} entries.`, cause);
    }
  }

  return {
    get value(): CurrentHead | undefined {
      return newest;
    },
    moveTo,
    async follow(read) {
      const known = newest; // before reading: another batch of this process may become durable meanwhile
      const found = await read();
      await check(found.head, known);
      if (found.head === undefined) return found;
      if (newest === undefined) newest = found.head;
      else moveTo(found.head);
      return found;
    },
  };
}

function isSameTree(a: Head, b: Head): boolean {
  return a.size === b.size && equalBytes(a.rootHash, b.rootHash);
}

function corrupt(message: string, cause?: unknown): AttestryError {
  return new AttestryError("FATAL_CORRUPT", `${message} Run attestry audit.`, { cause });
}
