/** What a command prints: answers on standard output, notes and progress on standard error, JSON instead when asked. */
import { writeSync } from "node:fs";
import { stripVTControlCharacters, styleText } from "node:util";
import type { AttestryError } from "@attestry/core";
import { fileError } from "./errors.ts";

type Style = Parameters<typeof styleText>[0];

export interface Output {
  /** Whether the answer is JSON; then `line` and `note` print nothing. */
  readonly json: boolean;
  /** A line of the answer. */
  line(text?: string): void;
  /** One JSON value of the answer, on a line of its own; nothing when JSON was not asked for. */
  value(value: unknown): void;
  /** A remark that is no part of the answer. */
  note(text: string): void;
  /** Coloured when standard output is a terminal and NO_COLOR is not set. */
  style(style: Style, text: string): string;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    line: (text = "") => void (json || writeOut(`${text}\n`)),
    value: (value) => void (json && writeOut(`${JSON.stringify(value)}\n`)),
    note: (text) => void (json || process.stderr.write(`${text}\n`)),
    style: (style, text) => styleText(style, text, { stream: process.stdout }),
  };
}

/** Once the reader has had enough, as in `attestry … | head`. The work goes on, and its exit code is what it is. */
let isUnread = false;

/**
 * Writes to standard output at once, so that nothing is lost when the process ends right after.
 * @throws UNAVAILABLE_STORAGE when the disk behind it is full, USAGE_FILE
 */
export function writeOut(data: string | Uint8Array): void {
  if (isUnread) return;
  let rest = typeof data === "string" ? Buffer.from(data) : data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") {
        isUnread = true;
        return;
      }
      if (code !== "EAGAIN") throw fileError(error, "standard output", "written");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // a non-blocking pipe is full
    }
  }
}

/**
 * Text from a file or a server, made fit for a terminal: no control characters or escape sequences, and none of the marks
 * that reverse the reading direction.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "\ufffd");
}

/** A path as a shell reads it, for a command that is suggested. */
export function quoted(path: string): string {
  if (path.startsWith("-")) return quoted(`./${path}`);
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

export function printError(error: AttestryError, output: Output): void {
  if (output.json) output.value({ error: { code: error.code, message: error.message, ...withData(error) } });
  else process.stderr.write(`attestry: ${plain(error.message)}\n`);
}

function withData(error: AttestryError): { data?: unknown } {
  return Object.keys(error.data).length === 0 ? {} : { data: error.data };
}
