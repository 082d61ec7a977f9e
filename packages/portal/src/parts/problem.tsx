/** Says that the notary did not answer, or why it refused: in words of ours where there are some. */
import type { AttestryError } from "@attestry/core";
import type { VNode } from "preact";
import { useShell } from "../shell.ts";
import { Time } from "./time.tsx";

/** @param since milliseconds of Unix time of what is still shown, where something is */
export function Problem({
  error,
  since,
}: {
  readonly error: AttestryError;
  readonly since?: number | undefined;
}): VNode {
  const { words } = useShell();
  const { unreachable, rate, refused, shown } = words.problem;
  const text = error.code.startsWith("UNAVAILABLE") ? unreachable : error.code === "POLICY_RATE" ? rate : refused;
  return (
    <div class="usa-alert usa-alert--warning usa-alert--slim" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">
          {text}{" "}
          {since !== undefined && (
            <>
              {shown} <Time at={Math.floor(since / 1000)} />.
            </>
          )}
        </p>
      </div>
    </div>
  );
}
