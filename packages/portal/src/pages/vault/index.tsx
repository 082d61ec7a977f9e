/** The page `vault`: staff find a recording, see or export it, read its custody, and act on it as their roles allow. */
import { createVaultClient, type VaultClient } from "@attestry/core/client";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { PageProps, Place } from "../../pages.ts";
import { Problem } from "../../parts/problem.tsx";
import { SignIn } from "../../parts/sign-in.tsx";
import { useRemote } from "../../remote.ts";
import { fetchAs, fetchSession, may, type Session } from "../../session.ts";
import type { words as en } from "../../words/en/vault.ts";
import { Finder } from "./finder.tsx";
import { Recording } from "./object.tsx";
import "../../style/vault.scss";

export type VaultWords = typeof en;

/** What every part of the page has. */
export interface Desk {
  readonly words: VaultWords;
  readonly vault: VaultClient;
  may(...permissions: readonly string[]): boolean;
}

export function Page({ words, place }: PageProps<VaultWords>): VNode {
  const { value: session, problem } = useRemote(fetchSession, "session");
  if (session !== undefined && may(session, "object:read", "custody:read"))
    return <Room words={words} place={place} session={session} />;
  return (
    <div class="narrow vault">
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      {problem && <Problem error={problem} />}
      {!session && !problem && <p>{words.loading}</p>}
      {session &&
        (session.signedIn ? <Forbidden words={words.forbidden} /> : <SignIn text={words.signIn} session={session} />)}
    </div>
  );
}

/** Nothing was asked of the vault, so nothing here can tell what it has. */
function Forbidden({ words }: { readonly words: VaultWords["forbidden"] }): VNode {
  return (
    <div class="usa-alert usa-alert--info">
      <div class="usa-alert__body">
        <h2 class="usa-alert__heading">{words.heading}</h2>
        <p class="usa-alert__text">{words.text}</p>
      </div>
    </div>
  );
}

interface RoomProps {
  readonly words: VaultWords;
  readonly place: Place;
  readonly session: Session;
}

function Room({ words, place, session }: RoomProps): VNode {
  const vault = useMemo(() => createVaultClient({ url: location.origin, fetch: fetchAs(session) }), [session]);
  const desk: Desk = { words, vault, may: (...permissions) => may(session, ...permissions) };
  const ref = place.parts["ref"];
  if (ref === undefined) return <Finder desk={desk} query={place.query} />;
  return <Recording key={ref} desk={desk} reference={ref} />;
}
