/** Starts anchoring in the background: until its ledgers are ready, and if they never are, the notary runs without it and says so. */
import { isAttestryError, type PublicKey, type Signer } from "@attestry/core";
import { openSqliteAnchorStore } from "@attestry/ledger";
import type { Logger } from "pino";
import type { CurrentHead } from "../log/store.ts";
import { type Anchoring, type AnchoringPlace, createAnchoring, type PlaceStatus } from "./anchoring.ts";

/** The log that is to be anchored, as its ledgers need to know it. */
export interface AnchoredLog {
  readonly origin: string;
  readonly receiptKey: PublicKey;
}

export interface AnchoringStatus {
  readonly places: readonly PlaceStatus[];
  /** Why there are none although there should be. */
  readonly problem?: string;
}

export interface StartOptions {
  readonly origin: string;
  readonly signer: Signer;
  readonly places: ((log: AnchoredLog) => Promise<readonly AnchoringPlace[]>) | undefined;
  /** Where `anchors.db` is kept. */
  readonly folder: string;
  readonly logger: Logger;
  readHead(): CurrentHead;
}

export interface StartedAnchoring extends Pick<Anchoring, "firstCovering" | "list" | "close"> {
  status(): AnchoringStatus;
}

export function startAnchoring(options: StartOptions): StartedAnchoring {
  const { origin, signer, places, folder, logger, readHead } = options;
  let running: Anchoring | undefined;
  let problem: string | undefined;

  async function start(): Promise<void> {
    if (places === undefined) return;
    try {
      const ready = await places({ origin, receiptKey: signer.publicKey });
      running = await createAnchoring({
        origin,
        places: ready,
        store: openSqliteAnchorStore(folder),
        readHead,
        signer,
        logger,
      });
    } catch (error) {
      problem = isAttestryError(error) ? error.message : "Anchoring could not be started; the server's log says why.";
      logger.error({ err: error }, "anchoring did not start");
    }
  }

  const started = start();
  return {
    status: () => ({ places: running?.status() ?? [], ...(problem === undefined ? {} : { problem }) }),
    firstCovering: async (index) => running?.firstCovering(index) ?? [],
    list: async (limit) => running?.list(limit) ?? [],
    async close(): Promise<void> {
      await started;
      await running?.close();
    },
  };
}
