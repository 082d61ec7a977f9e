/**
 * The high-water mark: the newest head's size and root hash in a small file of its own. SQLite cannot tell a write-ahead log
 * that was cut short, or a database put back from an older copy, from one that ends there; the mark can.
 */
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { encodeHex } from "@attestry/core";
import { syncFolder } from "./sqlite-database.ts";
import type { Head } from "./store.ts";

export interface HighWaterMark {
  readonly size: number;
  readonly rootHash: string;
}

/**
 * Written after each durable append and not synced: it outlives a killed process, and after a power cut it may lag behind the
 * log, never run ahead of it.
 */
export interface HighWaterWriter {
  write(head: Head): void;
  close(): void;
}

const fileName = "log.mark";

/** The mark, or undefined when there is none, or none that can be read: it is a safety net, not a record. */
export function readHighWaterMark(folder: string): HighWaterMark | undefined {
  try {
    const match = /^(\d{1,16}) +([0-9a-f]{64})\n$/.exec(readFileSync(join(folder, fileName), "latin1"));
    return match === null ? undefined : { size: Number(match[1]), rootHash: String(match[2]) };
  } catch {
    return undefined;
  }
}

/**
 * What to say when the log ends before its mark, or is another one.
 * @param size the stored log's
 * @param marked the stored head of the mark's size; only asked for when the log is as long
 */
export function findRegression(
  mark: HighWaterMark | undefined,
  size: number,
  marked: Head | undefined,
): string | undefined {
  if (mark === undefined) return undefined;
  const advice = "It was cut short or replaced by an older copy. Restore it; to accept the loss, remove log.mark.";
  if (size < mark.size) return `The log had ${mark.size} entries and now has ${size}. ${advice}`;
  if (marked?.size === mark.size && encodeHex(marked.rootHash) === mark.rootHash) return undefined;
  return `The log had another root hash at size ${mark.size}. ${advice}`;
}

export function openHighWaterMark(folder: string): HighWaterWriter {
  const descriptor = openSync(join(folder, fileName), constants.O_RDWR | constants.O_CREAT);
  if (readHighWaterMark(folder) === undefined) ftruncateSync(descriptor); // or what is there would stay behind the mark
  fsyncSync(descriptor);
  syncFolder(folder);
  return {
    write({ size, rootHash }: Head): void {
      try {
        writeSync(descriptor, `${String(size).padEnd(16)} ${encodeHex(rootHash)}\n`, 0);
      } catch {
        // The append is durable already; a mark that lags behind is only a wider mesh.
      }
    },
    close: () => closeSync(descriptor),
  };
}
