/**
 * The pages: each one's address, code and words, loaded when it is opened. A page is a folder in `pages/` that exports `Page`,
 * and a dictionary for each language in `words/`.
 */
import { type ComponentChildren, h, type VNode } from "preact";
import type { Language } from "./language.ts";

/** Where the reader is. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
  /** The named parts of the page's path. */
  readonly parts: Readonly<Record<string, string>>;
}

export interface PageProps<Words> {
  readonly words: Words;
  readonly place: Place;
}

interface PageWords {
  /** Of the browser's tab. */
  readonly title: string;
}

export interface OpenPage {
  readonly title: string;
  readonly content: ComponentChildren;
}

export interface PageEntry {
  readonly name: string;
  readonly path: RegExp;
  open(language: Language, place: Place): Promise<OpenPage>;
}

function page<Words extends PageWords>(
  name: string,
  path: RegExp,
  load: () => Promise<{ readonly Page: (props: PageProps<Words>) => VNode }>,
  dictionaries: Readonly<Record<Language, () => Promise<{ readonly words: Words }>>>,
): PageEntry {
  return {
    name,
    path,
    async open(language, place) {
      const [{ Page }, { words }] = await Promise.all([load(), dictionaries[language]()]);
      return { title: words.title, content: h(Page, { words, place }) };
    },
  };
}

export const pages: readonly PageEntry[] = [
  page("verify", /^\/$/, () => import("./pages/verify/index.tsx"), {
    en: () => import("./words/en/verify.ts"),
    es: () => import("./words/es/verify.ts"),
  }),
  page("entry", /^\/entry\/(?<index>0|[1-9]\d{0,15})$/, () => import("./pages/entry/index.tsx"), {
    en: () => import("./words/en/entry.ts"),
    es: () => import("./words/es/entry.ts"),
  }),
  page("search", /^\/search$/, () => import("./pages/search/index.tsx"), {
    en: () => import("./words/en/search.ts"),
    es: () => import("./words/es/search.ts"),
  }),
  page("status", /^\/status$/, () => import("./pages/status/index.tsx"), {
    en: () => import("./words/en/status.ts"),
    es: () => import("./words/es/status.ts"),
  }),
  page("notarize", /^\/notarize$/, () => import("./pages/notarize/index.tsx"), {
    en: () => import("./words/en/notarize.ts"),
    es: () => import("./words/es/notarize.ts"),
  }),
  page("vault", /^\/vault(?:\/(?<ref>[a-z2-7]{26}|[0-9a-f]{64}))?$/, () => import("./pages/vault/index.tsx"), {
    en: () => import("./words/en/vault.ts"),
    es: () => import("./words/es/vault.ts"),
  }),
  page("admin", /^\/admin(?:\/(?<section>[a-z]+))?$/, () => import("./pages/admin/index.tsx"), {
    en: () => import("./words/en/admin.ts"),
    es: () => import("./words/es/admin.ts"),
  }),
];

/** The page at an address, and where that is; undefined when the portal has none there. */
export function findPage(url: URL): { readonly page: PageEntry; readonly place: Place } | undefined {
  for (const entry of pages) {
    const match = entry.path.exec(url.pathname);
    if (match !== null)
      return { page: entry, place: { path: url.pathname, query: url.searchParams, parts: { ...match.groups } } };
  }
  return undefined;
}
