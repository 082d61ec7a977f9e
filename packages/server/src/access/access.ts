/** Access to one notary, put together over its data folder: who asks, who may, and what administrators did. */
import type { DataFolder } from "../data-folder.ts";
import type { Notary } from "../notary.ts";
import { type CookieJar, createCookie, type PublicAddress } from "./browser.ts";
import { type Credentials, createCredentials } from "./credentials.ts";
import { createIdentify, type Identify } from "./identify.ts";
import { type NotaryIssuer, openNotaryIssuer } from "./notary-issuer.ts";
import { openProvider } from "./provider.ts";
import { type ActionLog, openActionLog } from "./record-action.ts";
import { createSessions, type Sessions } from "./sessions.ts";
import { createSignIn, type SignIn } from "./sign-in.ts";
import { readSignInConfig } from "./sign-in-config.ts";
import { openSqliteAccessStore } from "./sqlite-store.ts";

export interface Access {
  readonly identify: Identify;
  readonly credentials: Credentials;
  readonly sessions: Sessions;
  /** The session's id. */
  readonly sessionCookie: CookieJar;
  readonly signIn: SignIn;
  /** Binds a sign-in that is under way to its browser. */
  readonly signInCookie: CookieJar;
  readonly actions: ActionLog;
  /** Signs what the notary records of itself; the vault's custody events too. */
  readonly ownIssuer: NotaryIssuer;
  readonly address: PublicAddress;
  close(): Promise<void>;
}

export interface AccessParts extends PublicAddress {
  readonly folder: DataFolder;
  readonly notary: Notary;
  readonly adminToken: string;
  readonly passphrase?: string | undefined;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

/**
 * @throws as `openNotaryIssuer`; USAGE and USAGE_FILE for `portal.json` and the files that it names; FATAL_CORRUPT, FATAL_VERSION,
 *   UNAVAILABLE_STORAGE
 */
export async function openAccess(parts: AccessParts): Promise<Access> {
  const { folder, notary, adminToken, passphrase, now, publicUrl } = parts;
  const { providers } = await readSignInConfig(folder.portal);
  const signIn = createSignIn(await Promise.all(providers.map((one) => openProvider(one, folder.folder))), now);
  const ownIssuer = await openNotaryIssuer({ notary, path: folder.custodyKey, passphrase, now });
  const store = openSqliteAccessStore(folder.access);
  try {
    const actions = await openActionLog({ store, issuer: ownIssuer, notary, now });
    const credentials = createCredentials({ store, actions, now });
    const sessions = createSessions({ store, actions, now });
    const address: PublicAddress = { publicUrl };
    const sessionCookie = createCookie("attestry-session", address);
    const identify = createIdentify({
      ...address,
      adminToken,
      credentials,
      sessions: { sessions, cookie: sessionCookie },
    });
    return {
      identify,
      credentials,
      sessions,
      sessionCookie,
      signIn,
      signInCookie: createCookie("attestry-sign-in", address),
      actions,
      ownIssuer,
      address,
      close: () => store.close(),
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
