/** What is searched for. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { FileDrop } from "../../parts/file-drop.tsx";
import { hashDropped } from "../../parts/hash-dropped.ts";
import { useShell } from "../../shell.ts";
import type { words as en } from "../../words/en/search.ts";
import { isHash, type SearchFields, searchHref, tidyHash } from "./query.ts";

type Words = typeof en;

export function SearchForm({ words, fields }: { readonly words: Words; readonly fields: SearchFields }): VNode {
  const { navigate } = useShell();
  const [typed, setTyped] = useState(fields);
  const [wrong, setWrong] = useState<string>();
  const change = (part: Partial<SearchFields>): void => setTyped((last) => ({ ...last, ...part }));
  const submit = (event: Event): void => {
    event.preventDefault();
    const hash = tidyHash(typed.hash);
    const isWrong = hash !== "" && !isHash(hash);
    setWrong(isWrong ? words.hashWrong : undefined);
    if (isWrong) document.querySelector<HTMLElement>("#hash")?.focus();
    else navigate(searchHref({ ...typed, hash }));
  };
  const take = async (files: readonly File[]): Promise<void> => {
    const hash = await hashDropped(files, words, setWrong);
    if (hash !== undefined) change({ hash });
  };
  const text = (name: "subject" | "issuer" | "hash", hint: string): VNode => (
    <Field name={name} label={words[name]} hint={hint} error={name === "hash" ? wrong : undefined}>
      <input
        class="usa-input"
        id={name}
        name={name}
        value={typed[name]}
        maxLength={512}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${name}-hint`}
        aria-invalid={name === "hash" && wrong !== undefined ? "true" : undefined}
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </Field>
  );
  const date = (name: "from" | "to"): VNode => (
    <Field name={name} label={words[name]} hint={words.dateHint}>
      <input
        class="usa-input"
        type="date"
        id={name}
        name={name}
        value={typed[name]}
        aria-describedby={`${name}-hint`}
        onInput={(event) => change({ [name]: event.currentTarget.value })}
      />
    </Field>
  );
  return (
    // biome-ignore lint/a11y/useSemanticElements: no browser reads out <search> yet
    <form class="search" role="search" onSubmit={submit}>
      {text("subject", words.subjectHint)}
      {text("issuer", words.issuerHint)}
      <div class="search__hash">
        {text("hash", words.hashHint)}
        <FileDrop label={words.chooseFile} action={words.choose} compact onFiles={take} />
      </div>
      {date("from")}
      {date("to")}
      <div class="search__buttons">
        <button type="submit" class="usa-button">
          {words.search}
        </button>
        <a class="usa-button usa-button--outline" href="/search">
          {words.clear}
        </a>
      </div>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly error?: string | undefined;
  readonly children: VNode;
}

function Field({ name, label, hint, error, children }: FieldProps): VNode {
  return (
    <div class="field">
      <label class="field__label" for={name}>
        {label}
      </label>
      {children}
      <p class="field__hint" id={`${name}-hint`}>
        {hint}
      </p>
      <p class="field__error" role="alert">
        {error}
      </p>
    </div>
  );
}
