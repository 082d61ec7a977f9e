/** Rows of a label and a value, and keys as programs write them. */
import type { ComponentChildren, VNode } from "preact";
import "../style/rows.scss";

export interface Row {
  readonly label: string;
  readonly value: ComponentChildren;
  /** What it rests on or means, in smaller print. */
  readonly note?: ComponentChildren;
}

/** Rows that are undefined are left out. */
export function Rows({ rows }: { readonly rows: readonly (Row | undefined)[] }): VNode {
  return (
    <dl class="rows">
      {rows.map(
        (row, at) =>
          row && (
            <div key={`${at}-${row.label}`} class="rows__one">
              <dt>{row.label}</dt>
              <dd>
                {row.value}
                {row.note !== undefined && <div class="rows__note">{row.note}</div>}
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
