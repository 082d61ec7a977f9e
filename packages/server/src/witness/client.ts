/**
 * Asks witnesses to cosign the log's heads: C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0). It works in rounds,
 * one head a round, so that witnesses of different speed sign the same one and a quorum can form. Registration never waits
 * here: whoever wants a cosigned head asks for it, with a limit.
 */
import { type ErrorCode, encodeNote, encodeUtf8, isAttestryError, type NoteSignature, parseNote } from "@attestry/core";
import type { Logger } from "pino";
import type { CurrentHead } from "../log/store.ts";
import { askWitness, type WitnessTarget } from "./ask.ts";

export type { WitnessTarget } from "./ask.ts";

export interface WitnessStatus {
  readonly name: string;
  readonly url: string;
  /** C2SP verifier keys of its cosignatures. */
  readonly verifierKeys: readonly string[];
  /** Size of the last head that it cosigned, 0 for none yet. */
  readonly lastSize: number;
  /** Whole seconds of Unix time, as its cosignature states it. */
  readonly lastTime: number | undefined;
  readonly healthy: boolean;
  /** Why it is not. */
  readonly problem: string | undefined;
  /** As that error's: VERIFY_CONSISTENCY when it has seen another history of this log. */
  readonly code: ErrorCode | undefined;
}

export interface WitnessClientOptions {
  readonly targets: readonly WitnessTarget[];
  /** How many witnesses make a head count as cosigned. */
  readonly quorum: number;
  readonly consistencyPath: (size1: number, size2: number) => Promise<Uint8Array[]>;
  /** Keeps a cosigned checkpoint durably. */
  readonly keep: (size: number, note: Uint8Array) => Promise<void>;
  readonly logger: Logger;
  /** Milliseconds after which an unanswered request is given up. Default 5,000. */
  readonly timeout?: number;
  /** Least milliseconds between two cosigned checkpoints that are kept: each has some kilobytes. Default 10,000. */
  readonly keepEvery?: number;
  /** Milliseconds until a witness that failed is asked again, doubled with each failure up to a minute. Default 1,000. */
  readonly retryAfter?: number;
}

export interface WitnessClient {
  readonly status: readonly WitnessStatus[];
  /** The newest head that the quorum cosigned, since this process began. */
  readonly cosigned: CurrentHead | undefined;
  /** Tells of a new head. Returns at once. */
  publish(head: CurrentHead): void;
  /** The first head of at least that size which the quorum cosigned, with the cosignatures in its note; undefined when it takes too long. */
  awaitCosigned(size: number, milliseconds: number): Promise<CurrentHead | undefined>;
  /** Keeps the latest cosigned checkpoint and asks no more. */
  close(): Promise<void>;
}

interface Round {
  readonly head: CurrentHead;
  readonly signatures: Map<string, readonly NoteSignature[]>;
  readonly startedAt: number;
}

interface Asked {
  readonly target: WitnessTarget;
  status: WitnessStatus;
  busy: boolean;
  failures: number;
}

const longestPause = 60_000;

