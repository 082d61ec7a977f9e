/** Why the vault did not do what was asked, in words of ours. */
import type { AttestryError } from "@attestry/core";
import type { VNode } from "preact";
import { Problem } from "../../parts/problem.tsx";
import type { VaultWords } from "./index.tsx";

export function Failure({ words, error }: { readonly words: VaultWords; readonly error: AttestryError }): VNode {
  const known: Partial<Record<string, string>> = words.errors;
  const text = known[error.code];
  if (text === undefined) return <Problem error={error} />;
  return (
    <div class="usa-alert usa-alert--warning usa-alert--slim" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">{text}</p>
      </div>
    </div>
  );
}
