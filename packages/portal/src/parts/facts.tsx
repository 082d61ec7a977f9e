/** Facts in rows: what each is, and what it is worth. */
import type { ComponentChildren, VNode } from "preact";
import "../style/facts.scss";

export interface Fact {
  readonly label: string;
  readonly value: ComponentChildren;
  /** What it rests on or means, in smaller print. */
  readonly note?: ComponentChildren;
}

/** Rows without a value are left out. */
export function Facts({ rows }: { readonly rows: readonly (Fact | undefined)[] }): VNode {
  return (
    <dl class="facts">
      {rows.map(
        (row) =>
          row && (
            <div key={row.label} class="facts__row">
              <dt>{row.label}</dt>
              <dd>
                {row.value}
                {row.note !== undefined && <div class="facts__note">{row.note}</div>}
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}

/** A key or an address of programs: wraps anywhere, and a click selects the whole of it. */
export function Key({ text }: { readonly text: string }): VNode {
  return <code class="key">{text}</code>;
}
