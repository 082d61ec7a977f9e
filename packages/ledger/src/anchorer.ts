/**
 * Anchors a log's checkpoints on one ledger, in the background. Whatever the ledger does, it bothers nobody: every failure is
 * tried again, and shows in `status()`. A notary with several ledgers has an anchorer for each; they know nothing of each other.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, type ErrorCode, isAttestryError, type Signer } from "@attestry/core";
import type { AnchorRecord, AnchorState, AnchorStore } from "./anchor-store.ts";
import type { AnchorPlace, AnchorTarget, Ledger } from "./ledger.ts";

export interface AnchorerOptions {
  readonly ledger: Ledger;
  readonly store: AnchorStore;
  /** The log's. */
  readonly origin: string;
  /** The newest published checkpoint of that log; undefined while there is none. */
  readCheckpoint(): Promise<Pick<AnchorTarget, "size" | "rootHash"> | undefined>;
  /** The log's ES256 key. */
  readonly signForLedger: Signer;
  /** An anchor is made when the log has grown and so many milliseconds have passed since the one before… */
  readonly everyMs: number;
  /** …or so many entries have come. The first is made at once. */
  readonly everyEntries: number;
  /** Told of each record once it is stored. Must not throw. */
  onChange?(record: AnchorRecord): void;
  /** Milliseconds between looks at log and ledger. Default 2,000. */
  readonly pollMs?: number;
  /** Milliseconds between looks at most, when one after the other fails. Default 60,000. */
  readonly maxBackoffMs?: number;
}

export interface AnchorerStatus {
  /** `Ledger.name`. */
  readonly ledger: string;
  readonly counts: Readonly<Record<AnchorState, number>>;
  /** The anchor of the largest size that is not lost. */
  readonly newest: AnchorRecord | undefined;
  /** The final anchor of the largest size: every entry before it is covered. */
  readonly newestFinal: AnchorRecord | undefined;
  /** Why the last look failed, and since when (milliseconds of Unix time) every one has; undefined while all is well. */
  readonly problem: { readonly code: ErrorCode; readonly message: string; readonly since: number } | undefined;
}

export interface Anchorer {
  status(): AnchorerStatus;
  /** The anchors, in any state but lost, of checkpoints that cover the entry: the smallest checkpoints first, 100 at most. */
  anchorsCovering(index: number): Promise<AnchorRecord[]>;
  /** The final anchor of the smallest checkpoint that covers the entry: what goes into its proof. */
  firstCovering(index: number): Promise<AnchorRecord | undefined>;
  /** Resolves when nothing is under way any more. Ledger and store stay open. */
  close(): Promise<void>;
}

/** Starts at once, with whatever the store says is unfinished. @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT */
export async function createAnchorer(options: AnchorerOptions): Promise<Anchorer> {
  const { ledger, store, origin, pollMs = 2_000, maxBackoffMs = 60_000 } = options;
  const stopping = new AbortController();
  const memory = await loadMemory(options);
  let problem: AnchorerStatus["problem"];
  let failures = 0;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await look(options, memory, stopping.signal);
        [failures, problem] = [0, undefined];
      } catch (error) {
        failures += 1;
        problem = { ...describe(error), since: problem?.since ?? Date.now() };
      }
      const wait = Math.min(pollMs * 2 ** Math.min(failures, 20), Math.max(pollMs, maxBackoffMs));
      await sleep(wait, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  }

  const running = run();
  return {
    status: () => ({
      ledger: ledger.name,
      counts: { ...memory.counts },
      newest: memory.newest,
      newestFinal: memory.newestFinal,
      problem: problem ?? problemOf(memory),
    }),
    anchorsCovering: (index) =>
      store.list(ledger.name, origin, {
        covering: index,
        states: ["submitted", "included", "final"],
        limit: 100,
        order: "ascending",
      }),
    firstCovering: async (index) =>
      (await store.list(ledger.name, origin, { covering: index, states: ["final"], limit: 1, order: "ascending" }))[0],
    close: async () => {
      stopping.abort();
      await running;
    },
  };
}

/** What the store holds, as far as every look needs it. */
interface Memory {
  counts: Record<AnchorState, number>;
  newest: AnchorRecord | undefined;
  newestFinal: AnchorRecord | undefined;
  /** Submitted and included, by size. */
  unfinished: AnchorRecord[];
}

async function loadMemory({ ledger, store, origin }: AnchorerOptions): Promise<Memory> {
  const newest = async (...states: AnchorState[]): Promise<AnchorRecord | undefined> =>
    (await store.list(ledger.name, origin, { states, limit: 1, order: "descending" }))[0];
  return {
    counts: { ...(await store.count(ledger.name, origin)) },
    newest: await newest("submitted", "included", "final"),
    newestFinal: await newest("final"),
    unfinished: await store.list(ledger.name, origin, {
      states: ["submitted", "included"],
      limit: Number.MAX_SAFE_INTEGER,
      order: "ascending",
    }),
  };
}

