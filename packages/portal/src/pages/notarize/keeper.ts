/**
 * Keeps notarized files in the vault: an upload for each that goes on where it stood (tus 1.0.0), and then its signed statement. The
 * journal knows the upload before the first byte is sent, so a tab that is lost loses nothing that the vault has taken: the file,
 * which no page can keep, is dropped again and goes on.
 */
import { type ErrorCode, encodeHex, errorCatalogue, isAttestryError } from "@attestry/core";
import type { VaultClient } from "@attestry/core/client";
import type { Journal, Keeping, Registered } from "./journal.ts";

/** A file's way into the vault as it is now: how much of it is there, from 0 to 1; or why it stands still. */
export type Course = number | "no file" | "away" | "signed out";

export interface KeeperParts {
  readonly vault: Pick<VaultClient, "beginUpload" | "upload" | "append" | "commit" | "find">;
  /** Whether the vault may be asked what it has. */
  readonly mayFind: boolean;
  readonly journal: Journal;
  /** Told of each change of an entry, and of its course while it is under way. */
  onItem(entry: Registered, course?: Course): void;
}

export interface Keeper {
  /** Gives the file of an entry that is to come. */
  offer(id: number, file: File): void;
  /** Takes the file where an entry waits for it. @returns whether one does */
  claim(hash: string, file: File): boolean;
  /** Goes on with an entry that is to be kept, at once or when its file is there. */
  keep(entry: Registered): void;
  /** Whether files are on their way: they would have to be dropped again. */
  readonly isBusy: boolean;
  close(): void;
}

type Wanted = Registered & { readonly keep: Keeping };

const pieceLength = 4 * 1024 * 1024;
const purpose = "storing";
const longestPause = 30_000;

export function createKeeper(parts: KeeperParts): Keeper {
  const files = new Map<number, File>();
  const waiting = new Map<number, Wanted>();
  const queue: { readonly entry: Wanted; readonly file: File }[] = [];
  let running = false;
  let closed = false;
  let wake = (): void => {};

  async function runAll(): Promise<void> {
    if (running) return;
    running = true;
    for (let next = queue.shift(); next !== undefined && !closed; next = queue.shift())
      await run(next.entry, next.file);
    running = false;
  }

  /** Until it is done, or cannot be done now. */
  async function run(entry: Wanted, file: File): Promise<void> {
    let current = entry;
    const note = async (keep: Keeping): Promise<void> => {
      current = { ...current, keep };
      await parts.journal.write(current);
    };
    for (let failures = 0; !closed; failures++) {
      try {
        await send(
          parts,
          () => current,
          file,
          note,
          () => closed,
        );
        if (!closed) parts.onItem(current);
        return;
      } catch (error) {
        const reason = reasonOf(error);
        if (reason === "again") {
          parts.onItem(current, "away");
          await pause(Math.min(longestPause, 500 * 2 ** failures));
        } else if (reason === "no file" || reason === "signed out") {
          waiting.set(current.id, current);
          return parts.onItem(current, reason);
        } else {
          await note({ ...current.keep, refused: reason });
          return parts.onItem(current);
        }
      }
    }
  }

  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function begin(entry: Wanted, file: File): void {
    parts.onItem(entry, 0);
    queue.push({ entry, file });
    void runAll();
  }

  return {
    offer: (id, file) => void files.set(id, file),
    claim(hash, file) {
      const entry = [...waiting.values()].find(({ keep }) => encodeHex(keep.digest) === hash);
      if (entry === undefined) return false;
      waiting.delete(entry.id);
      begin(entry, file);
      return true;
    },
    keep(entry) {
      if (!isWanted(entry)) return;
      const file = files.get(entry.id);
      files.delete(entry.id);
      if (file !== undefined) return begin(entry, file);
      waiting.set(entry.id, entry);
      parts.onItem(entry, "no file");
    },
    get isBusy() {
      return running || queue.length > 0;
    },
    close() {
      closed = true;
      wake();
    },
  };
}

function isWanted(entry: Registered): entry is Wanted {
  return entry.keep !== undefined && entry.keep.object === undefined && entry.keep.refused === undefined;
}

/** One try: goes on where the vault stands, and ends when it has an object. */
async function send(
  { vault, mayFind, onItem }: KeeperParts,
  entry: () => Wanted,
  file: File,
  note: (keep: Keeping) => Promise<void>,
  isClosed: () => boolean,
): Promise<void> {
  const { keep, index } = entry();
  const { digest, statement, recordClass } = keep;
  const done = (object: string): Promise<void> => note({ ...entry().keep, object });
  let upload = keep.upload;
  const stands = upload === undefined ? undefined : await orNothing(vault.upload(upload));
  if (upload !== undefined && stands === undefined) {
    // It is an object already, of which the page never heard; or it was given up.
    const object = await orNothing(vault.commit(upload, statement, purpose));
    if (object !== undefined) return done(object.id);
    upload = undefined;
  }
  if (upload === undefined) {
    const kept = mayFind ? (await vault.find({ hash: digest, state: "whole" })).objects : [];
    const same = kept.find(({ entryIndex }) => entryIndex === index);
    if (same !== undefined) return done(same.id);
    const contentType = file.type === "" ? {} : { contentType: file.type };
    upload = await vault.beginUpload({ size: file.size, ...contentType, ...(recordClass && { recordClass }) });
    await note({ ...entry().keep, upload });
  }
  let offset = stands?.offset ?? 0;
  // Nothing but a part at its end completes an upload, an empty one too.
  for (let isWhole = stands?.hash !== undefined; !isWhole; isWhole = offset >= file.size) {
    if (isClosed()) return;
    onItem(entry(), file.size === 0 ? 1 : offset / file.size);
    const piece = new Uint8Array(await file.slice(offset, offset + pieceLength).arrayBuffer());
    ({ offset } = await vault.append(upload, offset, piece));
  }
  return done((await vault.commit(upload, statement, purpose)).id);
}

/** Undefined for what is not there. */
async function orNothing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isAttestryError(error) && error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

function reasonOf(error: unknown): "again" | "no file" | "signed out" | ErrorCode {
  if (error instanceof DOMException) return "no file"; // it was moved, or changed, since it was dropped
  if (!isAttestryError(error)) return "FATAL_INTERNAL";
  const { code } = error;
  if (code === "POLICY_UNAUTHORISED" || code === "POLICY_CROSS_SITE") return "signed out";
  // Another try asks first where the upload stands, which settles these.
  const isElsewhere = code === "CONFLICT_UPLOAD" || code === "CONFLICT_LOCKED";
  return isElsewhere || errorCatalogue[code].retry ? "again" : code;
}
