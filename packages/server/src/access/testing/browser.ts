/** A browser as far as signing in goes: keeps cookies for each origin, and follows redirects one by one. */

export interface Cookie {
  readonly value: string;
  /** As the server wrote them: `HttpOnly`, `SameSite=Lax`… */
  readonly attributes: readonly string[];
}

export interface Browser {
  /** One exchange with the cookies of that origin; no redirect is followed. */
  fetch(url: string, init?: RequestInit): Promise<Response>;
  /** Follows redirects until `until` says that one leads there, or there is no more. */
  follow(
    url: string,
    until?: (next: string) => boolean,
  ): Promise<{ readonly url: string; readonly response: Response }>;
  cookies(origin: string): ReadonlyMap<string, Cookie>;
  setCookie(origin: string, name: string, value: string): void;
}

export function createBrowser(): Browser {
  const jars = new Map<string, Map<string, Cookie>>();
  const jarOf = (origin: string): Map<string, Cookie> => {
    const jar = jars.get(origin) ?? new Map<string, Cookie>();
    jars.set(origin, jar);
    return jar;
  };

  function keep(origin: string, line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const at = pair.indexOf("=");
    const gone = attributes.some((one) => /^max-age=0$/i.test(one) || /^expires=Thu, 01 Jan 1970/i.test(one));
    if (gone) jarOf(origin).delete(pair.slice(0, at));
    else jarOf(origin).set(pair.slice(0, at), { value: pair.slice(at + 1), attributes });
  }

  const browser: Browser = {
    async fetch(url: string, init: RequestInit = {}): Promise<Response> {
      const { origin } = new URL(url);
      const headers = new Headers(init.headers);
      const cookie = [...jarOf(origin)].map(([name, { value }]) => `${name}=${value}`).join("; ");
      if (cookie !== "") headers.set("cookie", cookie);
      if (!headers.has("accept")) headers.set("accept", "text/html");
      const response = await fetch(url, { ...init, headers, redirect: "manual" });
      for (const line of response.headers.getSetCookie()) keep(origin, line);
      return response;
    },

    async follow(url: string, until: (next: string) => boolean = () => false) {
      let at = url;
      for (let step = 0; step < 12; step++) {
        const response = await browser.fetch(at);
        const location = response.headers.get("location");
        if (location === null) return { url: at, response };
        const next = new URL(location, at).href;
        if (until(next)) return { url: next, response };
        at = next;
      }
      throw new Error("too many redirects");
    },

    cookies: jarOf,
    setCookie: (origin, name, value) => void jarOf(origin).set(name, { value, attributes: [] }),
  };
  return browser;
}
