/** The head of every page: whose it is, the way to the other pages, who is signed in, the language. */
import type { VNode } from "preact";
import { languages } from "../language.ts";
import { useRemote } from "../remote.ts";
import { fetchSession, type Session } from "../session.ts";
import { type CommonWords, useShell } from "../shell.ts";
import { Icon } from "./icons.tsx";
import { Person } from "./person.tsx";
import { UnderWay } from "./under-way.tsx";

interface Link {
  readonly name: keyof CommonWords["pages"];
  readonly href: string;
  /** Shown to those who have one of these permissions; without it, to everyone. */
  readonly needs?: readonly string[];
}

const links: readonly Link[] = [
  { name: "verify", href: "/" },
  { name: "search", href: "/search" },
  { name: "status", href: "/status" },
  { name: "notarize", href: "/notarize" },
  { name: "vault", href: "/vault", needs: ["object:read", "custody:read"] },
  {
    name: "admin",
    href: "/admin",
    needs: ["issuer:manage", "access:manage", "vault:manage", "action:read", "audit:run"],
  },
];

function isFor({ needs }: Link, session: Session | undefined): boolean {
  return needs === undefined || needs.some((permission) => session?.permissions.includes(permission));
}

export function Header(): VNode {
  const { words, page, language, speak } = useShell();
  const { value: session } = useRemote(fetchSession, "session"); // unreachable: the page itself says so where it matters
  return (
    <header class="site-header">
      <div class="wide site-header__row">
        <a class="site-header__name" href="/">
          <Icon name="seal" size={32} />
          Attestry
        </a>
        <nav class="site-header__nav" aria-label={words.navigation}>
          {links
            .filter((link) => isFor(link, session))
            .map(({ name, href }) => (
              <a key={name} href={href} aria-current={page === name ? "page" : undefined}>
                {words.pages[name]}
              </a>
            ))}
        </nav>
        <fieldset class="site-header__languages">
          <legend class="usa-sr-only">{words.language}</legend>
          {languages.map((code) => (
            <button key={code} type="button" lang={code} aria-pressed={code === language} onClick={() => speak(code)}>
              {words.languages[code]}
            </button>
          ))}
        </fieldset>
        {session?.signedIn === true && <Person session={session} />}
      </div>
      <UnderWay />
    </header>
  );
}
