/** One page of what was found, the newest first. */
import type { EntryPage, EntrySummary } from "@attestry/core/client";
import type { VNode } from "preact";
import { Time } from "../../parts/time.tsx";
import type { words as en } from "../../words/en/search.ts";
import { type SearchFields, searchHref } from "./query.ts";

type Words = typeof en;

export interface ResultsProps {
  readonly words: Words;
  readonly fields: SearchFields;
  readonly page: EntryPage;
  /** Whether newer entries stand before this page. */
  readonly isLater: boolean;
}

export function Results({ words, fields, page: { entries, next }, isLater }: ResultsProps): VNode {
  const none = next === undefined ? words.none : words.noneYet;
  return (
    <>
      <p role="status">{entries.length === 0 ? none : words.found(entries.length)}</p>
      <ul class="results">
        {entries.map((entry) => (
          <Result key={entry.index} words={words} entry={entry} />
        ))}
      </ul>
      <nav class="results__pages" aria-label={words.pages}>
        {isLater && (
          <a class="usa-button usa-button--outline" href={searchHref(fields)}>
            {words.newest}
          </a>
        )}
        {next !== undefined && (
          <a class="usa-button usa-button--outline" href={searchHref(fields, next)}>
            {words.older}
          </a>
        )}
      </nav>
    </>
  );
}

function Result({ words, entry }: { readonly words: Words; readonly entry: EntrySummary }): VNode {
  const { index, subject, issuer, registeredAt, contentType, relation } = entry;
  const unnamed = subject.startsWith("ni:///"); // RFC 6920: the hash once more
  return (
    <li class="results__one">
      <h3>
        <a href={`/entry/${index}`}>{unnamed ? words.entry(index) : subject}</a>
      </h3>
      <p>
        {unnamed ? words.noSubject : words.entry(index)}
        {contentType !== undefined && <> · {contentType}</>}
        {relation !== undefined && (
          <>
            {" · "}
            <strong>{words.relation[relation.kind]}</strong>
          </>
        )}
      </p>
      <p class="results__when">
        {words.registered} <Time at={registeredAt} />, {words.by} <span class="results__issuer">{issuer}</span>
      </p>
    </li>
  );
}
