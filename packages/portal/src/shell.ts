/** What every part of every page may ask for: the language, the words that all pages share, and the way to another page. */
import { type Context, createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Language } from "./language.ts";
import type { words } from "./words/en/common.ts";

export type CommonWords = typeof words;

export interface Shell {
  readonly language: Language;
  readonly words: CommonWords;
  /** Name of the page that is open. */
  readonly page: string;
  /** Goes to an address of the portal. */
  navigate(href: string): void;
  speak(language: Language): void;
}

export const ShellContext: Context<Shell | undefined> = createContext<Shell | undefined>(undefined);

export function useShell(): Shell {
  const shell = useContext(ShellContext);
  if (shell === undefined) throw new Error("A part of the portal stands outside of it.");
  return shell;
}
