/** Who besides the notary vouches for the log, and whether they get on: witnesses, ledgers, time stamp authorities. */
import type { AnchorSummary, NotaryStatus } from "@attestry/core/client";
import type { ComponentChildren, VNode } from "preact";
import { Failure } from "../../parts/failure.tsx";
import { Icon } from "../../parts/icons.tsx";
import { placeName } from "../../parts/places.ts";
import { Time } from "../../parts/time.tsx";
import { useShell } from "../../shell.ts";
import type { AdminWords, Office } from "./index.tsx";
import { Name, useReading } from "./parts.tsx";

interface Health {
  readonly status: NotaryStatus;
  readonly anchors: readonly AnchorSummary[];
}

const every = 5000;

export function Places({ office }: { readonly office: Office }): VNode {
  const words = office.words.places;
  const { notary } = office;
  const { value, problem } = useReading(
    async (): Promise<Health> => {
      const [status, anchors] = await Promise.all([notary.status(), notary.anchors(10)]);
      return { status, anchors };
    },
    () => every,
  );
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      {value && <Witnesses words={words} status={value.status} />}
      {value && <Ledgers words={words} status={value.status} />}
      {value && <Anchors words={words} anchors={value.anchors} />}
    </>
  );
}

type Words = AdminWords["places"];

function Witnesses({ words, status }: { readonly words: Words; readonly status: NotaryStatus }): VNode {
  const count = useCount();
  const { witnesses = [], treeSize } = status;
  return (
    <>
      <h3>{words.witnesses}</h3>
      {witnesses.length === 0 && <p>{words.noWitnesses}</p>}
      <ul class="listed">
        {witnesses.map(({ name, url, lastSize, lastTime, healthy }) => (
          <li key={url} class="listed__one">
            <div class="listed__words">
              <h4>
                <Name text={name} />
              </h4>
              <p>{url}</p>
              <p>
                {words.cosigned(count(lastSize), count(treeSize))}
                <Last words={words} at={lastTime} />
              </p>
            </div>
            <Mark good={healthy}>{healthy ? words.working : words.trouble}</Mark>
          </li>
        ))}
      </ul>
    </>
  );
}

function Ledgers({ words, status }: { readonly words: Words; readonly status: NotaryStatus }): VNode {
  const count = useCount();
  const { treeSize, anchoring } = status;
  const places = anchoring?.places ?? [];
  return (
    <>
      <h3>{words.ledgers}</h3>
      {places.length === 0 && anchoring?.problem === undefined && <p>{words.noLedgers}</p>}
      {anchoring?.problem !== undefined && (
        <p>
          {words.paused}: <span lang="en">{anchoring.problem}</span>
        </p>
      )}
      <ul class="listed">
        {places.map(({ name, kind, finalSize, finalTime, submitted, included, final, lost, problem }) => (
          <li key={name} class="listed__one">
            <div class="listed__words">
              <h4>{placeName(name)}</h4>
              <p>{words.kinds[kind]}</p>
              <p>
                {words.covered(count(finalSize), count(treeSize))}
                <Last words={words} at={finalTime} />
              </p>
              <p>{words.counts(count(final), count(submitted + included), count(lost))}</p>
              {problem !== undefined && (
                <p>
                  {words.why}: <span lang="en">{problem}</span>
                </p>
              )}
            </div>
            <Mark good={problem === undefined}>{problem === undefined ? words.working : words.trouble}</Mark>
          </li>
        ))}
      </ul>
    </>
  );
}

function Anchors({ words, anchors }: { readonly words: Words; readonly anchors: readonly AnchorSummary[] }): VNode {
  const count = useCount();
  return (
    <>
      <h3>{words.anchors}</h3>
      {anchors.length === 0 && <p>{words.noAnchors}</p>}
      <ul class="listed">
        {anchors.map(({ place, size, state, submittedAt }) => (
          <li key={`${place} ${size} ${submittedAt}`} class="listed__one">
            <div class="listed__words">
              <p>
                <strong>{words.states[state]}</strong> {words.of(count(size))}, {placeName(place)}
              </p>
            </div>
            <p>
              <Time at={submittedAt} />
            </p>
          </li>
        ))}
      </ul>
    </>
  );
}

function Last({ words, at }: { readonly words: Words; readonly at: string | undefined }): VNode | null {
  if (at === undefined) return null;
  return (
    <>
      , {words.last} <Time at={at} />
    </>
  );
}

function Mark({ good, children }: { readonly good: boolean; readonly children: ComponentChildren }): VNode {
  return (
    <p class={good ? "mark mark--good" : "mark mark--warn"}>
      <Icon name={good ? "check" : "warning"} size={20} /> {children}
    </p>
  );
}

export function useCount(): (value: number) => string {
  const { language } = useShell();
  return (value) => value.toLocaleString(language);
}
