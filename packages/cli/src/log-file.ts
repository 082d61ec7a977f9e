/** Where the structured log goes. A full disk, or a reader that has gone, loses lines of it and stops nothing else. */
import { writeSync } from "node:fs";
import { hostname } from "node:os";
import type { DestinationStream } from "pino";

/** Writes some of the bytes, at least one, and says how many. @throws as `writeSync` */
type Write = (bytes: Uint8Array) => number;

const warn = 40;

/** Its `write` never throws: lines that cannot be written are counted, and the next that can be comes after one that says how many were lost. */
export function createLogFile(write: Write = (bytes) => writeSync(2, bytes)): DestinationStream {
  let lost = 0;
  let isCutShort = false;
  return {
    write(line: string): void {
      const before = isCutShort ? "\n" : "";
      const bytes = Buffer.from(before + (lost === 0 ? "" : noticeOf(lost)) + line);
      let written = 0;
      try {
        while (written < bytes.length) written += patiently(write, bytes.subarray(written));
        [lost, isCutShort] = [0, false];
      } catch {
        lost += 1;
        if (written > 0) isCutShort = bytes[written - 1] !== 0x0a;
      }
    },
  };
}

function noticeOf(lost: number): string {
  const msg = "lines of this log were lost: they could not be written";
  return `${JSON.stringify({ level: warn, time: Date.now(), pid: process.pid, hostname: hostname(), lost, msg })}\n`;
}

/** A pipe that does not block says EAGAIN while it is full: its reader is given a moment. */
function patiently(write: Write, bytes: Uint8Array): number {
  for (let left = 10; ; left--) {
    try {
      return write(bytes);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN" || left === 0) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