export function createWitnessClient(options: WitnessClientOptions): WitnessClient {
  const { targets, quorum, logger, timeout = 5000, retryAfter = 1000 } = options;
  const stopping = new AbortController();
  const keeper = createKeeper(options);
  const asked = targets.map((target): Asked => {
    const name = target.keys[0]?.name ?? target.url;
    const verifierKeys = target.keys.map(({ text }) => text);
    const status = {
      name,
      url: target.url,
      verifierKeys,
      lastSize: 0,
      lastTime: undefined,
      healthy: true,
      problem: undefined,
      code: undefined,
    };
    return { target, status, busy: false, failures: 0 };
  });
  let newest: CurrentHead | undefined;
  let round: Round | undefined;
  let cosigned: CurrentHead | undefined;
  const waiting = new Set<{ readonly size: number; settle(head: CurrentHead | undefined): void }>();

  /** Goes to the newest head when the round is done, and gives every free witness its work. */
  function advance(): void {
    if (stopping.signal.aborted || newest === undefined) return;
    const isNews = round === undefined || newest.size > round.head.size;
    if (isNews && isOver(round)) round = { head: newest, signatures: new Map(), startedAt: performance.now() };
    for (const witness of asked) {
      if (round !== undefined && !witness.busy && !round.signatures.has(witness.target.url)) void ask(witness, round);
    }
  }

  function isOver(current: Round | undefined): boolean {
    if (current === undefined || current.signatures.size >= quorum) return true;
    return asked.every(({ busy }) => !busy) || performance.now() - current.startedAt > timeout;
  }

  async function ask(witness: Asked, current: Round): Promise<void> {
    witness.busy = true;
    try {
      const { signatures, time } = await askWitness(witness.target, current.head, witness.status.lastSize, {
        consistencyPath: options.consistencyPath,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(timeout)]),
      });
      witness.failures = 0;
      witness.status = {
        ...witness.status,
        lastSize: current.head.size,
        lastTime: time,
        healthy: true,
        problem: undefined,
        code: undefined,
      };
      current.signatures.set(witness.target.url, signatures);
      if (current.signatures.size >= quorum) finish(current);
    } catch (error) {
      if (stopping.signal.aborted) return;
      fail(witness, error);
      await pause(Math.min(retryAfter * 2 ** (witness.failures - 1), longestPause), stopping.signal);
    } finally {
      witness.busy = false;
      advance();
    }
  }

  function fail(witness: Asked, error: unknown): void {
    witness.failures += 1;
    const problem = error instanceof Error ? error.message : String(error);
    const code = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
    // a log that was put back or forked is what witnesses are there for; that one is away is every day's business
    const level = code === "VERIFY_CONSISTENCY" ? "error" : "warn";
    if (witness.status.problem !== problem)
      logger[level]({ witness: witness.status.name, code, problem }, "witness did not cosign");
    witness.status = { ...witness.status, healthy: false, problem, code };
  }

  function finish({ head, signatures }: Round): void {
    const note = parseNote(head.note);
    const all = [...note.signatures, ...[...signatures.values()].flat()];
    const noteWithAll = encodeUtf8(encodeNote({ text: note.text, signatures: all }));
    const done = { ...head, note: noteWithAll };
    if (cosigned === undefined || head.size >= cosigned.size) cosigned = done;
    keeper.keep(done);
    for (const waiter of waiting) if (head.size >= waiter.size) waiter.settle(done);
  }

  return {
    get status(): readonly WitnessStatus[] {
      return asked.map(({ status }) => status);
    },

    get cosigned(): CurrentHead | undefined {
      return cosigned;
    },

    publish(head: CurrentHead): void {
      newest = head;
      advance();
    },

    awaitCosigned(size: number, milliseconds: number): Promise<CurrentHead | undefined> {
      if (cosigned !== undefined && cosigned.size >= size) return Promise.resolve(cosigned);
      return new Promise((resolve) => {
        const waiter = {
          size,
          settle(head: CurrentHead | undefined): void {
            clearTimeout(timer);
            waiting.delete(waiter);
            resolve(head);
          },
        };
        const timer = setTimeout(() => waiter.settle(undefined), milliseconds);
        waiting.add(waiter);
      });
    },

    async close(): Promise<void> {
      stopping.abort();
      for (const waiter of waiting) waiter.settle(undefined);
      await keeper.close();
    },
  };
}

/** Writes cosigned checkpoints down, not more often than `keepEvery`, and always the latest in the end. */
function createKeeper({ keep, keepEvery = 10_000, logger }: WitnessClientOptions): {
  keep(head: CurrentHead): void;
  close(): Promise<void>;
} {
  let latest: CurrentHead | undefined;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> = Promise.resolve();

  function write(): void {
    if (latest === undefined) return;
    const { size, note } = latest;
    latest = undefined;
    writing = writing
      .then(() => keep(size, note))
      .catch((error: unknown) => {
        logger.error({ err: error, size }, "a cosigned checkpoint could not be kept");
      });
    timer = setTimeout(() => {
      timer = undefined;
      write();
    }, keepEvery);
    timer.unref();
  }

  return {
    keep(head: CurrentHead): void {
      latest = head;
      if (timer === undefined) write();
    },
    async close(): Promise<void> {
      write();
      clearTimeout(timer);
      await writing;
    },
  };
}

/** Ends early when the signal is given. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    timer.unref();
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
