/** What a bench gives: a figure, the physical limit of its path as measured in the same run, and the target it is held to. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit?: { readonly name: string; readonly value: number };
  /** On the ratio to the limit, or on the value itself. */
  readonly target?: { readonly of: "ratio" | "value"; readonly atLeast?: number; readonly atMost?: number };
}

export type Bench = (options: { readonly folder: string; readonly quick: boolean }) => Promise<Figure[]>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Seconds that `run` takes. */
export async function seconds(run: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now();
  await run();
  return (performance.now() - start) / 1000;
}
