/** Where files are dropped, and how far each of them is. */
import { concatBytes, isProofFileName } from "@attestry/core";
import type { EnrolledIssuer } from "@attestry/core/client";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { FileDrop } from "../../parts/file-drop.tsx";
import { Icon, type IconName } from "../../parts/icons.tsx";
import { may, type Session } from "../../session.ts";
import { useShell } from "../../shell.ts";
import type { NotarizeWords } from "./index.tsx";
import type { Journal, KeepWish } from "./journal.ts";
import { KeepFields, KeepLine } from "./keep.tsx";
import type { Item } from "./notarizer.ts";
import type { OwnKey } from "./own-key.ts";
import { useWork, type WorkView } from "./use-work.ts";
import { createZip } from "./zip.ts";

type Words = NotarizeWords["files"];

export interface FilesProps {
  readonly words: Words;
  readonly ownKey: OwnKey;
  /** Undefined while the key is not enrolled, or no more. */
  readonly issuer: EnrolledIssuer | undefined;
  readonly journal: Journal;
  readonly session: Session;
}

export function Files({ words, ownKey, issuer, journal, session }: FilesProps): VNode | null {
  const view = useWork({ key: ownKey, issuer: issuer?.issuer, journal, session });
  const { vault } = view;
  const [keep, setKeep] = useState<KeepWish>();
  const [record, setRecord] = useState<RecordChoice>({ kind: "none", text: "" });
  const [passedOver, setPassedOver] = useState(0);
  const heading = useRef<HTMLHeadingElement>(null);
  const was = useRef(issuer);
  useEffect(() => {
    if (was.current === undefined && issuer !== undefined) heading.current?.focus(); // the form that had the focus is gone
    was.current = issuer;
  }, [issuer]);
  if (issuer === undefined && view.items.length === 0) return null;
  const take = (dropped: readonly File[]): void => {
    const files = dropped.filter(({ name }) => !isProofFileName(name));
    setPassedOver(dropped.length - files.length);
    view.add(files, (file) => subjectOf(record, file), keep);
  };
  return (
    <section aria-labelledby="files">
      <h2 id="files" tabIndex={-1} ref={heading}>
        {words.heading}
      </h2>
      {issuer !== undefined && (
        <>
          <p>
            {words.issuer} <strong class="issuer">{issuer.issuer}</strong>
          </p>
          <RecordFields words={words} record={record} onChange={setRecord} />
          {vault !== undefined && <KeepFields words={words.keep} vault={vault} keep={keep} onChange={setKeep} />}
          <FileDrop
            label={words.drop}
            action={words.choose}
            hint={keep === undefined ? words.hint : words.keep.dropHint}
            multiple
            onFiles={take}
          />
          <p role="status">{passedOver > 0 && words.passedOver(passedOver)}</p>
        </>
      )}
      {view.trouble && (
        <div class="usa-alert usa-alert--warning usa-alert--slim" role="alert">
          <div class="usa-alert__body">
            <p class="usa-alert__text">{words.troubles[view.trouble]}</p>
          </div>
        </div>
      )}
      {view.items.length > 0 && (
        <List words={words} view={view} mayRead={may(session, "object:read", "custody:read")} />
      )}
    </section>
  );
}

interface RecordChoice {
  readonly kind: "none" | "one" | "name";
  readonly text: string;
}

function subjectOf({ kind, text }: RecordChoice, { name }: File): string | undefined {
  const chosen = kind === "one" ? text.trim() : kind === "name" ? name.replace(/(?<=.)\.[^.]*$/, "") : "";
  return chosen === "" ? undefined : chosen;
}

interface RecordFieldsProps {
  readonly words: Words;
  readonly record: RecordChoice;
  onChange(record: RecordChoice): void;
}

