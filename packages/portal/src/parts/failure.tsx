/** Why the notary did not do what was asked: in the page's own words where it has some for the error's code. */
import type { AttestryError } from "@attestry/core";
import type { VNode } from "preact";
import { Problem } from "./problem.tsx";

export interface FailureProps {
  /** Of a page: sentences by codes of the error catalogue. */
  readonly words: { readonly errors: Partial<Record<string, string>> };
  readonly error: AttestryError;
}

export function Failure({ words, error }: FailureProps): VNode {
  const text = words.errors[error.code];
  if (text === undefined) return <Problem error={error} />;
  return (
    <div class="usa-alert usa-alert--warning usa-alert--slim" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">{text}</p>
      </div>
    </div>
  );
}
