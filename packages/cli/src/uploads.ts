/**
 * The client's journal of uploads: a small file for each file that was sent to a vault, in `uploads/` of the data folder. With it a
 * client that starts again goes on with the upload, sends the same statement again, and knows what is stored.
 */
import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { encodeUtf8 } from "@attestry/core";
import { writeFileWhole } from "./files/write-file.ts";

/** What was sent of a file, as it was then. */
export interface JournalEntry {
  readonly server: string;
  /** Absolute. */
  readonly path: string;
  readonly size: number;
  /** Nanoseconds of Unix time. */
  readonly mtime: string;
  /** The upload's id, and the object's. */
  readonly id: string;
  /** The signed statement that it is to be committed under, base64: sent again, it makes no second entry. */
  readonly statement?: string;
  /** SHA-256, hexadecimal: it is stored. */
  readonly stored?: string;
}

export interface Journal {
  find(path: string): JournalEntry | undefined;
  /** Durable when it returns. @throws UNAVAILABLE_STORAGE, USAGE_FILE */
  save(entry: JournalEntry): void;
  remove(path: string): void;
}

export function openJournal(dataFolder: string, server: string): Journal {
  const placeOf = (path: string): string => {
    const name = createHash("sha256").update(`${server}\n${path}`).digest("hex").slice(0, 32);
    return join(dataFolder, "uploads", `${name}.json`);
  };
  return {
    find(path): JournalEntry | undefined {
      const entry = readEntry(placeOf(resolve(path)));
      return entry?.server === server && entry.path === resolve(path) ? entry : undefined;
    },
    save(entry): void {
      const text = encodeUtf8(`${JSON.stringify(entry)}\n`);
      writeFileWhole(placeOf(entry.path), text, { durable: true, mode: 0o600 });
    },
    remove: (path) => rmSync(placeOf(resolve(path)), { force: true }),
  };
}

/** A journal that cannot be read costs no more than sending the file again. */
function readEntry(place: string): JournalEntry | undefined {
  try {
    const entry = JSON.parse(readFileSync(place, "utf8")) as JournalEntry;
    return /^[a-z2-7]{26}$/.test(entry.id) ? entry : undefined;
  } catch {
    return undefined;
  }
}
