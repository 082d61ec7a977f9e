/** The form that makes a token or enrols a client certificate. */
import type { AccessToken } from "@attestry/core/client";
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { TextField } from "../../parts/field.tsx";
import type { AdminWords, Office } from "./index.tsx";

type Role = keyof AdminWords["roles"];

export interface NewTokenProps {
  readonly office: Office;
  onDone(made: AccessToken & { readonly token?: string }): void;
}

interface Typed {
  readonly kind: AccessToken["kind"];
  readonly name: string;
  readonly certificate: string;
  readonly roles: readonly string[];
  /** A day as the browser gives it, YYYY-MM-DD, or empty. */
  readonly day: string;
}

/** What is wrong, by the field's name. */
type Wrong = { readonly [Field in "name" | "certificate" | "roles" | "day"]?: string };

/** As the notary takes them; it checks again. */
const nameForm = /^[A-Za-z0-9](?:[A-Za-z0-9._ -]{0,62}[A-Za-z0-9._-])?$/;
const certificateForm = /^(?:DNS:|URI:|email:|[A-Za-z0-9.]+=)./;

export function NewToken({ office, onDone }: NewTokenProps): VNode {
  const words = office.words.tokens;
  const [typed, setTyped] = useState<Typed>({ kind: "token", name: "", certificate: "", roles: [], day: inAYear() });
  const [wrong, setWrong] = useState<Wrong>({});
  const { busy, error, run } = useDoing();
  const form = useRef<HTMLFormElement>(null);
  const set = (change: Partial<Typed>): void => {
    setTyped((last) => ({ ...last, ...change }));
    setWrong(Object.fromEntries(Object.entries(wrong).filter(([field]) => !(field in change))));
  };
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const faults = wrongIn(typed, words);
    setWrong(faults);
    const [first] = Object.keys(faults);
    if (first !== undefined) return form.current?.querySelector<HTMLElement>(`[name="token-${first}"]`)?.focus();
    const { kind, certificate, day } = typed;
    await run(async () =>
      onDone(
        await office.access.addToken({
          name: typed.name.trim(),
          roles: typed.roles,
          ...(kind === "certificate" && { certificate: certificate.trim() }),
          ...(day !== "" && { expiresAt: endOf(day) }),
        }),
      ),
    );
  };
  return (
    <form onSubmit={submit} ref={form}>
      <fieldset class="choices">
        <legend>{words.kind}</legend>
        {(["token", "certificate"] as const).map((kind) => (
          <label key={kind}>
            <input type="radio" name="token-kind" checked={typed.kind === kind} onChange={() => set({ kind })} />{" "}
            {words.kinds[kind]}
          </label>
        ))}
      </fieldset>
      <TextField
        id="token-name"
        label={words.name}
        hint={words.nameHint}
        error={wrong.name}
        value={typed.name}
        onInput={(name) => set({ name })}
      />
      {typed.kind === "certificate" && (
        <TextField
          id="token-certificate"
          label={words.certificate}
          hint={words.certificateHint}
          error={wrong.certificate}
          value={typed.certificate}
          onInput={(certificate) => set({ certificate })}
        />
      )}
      <RoleChoices office={office} roles={typed.roles} error={wrong.roles} onChange={(roles) => set({ roles })} />
      <LastDay words={words} day={typed.day} error={wrong.day} onChange={(day) => set({ day })} />
      {error && <Failure words={office.words} error={error} />}
      <button type="submit" class="usa-button" disabled={busy}>
        {typed.kind === "token" ? words.make : words.enrol}
      </button>
    </form>
  );
}

interface RoleChoicesProps {
  readonly office: Office;
  readonly roles: readonly string[];
  readonly error: string | undefined;
  onChange(roles: readonly string[]): void;
}

function RoleChoices({ office, roles, error, onChange }: RoleChoicesProps): VNode {
  const { words } = office;
  return (
    <fieldset class="choices" aria-describedby="token-roles-error">
      <legend>{words.tokens.roles}</legend>
      {(Object.keys(words.roles) as Role[]).map((role) => (
        <label key={role}>
          <input
            type="checkbox"
            name="token-roles"
            checked={roles.includes(role)}
            onChange={({ currentTarget: { checked } }) =>
              onChange(checked ? [...roles, role] : roles.filter((other) => other !== role))
            }
          />{" "}
          <span>
            <strong>{words.roles[role].name}</strong> {words.roles[role].may}
          </span>
        </label>
      ))}
      <p class="field__error" id="token-roles-error" role="alert">
        {error}
      </p>
    </fieldset>
  );
}

interface LastDayProps {
  readonly words: AdminWords["tokens"];
  readonly day: string;
  readonly error: string | undefined;
  onChange(day: string): void;
}

function LastDay({ words, day, error, onChange }: LastDayProps): VNode {
  return (
    <div class="field">
      <label class="field__label" for="token-day">
        {words.expires}
      </label>
      <input
        class="usa-input day"
        type="date"
        id="token-day"
        name="token-day"
        value={day}
        aria-describedby="token-day-hint token-day-error"
        aria-invalid={error !== undefined ? "true" : undefined}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <p class="field__hint" id="token-day-hint">
        {words.expiresHint}
      </p>
      <p class="field__error" id="token-day-error" role="alert">
        {error}
      </p>
    </div>
  );
}

/** In the order of the form. */
function wrongIn({ kind, name, certificate, roles, day }: Typed, words: AdminWords["tokens"]): Wrong {
  return {
    ...(!nameForm.test(name.trim()) && { name: words.nameWrong }),
    ...(kind === "certificate" && !certificateForm.test(certificate.trim()) && { certificate: words.certificateWrong }),
    ...(roles.length === 0 && { roles: words.rolesWrong }),
    ...(day !== "" && !(endOf(day).getTime() > Date.now()) && { day: words.expiresWrong }),
  };
}

/** The last second of a day where the reader is. */
function endOf(day: string): Date {
  return new Date(`${day}T23:59:59`);
}

function inAYear(): string {
  const day = new Date();
  day.setFullYear(day.getFullYear() + 1);
  return day.toISOString().slice(0, 10);
}