function RecordFields({ words, record, onChange }: RecordFieldsProps): VNode {
  return (
    <fieldset class="record" aria-describedby="record-hint">
      <legend>{words.record}</legend>
      {(["none", "one", "name"] as const).map((kind) => (
        <div key={kind} class="record__choice">
          <label>
            <input
              type="radio"
              name="record"
              checked={record.kind === kind}
              onChange={() => onChange({ ...record, kind })}
            />{" "}
            {words.recordChoices[kind]}
          </label>
          {kind === "one" && (
            <input
              class="usa-input"
              aria-label={words.record}
              value={record.text}
              maxLength={512}
              onInput={(event) => onChange({ kind: "one", text: event.currentTarget.value })}
            />
          )}
        </div>
      ))}
      <p id="record-hint">{words.recordHint}</p>
    </fieldset>
  );
}

interface ListProps {
  readonly words: Words;
  readonly view: WorkView;
  /** Whether the vault's page shows something to who is here. */
  readonly mayRead: boolean;
}

function List({ words, view, mayRead }: ListProps): VNode {
  const { items, clear } = view;
  const done = items.filter((item) => item.state === "registered");
  const saveAll = (): void => {
    const files = done.map(({ name, proof }) => ({ name: `${name}.proof`, bytes: proof }));
    save(createZip(files), "proofs.zip", "application/zip");
  };
  return (
    <>
      <p role="status">
        <strong>{words.progress(done.length, items.length)}</strong>
      </p>
      <ul class="items">
        {items.toReversed().map((item) => (
          <Line key={item.id} words={words} item={item} mayRead={mayRead} />
        ))}
      </ul>
      <div class="items__buttons">
        {done.length > 0 && (
          <button type="button" class="usa-button" onClick={saveAll}>
            {words.zip}
          </button>
        )}
        <button type="button" class="usa-button usa-button--outline" onClick={clear}>
          {words.clear}
        </button>
        <p>{words.clearNote}</p>
      </div>
    </>
  );
}

const icons: Readonly<Record<Item["state"], IconName>> = {
  waiting: "file",
  reading: "file",
  unreadable: "warning",
  unsigned: "warning",
  signed: "seal",
  registered: "check",
  refused: "cross",
};

interface LineProps extends Pick<ListProps, "words" | "mayRead"> {
  readonly item: Item;
}

function Line({ words, item, mayRead }: LineProps): VNode {
  const { language } = useShell();
  const { name, state } = item;
  return (
    <li class={`items__one items__one--${state}`} data-state={state}>
      <Icon name={icons[state]} />
      <div class="items__words">
        <p class="items__name">{name}</p>
        <p>{describe(item, words)}</p>
        {item.state === "registered" && <KeepLine words={words.keep} item={item} mayRead={mayRead} />}
        {item.state === "reading" && (
          <progress aria-label={`${words.states.reading}: ${name}`} max={1} value={item.share} />
        )}
      </div>
      {item.state === "registered" && (
        <p class="items__links">
          <a href={`/entry/${item.index}`}>{words.entry(item.index)}</a>
          <button
            type="button"
            class="usa-button usa-button--unstyled"
            onClick={() => save(item.proof, `${name}.proof`, "application/cose")}
          >
            {words.proof} <span class="usa-sr-only">{words.of(name)}</span>
          </button>
          <a href={`/v1/entries/${item.index}/certificate.pdf?lang=${language}`}>
            {words.certificate} <span class="usa-sr-only">{words.of(name)}</span>
          </a>
        </p>
      )}
    </li>
  );
}

function describe(item: Item, { states, refusals, refused }: Words): string {
  if (item.state === "registered") return !item.holds ? states.doubtful : item.isNew ? states.registered : states.known;
  if (item.state !== "refused") return states[item.state];
  const known: Partial<Record<string, string>> = refusals;
  return known[item.code] ?? `${refused} (${item.code})`;
}

/** Lets the browser keep the bytes as a file. */
function save(bytes: Uint8Array, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([concatBytes(bytes) as BlobPart], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it after the click
}
