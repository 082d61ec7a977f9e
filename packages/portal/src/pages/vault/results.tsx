/** One page of what the vault has, the latest stored first. */
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { Failure } from "../../parts/failure.tsx";
import { formatBytes } from "../../parts/size.ts";
import { Time } from "../../parts/time.tsx";
import { useRemote } from "../../remote.ts";
import type { Desk, VaultWords } from "./index.tsx";
import { toQuery, type VaultFields, vaultHref } from "./query.ts";
import { recordName, StateTag } from "./state.tsx";

export interface ResultsProps {
  readonly desk: Desk;
  readonly fields: VaultFields;
  /** Where this page begins; null for the first. */
  readonly cursor: string | null;
}

export function Results({ desk, fields, cursor }: ResultsProps): VNode {
  const words = desk.words.results;
  const { value, problem } = useRemote(
    () => desk.vault.find(toQuery(fields, cursor)),
    vaultHref(fields, cursor ?? undefined),
  );
  const none = cursor === null ? words.none : words.noneLater;
  return (
    <section aria-labelledby="results">
      <h2 id="results">{words.heading}</h2>
      {problem && <Failure words={desk.words} error={problem} />}
      {!value && !problem && <p role="status">{words.searching}</p>}
      {value && (
        <>
          <p role="status">{value.objects.length === 0 ? none : words.found(value.objects.length)}</p>
          <ul class="found">
            {value.objects.map((object) => (
              <Result key={object.id} words={desk.words} object={object} />
            ))}
          </ul>
          <nav class="found__pages" aria-label={words.pages}>
            {cursor !== null && (
              <a class="usa-button usa-button--outline" href={vaultHref(fields)}>
                {words.newest}
              </a>
            )}
            {value.next !== undefined && (
              <a class="usa-button usa-button--outline" href={vaultHref(fields, value.next)}>
                {words.older}
              </a>
            )}
          </nav>
        </>
      )}
    </section>
  );
}

function Result({ words, object }: { readonly words: VaultWords; readonly object: VaultObject }): VNode {
  const { id, contentType = words.unknownKind, size, recordClass, storedAt } = object;
  return (
    <li class="found__one">
      <div>
        <h3>
          <a href={`/vault/${id}`}>{recordName(object, words)}</a>
        </h3>
        <p>
          {contentType} · {formatBytes(size)} · {recordClass}
        </p>
        <p class="found__when">
          {words.results.stored} <Time at={storedAt} />
        </p>
      </div>
      <StateTag words={words.state} object={object} />
    </li>
  );
}
