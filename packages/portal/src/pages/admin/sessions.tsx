/** Who is signed in at the portal, and the way to sign somebody out. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Failure } from "../../parts/failure.tsx";
import { Time } from "../../parts/time.tsx";
import type { Office } from "./index.tsx";
import { Act, Done, Name, useReading } from "./parts.tsx";
import { Roles } from "./tokens.tsx";

export function Sessions({ office }: { readonly office: Office }): VNode {
  const words = office.words.sessions;
  const { value: sessions, problem, again } = useReading(() => office.access.listSessions());
  const [turn, setTurn] = useState(0);
  const changed = (): void => {
    setTurn(turn + 1);
    again();
  };
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      <Done office={office} turn={turn} />
      <ul class="listed">
        {sessions?.toReversed().map(({ id, name, roles, provider, isOwn, startedAt, seenAt }) => (
          <li key={id} class="listed__one">
            <div class="listed__words">
              <h3>
                <Name text={name} />
                {isOwn === true && <span class="usa-tag role">{words.you}</span>}
              </h3>
              <p>
                <Roles words={office.words} roles={roles} />
              </p>
              <p>
                {provider === undefined ? words.local : words.by(provider)}, {words.since} <Time at={startedAt} />,{" "}
                {words.seen} <Time at={seenAt} />
              </p>
            </div>
            <Act
              words={office.words}
              id={`end-${id}`}
              label={words.end}
              of={name}
              title={words.endTitle}
              text={words.endText}
              act={() => office.access.endSession(id)}
              onDone={changed}
            />
          </li>
        ))}
      </ul>
    </>
  );
}
