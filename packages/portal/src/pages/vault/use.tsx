/** The use of a recording: seen in the page, or taken out. Whoever does it says what for, and it is recorded before it is done. */
import { checkCustodyText } from "@attestry/core";
import type { VaultObject } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { TextField } from "../../parts/field.tsx";
import { Copy } from "./copy.tsx";
import type { Desk } from "./index.tsx";
import { kindOf, Viewer } from "./viewer.tsx";

export interface UseProps {
  readonly desk: Desk;
  readonly object: VaultObject;
  /** Something was recorded. */
  onUsed(): void;
}

interface Wish {
  readonly way: "view" | "download" | "export";
  readonly purpose: string;
  /** Each wish is one of its own. */
  readonly turn: number;
}

export function Use({ desk, object, onUsed }: UseProps): VNode | null {
  const words = desk.words.use;
  const [purpose, setPurpose] = useState("");
  const [wrong, setWrong] = useState(false);
  const [wish, setWish] = useState<Wish>();
  if (!desk.may("object:read", "object:export")) return null;
  const kind = kindOf(object);
  const ask = (way: Wish["way"]): void => {
    const text = purpose.trim();
    setWrong(!isText(text));
    if (isText(text)) setWish((last) => ({ way, purpose: text, turn: (last?.turn ?? 0) + 1 }));
    else document.querySelector<HTMLElement>("#purpose")?.focus();
  };
  const view = (): void => ask(kind === "file" ? "download" : "view");
  return (
    <section aria-labelledby="use">
      <h2 id="use">{words.heading}</h2>
      <form
        class="use"
        onSubmit={(event) => {
          event.preventDefault();
          view();
        }}
      >
        <TextField
          id="purpose"
          label={words.purpose}
          hint={words.purposeHint}
          error={wrong ? words.purposeWrong : undefined}
          value={purpose}
          onInput={setPurpose}
        />
        <div class="use__buttons">
          <button type="submit" class="usa-button">
            {kind === "file" ? words.download : kind === "image" ? words.show : words.play}
          </button>
          {desk.may("object:export") && (
            <button type="button" class="usa-button usa-button--outline" onClick={() => ask("export")}>
              {words.export}
            </button>
          )}
        </div>
        {kind === "file" && <p class="use__note">{words.downloadNote}</p>}
        {desk.may("object:export") && <p class="use__note">{words.exportNote}</p>}
      </form>
      {wish?.way === "view" && (
        <Viewer key={wish.turn} desk={desk} object={object} purpose={wish.purpose} onUsed={onUsed} />
      )}
      {wish !== undefined && wish.way !== "view" && (
        <Copy key={wish.turn} desk={desk} object={object} way={wish.way} purpose={wish.purpose} onUsed={onUsed} />
      )}
    </section>
  );
}

/** Whether the notary takes it as a purpose or the name of an order. */
export function isText(text: string): boolean {
  try {
    checkCustodyText(text, "text");
    return true;
  } catch {
    return false;
  }
}
