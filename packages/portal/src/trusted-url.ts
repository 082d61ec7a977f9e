/**
 * Addresses of scripts under Trusted Types (https://www.w3.org/TR/trusted-types/): the one policy of the portal, which lets
 * this origin's own files through and nothing else. The notary's Content-Security-Policy names it.
 */

interface ScriptUrlPolicy {
  createScriptURL(url: string): string;
}
interface TrustedTypes {
  createPolicy(name: string, rules: ScriptUrlPolicy): ScriptUrlPolicy;
}

const rules: ScriptUrlPolicy = {
  createScriptURL(url: string): string {
    const { origin, href } = new URL(url, location.href);
    if (origin !== location.origin) throw new TypeError("Scripts come from this origin alone.");
    return href;
  },
};

let policy: ScriptUrlPolicy | undefined;

/** The address in the form that `Worker` and `serviceWorker.register` take. @throws TypeError for another origin's */
export function scriptUrl(url: string): string {
  policy ??= (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy("attestry", rules) ?? rules;
  return policy.createScriptURL(url);
}
