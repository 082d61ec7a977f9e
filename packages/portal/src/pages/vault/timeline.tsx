/** The custody of a record as a story, the latest act first; each is read from its bytes and held against the log in the browser. */
import { type CheckedEvent, type ReadEvent, readCustody } from "@attestry/core";
import type { Custody } from "@attestry/core/client";
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { Time } from "../../parts/time.tsx";
import type { VaultWords } from "./index.tsx";
import { isForever } from "./state.tsx";
import { checkOf, useChecks } from "./use-checks.ts";

type Words = VaultWords["custody"];
type Status = CheckedEvent["status"] | "waiting";

/** Each is a proof to fetch and to verify. */
const pageLength = 20;

export interface TimelineProps {
  readonly words: Words;
  /** What was asked for: an id, or a hash. */
  readonly reference: string;
  readonly custody: Custody;
}

export function Timeline({ words, reference, custody }: TimelineProps): VNode {
  const [pages, setPages] = useState(1);
  const all = useMemo(() => readCustody(reference, custody).reverse(), [reference, custody]);
  const shown = all.slice(0, pages * pageLength);
  const checks = useChecks(shown, custody.issuer);
  const objects = new Set(custody.events.map(({ objectId }) => objectId)).size;
  const hidden = Math.min(pageLength, all.length - shown.length);
  if (all.length === 0) return <p>{words.none}</p>;
  return (
    <>
      <p>{words.intro}</p>
      <Summary words={words} checked={shown.map((read) => checkOf(checks, read))} />
      <ol class="timeline" reversed>
        {shown.map((read) => (
          <Act
            key={read.given.event}
            words={words}
            read={read}
            checked={checkOf(checks, read)}
            isOneOfMany={objects > 1}
          />
        ))}
      </ol>
      {hidden > 0 && (
        <button type="button" class="usa-button usa-button--outline" onClick={() => setPages((count) => count + 1)}>
          {words.earlier(hidden)}
        </button>
      )}
    </>
  );
}

interface SummaryProps {
  readonly words: Words;
  readonly checked: readonly (CheckedEvent | undefined)[];
}

function Summary({ words, checked }: SummaryProps): VNode {
  const count = (status: CheckedEvent["status"]): number => checked.filter((one) => one?.status === status).length;
  const broken = count("broken");
  const waits = checked.some((one) => one === undefined);
  const [text, status]: [string, Status] =
    broken > 0
      ? [words.broken(broken), "broken"]
      : waits
        ? [words.checking, "waiting"]
        : count("unknown") > 0
          ? [words.open, "unknown"]
          : [words.all(checked.length), "holds"];
  return (
    <p class={`agreement agreement--${status}`} role="status" data-status={status}>
      <Icon name={icons[status]} size={20} /> {text}
    </p>
  );
}

const icons: Readonly<Record<Status, IconName>> = {
  holds: "check",
  broken: "cross",
  unknown: "question",
  waiting: "question",
};

interface ActProps {
  readonly words: Words;
  readonly read: ReadEvent;
  /** Undefined until it is. */
  readonly checked: CheckedEvent | undefined;
  /** Whether there are other objects' acts in the list. */
  readonly isOneOfMany: boolean;
}

function Act({ words, read, checked, isOneOfMany }: ActProps): VNode {
  const { given, event } = read;
  const status: Status = checked?.status ?? "waiting";
  return (
    <li class={`timeline__one timeline__one--${status}`} data-status={status} data-action={event?.action}>
      <div class="timeline__head">
        <h3>{event === undefined ? words.unknownAction : words.actions[event.action]}</h3>
        <p class="timeline__when">
          <Time at={event?.time ?? given.time} />
        </p>
      </div>
      {event !== undefined && (
        <p>
          {words.by} <strong>{event.who}</strong>
        </p>
      )}
      {event !== undefined && <Particulars words={words} event={event} isOneOfMany={isOneOfMany} />}
      <p class="timeline__check">
        <a href={`/entry/${given.entryIndex}`}>{words.entry(given.entryIndex)}</a>
        <span class="timeline__status">
          <Icon name={icons[status]} size={16} /> {words.statuses[status]}
        </span>
      </p>
      {status !== "waiting" && status !== "holds" && (
        <p class="timeline__problem">{checked?.problem ? words.problems[checked.problem] : words.unreachable}</p>
      )}
    </li>
  );
}

interface ParticularsProps {
  readonly words: Words;
  readonly event: NonNullable<ReadEvent["event"]>;
  readonly isOneOfMany: boolean;
}

function Particulars({ words, event, isOneOfMany }: ParticularsProps): VNode {
  return (
    <dl class="timeline__facts">
      <Fact label={words.purpose} text={event.purpose} />
      {"order" in event && <Fact label={words.order} text={event.order} />}
      {"recordClass" in event && <Fact label={words.recordClass} text={event.recordClass} />}
      {"retainUntil" in event && event.retainUntil > event.time && (
        <div>
          <dt>{words.until}</dt>
          <dd>
            {isForever(new Date(event.retainUntil * 1000).toISOString()) ? (
              words.forever
            ) : (
              <Time at={event.retainUntil} />
            )}
          </dd>
        </div>
      )}
      {isOneOfMany && <Fact label={words.object} text={event.objectId} />}
    </dl>
  );
}

function Fact({ label, text }: { readonly label: string; readonly text: string }): VNode {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{text}</dd>
    </div>
  );
}
