/**
 * Anchors the log on every configured ledger and has its checkpoints stamped by every configured authority, each on its own
 * schedule and in the background; gives what came of it to proof files. Registration waits for none of it, and no place for
 * another.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, encodeHex, isAttestryError, type PublicKey, type Signer } from "@attestry/core";
import {
  type Anchorer,
  type AnchorerStatus,
  type AnchorRecord,
  type AnchorState,
  type AnchorStore,
  createAnchorer,
  type Ledger,
  openSqliteAnchorStore,
} from "@attestry/ledger";
import type { Logger } from "pino";
import type { CoveringAnchor } from "../history.ts";
import type { CurrentHead } from "../log/store.ts";
import { authorityPrefix, createProofCheck } from "./check.ts";

/** When an anchor is due: the log has grown, and so much time has passed since the one before or so many entries have come. */
export interface Schedule {
  readonly everyMs: number;
  readonly everyEntries: number;
}

/** The log that is to be anchored, as its ledgers need to know it. */
export interface AnchoredLog {
  readonly origin: string;
  readonly receiptKey: PublicKey;
}

export type PlaceKind = "ledger" | "authority";

/** What people need to find a place: chain id, contract and account, or the authority's address. No secret is in it. */
export type About = Readonly<Record<string, string | number>>;

/** A ledger or a time stamp authority that the log goes to. */
export interface AnchoringPlace extends Schedule {
  /** What it is called until it is open. */
  readonly name: string;
  readonly kind: PlaceKind;
  /** Makes it ready. Called again, more and more seldom, for as long as it fails. */
  open(log: AnchoredLog): Promise<OpenPlace>;
}

export interface OpenPlace {
  /** What anchored there is kept under its name, which is the same at every start. */
  readonly ledger: Ledger;
  readonly about: About;
  close?(): Promise<void>;
}

export interface AnchoringOptions {
  readonly origin: string;
  readonly places: readonly AnchoringPlace[];
  /** Where `anchors.db` is kept. */
  readonly folder: string;
  /** The newest durable head. */
  readHead(): CurrentHead;
  /** The log's ES256 key. */
  readonly signer: Signer;
  readonly logger: Logger;
}

export interface PlaceStatus extends AnchorerStatus {
  readonly kind: PlaceKind;
  readonly about: About;
}

export interface AnchoringStatus {
  readonly places: readonly PlaceStatus[];
  /** Why there are none although there should be. */
  readonly problem?: string;
}

export type AnchorSummary = AnchorRecord & Pick<PlaceStatus, "kind" | "about">;

/** What vouches for one head of the log. */
export interface AnchoredHead {
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly anchors: readonly Uint8Array[];
  readonly timeStamps: readonly Uint8Array[];
}

export interface Anchoring {
  /** Goes to work. Until then it gives what was anchored earlier. */
  start(): void;
  status(): AnchoringStatus;
  /**
   * Of each ledger and authority, those of earlier configurations too, the first final anchor that covers the entry and holds;
   * by head, the smallest first.
   */
  firstCovering(index: number): Promise<AnchoredHead[]>;
  /** Of each ledger and authority the first anchor, on it for good or not yet, that covers the entry. */
  covering(index: number): Promise<CoveringAnchor[]>;
  /** Anchors, the newest first. @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT */
  list(limit: number): Promise<AnchorSummary[]>;
  close(): Promise<void>;
}

/** A proof file has room for 16 receipts. */
const maxHeads = 15;
/** Damaged anchors in a row that are passed over. */
const maxDamaged = 8;
const closeTimeout = 3000;
const maxOpenBackoff = 60_000;

/** Whatever is wrong with its store, the notary goes on: `status` says so then. */
export async function createAnchoring(options: AnchoringOptions): Promise<Anchoring> {
  const { folder, origin, logger } = options;
  try {
    const store = openSqliteAnchorStore(folder);
    return anchorWith(store, new Set(await store.ledgers(origin)), options);
  } catch (error) {
    logger.error({ err: error }, "anchoring cannot be started");
    const refuse = async (): Promise<never> => {
      throw error;
    };
    const status = { places: [], problem: describe(error) };
    return {
      start() {},
      status: () => status,
      firstCovering: async () => [],
      covering: async () => [],
      list: refuse,
      close: async () => {},
    };
  }
}

