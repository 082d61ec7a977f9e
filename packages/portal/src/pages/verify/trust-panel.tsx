/** What the page trusts, and how its reader changes that: noted keys, or a trust file. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { FileDrop } from "../../parts/file-drop.tsx";
import { Icon } from "../../parts/icons.tsx";
import { Time } from "../../parts/time.tsx";
import type { Answer } from "../../verify/question.ts";
import { forgetPin, installTrustFile, loadPins, loadTrustFile, removeTrustFile } from "../../verify/trust-store.ts";
import { readTrustFile } from "../../verify/verifier.ts";
import type { VerifyWords } from "./index.tsx";

type Words = VerifyWords["trust"];
type Notice = "refused" | "installed" | "removed" | "forgotten";

export interface TrustPanelProps {
  readonly words: Words;
  readonly answer?: Answer;
  /** What is trusted has changed. */
  onChange(): void;
}

export function TrustPanel({ words, answer, onChange }: TrustPanelProps): VNode {
  const [notice, setNotice] = useState<{ readonly kind: Notice; readonly detail?: string }>();
  const file = loadTrustFile();
  const changed = (kind: Notice): void => {
    setNotice({ kind });
    onChange();
  };
  const install = async ([chosen]: readonly File[]): Promise<void> => {
    if (chosen === undefined) return;
    try {
      const text = await chosen.text();
      installTrustFile({ name: chosen.name, text, logs: await readTrustFile(text) });
      changed("installed");
    } catch (error) {
      setNotice({ kind: "refused", detail: error instanceof Error ? error.message : "" });
    }
  };
  return (
    <details class="panel trust">
      <summary>
        <h2>{answer === undefined ? words.idle : words.heading}</h2>
        <Icon name="chevron" />
      </summary>
      <div class="panel__body">
        {file === undefined ? (
          <Noted words={words} answer={answer} onForget={() => changed("forgotten")} />
        ) : (
          <>
            <p>
              {words.file(file.name)}
              <strong>{file.logs.join(", ")}</strong>
            </p>
            <button
              type="button"
              class="usa-button usa-button--outline"
              onClick={() => {
                removeTrustFile();
                changed("removed");
              }}
            >
              {words.remove}
            </button>
          </>
        )}
        <p role="status" class="trust__notice">
          {notice !== undefined && words[notice.kind]}
          {notice?.detail !== undefined && <span lang="en"> {notice.detail}</span>}
        </p>
        <FileDrop
          label={words.install}
          action={words.choose}
          accept=".json,application/json"
          compact
          onFiles={install}
        />
      </div>
    </details>
  );
}

interface NotedProps {
  readonly words: Words;
  readonly answer: Answer | undefined;
  onForget(): void;
}

/** The keys that the verdict rests on; before there is one, all that were noted. */
function Noted({ words, answer, onForget }: NotedProps): VNode {
  const origin = answer?.report?.entry?.origin;
  const pins = loadPins().filter((pin) => origin === undefined || pin.origin === origin);
  if (pins.length === 0) return <p>{words.nothing}</p>;
  return (
    <>
      {pins.map((pin) => (
        <p key={pin.origin}>
          {words.noted(pin.origin)}
          <Time at={pin.firstSeen} />.
        </p>
      ))}
      <p>{words.notedMeaning}</p>
      <button
        type="button"
        class="usa-button usa-button--unstyled"
        onClick={() => {
          for (const pin of pins) forgetPin(pin.origin);
          onForget();
        }}
      >
        {words.forget}
      </button>
    </>
  );
}
