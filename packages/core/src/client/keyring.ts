/** The keys of a notary's log, kept from answer to answer, and asked for again when an answer shows that they have changed. */
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import type { LogKeys } from "./answer.ts";
import type { NotaryStatus } from "./resources.ts";

/** Keys, with the status that names them. */
export interface ShownKeys {
  readonly status: NotaryStatus;
  readonly keys: LogKeys;
}

export interface Keyring {
  keys(): Promise<LogKeys>;
  /**
   * What `read` makes of an answer under the log's keys; under those that the notary shows now, when another key signed the answer.
   * @throws what `read` and `check` throw; VERIFY_UNTRUSTED when the notary is that of another log now
   */
  read<Value>(read: (keys: LogKeys) => Promise<Value>): Promise<Value>;
}

/** Milliseconds in which keys are asked for again once, so that a notary which answers amiss costs nothing. */
const pause = 60_000;

/** What reading says of signatures by other keys than the known ones, all or some. */
const byAnother: readonly ErrorCode[] = ["VERIFY_UNTRUSTED", "VERIFY_CHECKPOINT", "VERIFY_KEY_MISMATCH"];

/** @param check throws what keys are refused for */
export function createKeyring(fetch: () => Promise<ShownKeys>, check?: (status: NotaryStatus) => void): Keyring {
  let known: Promise<ShownKeys> | undefined;
  let renewal: { readonly shown: Promise<ShownKeys>; readonly at: number } | undefined;

  async function fetchChecked(origin?: string): Promise<ShownKeys> {
    const shown = await fetch();
    if (origin !== undefined && shown.status.origin !== origin) throw anotherLog(origin, shown.status.origin);
    check?.(shown.status);
    return shown;
  }

  function first(): Promise<ShownKeys> {
    if (known !== undefined) return known;
    const asked = fetchChecked();
    known = asked;
    asked.catch(() => {
      known = undefined; // a failure is not remembered
    });
    return asked;
  }

  /** Shared by the answers that are read at the same time. */
  function renew(origin: string): Promise<ShownKeys> {
    if (renewal !== undefined && performance.now() - renewal.at < pause) return renewal.shown;
    const shown = fetchChecked(origin);
    renewal = { shown, at: performance.now() };
    shown.then(
      () => {
        known = shown;
      },
      (error) => {
        if (isAttestryError(error) && error.facts.retry) renewal = undefined; // it was not there to ask
      },
    );
    return shown;
  }

  return {
    keys: async () => (await first()).keys,
    async read(read) {
      const old = await first();
      try {
        return await read(old.keys);
      } catch (error) {
        if (!isAttestryError(error) || !byAnother.includes(error.code)) throw error;
        const now = await renew(old.status.origin);
        if (now === old) throw error;
        return read(now.keys);
      }
    },
  };
}

function anotherLog(origin: string, now: string): AttestryError {
  const message =
    `The notary is that of another log now: ${now} instead of ${origin}. Somebody may be posing as it. ` +
    "If its operator confirms the change, start again.";
  return new AttestryError("VERIFY_UNTRUSTED", message, { data: { origin, now } });
}
