/** A field of a form: its label, what is typed, a hint, and what is wrong with it. Its style is `style/_field.scss`. */
import type { VNode } from "preact";

export interface TextFieldProps {
  /** Unique in the page; the field's name too. */
  readonly id: string;
  readonly label: string;
  readonly hint?: string;
  readonly error?: string | undefined;
  readonly value: string;
  onInput(value: string): void;
}

export interface ChoiceFieldProps {
  /** Unique in the page. */
  readonly id: string;
  readonly label: string;
  readonly options: readonly (readonly [value: string, label: string])[];
  readonly value: string;
  onChange(value: string): void;
}

/** One of a few. */
export function ChoiceField({ id, label, options, value, onChange }: ChoiceFieldProps): VNode {
  return (
    <div class="field">
      <label class="field__label" for={id}>
        {label}
      </label>
      <select class="usa-select" id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {options.map(([option, text]) => (
          <option key={option} value={option}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}

/** One line of text of at most 512 characters. */
export function TextField({ id, label, hint, error, value, onInput }: TextFieldProps): VNode {
  return (
    <div class="field">
      <label class="field__label" for={id}>
        {label}
      </label>
      <input
        class="usa-input"
        id={id}
        name={id}
        value={value}
        maxLength={512}
        autocomplete="off"
        spellcheck={false}
        aria-describedby={`${id}-hint ${id}-error`}
        aria-invalid={error !== undefined ? "true" : undefined}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <p class="field__hint" id={`${id}-hint`}>
        {hint}
      </p>
      <p class="field__error" id={`${id}-error`} role="alert">
        {error}
      </p>
    </div>
  );
}
