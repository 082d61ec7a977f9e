/**
 * How the notary has been over time, in steps that a plot can show. The log's growth follows from the times of its heads, and the
 * delay of anchors from the anchors themselves; only how long registrations took is kept for this.
 */
import type { StatusHistory as HistoryJson, HistorySpan } from "@attestry/core/client";
import type { PlaceKind } from "./anchoring/anchoring.ts";
import type { Latency } from "./latency.ts";
import type { LogStore } from "./log/store.ts";

/** Seconds of a step, and how many there are. */
const spans: Readonly<Record<HistorySpan, { readonly step: number; readonly count: number }>> = {
  hour: { step: 60, count: 60 },
  day: { step: 900, count: 96 },
  month: { step: 21_600, count: 120 },
};

/** `from` is in whole seconds of Unix time. */
export type StatusHistory = Omit<HistoryJson, "from"> & { readonly from: number };

/** The first anchor of a place that covers an entry. `time`: whole seconds of Unix time, as the ledger or authority has it. */
export interface CoveringAnchor {
  readonly place: string;
  readonly kind: PlaceKind;
  readonly time: number;
}

export interface HistoryParts {
  readonly store: Pick<LogStore, "sizeAt" | "readHeadOf">;
  readonly latency: Pick<Latency, "between">;
  /** One for each place that has one. */
  covering(index: number): Promise<readonly CoveringAnchor[]>;
  /** Milliseconds of Unix time. */
  now(): number;
}

/** Milliseconds for which one answer serves everybody: it takes some hundred look-ups. */
const freshness = 5000;

/** @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT */
export function createHistory(parts: HistoryParts): (span: HistorySpan) => Promise<StatusHistory> {
  const answers = new Map<HistorySpan, { readonly at: number; readonly answer: Promise<StatusHistory> }>();
  return (span) => {
    const known = answers.get(span);
    if (known !== undefined && Math.abs(parts.now() - known.at) < freshness) return known.answer;
    const answer = gather(parts, span);
    answers.set(span, { at: parts.now(), answer });
    answer.catch(() => answers.delete(span)); // a failure is not remembered
    return answer;
  };
}

async function gather({ store, latency, covering, now }: HistoryParts, span: HistorySpan): Promise<StatusHistory> {
  const { step, count } = spans[span];
  const end = (Math.floor(now() / 1000 / step) + 1) * step;
  const from = end - count * step;
  const times = Array.from({ length: count }, (_, at) => from + at * step);
  const sizes = await Promise.all([...times, end].map((time) => store.sizeAt(time)));
  const latencies = times.map((time) => latency.between(time, time + step));
  return {
    span,
    step,
    from,
    sizes,
    latency: {
      count: latencies.map((one) => one.count),
      median: latencies.map((one) => one.median ?? null),
      slow: latencies.map((one) => one.slow ?? null),
    },
    anchors: await delays(sizes, store, covering),
  };
}

async function delays(
  sizes: readonly number[],
  store: HistoryParts["store"],
  covering: HistoryParts["covering"],
): Promise<StatusHistory["anchors"]> {
  const steps = sizes.slice(1);
  const places = new Map<string, { place: string; kind: PlaceKind; delay: (number | null)[] }>();
  for (const [at, size] of steps.entries()) {
    if (size === sizes[at]) continue;
    const head = await store.readHeadOf(size - 1);
    for (const { place, kind, time } of await covering(size - 1)) {
      const known = places.get(place) ?? { place, kind, delay: steps.map(() => null) };
      places.set(place, known);
      if (head !== undefined) known.delay[at] = Math.max(0, time - head.time); // a ledger's clock may be behind
    }
  }
  return [...places.values()].sort((a, b) => (a.place < b.place ? -1 : 1));
}
