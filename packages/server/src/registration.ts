/** The way of a request's statements: admitted each for itself, sequenced together, answered under one head. */
import { isAttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { Admission } from "./admission.ts";
import type { Sequenced, Sequencer } from "./log/sequencer.ts";
import type { AdmittedEntry, CurrentHead } from "./log/store.ts";
import type { Metrics } from "./metrics.ts";
import type { WitnessClient } from "./witness/client.ts";

/** What became of one statement of a request. */
export type Outcome =
  | { readonly index: number; readonly leafHash: Uint8Array; readonly isNew: boolean }
  | { readonly error: unknown };

export interface Registered {
  /** In the order of the statements. */
  readonly outcomes: readonly Outcome[];
  /** A durable head that covers all of them, cosigned where witnesses answered in time. */
  readonly head: CurrentHead;
}

export interface RegistrationParts {
  readonly admission: Admission;
  readonly sequencer: Sequencer;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly witnesses: WitnessClient | undefined;
  /** Milliseconds. */
  readonly witnessWait: number;
}

export function createRegistration(
  parts: RegistrationParts,
): (statements: readonly Uint8Array[]) => Promise<Registered> {
  const { admission, sequencer, metrics, logger, witnesses, witnessWait } = parts;

  async function admit(bytes: Uint8Array): Promise<AdmittedEntry | { readonly error: unknown }> {
    try {
      return await admission.admit(bytes);
    } catch (error) {
      if (isAttestryError(error)) metrics.refusals.inc({ code: error.code });
      else logger.error({ err: error }, "admission failed");
      return { error };
    }
  }

  /** The newest of their heads covers them all; a cosigned one that does is better. */
  async function headOver(sequenced: readonly Sequenced[]): Promise<CurrentHead> {
    const [first, ...rest] = sequenced;
    if (first === undefined) return sequencer.head;
    const newest = rest.reduce((best, { head }) => (head.size > best.size ? head : best), first.head);
    if (witnesses === undefined) return newest;
    return (await witnesses.awaitCosigned(newest.size, witnessWait)) ?? newest;
  }

  return async (statements) => {
    const stop = metrics.registrationSeconds.startTimer();
    const admitted = await Promise.all(statements.map(admit));
    const sequenced = await sequencer.submit(admitted.filter((entry): entry is AdmittedEntry => "entry" in entry));
    let next = 0;
    const outcomes = admitted.map((entry): Outcome => {
      if ("error" in entry) return entry;
      const { index, leafHash, isNew } = sequenced[next++] as Sequenced;
      return { index, leafHash, isNew };
    });
    const isNew = sequenced.filter((one) => one.isNew).length;
    metrics.registrations.inc({ outcome: "new" }, isNew);
    metrics.registrations.inc({ outcome: "known" }, sequenced.length - isNew);
    const head = await headOver(sequenced);
    stop();
    return { outcomes, head };
  };
}
