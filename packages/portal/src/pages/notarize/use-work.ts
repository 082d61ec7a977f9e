/** The page's side of the tab's work: what stands in the list, kept up to date. */
import { useLayoutEffect, useState } from "preact/hooks";
import { type Work, type WorkPlace, type WorkState, workFor } from "./work.ts";

export interface WorkView extends WorkState, Pick<Work, "vault" | "add" | "clear"> {}

export function useWork(place: WorkPlace): WorkView {
  const work = workFor(place); // at once: a file that is dropped on what is drawn must find it
  const [state, setState] = useState<WorkState>({ items: [] });
  useLayoutEffect(() => work.watch(setState), [work]);
  return { ...state, vault: work.vault, add: work.add, clear: work.clear };
}