/** @param names of all ledgers that the store has anchors on */
function anchorWith(store: AnchorStore, names: Set<string>, options: AnchoringOptions): Anchoring {
  const { origin, places, logger } = options;
  const stopping = new AbortController();
  const stations = places.map((place): Station => ({ place }));
  const checkProof = createProofCheck();
  let running: Promise<void>[] = [];

  async function open(station: Station): Promise<Required<Pick<Station, "opened" | "anchorer">>> {
    const { signer, readHead } = options;
    const opened = await station.place.open({ origin, receiptKey: signer.publicKey });
    try {
      const { name } = opened.ledger;
      if (stations.some((other) => other.opened?.ledger.name === name))
        throw new AttestryError("USAGE", `${name} is configured twice; once is enough.`);
      const anchorer = await createAnchorer({
        ledger: opened.ledger,
        store,
        origin,
        readCheckpoint: async () => (readHead().size > 0 ? readHead() : undefined),
        signForLedger: signer,
        onChange: logChange(logger),
        everyMs: station.place.everyMs,
        everyEntries: station.place.everyEntries,
        pollMs: Math.min(2000, station.place.everyMs),
      });
      names.add(name);
      return { opened, anchorer };
    } catch (error) {
      await opened.close?.();
      throw error;
    }
  }

  async function openPatiently(station: Station): Promise<void> {
    for (let wait = 1000; !stopping.signal.aborted; wait = Math.min(2 * wait, maxOpenBackoff)) {
      try {
        Object.assign(station, await open(station), { problem: undefined });
        return;
      } catch (error) {
        const message = describe(error);
        if (station.problem?.message !== message)
          logger.warn({ err: error, place: station.place.name }, "no anchoring");
        const code = isAttestryError(error) ? error.code : "FATAL_INTERNAL";
        station.problem = { code, message, since: station.problem?.since ?? Date.now() };
      }
      await sleep(wait, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  }

  async function run(station: Station): Promise<void> {
    await openPatiently(station);
    if (!stopping.signal.aborted) await once(stopping.signal, "abort");
    await station.anchorer?.close();
    await station.opened?.close?.();
  }

  /** Of each ledger, the first of its anchors in those states that covers the entry. */
  async function firstOf(index: number, states: readonly AnchorState[]): Promise<AnchorRecord[]> {
    const first = { covering: index, states, limit: 1, order: "ascending" } as const;
    return (await Promise.all([...names].map((name) => store.list(name, origin, first)))).flat();
  }

  /** Of one ledger, the first final anchor that covers the entry: a damaged one spoils the proof, so the next has its place. */
  async function firstWhole(name: string, index: number): Promise<AnchorRecord[]> {
    let covering = index;
    for (let passed = 0; passed < maxDamaged; passed++) {
      const [record] = await store.list(name, origin, { covering, states: ["final"], limit: 1, order: "ascending" });
      if (record === undefined) break;
      const { ledger, size } = record;
      const err = await checkProof(record).catch((error: unknown) => error);
      if (err === undefined) return [record];
      logger.error({ err, ledger, size }, "a kept anchor is damaged; it is left out of proofs");
      covering = size;
    }
    return [];
  }

  const kindAndAbout = (name: string): Pick<PlaceStatus, "kind" | "about"> => ({
    kind: name.startsWith(authorityPrefix) ? "authority" : "ledger",
    about: stations.find(({ opened }) => opened?.ledger.name === name)?.opened?.about ?? {},
  });

  return {
    start(): void {
      running = stations.map((station) => run(station).catch((err) => logger.error({ err }, "anchoring ended")));
    },
    status: () => ({ places: stations.map(statusOf) }),

    async firstCovering(index: number): Promise<AnchoredHead[]> {
      const found = await Promise.all([...names].map((name) => firstWhole(name, index)));
      return gatherByHead(found.flat()).slice(0, maxHeads);
    },

    async covering(index: number): Promise<CoveringAnchor[]> {
      const found = await firstOf(index, ["included", "final"]);
      return found.flatMap(({ ledger, place }) =>
        place === undefined ? [] : [{ place: ledger, kind: kindAndAbout(ledger).kind, time: place.time }],
      );
    },

    async list(limit: number): Promise<AnchorSummary[]> {
      const newest = { limit, order: "descending" } as const;
      const found = await Promise.all([...names].map((name) => store.list(name, origin, newest)));
      return found
        .flat()
        .sort((a, b) => b.submittedAt - a.submittedAt || b.size - a.size)
        .slice(0, limit)
        .map((record) => ({ ...record, ...kindAndAbout(record.ledger) }));
    },

    async close(): Promise<void> {
      stopping.abort();
      const waited = new AbortController();
      // A node that is slow to answer is not waited for: what was sent is in the store, and the next start goes on from there.
      await Promise.race([Promise.all(running), sleep(closeTimeout, undefined, { signal: waited.signal })]);
      waited.abort();
      await store.close();
    },
  };
}

/** A place and how far it has come. */
interface Station {
  readonly place: AnchoringPlace;
  opened?: OpenPlace;
  anchorer?: Anchorer;
  problem?: AnchorerStatus["problem"];
}

function statusOf({ place, opened, anchorer, problem }: Station): PlaceStatus {
  const counts = { submitted: 0, included: 0, final: 0, lost: 0 };
  const unopened = { ledger: place.name, counts, newest: undefined, newestFinal: undefined, problem };
  return { ...(anchorer?.status() ?? unopened), kind: place.kind, about: opened?.about ?? {} };
}

function gatherByHead(records: readonly AnchorRecord[]): AnchoredHead[] {
  const heads = Map.groupBy(records, ({ size, rootHash }) => `${size} ${encodeHex(rootHash)}`).values();
  const gathered = [...heads].flatMap((same) => {
    const [first] = same;
    const proofs = (kind: PlaceKind): Uint8Array[] =>
      same.flatMap(({ ledger, proof }) =>
        proof !== undefined && ledger.startsWith(authorityPrefix) === (kind === "authority") ? [proof] : [],
      );
    if (first === undefined) return [];
    return [{ size: first.size, rootHash: first.rootHash, anchors: proofs("ledger"), timeStamps: proofs("authority") }];
  });
  return gathered.sort((a, b) => a.size - b.size);
}

function logChange(logger: Logger): (record: AnchorRecord) => void {
  return ({ ledger, size, state, problem }) =>
    logger.info({ ledger, size, state, ...(problem && { problem }) }, "anchor");
}

function describe(error: unknown): string {
  return isAttestryError(error) ? error.message : "It could not be made ready; the server's log says why.";
}
