/** One recording: how it stands, what it is, its use, its custody, and the acts on it. */
import { encodeHex, readCustody } from "@attestry/core";
import type { Custody, VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { Failure } from "../../parts/failure.tsx";
import { Hash } from "../../parts/hash.tsx";
import { Key, Rows } from "../../parts/rows.tsx";
import { formatBytes } from "../../parts/size.ts";
import { Time } from "../../parts/time.tsx";
import { type Remote, useRemote } from "../../remote.ts";
import { Acts } from "./acts.tsx";
import type { Desk } from "./index.tsx";
import { recordName, StandingBanner } from "./state.tsx";
import { Timeline } from "./timeline.tsx";
import { Use } from "./use.tsx";

interface RecordingProps {
  readonly desk: Desk;
  /** An object's id, or the SHA-256 of its content. */
  readonly reference: string;
}

export function Recording({ desk, reference }: RecordingProps): VNode {
  const { words, vault } = desk;
  const mayRead = desk.may("object:read");
  const { value, problem } = useRemote(async () => (mayRead ? await vault.object(reference) : "unseen"), reference);
  const [changed, setChanged] = useState<VaultObject>();
  const [acts, setActs] = useState(0); // that custody was added to
  const object = changed ?? (value === "unseen" ? undefined : value);
  const ref = mayRead ? object?.id : reference;
  const custody = useLasting(
    useRemote(
      async () => (ref !== undefined && desk.may("custody:read") ? await vault.custody(ref) : undefined),
      `${ref} ${acts}`,
    ),
  );
  const about = object ?? (ref && custody.value ? describe(ref, custody.value) : undefined);
  const added = (): void => setActs((count) => count + 1);
  const erasure = custody.value?.events.findLast(({ action }) => action === "erased");
  return (
    <div class="narrow vault">
      <h1>{about === undefined ? words.title : recordName(about, words)}</h1>
      {problem && <Failure words={words} error={problem} />}
      {!value && !problem && <p role="status">{words.loading}</p>}
      {object !== undefined && (
        <>
          <StandingBanner words={words.state} object={object} erasure={erasure} />
          {object.state === "whole" && <Use desk={desk} object={object} onUsed={added} />}
          <Facts desk={desk} object={object} />
        </>
      )}
      <History desk={desk} reference={ref} custody={custody} />
      {object?.state === "whole" && (
        <Acts
          desk={desk}
          object={object}
          onDone={(next) => {
            setChanged(next);
            added();
          }}
        />
      )}
    </div>
  );
}

/** The record as its custody has it, for who may not ask for the record. */
function describe(reference: string, custody: Custody): { subject: string; hash: string } | undefined {
  const event = readCustody(reference, custody)[0]?.event;
  return event && { subject: event.subject, hash: encodeHex(event.contentHash) };
}

interface HistoryProps {
  readonly desk: Desk;
  readonly reference: string | undefined;
  readonly custody: Remote<Custody | undefined>;
}

function History({ desk, reference, custody }: HistoryProps): VNode | null {
  if (reference === undefined || !desk.may("custody:read")) return null;
  return (
    <section aria-labelledby="custody">
      <h2 id="custody">{desk.words.custody.heading}</h2>
      {custody.problem && <Failure words={desk.words} error={custody.problem} />}
      {custody.value && <Timeline words={desk.words.custody} reference={reference} custody={custody.value} />}
    </section>
  );
}

/** What was known stays in its place while it is asked for again. */
function useLasting<T>(remote: Remote<T>): Remote<T> {
  const last = useRef(remote.value);
  last.current = remote.value ?? last.current;
  return { ...remote, value: last.current };
}

function Facts({ desk, object }: { readonly desk: Desk; readonly object: VaultObject }): VNode {
  const words = desk.words.facts;
  const { hash, size, contentType, recordClass, storedAt, entryIndex, id } = object;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{words.heading}</h2>
      <Rows
        rows={[
          { label: words.kind, value: contentType ?? desk.words.unknownKind },
          { label: words.size, value: formatBytes(size) },
          { label: words.hash, value: <Hash hex={hash} /> },
          { label: words.recordClass, value: recordClass },
          { label: words.stored, value: <Time at={storedAt} /> },
          { label: words.statement, value: <a href={`/entry/${entryIndex}`}>{words.entry(entryIndex)}</a> },
          { label: words.id, value: <Key text={id} /> },
        ]}
      />
      <Same desk={desk} object={object} />
    </section>
  );
}

/** Other objects with the same content: what is done to one is not done to them. */
function Same({ desk, object: { id, hash } }: { readonly desk: Desk; readonly object: VaultObject }): VNode | null {
  const { words } = desk;
  const { value } = useRemote(() => desk.vault.find({ hash: Uint8Array.fromHex(hash), limit: 100 }), hash);
  const others = value?.objects.filter((other) => other.id !== id) ?? [];
  if (others.length === 0) return null;
  return (
    <>
      <p>{words.facts.same}</p>
      <ul>
        {others.map((other) => (
          <li key={other.id}>
            <a href={`/vault/${other.id}`}>{recordName(other, words)}</a> (<Time at={other.storedAt} />)
          </li>
        ))}
      </ul>
    </>
  );
}
