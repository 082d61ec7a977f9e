/** The head of every page: whose it is, the way to the other pages, the language. */
import type { VNode } from "preact";
import { languages } from "../language.ts";
import { useShell } from "../shell.ts";
import { Icon } from "./icons.tsx";

const links = [
  { name: "verify", href: "/" },
  { name: "search", href: "/search" },
  { name: "status", href: "/status" },
  { name: "notarize", href: "/notarize" },
] as const;

export function Header(): VNode {
  const { words, page, language, speak } = useShell();
  return (
    <header class="site-header">
      <div class="wide site-header__row">
        <a class="site-header__name" href="/">
          <Icon name="seal" size={32} />
          Attestry
        </a>
        <nav class="site-header__nav" aria-label={words.navigation}>
          {links.map(({ name, href }) => (
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
      </div>
    </header>
  );
}
