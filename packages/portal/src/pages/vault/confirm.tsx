/** The last question before a record is erased: a dialog that the keyboard stays in, with the harmless answer at hand. */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Rows } from "../../parts/rows.tsx";
import type { VaultWords } from "./index.tsx";

export interface ConfirmProps {
  readonly words: VaultWords["acts"];
  readonly typed: { readonly what: string; readonly purpose: string };
  onErase(): void;
  onKeep(): void;
}

export function Confirm({ words, typed, onErase, onKeep }: ConfirmProps): VNode {
  const { confirm } = words;
  const [isRead, setRead] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="confirm" aria-labelledby="confirm-title" ref={dialog} onClose={onKeep}>
      <h2 id="confirm-title">{confirm.title}</h2>
      <p>{confirm.text}</p>
      <Rows
        rows={[
          { label: words.order, value: typed.what },
          { label: words.purpose, value: typed.purpose },
        ]}
      />
      <p>
        <label class="confirm__read">
          <input type="checkbox" checked={isRead} onChange={(event) => setRead(event.currentTarget.checked)} />{" "}
          {confirm.read}
        </label>
      </p>
      <div class="confirm__buttons">
        <button type="button" class="usa-button" autofocus onClick={onKeep}>
          {confirm.keep}
        </button>
        <button type="button" class="usa-button usa-button--secondary" disabled={!isRead} onClick={onErase}>
          {confirm.erase}
        </button>
      </div>
    </dialog>
  );
}
