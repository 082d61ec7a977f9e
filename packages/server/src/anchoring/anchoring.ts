/**
 * Anchors the log on every configured ledger and has its checkpoints stamped by every configured authority, each on its own
 * schedule and in the background; gives what came of it to proof files. Registration never waits for any of it.
 */
import type { Signer } from "@attestry/core";
import {
  type AnchorerStatus,
  type AnchorRecord,
  type AnchorState,
  type AnchorStore,
  createAnchorer,
  type Ledger,
} from "@attestry/ledger";
import type { Logger } from "pino";
import type { CurrentHead } from "../log/store.ts";

/** A ledger or a time stamp authority, and when to go to it. */
export interface AnchoringPlace {
  readonly ledger: Ledger;
  readonly kind: "ledger" | "authority";
  /** An anchor is due when the log has grown and so many milliseconds have passed since the one before… */
  readonly everyMs: number;
  /** …or so many entries have come. */
  readonly everyEntries: number;
  /** What people need to find it: chain id and contract, or the authority's address. */
  readonly about: Readonly<Record<string, string | number>>;
}

export interface AnchoringOptions {
  readonly origin: string;
  readonly places: readonly AnchoringPlace[];
  readonly store: AnchorStore;
  /** The newest durable head. */
  readHead(): CurrentHead;
  /** The log's ES256 key. */
  readonly signer: Signer;
  readonly logger: Logger;
}

export interface PlaceStatus extends AnchorerStatus {
  readonly kind: AnchoringPlace["kind"];
  readonly about: AnchoringPlace["about"];
}

export type AnchorSummary = AnchorRecord & Pick<AnchoringPlace, "kind" | "about">;

/** What vouches for the head of one size. */
export interface AnchoredHead {
  readonly size: number;
  readonly anchors: readonly Uint8Array[];
  readonly timeStamps: readonly Uint8Array[];
}

export interface Anchoring {
  status(): PlaceStatus[];
  /** Of each ledger and authority the first final anchor that covers the entry, gathered by head, the smallest first. */
  firstCovering(index: number): Promise<AnchoredHead[]>;
  /** Anchors, the newest first. */
  list(limit: number): Promise<AnchorSummary[]>;
  close(): Promise<void>;
}

const allStates: readonly AnchorState[] = ["submitted", "included", "final", "lost"];

/** @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT: of the anchors' own store */
export async function createAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const { origin, places, store, readHead, signer, logger } = options;
  const readCheckpoint = async (): Promise<CurrentHead | undefined> => (readHead().size > 0 ? readHead() : undefined);
  const onChange = ({ ledger, size, state, problem }: AnchorRecord): void => {
    logger.info({ ledger, size, state, ...(problem && { problem }) }, "anchor");
  };
  const running = await Promise.all(
    places.map(async (place) => {
      const { ledger, everyMs, everyEntries } = place;
      const timing = { everyMs, everyEntries, pollMs: Math.min(2000, everyMs) };
      const common = { ledger, store, origin, readCheckpoint, signForLedger: signer, onChange };
      return { ...place, anchorer: await createAnchorer({ ...common, ...timing }) };
    }),
  );

  return {
    status: () => running.map(({ anchorer, kind, about }) => ({ ...anchorer.status(), kind, about })),

    async firstCovering(index: number): Promise<AnchoredHead[]> {
      const found = await Promise.all(
        running.map(async ({ anchorer, kind }) => ({ kind, record: await anchorer.firstCovering(index) })),
      );
      const heads = new Map<number, { size: number; anchors: Uint8Array[]; timeStamps: Uint8Array[] }>();
      for (const { kind, record } of found) {
        if (record?.proof === undefined) continue;
        const head = heads.get(record.size) ?? { size: record.size, anchors: [], timeStamps: [] };
        (kind === "ledger" ? head.anchors : head.timeStamps).push(record.proof);
        heads.set(record.size, head);
      }
      return [...heads.values()].sort((a, b) => a.size - b.size);
    },

    async list(limit: number): Promise<AnchorSummary[]> {
      const lists = await Promise.all(
        running.map(async ({ ledger, kind, about }) => {
          const records = await store.list(ledger.name, origin, { states: allStates, limit, order: "descending" });
          return records.map((record) => ({ ...record, kind, about }));
        }),
      );
      return lists
        .flat()
        .sort((a, b) => b.submittedAt - a.submittedAt || b.size - a.size)
        .slice(0, limit);
    },

    async close(): Promise<void> {
      await Promise.all(running.map(({ anchorer }) => anchorer.close()));
      await store.close();
    },
  };
}
