/** The last question before a record is erased: a dialog that the keyboard stays in, with the harmless answer at hand. */
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Rows } from "../../parts/rows.tsx";
import type { VaultWords } from "./index.tsx";
import { recordName } from "./state.tsx";

export interface ConfirmProps {
  readonly words: VaultWords;
  readonly object: VaultObject;
  readonly typed: { readonly what: string; readonly purpose: string };
  onErase(): void;
  onKeep(): void;
}

export function Confirm({ words, object, typed, onErase, onKeep }: ConfirmProps): VNode {
  const { confirm, order, purpose } = words.acts;
  const [isRead, setRead] = useState(false);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog class="confirm" aria-labelledby="confirm-title" ref={dialog} onClose={onKeep}>
      <h2 id="confirm-title">{confirm.title}</h2>
      <p>{confirm.text}</p>
      <Rows
        rows={[
          { label: words.find.subject, value: recordName(object, words) },
          { label: order, value: typed.what },
          { label: purpose, value: typed.purpose },
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
