/** What administrators did and auditors ran, each with its entry in the log. */
import type { AdministrativeAction } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { Time } from "../../parts/time.tsx";
import type { Office } from "./index.tsx";
import { Name, useReading } from "./parts.tsx";

const pageSize = 50;

export function Actions({ office }: { readonly office: Office }): VNode {
  const words = office.words.actions;
  const { value: newest, problem } = useReading(() => office.access.listActions(pageSize));
  const [older, setOlder] = useState<readonly AdministrativeAction[]>([]);
  const [isAll, setAll] = useState(false);
  const { busy, error, run } = useDoing();
  const actions = [...(newest ?? []), ...older];
  const more = (): Promise<boolean> =>
    run(async () => {
      const next = await office.access.listActions(pageSize, actions.at(-1)?.sequence);
      setOlder([...older, ...next]);
      setAll(next.length < pageSize);
    });
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      {newest?.length === 0 && <p>{words.none}</p>}
      <ol class="listed" aria-busy={busy}>
        {actions.map((action) => (
          <Line key={action.sequence} office={office} action={action} />
        ))}
      </ol>
      {error && <Failure words={office.words} error={error} />}
      {!isAll && newest?.length === pageSize && (
        <button type="button" class="usa-button usa-button--outline" disabled={busy} onClick={more}>
          {words.older}
        </button>
      )}
    </>
  );
}

function Line({ office, action }: { readonly office: Office; readonly action: AdministrativeAction }): VNode {
  const words = office.words.actions;
  const names: Partial<Record<string, string>> = words.names;
  const { who, time, entryIndex, facts } = action;
  const about = [facts["name"], facts["issuer"], facts["id"]].find((fact) => typeof fact === "string");
  return (
    <li class="listed__one">
      <div class="listed__words">
        <h3>
          {names[action.action] ?? action.action}
          {about !== undefined && (
            <>
              : <Name text={String(about)} />
            </>
          )}
        </h3>
        <p>
          {words.by} <Name text={who} />, <Time at={time} />
        </p>
        <Facts label={words.details} facts={facts} />
      </div>
      <p>
        <a href={`/entry/${entryIndex}`}>{words.entry(String(entryIndex))}</a>
      </p>
    </li>
  );
}

/** As the event has them. */
function Facts({
  label,
  facts,
}: {
  readonly label: string;
  readonly facts: AdministrativeAction["facts"];
}): VNode | null {
  const known = Object.entries(facts).filter(([, value]) => value !== null);
  if (known.length === 0) return null;
  return (
    <details class="ended">
      <summary>{label}</summary>
      <dl class="event" lang="en">
        {known.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Name text={typeof value === "string" ? value : JSON.stringify(value)} />
            </dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
