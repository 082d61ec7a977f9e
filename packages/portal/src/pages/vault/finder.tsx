/** Finding a recording: by record number, by hash or the file itself, or down the list. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ChoiceField, TextField } from "../../parts/field.tsx";
import { FileDrop } from "../../parts/file-drop.tsx";
import { hashDropped } from "../../parts/hash-dropped.ts";
import { useShell } from "../../shell.ts";
import { isHash, tidyHash } from "../search/query.ts";
import type { Desk } from "./index.tsx";
import { readFields, type VaultFields, vaultHref } from "./query.ts";
import { Results } from "./results.tsx";

interface FinderProps {
  readonly desk: Desk;
  readonly query: URLSearchParams;
}

export function Finder({ desk, query }: FinderProps): VNode {
  const { words } = desk;
  const fields = readFields(query);
  const mayRead = desk.may("object:read");
  return (
    <div class="wide vault">
      <h1>{words.title}</h1>
      <p class="intro">{mayRead ? words.intro : words.find.auditor}</p>
      <FindForm key={vaultHref(fields)} desk={desk} fields={fields} mayRead={mayRead} />
      {mayRead && <Results desk={desk} fields={fields} cursor={query.get("cursor")} />}
    </div>
  );
}

interface FindFormProps {
  readonly desk: Desk;
  readonly fields: VaultFields;
  readonly mayRead: boolean;
}

function FindForm({ desk, fields, mayRead }: FindFormProps): VNode {
  const { navigate } = useShell();
  const words = desk.words.find;
  const [typed, setTyped] = useState(fields);
  const [wrong, setWrong] = useState<string>();
  const change = (part: Partial<VaultFields>): void => setTyped((last) => ({ ...last, ...part }));
  const submit = (event: Event): void => {
    event.preventDefault();
    const hash = tidyHash(typed.hash);
    const isWrong = !isHash(hash) && (hash !== "" || !mayRead);
    setWrong(isWrong ? words.hashWrong : undefined);
    if (isWrong) document.querySelector<HTMLElement>("#hash")?.focus();
    // Who sees custody alone cannot ask what there is, only name it.
    else navigate(mayRead ? vaultHref({ ...typed, hash }) : `/vault/${hash}`);
  };
  const take = async (files: readonly File[]): Promise<void> => {
    const hash = await hashDropped(files, words, setWrong);
    if (hash !== undefined) change({ hash });
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: no browser reads out <search> yet
    <form class="finder" role="search" onSubmit={submit}>
      {mayRead && (
        <TextField
          id="subject"
          label={words.subject}
          hint={words.subjectHint}
          value={typed.subject}
          onInput={(subject) => change({ subject })}
        />
      )}
      {mayRead && (
        <ChoiceField
          id="state"
          label={words.state}
          options={[
            ["", words.states.any],
            ["whole", words.states.whole],
            ["erased", words.states.erased],
          ]}
          value={typed.state}
          onChange={(state) => change({ state })}
        />
      )}
      <div class="finder__hash">
        <TextField
          id="hash"
          label={words.hash}
          hint={words.hashHint}
          error={wrong}
          value={typed.hash}
          onInput={(hash) => change({ hash })}
        />
        <FileDrop label={words.chooseFile} action={words.choose} compact onFiles={take} />
      </div>
      <div class="finder__buttons">
        <button type="submit" class="usa-button">
          {words.search}
        </button>
        <a class="usa-button usa-button--outline" href="/vault">
          {words.clear}
        </a>
      </div>
    </form>
  );
}
