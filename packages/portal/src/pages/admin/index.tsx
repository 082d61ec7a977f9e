/** The page `admin`: administrators decide who comes in and registers and keep the notary; auditors read, and run audits. */
import {
  type AccessClient,
  createAccessClient,
  createNotaryClient,
  createVaultClient,
  type NotaryClient,
  type VaultClient,
} from "@attestry/core/client";
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { PageProps, Place } from "../../pages.ts";
import { Forbidden, Staff } from "../../parts/staff.tsx";
import { fetchAs, may, type Session } from "../../session.ts";
import type { words as en } from "../../words/en/admin.ts";
import { Actions } from "./actions.tsx";
import { AuditSection } from "./audit.tsx";
import { Issuers } from "./issuers.tsx";
import { Places } from "./places.tsx";
import { Sessions } from "./sessions.tsx";
import { Tokens } from "./tokens.tsx";
import { VaultSection } from "./vault.tsx";
import "../../style/marks.scss";
import "../../style/admin.scss";

export type AdminWords = typeof en;

/** What every section has. */
export interface Office {
  readonly words: AdminWords;
  readonly session: Session;
  readonly notary: NotaryClient;
  readonly access: AccessClient;
  readonly vault: VaultClient;
  may(...permissions: readonly string[]): boolean;
}

interface Section {
  readonly name: keyof AdminWords["sections"];
  /** Shown to those who have one of these permissions. */
  readonly needs: readonly string[];
  readonly View: (props: { readonly office: Office }) => VNode;
}

const staff = ["issuer:manage", "access:manage", "vault:manage", "action:read", "audit:run"];

const sections: readonly Section[] = [
  { name: "issuers", needs: staff, View: Issuers },
  { name: "tokens", needs: ["access:manage"], View: Tokens },
  { name: "sessions", needs: ["access:manage"], View: Sessions },
  { name: "places", needs: staff, View: Places },
  { name: "vault", needs: ["vault:manage", "audit:run"], View: VaultSection },
  { name: "audit", needs: ["audit:run"], View: AuditSection },
  { name: "actions", needs: ["action:read"], View: Actions },
];

export function Page({ words, place }: PageProps<AdminWords>): VNode {
  return (
    <Staff words={words} needs={staff} name="admin">
      {(session) => <Rooms words={words} place={place} session={session} />}
    </Staff>
  );
}

interface RoomsProps {
  readonly words: AdminWords;
  readonly place: Place;
  readonly session: Session;
}

function Rooms({ words, place, session }: RoomsProps): VNode {
  const clients = useMemo(() => {
    const options = { url: location.origin, fetch: fetchAs(session) };
    return {
      notary: createNotaryClient(options),
      access: createAccessClient(options),
      vault: createVaultClient(options),
    };
  }, [session]);
  const open = sections.filter(({ needs }) => may(session, ...needs));
  const wanted = place.parts["section"] ?? open[0]?.name;
  const shown = open.find(({ name }) => name === wanted);
  const office: Office = { words, session, ...clients, may: (...permissions) => may(session, ...permissions) };
  return (
    <div class="wide admin">
      <h1>{words.title}</h1>
      <p class="intro">{words.intro}</p>
      <div class="admin__rooms">
        <nav class="admin__nav" aria-label={words.navigation}>
          {open.map(({ name }) => (
            <a key={name} href={`/admin/${name}`} aria-current={name === wanted ? "page" : undefined}>
              {words.sections[name]}
            </a>
          ))}
        </nav>
        {shown === undefined ? (
          <Forbidden words={words.forbidden} />
        ) : (
          <section class="admin__room" key={shown.name} aria-labelledby="room">
            <h2 id="room">{words.sections[shown.name]}</h2>
            <shown.View office={office} />
          </section>
        )}
      </div>
    </div>
  );
}
