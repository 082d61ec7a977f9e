/**
 * Who writes an upload: one at a time, over all processes, by a lock in the catalogue that ends by itself. What the writer has in
 * memory stays there for the next part, as long as nobody else went on meanwhile.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { equalBytes, isAttestryError } from "@attestry/core";
import type { Catalogue, Lock, LockedUpload, Tail, UploadRow } from "./catalogue/catalogue.ts";
import { newObjectId } from "./object-store.ts";
import { beginSession, endedAt, type Opening, openSession, type Session, type SessionParts } from "./session.ts";

/** Milliseconds that a writer may be silent before another takes over. */
const lockTime = 60_000;
const renewAfter = 15_000;
/** Tries, 20 ms apart, to get the lock: whoever only asks where an upload stands has it for a moment, and must not turn a writer away. */
const tries = 10;
/** Uploads that are kept ready in memory between their parts, some 1 MiB each. */
const maxSessions = 32;

export interface Writing {
  readonly row: UploadRow;
  readonly session: Session;
  /** The lock's name, for what is written under it. */
  readonly holder: string;
  /** Renews the lock when it is time. @throws CONFLICT_LOCKED when it was lost */
  keep(): Promise<unknown> | undefined;
}

/** Errors: NOT_FOUND, CONFLICT_LOCKED. */
export interface Locks {
  /** Keeps a new upload ready for its first part. The data key is the session's from then on. */
  begin(row: UploadRow, dataKey: Uint8Array): void;
  /** Runs with the right to write the upload, for what seals nothing. */
  lock<T>(id: string, run: (row: UploadRow) => Promise<T>): Promise<T>;
  /** The same with the upload as it stands in memory. @throws CONFLICT_UPLOAD when it is complete */
  write<T>(id: string, run: (writing: Writing) => Promise<T>): Promise<T>;
  /** Forgets what is in memory. */
  wipe(): void;
}

export interface LockParts extends SessionParts {
  readonly catalogue: Catalogue;
  readonly clock: () => number;
}

export function createLocks(parts: LockParts): Locks {
  const { catalogue, clock } = parts;
  const sessions = createSessions(parts);
  /** Locks that this process could not let go of, to be taken up again. */
  const left = new Map<string, string>();

  async function locked<T>(id: string, run: (lock: Held) => Promise<T>): Promise<T> {
    const holder = left.get(id) ?? newObjectId();
    left.delete(id);
    let renewed = clock();
    const take = (): Promise<LockedUpload> => {
      renewed = clock();
      const terms: Lock = { holder, now: renewed, until: renewed + lockTime };
      return catalogue.lockUpload(id, terms);
    };
    const first = async (): Promise<LockedUpload> => {
      for (let left = tries; ; left--) {
        try {
          return await take();
        } catch (error) {
          if (left === 0 || !isAttestryError(error) || error.code !== "CONFLICT_LOCKED") throw error;
          await sleep(20);
        }
      }
    };
    const keep = (): Promise<unknown> | undefined => (clock() - renewed >= renewAfter ? take() : undefined);
    let held: Held | undefined;
    try {
      const row = await first();
      held = { row, holder, keep, isSettled: row.leftBy === undefined };
      return await run(held);
    } finally {
      const unlocked = catalogue.unlockUpload(id, holder, held?.isSettled === true);
      await unlocked.catch(() => left.set(id, holder)); // in time it ends by itself
    }
  }

  return {
    begin: (row, dataKey) => sessions.add(beginSession(row, dataKey, parts)),
    lock: (id, run) => locked(id, ({ row }) => run(row)),
    write: (id, run) =>
      locked(id, async (held) => {
        const { row, holder, keep } = held;
        if (row.content !== undefined) throw endedAt(row.content.size);
        const savePlace: Opening["savePlace"] = (copy) => catalogue.savePlace(id, holder, copy);
        const session = await sessions.take(row, { holder, keep, savePlace });
        try {
          return await run({ row, session, holder, keep });
        } finally {
          await session.settle().catch(() => {}); // which spoils it
          held.isSettled = !session.isSpoilt;
          sessions.giveBack(session);
        }
      }),
    wipe: sessions.wipe,
  };
}

interface Held extends Pick<Writing, "holder" | "keep"> {
  readonly row: LockedUpload;
  /** Whether all that was ever sealed for the upload is stored. */
  isSettled: boolean;
}

interface Sessions {
  add(session: Session): void;
  take(row: LockedUpload, opening: Opening): Promise<Session>;
  giveBack(session: Session): void;
  wipe(): void;
}

function createSessions(parts: SessionParts): Sessions {
  const kept = new Map<string, Session>(); // in the order of their last use

  function drop(session: Session): void {
    session.wipe();
    if (kept.get(session.id) === session) kept.delete(session.id);
  }

  function dropOld(): void {
    for (const old of kept.values()) if (kept.size > maxSessions && !old.isBusy) drop(old);
  }

  /** Somebody else may have gone on since, here or in another process. */
  async function isCurrent(session: Session, row: LockedUpload, { holder }: Opening): Promise<boolean> {
    if (session.isBusy || session.isSpoilt || (row.leftBy ?? holder) !== holder) return false;
    if (session.place !== row.place || !isSameTail(session.savedTail, row.tail)) return false;
    return ((await parts.objects.stat(row.place))?.written ?? 0) === session.segments;
  }

  return {
    async take(row: LockedUpload, opening: Opening): Promise<Session> {
      const found = kept.get(row.id);
      if (found !== undefined && (await isCurrent(found, row, opening))) {
        found.isBusy = true;
        return found;
      }
      if (found !== undefined) {
        drop(found);
        await found.settle().catch(() => {}); // what it has on its way must not arrive beside what is stored next
      }
      const session = await openSession(row, parts, opening);
      session.isBusy = true;
      kept.set(row.id, session);
      return session;
    },

    add(session: Session): void {
      kept.set(session.id, session);
      dropOld();
    },

    giveBack(session: Session): void {
      session.isBusy = false;
      if (session.isSpoilt || session.isEnded) drop(session);
      else if (kept.delete(session.id)) kept.set(session.id, session);
      dropOld();
    },

    wipe(): void {
      for (const session of [...kept.values()]) drop(session);
    },
  };
}

function isSameTail(a: Tail | undefined, b: Tail | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.index === b.index && equalBytes(a.ciphertext, b.ciphertext);
}
