/**
 * How long registrations took, over time: a histogram for each minute of the last day and for each hour of the last month.
 * Histograms add up, so every longer stretch has its true quantiles. It is kept in one small file; what a crash takes of it is a
 * minute at most, and nothing but plots depends on it.
 */
import { readFileSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";

export interface Latency {
  /** Notes that a registration was answered after so many milliseconds. */
  observe(milliseconds: number): void;
  /** What was answered from (included) and to (not included), whole seconds of Unix time. */
  between(from: number, to: number): LatencySummary;
  close(): Promise<void>;
}

/** In milliseconds, no more than a fifth above the true value; undefined when there was nothing. */
export interface LatencySummary {
  readonly count: number;
  readonly median: number | undefined;
  /** Nineteen of twenty were faster. */
  readonly slow: number | undefined;
}

/** Of each bucket how many; bucket b ends at 2^(b/4) ms. */
type Histogram = Map<number, number>;

interface Ring {
  /** Seconds of a slot. */
  readonly step: number;
  readonly length: number;
  /** By the slot's number: its start divided by `step`. */
  readonly slots: Map<number, Histogram>;
}

const bucketsPerOctave = 4;
const lastBucket = 80; // a quarter of an hour

/** @param path of its file; damaged or missing, it begins anew @param now milliseconds of Unix time */
export function openLatency(path: string, now: () => number): Latency {
  const rings = [createRing(60, 24 * 60), createRing(3600, 31 * 24)];
  read(path, rings);
  let changed = false;
  let writing: Promise<void> = Promise.resolve();
  const save = (): Promise<void> => {
    if (changed) writing = writing.then(() => write(path, rings)).catch(() => {}); // a full disk takes plots away, no more
    changed = false;
    return writing;
  };
  const timer = setInterval(save, 60_000).unref();
  return {
    observe(milliseconds: number): void {
      changed = true;
      const bucket = bucketOf(milliseconds);
      for (const ring of rings) add(slotAt(ring, Math.floor(now() / 1000 / ring.step)), bucket, 1);
    },
    between: (from, to) => summarise(gather(rings, from, to)),
    async close(): Promise<void> {
      clearInterval(timer);
      await save();
    },
  };
}

function createRing(step: number, length: number): Ring {
  return { step, length, slots: new Map() };
}

function bucketOf(milliseconds: number): number {
  const bucket = Math.ceil(bucketsPerOctave * Math.log2(Math.max(milliseconds, 1)));
  return Math.min(bucket, lastBucket);
}

function add(histogram: Histogram, bucket: number, count: number): void {
  histogram.set(bucket, (histogram.get(bucket) ?? 0) + count);
}

/** The slot of that number, which the oldest ones make room for. */
function slotAt({ slots, length }: Ring, number: number): Histogram {
  let slot = slots.get(number);
  if (slot === undefined) {
    slot = new Map();
    slots.set(number, slot);
    for (const old of slots.keys()) if (old <= number - length) slots.delete(old);
  }
  return slot;
}

/** From the minutes where they reach back far enough and the stretch is not of whole hours, else from the hours. */
function gather(rings: readonly Ring[], from: number, to: number): Histogram {
  const ring = rings.findLast(({ step }) => from % step === 0 && to % step === 0);
  const sum: Histogram = new Map();
  if (ring === undefined) return sum;
  for (let number = from / ring.step; number < to / ring.step; number++)
    for (const [bucket, count] of ring.slots.get(number) ?? []) add(sum, bucket, count);
  return sum;
}

function summarise(histogram: Histogram): LatencySummary {
  const buckets = [...histogram].sort(([a], [b]) => a - b);
  const count = buckets.reduce((sum, [, each]) => sum + each, 0);
  const quantile = (share: number): number | undefined => {
    let left = share * count;
    for (const [bucket, each] of buckets) {
      left -= each;
      if (left <= 0) return 2 ** (bucket / bucketsPerOctave);
    }
    return undefined;
  };
  return { count, median: quantile(0.5), slow: quantile(0.95) };
}

/** One line of JSON: of each ring, of each slot its number and then buckets and counts in turn. */
async function write(path: string, rings: readonly Ring[]): Promise<void> {
  const rows = rings.map(({ slots }) => [...slots].map(([number, slot]) => [number, ...[...slot].flat()]));
  await writeFile(`${path}.new`, JSON.stringify(rows), { mode: 0o600 });
  await rename(`${path}.new`, path);
}

function read(path: string, rings: readonly Ring[]): void {
  try {
    const rows = JSON.parse(readFileSync(path, "utf8")) as unknown;
    for (const [at, ring] of rings.entries()) for (const row of (rows as unknown[][][])[at] ?? []) readSlot(ring, row);
  } catch {
    for (const { slots } of rings) slots.clear();
  }
}

function readSlot(ring: Ring, [number, ...pairs]: unknown[]): void {
  const numbers = [number, ...pairs].map((value) => {
    if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw new TypeError("not a count");
    return value;
  });
  const slot = slotAt(ring, numbers[0] ?? 0);
  for (let at = 1; at + 1 < numbers.length; at += 2) add(slot, numbers[at] ?? 0, numbers[at + 1] ?? 0);
}
