/** The front page: anyone drops a file and learns who signed it, when, and whether it is unchanged. */
import type { VNode } from "preact";
import type { PageProps } from "../../pages.ts";
import type { words as en } from "../../words/en/verify.ts";

export function Page({ words }: PageProps<typeof en>): VNode {
  return (
    <div class="narrow">
      <h1>{words.title}</h1>
    </div>
  );
}
