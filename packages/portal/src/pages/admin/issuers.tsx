/** Who may register: the enrolled keys and root certificates. */
import { decodeBase64Url, isAttestryError, parseCoseKey } from "@attestry/core";
import type { EnrolledIssuer } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useDoing } from "../../doing.ts";
import { Failure } from "../../parts/failure.tsx";
import { TextField } from "../../parts/field.tsx";
import { Key } from "../../parts/rows.tsx";
import { Time } from "../../parts/time.tsx";
import type { Office } from "./index.tsx";
import { Act, Done, Maker, Name, useReading } from "./parts.tsx";

export function Issuers({ office }: { readonly office: Office }): VNode {
  const words = office.words.issuers;
  const { value: issuers, problem, again } = useReading(() => office.notary.listIssuers());
  const [turn, setTurn] = useState(0);
  const changed = (): void => {
    setTurn(turn + 1);
    again();
  };
  const active = issuers?.filter(({ revokedAt }) => revokedAt === undefined) ?? [];
  const ended = issuers?.filter(({ revokedAt }) => revokedAt !== undefined) ?? [];
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      <Done office={office} turn={turn} />
      {office.may("issuer:manage") && (
        <Maker key={turn} title={words.add}>
          <Enrol office={office} onDone={changed} />
        </Maker>
      )}
      {issuers && active.length === 0 && <p>{words.none}</p>}
      <List office={office} issuers={active} onChange={changed} />
      {ended.length > 0 && (
        <details class="ended">
          <summary>{words.ended(ended.length)}</summary>
          <List office={office} issuers={ended} onChange={changed} />
        </details>
      )}
    </>
  );
}

interface ListProps {
  readonly office: Office;
  readonly issuers: readonly EnrolledIssuer[];
  onChange(): void;
}

function List({ office, issuers, onChange }: ListProps): VNode {
  const words = office.words.issuers;
  return (
    <ul class="listed">
      {issuers.toReversed().map(({ id, issuer, kind, isNotary, enrolledAt, revokedAt, reason }) => {
        const name = issuer ?? words.anyName;
        const isUnnamed = kind === "key" && name.endsWith(`:${id}`);
        return (
          <li key={id} class="listed__one">
            <div class="listed__words">
              <h3>{isNotary === true ? words.notary : isUnnamed ? words.unnamed : <Name text={name} />}</h3>
              <p>
                {words.kinds[kind]}, {words.since} <Time at={enrolledAt} />
                {revokedAt !== undefined && (
                  <>
                    , {words.until} <Time at={revokedAt} />
                  </>
                )}
              </p>
              {reason !== undefined && (
                <p>
                  {words.reason}: <Name text={reason} />
                </p>
              )}
              <p>
                {words.key} <Key text={id} />
              </p>
            </div>
            {office.may("issuer:manage") && revokedAt === undefined && isNotary !== true && (
              <Act
                words={office.words}
                id={`revoke-${id}`}
                label={words.revoke}
                of={name}
                title={words.revokeTitle}
                text={words.revokeText}
                ask={{ label: words.reason, hint: words.reasonHint }}
                act={(typed) => office.notary.revokeIssuer(id, typed)}
                onDone={onChange}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Enrol({ office, onDone }: { readonly office: Office; onDone(): void }): VNode {
  const words = office.words.issuers;
  const [what, setWhat] = useState("");
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState(false);
  const { busy, error, run } = useDoing();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    const enrolled = parseEnrolled(what);
    setWrong(enrolled === undefined);
    if (enrolled === undefined) return document.querySelector<HTMLElement>("#issuer-what")?.focus();
    const named = name.trim() === "" ? {} : { issuer: name.trim() };
    if (await run(() => office.notary.addIssuer({ ...enrolled, ...named }))) onDone();
  };
  return (
    <form onSubmit={submit}>
      <div class="field">
        <label class="field__label" for="issuer-what">
          {words.what}
        </label>
        <textarea
          class="usa-textarea"
          id="issuer-what"
          rows={4}
          value={what}
          spellcheck={false}
          autocomplete="off"
          aria-describedby="issuer-what-hint issuer-what-error"
          aria-invalid={wrong ? "true" : undefined}
          onInput={(event) => setWhat(event.currentTarget.value)}
        />
        <p class="field__hint" id="issuer-what-hint">
          {words.whatHint}
        </p>
        <p class="field__error" id="issuer-what-error" role="alert">
          {wrong && words.whatWrong}
        </p>
      </div>
      <TextField id="issuer-name" label={words.name} hint={words.nameHint} value={name} onInput={setName} />
      {error && <Failure words={office.words} error={error} />}
      <button type="submit" class="usa-button" disabled={busy}>
        {words.submit}
      </button>
    </form>
  );
}

/** A COSE_Key as the page `notarize` shows it, or a certificate; undefined when it is neither. */
function parseEnrolled(
  text: string,
): { readonly key: ReturnType<typeof parseCoseKey> } | { readonly certificateRoot: string } | undefined {
  const trimmed = text.trim();
  if (trimmed.startsWith("-----BEGIN CERTIFICATE-----")) return { certificateRoot: trimmed };
  try {
    return { key: parseCoseKey(decodeBase64Url(trimmed)) };
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}
