/** The vault's side of the list: whether files go there as well, and how far each of them is. */
import type { VaultClient } from "@attestry/core/client";
import type { VNode } from "preact";
import { ChoiceField } from "../../parts/field.tsx";
import { useRemote } from "../../remote.ts";
import type { NotarizeWords } from "./index.tsx";
import type { KeepWish } from "./journal.ts";
import type { Item } from "./notarizer.ts";

type Words = NotarizeWords["files"]["keep"];

export interface KeepFieldsProps {
  readonly words: Words;
  readonly vault: Pick<VaultClient, "recordClasses">;
  /** Undefined: nothing goes there. */
  readonly keep: KeepWish | undefined;
  onChange(keep: KeepWish | undefined): void;
}

export function KeepFields({ words, vault, keep, onChange }: KeepFieldsProps): VNode {
  const { value: classes = [] } = useRemote(() => vault.recordClasses(), "classes");
  return (
    <div class="keep">
      <label>
        <input
          type="checkbox"
          checked={keep !== undefined}
          aria-describedby="keep-hint"
          onChange={(event) => onChange(event.currentTarget.checked ? {} : undefined)}
        />{" "}
        {words.also}
      </label>
      <p id="keep-hint">{words.hint}</p>
      {keep !== undefined && classes.length > 1 && (
        <ChoiceField
          id="record-class"
          label={words.recordClass}
          options={classes.map(({ name }) => [name, name] as const)}
          value={keep.recordClass ?? "general"}
          onChange={(recordClass) => onChange({ recordClass })}
        />
      )}
    </div>
  );
}

export interface KeepLineProps {
  readonly words: Words;
  readonly item: Item & { readonly state: "registered" };
  /** Whether the vault's page would show it. */
  readonly mayRead: boolean;
}

/** Nothing for a file that does not go there. */
export function KeepLine({ words, item, mayRead }: KeepLineProps): VNode | null {
  const { keep, course, name } = item;
  if (keep === undefined) return null;
  if (keep.object !== undefined)
    return <p class="items__kept">{mayRead ? <a href={`/vault/${keep.object}`}>{words.kept}</a> : words.kept}</p>;
  if (keep.refused !== undefined) return <p class="items__refused">{`${words.refused} (${keep.refused})`}</p>;
  if (typeof course !== "number") return <p class="items__open">{words.courses[course ?? "no file"]}</p>;
  return (
    <>
      <p>{words.sending}</p>
      <progress aria-label={`${words.sending}: ${name}`} max={1} value={course} />
    </>
  );
}
