/** The acts on a recording that change something: holds, its record class, its end. Each is in the log before it is done. */
import type { RecordClass, VaultObject } from "@attestry/core/client";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { ChoiceField, TextField } from "../../parts/field.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Time } from "../../parts/time.tsx";
import { useRemote } from "../../remote.ts";
import { Confirm } from "./confirm.tsx";
import type { Desk } from "./index.tsx";
import { isForever, standingOf } from "./state.tsx";
import { isText } from "./use.tsx";

type ActName = "hold" | "release" | "reclassify" | "erase";

export interface ActsProps {
  readonly desk: Desk;
  readonly object: VaultObject;
  /** The object as it is after the act. */
  onDone(object: VaultObject): void;
}

export function Acts({ desk, object, onDone }: ActsProps): VNode | null {
  const words = desk.words.acts;
  const [done, setDone] = useState<ActName>();
  const notice = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (done !== undefined) notice.current?.focus(); // the form that had the focus is closed
  }, [done, object]);
  if (!desk.may("object:hold", "object:classify", "object:erase")) return null;
  const finish =
    (act: ActName) =>
    (next: VaultObject): void => {
      setDone(act);
      onDone(next);
    };
  const key = `${object.holds.join("\n")} ${object.recordClass}`; // what is done leaves no form open
  return (
    <section aria-labelledby="acts">
      <h2 id="acts">{words.heading}</h2>
      <p class="done" tabIndex={-1} ref={notice} role="status">
        {done !== undefined && (
          <>
            <Icon name="check" size={20} /> {words.done[done]}
          </>
        )}
      </p>
      <div key={key}>
        {desk.may("object:hold") && <Hold desk={desk} object={object} onDone={finish("hold")} />}
        {desk.may("object:hold") && object.holds.length > 0 && (
          <Release desk={desk} object={object} onDone={finish("release")} />
        )}
        {desk.may("object:classify") && <Reclassify desk={desk} object={object} onDone={finish("reclassify")} />}
        {desk.may("object:erase") && <Erase desk={desk} object={object} onDone={finish("erase")} />}
      </div>
    </section>
  );
}

interface Typed {
  /** An order, or a record class. */
  readonly what: string;
  readonly purpose: string;
}

interface ActFormProps {
  readonly desk: Desk;
  readonly object: VaultObject;
  readonly name: ActName;
  /** Where it is chosen and not typed. */
  readonly choice?: { readonly label: string; readonly options: readonly (readonly [value: string, label: string])[] };
  /** Why it cannot be done now. */
  readonly barred?: ComponentChildren;
  act(typed: Typed): Promise<VaultObject>;
  /** Asks once more before it is done. */
  readonly confirm?: boolean;
  onDone(object: VaultObject): void;
}

function ActForm({ desk, object, name, choice, barred, act, confirm = false, onDone }: ActFormProps): VNode {
  const words = desk.words.acts;
  const [what, setWhat] = useState(choice?.options[0]?.[0] ?? "");
  const [purpose, setPurpose] = useState("");
  const [wrong, setWrong] = useState(false);
  const [asking, setAsking] = useState(false);
  const { busy, error, run } = useDoing();
  const form = useRef<HTMLFormElement>(null);
  const typed = { what: what.trim(), purpose: purpose.trim() };
  const carryOut = (): void => {
    setAsking(false);
    void run(async () => onDone(await act(typed)));
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const first = !isText(typed.what) ? `${name}-what` : !isText(typed.purpose) ? `${name}-purpose` : undefined;
    setWrong(first !== undefined);
    if (first !== undefined) form.current?.querySelector<HTMLElement>(`#${first}`)?.focus();
    else if (confirm) setAsking(true);
    else carryOut();
  };
  const problem = (text: string): string | undefined => (wrong && !isText(text) ? words.wrong : undefined);
  const { title, text, submit: label } = words[name];
  return (
    <details class="act" data-act={name}>
      <summary>
        <h3>{title}</h3>
        <Icon name="chevron" />
      </summary>
      <div class="act__body">
        <p>{text}</p>
        {barred !== undefined && <p class="act__barred">{barred}</p>}
        {barred === undefined && (
          <form onSubmit={submit} ref={form}>
            {choice === undefined ? (
              <TextField
                id={`${name}-what`}
                label={words.order}
                hint={words.orderHint}
                error={problem(typed.what)}
                value={what}
                onInput={setWhat}
              />
            ) : (
              <ChoiceField id={`${name}-what`} {...choice} value={what} onChange={setWhat} />
            )}
            <TextField
              id={`${name}-purpose`}
              label={words.purpose}
              hint={words.purposeHint}
              error={problem(typed.purpose)}
              value={purpose}
              onInput={setPurpose}
            />
            {error && <Failure words={desk.words} error={error} />}
            <button type="submit" class={`usa-button${confirm ? " usa-button--secondary" : ""}`} disabled={busy}>
              {label}
            </button>
          </form>
        )}
        {asking && (
          <Confirm
            words={desk.words}
            object={object}
            typed={typed}
            onErase={carryOut}
            onKeep={() => setAsking(false)}
          />
        )}
      </div>
    </details>
  );
}

function Hold({ desk, object, onDone }: ActsProps): VNode {
  const act = ({ what, purpose }: Typed) => desk.vault.hold(object.id, what, purpose);
  return <ActForm desk={desk} object={object} name="hold" act={act} onDone={onDone} />;
}

function Release({ desk, object, onDone }: ActsProps): VNode {
  const act = ({ what, purpose }: Typed) => desk.vault.release(object.id, what, purpose);
  const options = object.holds.map((order) => [order, order] as const);
  const choice = { label: desk.words.acts.order, options };
  return <ActForm desk={desk} object={object} name="release" choice={choice} act={act} onDone={onDone} />;
}

function Reclassify({ desk, object, onDone }: ActsProps): VNode | null {
  const { vault, words } = desk;
  const { value = [] } = useRemote(() => vault.recordClasses(), "classes");
  const others = value.filter(({ name }) => name !== object.recordClass);
  if (others.length === 0) return null;
  const label = ({ name, retention }: RecordClass): string =>
    `${name} (${retention === "forever" ? words.acts.keptForever : words.acts.retention(Math.ceil(retention / 86_400))})`;
  const options = others.map((one) => [one.name, label(one)] as const);
  const choice = { label: words.acts.reclassify.class, options };
  const act = ({ what, purpose }: Typed) => vault.reclassify(object.id, what, purpose);
  return <ActForm desk={desk} object={object} name="reclassify" choice={choice} act={act} onDone={onDone} />;
}

function Erase({ desk, object, onDone }: ActsProps): VNode {
  const { heldText, foreverText, retainedText } = desk.words.acts.erase;
  const standing = standingOf(object);
  const retained = isForever(object.retainUntil) ? (
    foreverText
  ) : (
    <>
      {retainedText} <Time at={object.retainUntil ?? ""} />.
    </>
  );
  const barred = standing === "held" ? heldText : standing === "retained" ? retained : undefined;
  const act = ({ what, purpose }: Typed) => desk.vault.erase(object.id, what, purpose);
  return <ActForm desk={desk} object={object} name="erase" barred={barred} act={act} confirm onDone={onDone} />;
}
