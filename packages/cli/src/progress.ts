/** A progress line on standard error: only on a terminal, and only once the work has taken half a second. */

import { stat } from "node:fs/promises";
import { isAsking } from "./prompt.ts";

export interface Progress {
  /** Told as work is found; until then the line shows no share and no time left. */
  setTotal(files: number, bytes: number): void;
  addFiles(count: number): void;
  addBytes(count: number): void;
  /** Removes the line, so that something else can be printed; it returns at the next change. */
  clear(): void;
  /** Removes the line for good. */
  end(): void;
}

const silent: Progress = { setTotal() {}, addFiles() {}, addBytes() {}, clear() {}, end() {} };

// What opening, signing and registering a file costs, as if it were bytes to hash: for the time left.
const bytesPerFile = 150_000;

export function createProgress(verb: string, shown: boolean, unit = "files"): Progress {
  if (!shown || !process.stderr.isTTY) return silent;
  const started = performance.now();
  let [files, bytes, totalFiles, totalBytes] = [0, 0, 0, 0];
  let drawn = false;
  const clear = (): void => {
    if (drawn) process.stderr.write("\r\x1b[2K");
    drawn = false;
  };
  const draw = (): void => {
    const seconds = (performance.now() - started) / 1000;
    if (seconds < 0.5 || isAsking()) return;
    const share =
      totalFiles === 0 ? undefined : (bytes + files * bytesPerFile) / (totalBytes + totalFiles * bytesPerFile);
    const line = progressLine(verb, { files, bytes, totalFiles, seconds, share }, unit);
    process.stderr.write(`\r\x1b[2K${line.slice(0, process.stderr.columns - 1)}`);
    drawn = true;
  };
  const timer = setInterval(draw, 100).unref();
  return {
    setTotal(filesFound, bytesFound) {
      totalFiles = filesFound;
      totalBytes = bytesFound;
    },
    addFiles(count) {
      files += count;
    },
    addBytes(count) {
      bytes += count;
    },
    clear,
    end() {
      clearInterval(timer);
      clear();
    },
  };
}

export interface ProgressState {
  readonly files: number;
  readonly bytes: number;
  readonly totalFiles: number;
  readonly seconds: number;
  /** 0 to 1, when it is known. */
  readonly share: number | undefined;
}

export function progressLine(verb: string, state: ProgressState, unit = "files"): string {
  const { files, bytes, totalFiles, seconds, share } = state;
  const known = totalFiles > 0 ? ` of ${count(totalFiles)}` : "";
  const counts = `${count(files)}${known} ${unit}${bytes > 0 ? `, ${size(bytes)}` : ""}`;
  const rate = `${count(Math.round(files / seconds))} ${unit}/s${bytes > 0 ? `, ${size(bytes / seconds)}/s` : ""}`;
  if (share === undefined) return `${verb}: ${counts} (${rate})`;
  const part = Math.min(share, 1);
  const full = Math.round(part * 20);
  const bar = "█".repeat(full) + "░".repeat(20 - full);
  const left = part > 0 ? `, ${duration((seconds * (1 - part)) / part)} left` : "";
  return `${verb} ${bar} ${Math.floor(part * 100)}%  ${counts} (${rate})${left}`;
}

/** 12,345 */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ","); // the locale's own way takes a tenth of a second to load
}

/** 1.5 MB, in powers of 1,000. */
export function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  for (; bytes >= 1000 && at < units.length - 1; at++) bytes /= 1000;
  return `${at === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[at]}`;
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** Counts what a walk will meet, beside the work itself, so that the time left can be told. */
export function followTotals(progress: Progress, files: AsyncIterable<{ readonly path: string }>): void {
  if (progress === silent) return;
  const follow = async (): Promise<void> => {
    let [found, bytes] = [0, 0];
    for await (const { path } of files) {
      found++;
      bytes += (await stat(path).catch(() => undefined))?.size ?? 0;
    }
    progress.setTotal(found, bytes);
  };
  follow().catch(() => {}); // without totals the line shows no time left
}
