/**
 * A plot over time, drawn as SVG: lines or bars, a value for each step. Lines differ in dash as well as in colour; whoever does not
 * see the drawing has its summary, and everybody has the numbers in a table.
 */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "../style/plot.scss";

export interface PlotSeries {
  readonly label: string;
  /** For each step; null: nothing there. */
  readonly values: readonly (number | null)[];
}

export interface PlotProps {
  readonly title: string;
  /** What there is to see, in a sentence. */
  readonly summary: string;
  readonly kind: "line" | "bars";
  readonly series: readonly PlotSeries[];
  /** Of each step, whole seconds of Unix time. */
  readonly times: readonly number[];
  readonly format: (value: number) => string;
  readonly formatTime: (seconds: number) => string;
  readonly words: { readonly table: string; readonly time: string; readonly empty: string };
  /** Where the scale begins. Default 0. */
  readonly least?: number;
}

const height = 200;
const edge = { top: 10, right: 14, bottom: 28, left: 64 } as const;

export function Plot(props: PlotProps): VNode {
  const { title, summary, series, words } = props;
  const [frame, width] = useWidth();
  const empty = series.every(({ values }) => values.every((value) => value === null));
  return (
    <figure class="plot">
      <figcaption>
        <h3>{title}</h3>
        <p>{empty ? words.empty : summary}</p>
      </figcaption>
      {series.length > 1 && <Legend series={series} />}
      <div ref={frame}>{!empty && <Drawing {...props} width={width} />}</div>
      {!empty && (
        <details>
          <summary>{words.table}</summary>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <section class="plot__table" tabIndex={0} aria-label={title}>
            <Table {...props} />
          </section>
        </details>
      )}
    </figure>
  );
}

function Legend({ series }: Pick<PlotProps, "series">): VNode {
  return (
    <ul class="plot__legend">
      {series.map(({ label }, at) => (
        <li key={label}>
          <svg width="28" height="10" aria-hidden="true">
            <path class={`plot__line plot__line--${at % 4}`} d="M0 5H28" />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}

function Drawing(props: PlotProps & { readonly width: number }): VNode {
  const { title, summary, kind, series, times, width, format, formatTime, least = 0 } = props;
  const highest = Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const ticks = scale(least, highest);
  const top = ticks.at(-1) ?? 1;
  const inner = { width: width - edge.left - edge.right, height: height - edge.top - edge.bottom };
  const stepWidth = inner.width / times.length;
  const x = (at: number): number => edge.left + (at + 0.5) * stepWidth;
  const y = (value: number): number => edge.top + inner.height * (1 - (value - least) / (top - least || 1));
  const labels = Math.max(2, Math.min(6, Math.floor(inner.width / 90)));
  const marks = Array.from({ length: labels }, (_, mark) => Math.round(((mark + 0.5) * times.length) / labels - 0.5));
  return (
    <svg class="plot__drawing" width={width} height={height} role="img" aria-label={`${title}. ${summary}`}>
      {ticks.map((tick) => (
        <g key={tick}>
          <path class="plot__grid" d={`M${edge.left} ${y(tick)}H${width - edge.right}`} />
          <text x={edge.left - 8} y={y(tick) + 4} text-anchor="end">
            {format(tick)}
          </text>
        </g>
      ))}
      {marks.map((at) => (
        <text key={at} x={x(at)} y={height - 8} text-anchor="middle">
          {formatTime(times[at] ?? 0)}
        </text>
      ))}
      {kind === "bars"
        ? (series[0]?.values ?? []).map((value, at) => (
            <path key={times[at]} class="plot__bar" d={bar(x(at), y(value ?? 0), y(least), stepWidth)} />
          ))
        : series.map(({ label, values }, at) => (
            <path key={label} class={`plot__line plot__line--${at % 4}`} d={line(values, x, y)} />
          ))}
    </svg>
  );
}

function bar(middle: number, from: number, to: number, stepWidth: number): string {
  const half = Math.max(0.5, stepWidth * 0.4);
  return `M${middle - half} ${to}V${from}H${middle + half}V${to}Z`;
}

/** A line through neighbours; a value that stands alone becomes a short dash, or nobody would see it. */
function line(values: readonly (number | null)[], x: (at: number) => number, y: (value: number) => number): string {
  return values
    .map((value, at) => {
      if (value === null) return "";
      if (at > 0 && typeof values[at - 1] === "number") return `L${x(at)} ${y(value)}`;
      const alone = typeof values[at + 1] !== "number";
      return alone ? `M${x(at) - 2} ${y(value)}h4` : `M${x(at)} ${y(value)}`;
    })
    .join("");
}

/** Round numbers from the least to above the highest. */
function scale(least: number, highest: number): number[] {
  const range = Math.max(highest - least, 1e-9);
  const power = 10 ** Math.floor(Math.log10(range / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => range / size <= 4) ?? power * 10;
  const first = Math.floor(least / step);
  const count = Math.max(1, Math.ceil(highest / step - 1e-9) - first);
  return Array.from({ length: count + 1 }, (_, at) => (first + at) * step);
}

function Table({ series, times, format, formatTime, words }: PlotProps): VNode {
  const rows = times
    .map((time, at) => ({ time, values: series.map(({ values }) => values[at] ?? null) }))
    .filter(({ values }) => values.some((value) => value !== null));
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.time}</th>
          {series.map(({ label }) => (
            <th key={label} scope="col">
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.toReversed().map(({ time, values }) => (
          <tr key={time}>
            <th scope="row">{formatTime(time)}</th>
            {values.map((value, at) => (
              <td key={series[at]?.label}>{value === null ? "–" : format(value)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** How wide the element is, so that the drawing's text has its own size on every screen. */
function useWidth(): [{ current: HTMLDivElement | null }, number] {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(640);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(240, Math.floor(element.clientWidth))));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [frame, width];
}
