/** How far a piece of work is. A screen reader hears of every quarter, not of every step. */
import type { VNode } from "preact";

export interface ProgressProps {
  /** What is going on, in a sentence. */
  readonly label: string;
  /** From 0 to 1; undefined where it cannot be told. */
  readonly share: number | undefined;
  /** Beside the bar: "2.1 GB of 4 GB". */
  readonly detail?: string;
}

export function Progress({ label, share, detail }: ProgressProps): VNode {
  const percent = share === undefined ? undefined : Math.floor(share * 100);
  return (
    <div class="progress">
      <p class="progress__label">
        <span>{label}</span>
        {percent !== undefined && <span class="progress__percent">{percent} %</span>}
      </p>
      <progress aria-label={label} max={100} value={percent} />
      {detail !== undefined && <p class="progress__detail">{detail}</p>}
      <p class="usa-sr-only" role="status">
        {percent === undefined ? label : `${label} ${Math.floor(percent / 25) * 25} %`}
      </p>
    </div>
  );
}
