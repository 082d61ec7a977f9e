/** The page `status`. */
import type { VNode } from "preact";
import type { PageProps } from "../../pages.ts";
import type { words as en } from "../../words/en/status.ts";

export function Page({ words }: PageProps<typeof en>): VNode {
  return <h1>{words.title}</h1>;
}
