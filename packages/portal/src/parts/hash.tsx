/** A hash or key: the whole of it, broken in groups that can be compared by eye, and copied whole. */
import type { VNode } from "preact";

export function Hash({ hex }: { readonly hex: string }): VNode {
  return (
    <code class="hash">
      {(hex.match(/.{1,8}/g) ?? []).map((group, at) => (
        <span key={`${at}-${group}`}>{group}</span>
      ))}
    </code>
  );
}