/** One look: gets every unfinished anchor along, oldest first, then makes a new one when it is time. */
async function look(options: AnchorerOptions, memory: Memory, signal: AbortSignal): Promise<void> {
  for (const record of [...memory.unfinished]) {
    if (!signal.aborted) await advance(options, memory, record);
  }
  // One at a time until it is included: while the ledger is slow, the next anchor covers all the more.
  if (signal.aborted || memory.unfinished.some(({ state }) => state === "submitted")) return;
  const checkpoint = await options.readCheckpoint();
  if (checkpoint === undefined || !isDue(options, memory, checkpoint.size)) return;
  const { size, rootHash } = checkpoint;
  const { ledger, origin } = options;
  const record: AnchorRecord = {
    ledger: ledger.name,
    origin,
    size,
    rootHash,
    state: "submitted",
    submittedAt: Date.now(),
  };
  await submit(options, memory, record);
}

function isDue({ everyMs, everyEntries }: AnchorerOptions, { newest }: Memory, size: number): boolean {
  if (newest === undefined) return size > 0;
  if (size <= newest.size) return false;
  return size - newest.size >= everyEntries || Date.now() - newest.submittedAt >= everyMs;
}

async function advance(options: AnchorerOptions, memory: Memory, record: AnchorRecord): Promise<void> {
  try {
    const position = await options.ledger.readAnchor(record, record.journal);
    if (position.state === "absent") return await submit(options, memory, withoutPlace(record));
    const { place } = position;
    if (position.state === "final") return await finish(options, memory, { ...record, place });
    if (record.state === "included" && record.place?.id === place.id) return;
    await keep(options, memory, { ...record, state: "included", place });
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "CONFLICT_ANCHOR") throw error;
    await keep(options, memory, { ...withoutPlace(record), state: "lost", problem: error.message });
  }
}

/** The ledger's rule says that it stays: what is missing is the proof, which others need not wait for. */
async function finish(
  options: AnchorerOptions,
  memory: Memory,
  record: AnchorRecord & { place: AnchorPlace },
): Promise<void> {
  const { problem: _, ...anchor } = record;
  try {
    const proven = await options.ledger.collectProof(anchor, record.place, record.journal);
    await keep(options, memory, { ...anchor, state: "final", ...proven });
  } catch (error) {
    const { message } = describe(error);
    if (record.problem !== message) await keep(options, memory, { ...anchor, state: "included", problem: message });
  }
}

/** Sends, or gets along what was sent. The record is stored before anything leaves the machine, and not if nothing does. */
async function submit(options: AnchorerOptions, memory: Memory, record: AnchorRecord): Promise<void> {
  let stored = record;
  await options.ledger.submitAnchor(record, {
    signForLedger: options.signForLedger,
    journal: record.journal,
    save: async (journal) => {
      stored = { ...stored, journal };
      await keep(options, memory, stored);
    },
  });
  const known = memory.unfinished.find(({ size }) => size === record.size);
  if (known?.state !== "submitted") await keep(options, memory, stored);
}

/** Stores the record, then lets it be seen. */
async function keep(options: AnchorerOptions, memory: Memory, record: AnchorRecord): Promise<void> {
  await options.store.put(record);
  const before = memory.unfinished.find(({ size }) => size === record.size);
  if (before !== undefined) memory.counts[before.state] -= 1;
  memory.counts[record.state] += 1;
  const others = memory.unfinished.filter((other) => other !== before);
  const finished = record.state === "final" || record.state === "lost";
  memory.unfinished = finished ? others : [...others, record].sort((x, y) => x.size - y.size);
  if (record.state === "final" && record.size >= (memory.newestFinal?.size ?? 0)) memory.newestFinal = record;
  if (record.state !== "lost" && record.size >= (memory.newest?.size ?? 0)) memory.newest = record;
  if (record.state === "lost" && record.size === memory.newest?.size) {
    const unfinished = memory.unfinished.at(-1);
    memory.newest = (unfinished?.size ?? 0) > (memory.newestFinal?.size ?? 0) ? unfinished : memory.newestFinal;
  }
  options.onChange?.(record);
}

function withoutPlace({ place: _, problem: __, ...record }: AnchorRecord): AnchorRecord {
  return { ...record, state: "submitted" };
}

function problemOf({ unfinished }: Memory): AnchorerStatus["problem"] {
  const record = unfinished.find(({ problem }) => problem !== undefined);
  if (record?.problem === undefined) return undefined;
  return { code: "UNAVAILABLE_LEDGER", message: record.problem, since: record.submittedAt };
}

function describe(error: unknown): { code: ErrorCode; message: string } {
  const { code, message } = isAttestryError(error) ? error : new AttestryError("FATAL_INTERNAL");
  return { code, message };
}
