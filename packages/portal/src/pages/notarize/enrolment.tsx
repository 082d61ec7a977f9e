/** The way of a new key into the notary's list: what the clerk sends to an administrator, or does where they are one. */
import { encodeBase64Url, encodeCoseKey, thumbprintUri } from "@attestry/core";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Key, Rows } from "../../parts/rows.tsx";
import { change, type Session } from "../../session.ts";
import type { NotarizeWords } from "./index.tsx";
import type { OwnKey } from "./own-key.ts";

export interface EnrolmentProps {
  readonly words: NotarizeWords["enrolment"];
  readonly session: Session;
  readonly ownKey: OwnKey;
  /** The key may be enrolled by now. */
  onChange(): void;
}

export function Enrolment({ words, session, ownKey, onChange }: EnrolmentProps): VNode {
  const text = encodeBase64Url(encodeCoseKey(ownKey.publicKey));
  return (
    <section aria-labelledby="enrolment">
      <h2 id="enrolment">{words.heading}</h2>
      <p>{words.text}</p>
      <Rows
        rows={[
          { label: words.key, value: <Key text={thumbprintUri(ownKey.thumbprint)} /> },
          { label: words.request, value: <Key text={text} />, note: words.requestNote },
          { label: words.command, value: <Key text={`attestry issuer add --key ${text}`} /> },
        ]}
      />
      {session.permissions.includes("issuer:manage") ? (
        <EnrolForm words={words} session={session} text={text} onDone={onChange} />
      ) : (
        <p>
          {words.waiting}{" "}
          <button type="button" class="usa-button usa-button--unstyled" onClick={onChange}>
            {words.again}
          </button>
        </p>
      )}
    </section>
  );
}

interface EnrolFormProps {
  readonly words: NotarizeWords["enrolment"];
  readonly session: Session;
  /** COSE_Key, base64url. */
  readonly text: string;
  onDone(): void;
}

function EnrolForm({ words, session, text, onDone }: EnrolFormProps): VNode {
  const [name, setName] = useState("");
  const [failed, setFailed] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    try {
      await change(session, "/v1/issuers", { key: text, ...(name.trim() !== "" && { issuer: name.trim() }) });
      onDone();
    } catch {
      setFailed(true);
    }
  };
  return (
    <form class="enrol" onSubmit={submit}>
      <div class="field">
        <label class="field__label" for="issuer-name">
          {words.name}
        </label>
        <input
          class="usa-input"
          id="issuer-name"
          value={name}
          maxLength={512}
          autocomplete="off"
          aria-describedby="issuer-name-hint"
          onInput={(event) => setName(event.currentTarget.value)}
        />
        <p id="issuer-name-hint" class="field__hint">
          {words.nameHint}
        </p>
        <p class="field__error" role="alert">
          {failed && words.failed}
        </p>
      </div>
      <button type="submit" class="usa-button">
        {words.enrol}
      </button>
    </form>
  );
}
