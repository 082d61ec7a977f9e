/**
 * Administrative actions, recorded so that nobody can edit the record: each is an event in deterministic CBOR (RFC 8949 §4.2.1)
 * whose hash is in the log under the notary's own key before the action is done. The events' bytes stay in the access store.
 */
import { randomBytes } from "node:crypto";
import { AttestryError, type CborMap, type CborValue, decodeCbor, encodeCbor, sha256 } from "@attestry/core";
import { findNewest } from "../find.ts";
import type { Notary } from "../notary.ts";
import type { NotaryIssuer } from "./notary-issuer.ts";
import type { Principal } from "./roles.ts";
import type { AccessStore, Action } from "./store.ts";

export type ActionName =
  | "token-added"
  | "token-revoked"
  | "session-ended"
  | "issuer-added"
  | "issuer-revoked"
  | "keys-rotated"
  | "vault-swept"
  | "class-added"
  | "class-changed"
  | "audit-started"
  | "audit-ended";

export const actionContentType = "application/vnd.attestry.action+cbor";
/** The `sub` of every action's statement. */
export const actionSubject = "administration";

/** An action as it was recorded. */
export interface RecordedAction {
  readonly sequence: number;
  /** The log's entry that holds the hash of `event`. */
  readonly entryIndex: number;
  readonly event: Uint8Array;
  /** Read from the event. */
  readonly action: string;
  readonly who: string;
  /** Whole seconds of Unix time. */
  readonly time: number;
  readonly facts: Readonly<Record<string, CborValue>>;
}

export interface ActionLog {
  /**
   * Records what the principal is about to do; when it resolves, it is in the log. Do it only then, and not when this rejects.
   * @throws as `NotaryIssuer.register`; UNAVAILABLE_STORAGE
   */
  record(who: Principal, action: ActionName, facts: Readonly<Record<string, CborValue>>): Promise<void>;
  /** The newest first, before the given sequence number. */
  list(before: number | undefined, limit: number): Promise<RecordedAction[]>;
}

export interface ActionLogParts {
  readonly store: AccessStore;
  readonly issuer: NotaryIssuer;
  readonly notary: Pick<Notary, "find">;
  /** Whole seconds of Unix time. */
  readonly now: () => number;
}

/** Settles first what a crash left open. @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT */
export async function openActionLog({ store, issuer, notary, now }: ActionLogParts): Promise<ActionLog> {
  for (const action of await store.listPendingActions()) await settle(action, { store, notary, issuer });
  return {
    async record(who: Principal, action: ActionName, facts: Readonly<Record<string, CborValue>>): Promise<void> {
      const event = encodeCbor(
        new Map<string, CborValue>([
          ["action", action],
          ["who", who.name],
          ["as", who.kind],
          ["time", now()],
          ["facts", new Map(Object.entries(facts))],
          ["salt", randomBytes(16)], // so that nobody finds the event by trying likely ones against the public hash
        ]),
      );
      const sequence = await store.addAction(event);
      const { index } = await issuer.register(event, { contentType: actionContentType, subject: actionSubject });
      await store.setActionEntry(sequence, index);
    },

    list: async (before, limit) => (await store.listActions(before, limit)).map(parseAction),
  };
}

/** An action is done once its event is in the log: one whose event is not there was never done. */
async function settle(
  { sequence, event }: Action,
  { store, notary, issuer }: Pick<ActionLogParts, "store" | "notary" | "issuer">,
): Promise<void> {
  const entry = await findNewest(notary, { digest: sha256(event), issuer: issuer.name });
  if (entry === undefined) await store.removeAction(sequence);
  else await store.setActionEntry(sequence, entry.index);
}

function parseAction({ sequence, event, entryIndex }: Action): RecordedAction {
  const map = decodeCbor(event, { code: "FATAL_CORRUPT" }) as CborMap;
  const action = map.get("action");
  const who = map.get("who");
  const time = map.get("time");
  const facts = map.get("facts");
  if (
    typeof action !== "string" ||
    typeof who !== "string" ||
    typeof time !== "number" ||
    !(facts instanceof Map) ||
    entryIndex === undefined
  ) {
    throw new AttestryError("FATAL_CORRUPT", "A recorded action is damaged.");
  }
  return { sequence, entryIndex, event, action, who, time, facts: Object.fromEntries(facts) };
}
