/** In the header of every other page: that files are still being notarized, and the way back to them. */
import type { VNode } from "preact";
import { useShell } from "../shell.ts";
import { useOpenFiles } from "../work.ts";

export function UnderWay(): VNode {
  const { words, page } = useShell();
  const count = useOpenFiles();
  const isShown = count > 0 && page !== "notarize";
  return (
    <div class="under-way">
      {isShown && <a href="/notarize">{words.underWay.count(count)}</a>}
      {/* Not each file: a screen reader would say nothing else. */}
      <p class="usa-sr-only" role="status">
        {isShown && words.underWay.goesOn}
      </p>
    </div>
  );
}
