/** Which language the page speaks: the address says (`?lang=es`), else the last choice, else the browser. */
export type Language = "en" | "es";

export const languages: readonly Language[] = ["en", "es"];
const key = "attestry.language";

export function currentLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, stored(), ...navigator.languages.map((tag) => tag.slice(0, 2))];
  return wanted.find(isLanguage) ?? "en";
}

/** Remembers the choice and puts it into the address, so that a link that is sent on keeps it. */
export function chooseLanguage(language: Language): void {
  try {
    localStorage.setItem(key, language);
  } catch {
    // without storage the address alone remembers it
  }
  const url = new URL(location.href);
  url.searchParams.set("lang", language);
  history.replaceState(history.state, "", url);
}

function stored(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function isLanguage(text: string | null): text is Language {
  return languages.some((language) => language === text);
}
