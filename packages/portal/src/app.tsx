/** The shell: header, the open page, footer. It follows links of the portal without loading the document again. */
import type { VNode } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { chooseLanguage, currentLanguage, type Language } from "./language.ts";
import { findPage, type OpenPage } from "./pages.ts";
import { Footer } from "./parts/footer.tsx";
import { Header } from "./parts/header.tsx";
import { type CommonWords, ShellContext } from "./shell.ts";

const commonWords: Readonly<Record<Language, () => Promise<{ readonly words: CommonWords }>>> = {
  en: () => import("./words/en/common.ts"),
  es: () => import("./words/es/common.ts"),
};

interface Shown extends OpenPage {
  readonly language: Language;
  readonly common: CommonWords;
  readonly name: string;
}

export function App(): VNode | null {
  const [shown, setShown] = useState<Shown>();
  const [failed, setFailed] = useState(false);
  const main = useRef<HTMLElement>(null);
  const turn = useRef(0);

  const show = useCallback(async (moved: boolean): Promise<void> => {
    turn.current += 1;
    const own = turn.current;
    try {
      const next = await open(currentLanguage());
      if (turn.current !== own) return; // somebody went on meanwhile
      document.documentElement.lang = next.language;
      document.title = `${next.title} | Attestry`;
      setFailed(false);
      setShown(next);
      // A screen reader goes on where the new page begins.
      if (moved) main.current?.focus();
      if (moved) scrollTo(0, 0);
    } catch {
      setFailed(true);
    }
  }, []);

  const navigate = useCallback(
    (href: string): void => {
      const url = new URL(href, location.href);
      const language = new URLSearchParams(location.search).get("lang");
      if (language !== null && !url.searchParams.has("lang")) url.searchParams.set("lang", language);
      history.pushState(null, "", url);
      void show(true);
    },
    [show],
  );

  useEffect(() => {
    const back = (): void => void show(true);
    const click = (event: MouseEvent): void => {
      const href = linkOf(event);
      if (href === undefined) return;
      event.preventDefault();
      navigate(href);
    };
    addEventListener("popstate", back);
    document.addEventListener("click", click);
    void show(false);
    return () => {
      removeEventListener("popstate", back);
      document.removeEventListener("click", click);
    };
  }, [show, navigate]);

  if (shown === undefined) return failed ? <Unloaded /> : null;
  const speak = (language: Language): void => {
    chooseLanguage(language);
    void show(false);
  };
  const { language, common, name, content } = shown;
  return (
    <ShellContext.Provider value={{ language, words: common, page: name, navigate, speak }}>
      <a class="usa-skipnav" href="#main">
        {common.skip}
      </a>
      <Header />
      <main id="main" class="page" tabIndex={-1} ref={main}>
        {failed && <Unloaded />}
        {content}
      </main>
      <Footer />
    </ShellContext.Provider>
  );
}

async function open(language: Language): Promise<Shown> {
  const found = findPage(new URL(location.href)) ?? findPage(new URL("/", location.href));
  if (found === undefined) throw new Error("There is no front page.");
  const [{ words: common }, page] = await Promise.all([
    commonWords[language](),
    found.page.open(language, found.place),
  ]);
  return { ...page, language, common, name: found.page.name };
}

/** Where a click leads, when that is a page of the portal and the reader asked for nothing special (a new tab, a download). */
function linkOf(event: MouseEvent): string | undefined {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  const special = event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey;
  if (link === null || special || event.altKey || link.target !== "" || link.hasAttribute("download")) return undefined;
  const url = new URL(link.href);
  const isHere = url.pathname === location.pathname && url.search === location.search && url.hash !== "";
  return url.origin === location.origin && !isHere && findPage(url) !== undefined ? link.href : undefined;
}

/** A part of the portal could not be fetched, so its words may be missing too: both languages. */
function Unloaded(): VNode {
  return (
    <div class="usa-alert usa-alert--error" role="alert">
      <div class="usa-alert__body">
        <p class="usa-alert__text">This page could not be loaded. Check the connection and try again.</p>
        <p class="usa-alert__text" lang="es">
          No se pudo cargar esta página. Compruebe la conexión e inténtelo de nuevo.
        </p>
      </div>
    </div>
  );
}
