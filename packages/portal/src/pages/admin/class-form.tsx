/** Adds a record class, or changes how long one keeps what is stored from now on. */
import { isOfForm, type RecordClass, recordClassName } from "@attestry/core/client";
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { ChoiceField, TextField } from "../../parts/field.tsx";
import type { AdminWords, Office } from "./index.tsx";

export interface ClassFormProps {
  readonly office: Office;
  readonly classes: readonly RecordClass[];
  onDone(): void;
}

type Keep = keyof AdminWords["vault"]["keeps"];

const day = 86_400;
const maxDays = 1_000_000;
/** The value of what is no class yet: no class can have this name. */
const isNewClass = "";

export function ClassForm({ office, classes, onDone }: ClassFormProps): VNode {
  const words = office.words.vault;
  const [which, setWhich] = useState(isNewClass);
  const [typedName, setTypedName] = useState("");
  const [keep, setKeep] = useState<Keep>("days");
  const [amount, setAmount] = useState("");
  const [isChecked, setChecked] = useState(false);
  const { busy, error, run } = useDoing();
  const form = useRef<HTMLFormElement>(null);
  const name = which === isNewClass ? parseName(typedName, classes) : which;
  const retention = parseRetention(keep, amount);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setChecked(true);
    if (name === undefined) return form.current?.querySelector<HTMLElement>("#class-name")?.focus();
    if (retention === undefined) return form.current?.querySelector<HTMLElement>("#class-amount")?.focus();
    if (await run(() => office.vault.setRecordClass({ name, retention }))) onDone();
  };
  const keeps = Object.entries(words.keeps) as [Keep, string][];
  return (
    <form onSubmit={submit} ref={form}>
      <ChoiceField
        id="class-which"
        label={words.which}
        options={[[isNewClass, words.newClass], ...classes.map((one) => [one.name, one.name] as const)]}
        value={which}
        onChange={setWhich}
      />
      {which === isNewClass && (
        <TextField
          id="class-name"
          label={words.className}
          hint={words.classNameHint}
          error={isChecked && name === undefined ? words.classNameWrong : undefined}
          value={typedName}
          onInput={setTypedName}
        />
      )}
      <ChoiceField
        id="class-keep"
        label={words.keep}
        options={keeps}
        value={keep}
        onChange={(value) => setKeep(value as Keep)}
      />
      {(keep === "days" || keep === "years") && (
        <TextField
          id="class-amount"
          label={words.amount[keep]}
          hint={words.amountHint}
          error={isChecked && retention === undefined ? words.amountWrong : undefined}
          value={amount}
          onInput={setAmount}
        />
      )}
      {error && <Failure words={office.words} error={error} />}
      <button type="submit" class="usa-button" disabled={busy}>
        {words.saveClass}
      </button>
    </form>
  );
}

function parseName(text: string, classes: readonly RecordClass[]): string | undefined {
  const name = text.trim();
  return isOfForm(name, recordClassName) && classes.every((one) => one.name !== name) ? name : undefined;
}

function parseRetention(keep: Keep, amount: string): RecordClass["retention"] | undefined {
  if (keep === "forever") return keep;
  if (keep === "none") return 0;
  const count = /^[1-9]\d{0,6}$/.test(amount.trim()) ? Number(amount) : Number.NaN;
  const days = keep === "years" ? count * 365 : count;
  return days <= maxDays ? days * day : undefined;
}
