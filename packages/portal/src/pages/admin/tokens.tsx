/** How programs come in: API tokens and client certificates, with their roles. A token's secret is shown once, and kept nowhere. */
import type { AccessToken } from "@attestry/core/client";
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Failure } from "../../parts/failure.tsx";
import { Time } from "../../parts/time.tsx";
import type { AdminWords, Office } from "./index.tsx";
import { NewToken } from "./new-token.tsx";
import { Act, Done, Maker, Name, useReading } from "./parts.tsx";
import { Secret } from "./secret.tsx";

export function Tokens({ office }: { readonly office: Office }): VNode {
  const words = office.words.tokens;
  const { value: tokens, problem, again } = useReading(() => office.access.listTokens());
  const [turn, setTurn] = useState(0);
  const [secret, setSecret] = useState<{ readonly name: string; readonly token: string }>();
  const changed = (): void => {
    setTurn(turn + 1);
    again();
  };
  const made = ({ name, token }: AccessToken & { readonly token?: string }): void => {
    if (token !== undefined) setSecret({ name, token });
    changed();
  };
  const active = tokens?.filter((token) => !hasEnded(token)) ?? [];
  const ended = tokens?.filter(hasEnded) ?? [];
  return (
    <>
      <p>{words.intro}</p>
      {problem && <Failure words={office.words} error={problem} />}
      <Done office={office} turn={turn} />
      {secret !== undefined && (
        <Secret key={secret.token} words={words} {...secret} onClose={() => setSecret(undefined)} />
      )}
      <Maker key={turn} title={words.add}>
        <NewToken office={office} onDone={made} />
      </Maker>
      {tokens && active.length === 0 && <p>{words.none}</p>}
      <List office={office} tokens={active} onChange={changed} />
      {ended.length > 0 && (
        <details class="ended">
          <summary>{words.ended(ended.length)}</summary>
          <List office={office} tokens={ended} onChange={changed} />
        </details>
      )}
    </>
  );
}

function hasEnded({ revokedAt, expiresAt }: AccessToken): boolean {
  return revokedAt !== undefined || (expiresAt !== undefined && Date.parse(expiresAt) <= Date.now());
}

interface ListProps {
  readonly office: Office;
  readonly tokens: readonly AccessToken[];
  onChange(): void;
}

function List({ office, tokens, onChange }: ListProps): VNode {
  const words = office.words.tokens;
  return (
    <ul class="listed">
      {tokens.toReversed().map((token) => (
        <li key={token.id} class="listed__one">
          <div class="listed__words">
            <h3>
              <Name text={token.name} />
            </h3>
            <p>
              <Roles words={office.words} roles={token.roles} />
            </p>
            <Life words={words} token={token} />
          </div>
          {!hasEnded(token) && (
            <Act
              words={office.words}
              id={`revoke-${token.id}`}
              label={words.revoke}
              of={token.name}
              title={words.revokeTitle}
              text={words.revokeText}
              act={() => office.access.revokeToken(token.id)}
              onDone={onChange}
            />
          )}
        </li>
      ))}
    </ul>
  );
}

export function Roles({ words, roles }: { readonly words: AdminWords; readonly roles: readonly string[] }): VNode {
  const known: Partial<Record<string, { readonly name: string }>> = words.roles;
  return (
    <>
      {roles.map((role) => (
        <span key={role} class="usa-tag role">
          {known[role]?.name ?? role}
        </span>
      ))}
    </>
  );
}

function Life({ words, token }: { readonly words: AdminWords["tokens"]; readonly token: AccessToken }): VNode {
  const { kind, certificate, addedAt, expiresAt, lastUsedAt, revokedAt } = token;
  return (
    <>
      <p>
        {words.kinds[kind]}
        {certificate !== undefined && (
          <>
            {" "}
            <Name text={certificate} />
          </>
        )}
        , {words.added} <Time at={addedAt} />
      </p>
      <p>
        {revokedAt !== undefined ? (
          <>
            {words.revoked} <Time at={revokedAt} />
          </>
        ) : expiresAt === undefined ? (
          words.endless
        ) : (
          <>
            {hasEnded(token) ? words.expired : words.ends} <Time at={expiresAt} />
          </>
        )}
        ,{" "}
        {lastUsedAt === undefined ? (
          words.unused
        ) : (
          <>
            {words.used} <Time at={lastUsedAt} />
          </>
        )}
      </p>
    </>
  );
}
