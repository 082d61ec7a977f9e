/** Sessions of people at the portal: a random id in a cookie, kept as its hash, ended by idleness, by age and by signing out. */
import { AttestryError } from "@attestry/core";
import type { ActionLog } from "./record-action.ts";
import type { Principal, Role } from "./roles.ts";
import { deriveSecret, hashSecret, newSecret } from "./secrets.ts";
import type { AccessStore, Session } from "./store.ts";

/** Seconds without a request, and in all. */
export const sessionLimits: { readonly idle: number; readonly absolute: number } = {
  idle: 30 * 60,
  absolute: 12 * 60 * 60,
};

/** Seconds that pass at least before a session's or token's last use is written again. */
export const useInterval = 60;

export interface LiveSession {
  readonly principal: Principal;
  /** What mutations must bring in `x-attestry-csrf`. */
  readonly csrf: string;
  readonly provider: string | undefined;
  /** When it ends though it is used; seconds of Unix time. */
  readonly endsAt: number;
}

export interface Sessions {
  /** Begins one under an id that nobody knew before, and gives the id. */
  start(who: { readonly name: string; readonly roles: readonly Role[]; readonly provider?: string }): Promise<string>;
  /** The session of that id while it lasts, its idleness begun anew. */
  find(id: string): Promise<LiveSession | undefined>;
  end(id: string): Promise<void>;
  /** Those that have not ended, the oldest first. Their `key` opens nothing. */
  list(): Promise<Session[]>;
  /** An administrator ends somebody's, by its key. In the log when it resolves. @throws NOT_FOUND; as `ActionLog.record` */
  endFor(who: Principal, key: string): Promise<void>;
}

export interface SessionsParts {
  readonly store: AccessStore;
  readonly actions: ActionLog;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

export function createSessions({ store, actions, now }: SessionsParts): Sessions {
  const isLive = ({ startedAt, seenAt }: Session): boolean =>
    now() < startedAt + sessionLimits.absolute && now() < seenAt + sessionLimits.idle;

  return {
    async start({ name, roles, provider }): Promise<string> {
      const at = now();
      await store.removeOldSessions(at - sessionLimits.idle, at - sessionLimits.absolute);
      const id = newSecret();
      await store.addSession({ key: hashSecret(id), name, roles, provider, startedAt: at, seenAt: at });
      return id;
    },

    async find(id: string): Promise<LiveSession | undefined> {
      const key = hashSecret(id);
      const session = await store.findSession(key);
      if (session === undefined || !isLive(session)) return undefined;
      const { name, roles, provider, startedAt, seenAt } = session;
      const at = now();
      if (at >= seenAt + useInterval) await store.useSession(key, at).catch(() => {}); // a full disk ends no session at once
      const principal: Principal = { name, kind: "session", roles: new Set(roles) };
      return { principal, csrf: deriveSecret(id, "csrf"), provider, endsAt: startedAt + sessionLimits.absolute };
    },

    end: (id) => store.removeSession(hashSecret(id)),
    list: async () => (await store.listSessions()).filter(isLive),

    async endFor(who: Principal, key: string): Promise<void> {
      const session = await store.findSession(key);
      if (session === undefined) throw new AttestryError("NOT_FOUND");
      await actions.record(who, "session-ended", { name: session.name, startedAt: session.startedAt });
      await store.removeSession(key);
    },
  };
}
