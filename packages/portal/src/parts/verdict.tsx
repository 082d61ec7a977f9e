/** A verdict: one sentence with a symbol and a colour of its own, so that none of the three has to be understood alone. */
import type { ComponentChildren, Ref, VNode } from "preact";
import type { Outcome } from "../verify/question.ts";
import type { verdicts } from "../words/en/verdicts.ts";
import { Icon, type IconName } from "./icons.tsx";

export type VerdictWords = typeof verdicts;

/** `good`: rely on it. `bad`: do not. `caution`: ask first. `open`: nothing is said yet. */
type Tone = "good" | "bad" | "caution" | "open";

const looks: Readonly<Record<Outcome, { readonly tone: Tone; readonly icon: IconName }>> = {
  verified: { tone: "good", icon: "check" },
  registered: { tone: "open", icon: "info" },
  altered: { tone: "bad", icon: "cross" },
  other_file: { tone: "caution", icon: "warning" },
  not_found: { tone: "open", icon: "question" },
  incomplete: { tone: "open", icon: "question" },
  unreachable: { tone: "open", icon: "question" },
  superseded: { tone: "caution", icon: "replaced" },
  revoked: { tone: "bad", icon: "cross" },
  issuer_revoked: { tone: "caution", icon: "warning" },
  untrusted: { tone: "caution", icon: "warning" },
  invalid: { tone: "bad", icon: "cross" },
};

export interface VerdictProps {
  readonly words: VerdictWords;
  readonly outcome: Outcome;
  /** Takes the focus when the verdict is new. */
  readonly heading?: Ref<HTMLHeadingElement>;
  /** What else the reader must know at once. */
  readonly children?: ComponentChildren;
}

export function Verdict({ words, outcome, heading, children }: VerdictProps): VNode {
  const { tone, icon } = looks[outcome];
  const { title, sentence } = words.outcomes[outcome];
  return (
    <section class={`verdict verdict--${tone}`} data-outcome={outcome}>
      <div class="verdict__symbol">
        <Icon name={icon} size={40} />
      </div>
      <div class="verdict__words">
        <h2 tabIndex={-1} {...(heading && { ref: heading })}>
          {title}
        </h2>
        <p>{sentence}</p>
        {children}
      </div>
    </section>
  );
}
