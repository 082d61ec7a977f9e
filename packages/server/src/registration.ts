/** The way of a request's statements: admitted each for itself, sequenced together, answered under one head. */
import { isAttestryError } from "@attestry/core";
import type { Logger } from "pino";
import type { Admission, Admitted } from "./admission.ts";
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
  const gatherer = createGatherer(sequencer);
  for (const outcome of ["new", "known"]) metrics.registrations.inc({ outcome }, 0); // a series begins at zero

  function countRefusals(admitted: readonly Admitted[]): void {
    for (const one of admitted) {
      if (!("error" in one)) continue;
      if (isAttestryError(one.error)) metrics.refusals.inc({ code: one.error.code });
      else logger.error({ err: one.error }, "admission failed");
    }
  }

  function countRegistrations(sequenced: readonly Sequenced[]): void {
    const isNew = sequenced.filter((one) => one.isNew).length;
    if (isNew > 0) metrics.registrations.inc({ outcome: "new" }, isNew);
    if (isNew < sequenced.length) metrics.registrations.inc({ outcome: "known" }, sequenced.length - isNew);
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
    const start = performance.now();
    const { admitted, sequenced } = await gatherer.submit(admission.admit(statements));
    countRefusals(admitted);
    let next = 0;
    const outcomes = admitted.map((entry): Outcome => {
      if ("error" in entry) return entry;
      const { index, leafHash, isNew } = sequenced[next++] as Sequenced;
      return { index, leafHash, isNew };
    });
    countRegistrations(sequenced);
    const head = await headOver(sequenced);
    metrics.registrationSeconds.observe((performance.now() - start) / 1000);
    return { outcomes, head };
  };
}

interface Gatherer {
  /** Submits what was admitted of a request. @throws as `Sequencer.submit` */
  submit(admitting: Promise<Admitted[]>): Promise<{ admitted: readonly Admitted[]; sequenced: readonly Sequenced[] }>;
}

/**
 * Milliseconds that admitted requests wait at most for others that are being checked, and how many need not wait for more: a
 * head costs as much of the processor as some ten statements.
 */
const longestGathering = 15;
const enough = 32;

/**
 * Lets statements of many small requests share a head: what is admitted waits for the other statements that are being checked,
 * for some milliseconds at most, and not at all when there are none. It stops at so many, so that one batch is gathered while
 * the one before is signed and written.
 */
function createGatherer(sequencer: Sequencer): Gatherer {
  let checking = 0;
  let waiting = 0;
  let gathered = Promise.withResolvers<void>(); // one for all that wait
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    gathered.resolve();
    gathered = Promise.withResolvers();
    waiting = 0;
  }

  return {
    async submit(admitting) {
      checking += 1;
      const admitted = await admitting.finally(() => {
        checking -= 1;
      });
      const { promise } = gathered;
      waiting += 1;
      if (checking === 0 || waiting >= enough) flush();
      else timer ??= setTimeout(flush, longestGathering);
      await promise;
      const entries = admitted.filter((entry): entry is AdmittedEntry => "entry" in entry);
      return { admitted, sequenced: await sequencer.submit(entries) };
    },
  };
}
