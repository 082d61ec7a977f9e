/**
 * Signing in: the way to an OpenID provider and back, and the one-time link for whoever holds the data folder. What is under way is
 * kept in memory, works once and in the same browser alone, and is gone after ten minutes.
 */
import { AttestryError } from "@attestry/core";
import { createOnceStore } from "./once.ts";
import type { Provider, SignedIn } from "./provider.ts";
import { localPrincipal } from "./roles.ts";
import { hashSecret, newSecret } from "./secrets.ts";

const limits = { lifetime: 10 * 60, most: 10_000 } as const;

export interface WayBack {
  readonly who: SignedIn & { readonly provider?: string };
  /** Path of the portal's page that the person wanted. */
  readonly returnTo: string;
}

export interface SignIn {
  readonly providers: readonly { readonly id: string; readonly label: string }[];
  /** A code for `/auth/local?code=`. */
  makeLocalCode(): string;
  /** @throws POLICY_SIGN_IN when the code was used, is too old, or never was one */
  useLocalCode(code: string): WayBack;
  /**
   * Where the browser goes.
   * @param browser a secret in a cookie of that browser: only there the way back is open
   * @throws NOT_FOUND (provider), UNAVAILABLE_SIGN_IN, POLICY_SIGN_IN
   */
  start(provider: string, way: { browser: string; redirectUri: string; returnTo: string }): Promise<string>;
  /**
   * Who came back.
   * @throws NOT_FOUND (provider), UNAVAILABLE_SIGN_IN, POLICY_SIGN_IN, POLICY_FORBIDDEN for people with no role here
   */
  finish(provider: string, cameBackTo: URL, browser: string | undefined): Promise<WayBack>;
  /** Where the browser goes to sign out at the provider as well. */
  endUrl(provider: string, returnTo: string): Promise<string | undefined>;
}

interface UnderWay {
  readonly provider: string;
  readonly browser: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly returnTo: string;
}

/** @param now whole seconds of Unix time */
export function createSignIn(providers: readonly Provider[], now: () => number): SignIn {
  const links = createOnceStore<true>({ ...limits, most: 100 }, now);
  const ways = createOnceStore<UnderWay>(limits, now);
  const find = (id: string): Provider => {
    const found = providers.find((provider) => provider.id === id);
    if (found === undefined) throw new AttestryError("NOT_FOUND");
    return found;
  };

  return {
    providers: providers.map(({ id, label }) => ({ id, label })),
    makeLocalCode: () => links.put(true),

    useLocalCode(code: string): WayBack {
      if (links.take(code) === undefined) throw refused("the link was used, is too old, or never was one");
      return { who: { name: localPrincipal.name, roles: [...localPrincipal.roles] }, returnTo: "/" };
    },

    async start(id, { browser, redirectUri, returnTo }): Promise<string> {
      const provider = find(id);
      const checks = { nonce: newSecret(), verifier: newSecret() };
      const state = ways.put({ provider: id, browser: hashSecret(browser), ...checks, returnTo });
      return provider.startUrl({ ...checks, state }, redirectUri);
    },

    async finish(id: string, cameBackTo: URL, browser: string | undefined): Promise<WayBack> {
      const provider = find(id);
      const [state = "", ...more] = cameBackTo.searchParams.getAll("state");
      const way = more.length === 0 ? ways.take(state) : undefined;
      if (way === undefined || way.provider !== id) throw refused("no such sign-in is under way, or not any more");
      if (browser === undefined || hashSecret(browser) !== way.browser) throw refused("another browser began it");
      const who = await provider.finish(cameBackTo, { ...way, state });
      if (who.roles.length === 0) {
        throw new AttestryError("POLICY_FORBIDDEN", undefined, { data: { why: `${who.name} has no role` } });
      }
      return { who: { ...who, provider: id }, returnTo: way.returnTo };
    },

    endUrl: async (id, returnTo) => providers.find((provider) => provider.id === id)?.endUrl(returnTo),
  };
}

function refused(why: string): AttestryError {
  return new AttestryError("POLICY_SIGN_IN", undefined, { data: { why } });
}
