/** The page `vault`: staff find a recording, see or export it, read its custody, and act on it as their roles allow. */
import { createVaultClient, type VaultClient } from "@attestry/core/client";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { PageProps, Place } from "../../pages.ts";
import { Staff } from "../../parts/staff.tsx";
import { fetchAs, may, type Session } from "../../session.ts";
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
  return (
    <Staff words={words} needs={["object:read", "custody:read"]} name="vault">
      {(session) => <Room words={words} place={place} session={session} />}
    </Staff>
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
