/**
 * Notarises files as they land in a folder. What is done is known by the proof that stands there and by nothing else, so a
 * restart goes on where the last run stopped, however it ended.
 */
import { readFileSync, watch as watchFolder } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { type AttestryError, isAttestryError, parseProofFile } from "@attestry/core";
import { createSettling, type Look, lookKey } from "./files/settle.ts";
import { type FoundFile, type WalkEvents, walkFiles } from "./files/walk.ts";
import { type Connection, type NotarizeEvents, notarizeFiles } from "./notarize.ts";
import { proofPathFor } from "./thumbprint.ts";

export interface WatchOptions {
  readonly folder: string;
  readonly out?: string;
  /** Milliseconds that a file must stay the same before it is taken; at least 1,000. */
  readonly quiet: number;
  /** Leave off once everything that is there has come to rest and was notarised. */
  readonly once: boolean;
  connect(): Promise<Connection>;
  readonly stop: AbortSignal;
}

export interface WatchEvents {
  readonly walk: WalkEvents;
  readonly files: NotarizeEvents;
  /** The notary could not be had; the next try comes after that many milliseconds. */
  onOutage(error: AttestryError, wait: number): void;
}

interface Scan {
  readonly ready: readonly FoundFile[];
  /** Whether files are there that have not come to rest. */
  readonly waiting: boolean;
}

// In milliseconds. The folder is looked through this often at least: events do not tell of folders below it.
const rescanEvery = 5000;
const gatherFor = 200;
const longestWait = 60_000;

/** Runs until it is stopped, or with `once` until nothing is left to do. @throws what no waiting will mend */
export async function watchAndNotarize(options: WatchOptions, events: WatchEvents): Promise<void> {
  const bell = createBell(options.folder, options.stop);
  const scanner = createScanner(options, events.walk);
  const out = options.out === undefined ? {} : { out: options.out };
  let connection: Connection | undefined;
  let outages = 0;
  while (!options.stop.aborted) {
    const started = performance.now();
    const { ready, waiting } = await scanner.scan();
    try {
      if (ready.length > 0) {
        connection ??= await options.connect();
        const notarize = { connection: Promise.resolve(connection), ...out };
        const stopped = await notarizeFiles(untilStopped(ready, options.stop), notarize, scanner.noting(events.files));
        const trouble = stopped ?? scanner.trouble();
        if (trouble !== undefined) throw trouble;
      }
      outages = 0;
    } catch (error) {
      if (!isAttestryError(error) || !error.facts.retry || options.once) throw error;
      const wait = Math.min(1000 * 2 ** outages++, longestWait);
      events.onOutage(error, wait);
      await bell.silence(wait);
      continue;
    }
    if (options.once && !waiting) return;
    // a folder that takes long to look through is looked through less often
    await bell.ring(waiting ? options.quiet : Math.max(rescanEvery, 20 * (performance.now() - started)));
  }
}

async function* untilStopped(files: readonly FoundFile[], stop: AbortSignal): AsyncGenerator<FoundFile> {
  for (const file of files) if (!stop.aborted) yield file;
}

interface Scanner {
  scan(): Promise<Scan>;
  /** The same events, remembered: a file that came to an outcome is left alone until it changes. */
  noting(events: NotarizeEvents): NotarizeEvents;
  /** What kept a proof from being written and may pass, such as a full disk; asked once after each run. */
  trouble(): AttestryError | undefined;
}

function createScanner({ folder, out, quiet }: WatchOptions, walkEvents: WalkEvents): Scanner {
  const settling = createSettling(quiet);
  const looks = new Map<string, string>();
  const finished = new Map<string, string>();
  const events = onceEach(walkEvents);
  let trouble: AttestryError | undefined;
  const isNew = (file: FoundFile, look: Look): boolean => {
    const key = lookKey(look);
    looks.set(file.path, key);
    // only at first sight: the proof of a file that changes under our eyes may be younger than the change
    if (!finished.has(file.path) && isProvenSince(proofPathFor(file, out), look)) finished.set(file.path, key);
    return finished.get(file.path) !== key;
  };
  return {
    async scan() {
      const ready: FoundFile[] = [];
      const there = new Set<string>();
      let waiting = false;
      for await (const file of walkFiles([folder], events)) {
        const look = await stat(file.path).catch(() => undefined);
        if (look === undefined || basename(file.path).startsWith(".")) continue;
        there.add(file.path);
        if (!isNew(file, look)) continue;
        if (settling.hasSettled(file.path, look, performance.now())) ready.push(file);
        else waiting = true;
      }
      settling.keepOnly(there);
      for (const path of finished.keys()) if (!there.has(path)) finished.delete(path);
      for (const path of looks.keys()) if (!there.has(path)) looks.delete(path);
      return { ready, waiting };
    },
    noting: ({ onBytes, onOutcome }) => ({
      onBytes,
      onOutcome(file, outcome) {
        const error = "error" in outcome ? outcome.error : undefined;
        if (error?.code === "CONFLICT_FILE_CHANGED") return; // it has not come to rest after all
        if (error?.facts.retry) {
          if (outcome.status === "failed") trouble = error;
          return;
        }
        finished.set(file.path, looks.get(file.path) ?? "");
        onOutcome(file, outcome);
      },
    }),
    trouble() {
      const found = trouble;
      trouble = undefined;
      return found;
    },
  };
}

/** Whether the proof there was signed in a later second than the file was last touched, and so is of what it holds now. */
function isProvenSince(proofPath: string, { mtimeMs, ctimeMs }: Look): boolean {
  try {
    const { statement, receipts } = parseProofFile(readFileSync(proofPath));
    return receipts.length > 0 && Math.max(mtimeMs, ctimeMs) < statement.issuedAt * 1000;
  } catch {
    return false; // none, or none that can be read: the file's content decides
  }
}

/** The same remarks, each made once for a path. */
function onceEach(events: WalkEvents): WalkEvents {
  const made = new Set<string>();
  const first = (remark: string): boolean => made.size !== made.add(remark).size;
  return {
    onProblem: (path, error) => void (first(`${error.code} ${path}`) && events.onProblem(path, error)),
    onSkipped: (path, why) => void (first(`skipped ${path}`) && events.onSkipped(path, why)),
  };
}

interface Bell {
  /** Resolves soon after something happened in the folder since the last call, at the latest after that many milliseconds. */
  ring(wait: number): Promise<void>;
  /** Resolves after that many milliseconds, whatever happens in the folder. */
  silence(wait: number): Promise<void>;
}

/** A bell whose waits end at once when it is stopped. */
function createBell(folder: string, stop: AbortSignal): Bell {
  let rung = false;
  let wake = (): void => {};
  const ring = (): void => {
    rung = true;
    wake();
  };
  try {
    const watcher = watchFolder(folder, ring);
    watcher.on("error", () => watcher.close()); // looking again every few seconds must do then
    stop.addEventListener("abort", () => watcher.close());
  } catch {
    // the same
  }
  let end = (): void => {};
  stop.addEventListener("abort", () => end());
  const pause = (wait: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, stop.aborted ? 0 : wait);
      end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  return {
    async ring(wait) {
      if (!rung) {
        const woken = pause(wait);
        wake = end;
        await woken;
        wake = () => {};
      }
      if (rung) await pause(gatherFor); // a copy makes many events: one look for all of them
      rung = false;
    },
    silence: pause,
  };
}
