/** How an object stands: kept, held, in its retention period, erased. */
import type { CheckedEvent } from "@attestry/core";
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { Time } from "../../parts/time.tsx";
import type { VaultWords } from "./index.tsx";

type Words = VaultWords["state"];
export type Standing = "whole" | "held" | "retained" | "erased";

const icons: Readonly<Record<Standing, IconName>> = { whole: "check", held: "lock", retained: "lock", erased: "dash" };

export function standingOf({ state, holds, retainUntil }: VaultObject): Standing {
  if (state === "erased") return "erased";
  if (holds.length > 0) return "held";
  return retainUntil !== undefined && Date.parse(retainUntil) > Date.now() ? "retained" : "whole";
}

/** What is kept for ever has a time beyond all that the notary can write, which is the year 9999. @param at ISO 8601 */
export function isForever(at: string | undefined): boolean {
  return at !== undefined && Date.parse(at) >= Date.UTC(9999, 11, 31);
}

/** What people call the record: its number, or the beginning of its hash where it has none (RFC 6920). */
export function recordName({ subject, hash }: Pick<VaultObject, "subject" | "hash">, words: VaultWords): string {
  return subject.startsWith("ni:///") ? `${words.noSubject} (${hash.slice(0, 8)}…)` : subject;
}

export function StateTag({ words, object }: { readonly words: Words; readonly object: VaultObject }): VNode {
  const standing = standingOf(object);
  return (
    <p class={`standing standing--${standing}`}>
      <Icon name={icons[standing]} size={20} />
      {words[standing]}
    </p>
  );
}

interface StandingBannerProps {
  readonly words: Words;
  readonly object: VaultObject;
  /** The act that erased it, where the reader may see custody. */
  readonly erasure: CheckedEvent["given"] | undefined;
}

export function StandingBanner({ words, object, erasure }: StandingBannerProps): VNode {
  const { holds, retainUntil, entryIndex } = object;
  const standing = standingOf(object);
  return (
    <section class={`banner banner--${standing}`} data-standing={standing} aria-labelledby="standing">
      <Icon name={icons[standing]} size={32} />
      <div>
        <h2 id="standing">{words[standing]}</h2>
        {standing === "whole" && <p>{words.wholeText}</p>}
        {standing === "held" && (
          <>
            <p>{words.heldText}</p>
            <p>
              {words.heldBy} <strong>{holds.join(", ")}</strong>
            </p>
          </>
        )}
        {standing !== "erased" && <Retention words={words} until={retainUntil} />}
        {standing === "erased" && (
          <>
            <p>
              {words.erasedAt} <Time at={object.erasedAt ?? ""} />.{" "}
              {erasure?.order !== undefined && words.erasedBy(erasure.order)}
            </p>
            <p>{words.proof}</p>
            <ul>
              <li>
                <a href={`/entry/${entryIndex}`}>{words.thumbprint(entryIndex)}</a>
              </li>
              {erasure !== undefined && (
                <li>
                  <a href={`/entry/${erasure.entryIndex}`}>{words.erasure(erasure.entryIndex)}</a>
                </li>
              )}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}

function Retention({ words, until }: { readonly words: Words; readonly until: string | undefined }): VNode | null {
  if (isForever(until)) return <p>{words.forever}</p>;
  if (until === undefined || Date.parse(until) <= Date.now()) return null;
  return (
    <p>
      {words.retainedUntil} <Time at={until} />.
    </p>
  );
}
