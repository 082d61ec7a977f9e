/** How the log has been over the last hour, day or month: four plots of the same steps. */
import type { HistorySpan, StatusHistory } from "@attestry/core/client";
import type { VNode } from "preact";
import { notary } from "../../api.ts";
import { placeName } from "../../parts/places.ts";
import { Plot, type PlotProps } from "../../parts/plot.tsx";
import { Problem } from "../../parts/problem.tsx";
import { useRemote } from "../../remote.ts";
import { useShell } from "../../shell.ts";
import type { StatusWords } from "./index.tsx";

const spans: readonly HistorySpan[] = ["hour", "day", "month"];

export interface HistoryProps {
  readonly words: StatusWords;
  /** As the address names it. */
  readonly span: string | null;
  /** Milliseconds between looks; undefined while updates are paused. */
  readonly every: number | undefined;
}

export function History({ words, span: asked, every }: HistoryProps): VNode {
  const span = spans.find((known) => known === asked) ?? "hour";
  const { value, problem, at } = useRemote(() => notary.history(span), span, every);
  const { history: said } = words;
  return (
    <section aria-labelledby="history">
      <h2 id="history">{said.heading}</h2>
      <nav class="choice" aria-label={said.choose}>
        {spans.map((each) => (
          <a
            key={each}
            class="choice__item"
            href={`/status?span=${each}`}
            aria-current={each === span ? "true" : undefined}
          >
            {said.spans[each]}
          </a>
        ))}
      </nav>
      {problem && <Problem error={problem} since={at} />}
      <div class="plots">{value && <Plots history={value} words={words} />}</div>
    </section>
  );
}

function Plots({ history, words }: { readonly history: StatusHistory; readonly words: StatusWords }): VNode {
  const { history: said } = words;
  const { language } = useShell();
  const { span, step, sizes, latency, anchors } = history;
  const from = Date.parse(history.from) / 1000;
  const times = latency.count.map((_, at) => from + at * step);
  const count = (value: number): string => new Intl.NumberFormat(language, { maximumFractionDigits: 1, notation: value >= 1e5 ? "compact" : "standard" }).format(value); // biome-ignore format: one line
  const seconds = (value: number): string => spellSeconds(value, language);
  const milliseconds = (value: number): string => seconds(value / 1000);
  const common = {
    times,
    formatTime: (time: number) => spellTime(time, span, language),
    words: { table: said.table, time: said.time, empty: said.empty },
  } satisfies Partial<PlotProps>;
  const [first = 0, ...grown] = sizes;
  const fresh = grown.map((size, at) => size - (sizes[at] ?? 0));
  const sum = fresh.reduce((total, each) => total + each, 0);
  const lately = (values: readonly (number | null)[]): number => values.findLast((value) => value !== null) ?? 0;
  const delays = anchors.map(({ place, delay }) => `${placeName(place)} ${seconds(lately(delay))}`).join(", ");
  return (
    <>
      <Plot
        {...common}
        title={said.growth}
        summary={said.growthSummary(count(first), count(grown.at(-1) ?? first))}
        kind="line"
        series={[{ label: said.growth, values: grown }]}
        least={first}
        format={count}
      />
      <Plot
        {...common}
        title={said.rate}
        summary={said.rateSummary(count(sum), count(Math.max(...fresh)), said.rateSteps[span])}
        kind="bars"
        series={[{ label: said.rate, values: sum === 0 ? fresh.map(() => null) : fresh }]}
        format={count}
      />
      <Plot
        {...common}
        title={said.latency}
        summary={said.latencySummary(milliseconds(lately(latency.median)), milliseconds(lately(latency.slow)))}
        kind="line"
        series={[
          { label: said.latencyLines.median, values: latency.median },
          { label: said.latencyLines.slow, values: latency.slow },
        ]}
        format={milliseconds}
      />
      <Plot
        {...common}
        title={said.delay}
        summary={said.delaySummary(delays)}
        kind="line"
        series={anchors.map(({ place, delay }) => ({ label: placeName(place), values: delay }))}
        format={seconds}
      />
    </>
  );
}

function spellSeconds(value: number, language: string): string {
  const [amount, unit] =
    value === 0
      ? [0, "second"]
      : value < 1
        ? [value * 1000, "millisecond"]
        : value < 120
          ? [value, "second"]
          : value < 7200
            ? [value / 60, "minute"]
            : [value / 3600, "hour"];
  const maximumFractionDigits = amount < 10 && unit !== "millisecond" ? 1 : 0;
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits }).format(amount); // biome-ignore format: one line
}

function spellTime(time: number, span: HistorySpan, language: string): string {
  const options: Intl.DateTimeFormatOptions =
    span === "month" ? { month: "short", day: "numeric" } : { hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(language, options).format(new Date(time * 1000));
}
