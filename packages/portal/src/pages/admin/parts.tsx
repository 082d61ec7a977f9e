/** What the sections share: reading again after a change, acts that ask once more, and what became of them. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { TextField } from "../../parts/field.tsx";
import { Icon } from "../../parts/icons.tsx";
import { type Remote, useRemote } from "../../remote.ts";
import type { AdminWords, Office } from "./index.tsx";

export interface Reading<T> extends Remote<T> {
  /** Asks again; what is shown stays until the answer is there. */
  again(): void;
}

/** @param every milliseconds until it asks again by itself, given what came last */
export function useReading<T>(load: () => Promise<T>, every?: (value: T) => number | undefined): Reading<T> {
  const [turn, setTurn] = useState(0);
  const [pace, setPace] = useState<number>();
  const last = useRef<T>(undefined);
  const ask = async (): Promise<T> => {
    const value = await load();
    setPace(every?.(value));
    return value;
  };
  const { value, problem, at } = useRemote(ask, String(turn), pace);
  last.current = value ?? last.current;
  return { value: last.current, problem, at, again: () => setTurn((count) => count + 1) };
}

/** Says that something was done, and takes the focus from the form that is gone. @param turn another one for each time */
export function Done({ office, turn }: { readonly office: Office; readonly turn: number }): VNode {
  const notice = useRef<HTMLParagraphElement>(null);
  const { words } = office;
  useEffect(() => {
    if (turn > 0) notice.current?.focus();
  }, [turn]);
  return (
    <p class="done" tabIndex={-1} ref={notice} role="status">
      {turn > 0 && (
        <>
          <Icon name="check" size={20} /> {words.done}{" "}
          {office.may("action:read") ? <a href="/admin/actions">{words.record}</a> : words.record}.
        </>
      )}
    </p>
  );
}

export interface ActProps {
  readonly words: AdminWords;
  /** Unique in the page. */
  readonly id: string;
  readonly label: string;
  /** What it is done to, for who hears the button by itself. */
  readonly of?: string;
  readonly title: string;
  readonly text: string;
  /** Asks for a text, which goes to `act`. */
  readonly ask?: { readonly label: string; readonly hint: string };
  readonly children?: ComponentChildren;
  readonly danger?: boolean;
  act(text: string): Promise<unknown>;
  onDone(): void;
}

/** A button that asks once more before it is done. */
export function Act({ words, id, label, of, title, text, ask, children, danger = true, act, onDone }: ActProps): VNode {
  const [asking, setAsking] = useState(false);
  const [typed, setTyped] = useState("");
  const { busy, error, run } = useDoing();
  const form = useRef<HTMLFormElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const was = useRef(false);
  useEffect(() => {
    if (asking) form.current?.focus();
    else if (was.current) button.current?.focus(); // it was called off
    was.current = asking;
  }, [asking]);
  if (!asking) {
    return (
      <button
        type="button"
        class="usa-button usa-button--outline act__open"
        ref={button}
        onClick={() => setAsking(true)}
      >
        {label}
        {of !== undefined && <span class="usa-sr-only"> {of}</span>}
      </button>
    );
  }
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    if (!(await run(() => act(typed.trim())))) return;
    was.current = false;
    setAsking(false);
    onDone();
  };
  return (
    <form class="ask" aria-labelledby={`${id}-title`} tabIndex={-1} ref={form} onSubmit={submit}>
      <p class="ask__title" id={`${id}-title`}>
        {title}
      </p>
      <p>{text}</p>
      {children}
      {ask !== undefined && (
        <TextField id={`${id}-text`} label={ask.label} hint={ask.hint} value={typed} onInput={setTyped} />
      )}
      {error && <Failure words={words} error={error} />}
      <div class="ask__buttons">
        <button
          type="submit"
          class={`usa-button${danger ? " usa-button--secondary" : ""}`}
          disabled={busy || (ask !== undefined && typed.trim() === "")}
        >
          {label}
        </button>
        <button type="button" class="usa-button usa-button--outline" onClick={() => setAsking(false)}>
          {words.cancel}
        </button>
      </div>
    </form>
  );
}

/** A form behind its name, closed until it is wanted. */
export function Maker({ title, children }: { readonly title: string; readonly children: ComponentChildren }): VNode {
  return (
    <details class="maker">
      <summary>
        <h3>{title}</h3>
        <Icon name="chevron" />
      </summary>
      <div class="maker__body">{children}</div>
    </details>
  );
}

/** A name that somebody else chose: whatever its letters' direction is, it turns nothing around it. */
export function Name({ text }: { readonly text: string }): VNode {
  return <bdi class="name">{text}</bdi>;
}
