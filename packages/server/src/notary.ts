/** The notary without HTTP: admission, sequencer, store, proofs and witnesses, put together over one data folder. */
import {
  AttestryError,
  emptyTrust,
  type PublicKey,
  parseVerifierKey,
  type TileAddress,
  type Trust,
  thumbprintUri,
  type VerifierKey,
} from "@attestry/core";
import type { HistorySpan } from "@attestry/core/client";
import { type Logger, pino } from "pino";
import { createAdmission } from "./admission.ts";
import {
  type AnchoringPlace,
  type AnchoringStatus,
  type AnchorSummary,
  createAnchoring,
} from "./anchoring/anchoring.ts";
import type { CertificateOptions } from "./certificate/certificate.ts";
import { createPrinter } from "./certificate/printer.ts";
import { createDataFolder, type DataFolder } from "./data-folder.ts";
import { type EntryQuery, type FoundEntry, type FoundPage, findEntries, readEntry } from "./find.ts";
import { checkOrigin, type HeadSigner } from "./heads.ts";
import { createHistory, type StatusHistory } from "./history.ts";
import { createIssuers, type Issuers } from "./issuers/issuers.ts";
import { openLatency } from "./latency.ts";
import { createLogReader } from "./log/reader.ts";
import { createSequencer } from "./log/sequencer.ts";
import type { CurrentHead, LogStore } from "./log/store.ts";
import { createMetrics, type Gauges, type Metrics } from "./metrics.ts";
import { type OpenedLog, openLog } from "./open-log.ts";
import { createProver, type Prover } from "./proofs.ts";
import { createRegistration, type Registered } from "./registration.ts";
import { createCheckPool } from "./signatures/pool.ts";
import { createWitnessClient, type WitnessClient, type WitnessStatus } from "./witness/client.ts";

export interface WitnessOption {
  /** Submission prefix of the witness. */
  readonly url: string;
  /** C2SP verifier keys of its cosignatures (types 04 and 06). */
  readonly verifierKeys: readonly string[];
}

export interface NotaryOptions {
  /** Data folder; made when it is not there. */
  readonly data: string;
  /** The log's permanent name. Given at the first start, or made from its key; later it must be the same or left out. */
  readonly origin?: string;
  /** Address of a database (PostgreSQL, SQL Server) for the log and its issuers, which several notaries may share; else the data folder. */
  readonly database?: string;
  /** Opens and encrypts the keys. */
  readonly passphrase?: string;
  readonly witnesses?: readonly WitnessOption[];
  /** How many of them make a checkpoint count as cosigned. Default: more than half. */
  readonly witnessQuorum?: number;
  /** Milliseconds that an answer waits for that at most. Default 1,000. */
  readonly witnessWait?: number;
  /** The ledgers and authorities that the log goes to. One that is away keeps nothing else from working. */
  readonly anchoring?: readonly AnchoringPlace[];
  /** Milliseconds of Unix time. */
  readonly clock?: () => number;
  readonly logger?: Logger;
  /** What may wait for its index before PUSHBACK. */
  readonly maxQueuedEntries?: number;
  readonly maxQueuedBytes?: number;
}

export interface NotaryStatus {
  readonly head: CurrentHead;
  readonly queued: { readonly entries: number; readonly bytes: number };
  /** Why nothing could be registered a moment ago. */
  readonly trouble: AttestryError | undefined;
  readonly witnesses: readonly WitnessStatus[];
  readonly anchoring: AnchoringStatus;
}

export interface Notary extends Pick<Prover, "receipts" | "receipt" | "receiptOf" | "proofFile"> {
  readonly origin: string;
  /** C2SP verifier keys of the checkpoints. */
  readonly verifierKeys: readonly string[];
  readonly receiptKey: PublicKey;
  /** RFC 9679 thumbprint URI of `receiptKey`. */
  readonly receiptKeyUri: string;
  readonly issuers: Issuers;
  readonly metrics: Metrics;
  readonly status: NotaryStatus;
  /** The newest checkpoint, with cosignatures where there are some already. */
  readonly checkpoint: Uint8Array;

  /**
   * Registers signed statements: when it resolves, each is durable in the log or refused for a reason of its own.
   * @throws PUSHBACK, UNAVAILABLE_*, FATAL_*: then none has an answer, and sending all again is safe
   */
  register(statements: readonly Uint8Array[]): Promise<Registered>;
  find(query: EntryQuery): Promise<FoundPage>;
  /** @throws NOT_FOUND */
  entry(index: number): Promise<FoundEntry>;
  /** An entry's certificate, a PDF. @throws NOT_FOUND, PUSHBACK when too many wait, FATAL_CORRUPT when the proof does not hold */
  certificate(index: number, options: Pick<CertificateOptions, "language" | "base">): Promise<Uint8Array>;
  /** Begins to anchor, in the background. */
  startAnchoring(): void;
  /** Anchors and time stamps, the newest first. */
  anchors(limit: number): Promise<AnchorSummary[]>;
  /** How it has been over time. @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT */
  history(span: HistorySpan): Promise<StatusHistory>;
  /** A tile or entry bundle; undefined when the tree is too small for it. */
  readTile(address: TileAddress): Promise<Uint8Array | undefined>;
  /** Answers what was submitted, then lets go of everything. */
  close(): Promise<void>;
}

/**
 * Opens the log of a data folder, or begins one.
 * @throws CONFLICT_LOCKED, CONFLICT_EXISTS (other origin), FATAL_CORRUPT, FATAL_VERSION, FATAL_CLOCK, VERIFY_SIGNATURE (other
 *   keys), USAGE (origin), USAGE_PASSPHRASE, USAGE_FILE, UNAVAILABLE_STORAGE
 */
export async function createNotary(options: NotaryOptions): Promise<Notary> {
  if (options.origin !== undefined) checkOrigin(options.origin); // before there is a log that has it
  const folder = createDataFolder(options.data);
  const log = await openLog(folder, options);
  const closing: (() => Promise<void>)[] = [log.close];
  const close = async (): Promise<void> => {
    for (const step of closing.splice(0).reverse()) await step();
  };
  try {
    return await compose(folder, log, options, { add: (step) => closing.push(step), close });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Closing {
  /** What is added last is closed first. */
  add(step: () => Promise<void>): void;
  close(): Promise<void>;
}

async function compose(
  folder: DataFolder,
  { store, signer, issuers: issuerStore }: OpenedLog,
  options: NotaryOptions,
  closing: Closing,
): Promise<Notary> {
  const { clock = Date.now, logger = pino({ level: "silent" }), witnessWait = 1000 } = options;
  const now = (): number => Math.floor(clock() / 1000);
  const issuers = await createIssuers(issuerStore, now);
  const reader = createLogReader(store);
  const size = (): number => sequencer.head.size;
  const anchoring = await createAnchoring({
    origin: signer.origin,
    places: options.anchoring ?? [],
    folder: folder.folder,
    readHead: () => sequencer.head,
    signer: signer.receiptSigner,
    logger,
  });
  closing.add(() => anchoring.close());
  const witnesses = createWitnesses(options, { store, logger, consistencyPath: reader.consistencyPath });
  if (witnesses !== undefined) closing.add(() => witnesses.close());
  const prover = createProver({
    store,
    reader,
    signer,
    issuers,
    size,
    cosigned: () => witnesses?.cosigned,
    anchored: anchoring.firstCovering,
    witnessKeys: witnessKeysOf(options),
    logger,
  });
  const metrics = createMetrics(() => gaugesOf(status()));
  let published = 0;
  const sequencer = await createSequencer({
    store,
    signHead: (head) => signer.sign(head),
    checkHead: (head) => signer.checkCurrent(head),
    clock,
    ...(options.maxQueuedEntries === undefined ? {} : { maxQueuedEntries: options.maxQueuedEntries }),
    ...(options.maxQueuedBytes === undefined ? {} : { maxQueuedBytes: options.maxQueuedBytes }),
    onHead(head: CurrentHead): void {
      if (head.size > published) metrics.batchEntries.observe(head.size - published);
      published = head.size;
      if (head.size > 0) witnesses?.publish(head);
    },
  });
  closing.add(() => sequencer.close());
  published = sequencer.head.size;
  if (published > 0) witnesses?.publish(sequencer.head); // there is nothing to vouch for in an empty log
  const status = (): NotaryStatus => ({
    head: sequencer.head,
    queued: sequencer.queued,
    trouble: sequencer.trouble,
    witnesses: witnesses?.status ?? [],
    anchoring: anchoring.status(),
  });
  const checks = createCheckPool();
  closing.add(() => checks.close());
  const admission = createAdmission({ issuers, now, checks });
  const latency = openLatency(folder.latency, clock);
  closing.add(() => latency.close());
  const register = createRegistration({ admission, sequencer, metrics, logger, witnesses, witnessWait });
  const entry = async (index: number): Promise<FoundEntry> => {
    const found = await readEntry(store, index);
    if (found === undefined) throw new AttestryError("NOT_FOUND", `The log has no entry ${index}.`);
    return found;
  };
  const printer = createPrinter();
  closing.add(() => printer.close());
  return {
    ...prover,
    origin: signer.origin,
    verifierKeys: signer.verifierKeys.map(({ text }) => text),
    receiptKey: signer.receiptKey,
    receiptKeyUri: thumbprintUri(signer.receiptKeyThumbprint),
    issuers,
    metrics,
    get status(): NotaryStatus {
      return status();
    },
    get checkpoint(): Uint8Array {
      const cosigned = witnesses?.cosigned;
      return cosigned?.size === sequencer.head.size ? cosigned.note : sequencer.head.note;
    },
    async register(statements: readonly Uint8Array[]): Promise<Registered> {
      const started = performance.now();
      const registered = await register(statements);
      latency.observe(performance.now() - started);
      return registered;
    },
    find: (query) => findEntries(store, sequencer.head.size, query),
    entry,
    certificate: async (index, wanted) => {
      const [proof, { registeredAt }] = await Promise.all([prover.proofFile(index), entry(index)]);
      return printer.print({ ...wanted, proof, registeredAt, trust: ownTrust(signer, options), now: now() });
    },
    startAnchoring: anchoring.start,
    anchors: anchoring.list,
    history: createHistory({ store, latency, covering: anchoring.covering, now: clock }),
    readTile: (address) => reader.readAddress(address, sequencer.head.size),
    close: closing.close,
  };
}

/** What the notary itself goes by: its own keys, and the witnesses that it asks. */
function ownTrust({ origin, verifierKeys, receiptKeyThumbprint }: HeadSigner, options: NotaryOptions): Trust {
  const log = { origin, verifierKeys, receiptKeys: [receiptKeyThumbprint], basis: "the notary's own keys" };
  return { ...emptyTrust, logs: [log], witnesses: witnessKeysOf(options), quorum: quorumOf(options) };
}

function witnessKeysOf({ witnesses = [] }: NotaryOptions): VerifierKey[] {
  return witnesses.flatMap(({ verifierKeys }) => verifierKeys.map(parseVerifierKey));
}

function quorumOf({ witnesses = [], witnessQuorum }: NotaryOptions): number {
  return witnessQuorum ?? (witnesses.length === 0 ? 0 : Math.floor(witnesses.length / 2) + 1);
}

function gaugesOf({ head, queued, witnesses, anchoring }: NotaryStatus): Gauges {
  return {
    treeSize: head.size,
    anchors: anchoring.places.map(({ ledger, counts, newestFinal, problem }) => ({
      ledger,
      counts,
      behind: head.size - (newestFinal?.size ?? 0),
      healthy: problem === undefined,
    })),
    queuedEntries: queued.entries,
    queuedBytes: queued.bytes,
    witnesses: witnesses.map(({ name, lastSize, healthy, code }) => ({
      name,
      behind: head.size - lastSize,
      healthy,
      refuses: code === "VERIFY_CONSISTENCY",
    })),
  };
}

interface WitnessParts {
  readonly store: LogStore;
  readonly logger: Logger;
  readonly consistencyPath: (size1: number, size2: number) => Promise<Uint8Array[]>;
}

function createWitnesses(options: NotaryOptions, parts: WitnessParts): WitnessClient | undefined {
  const targets = (options.witnesses ?? []).map(({ url, verifierKeys }) => ({
    url,
    keys: verifierKeys.map(parseVerifierKey),
  }));
  if (targets.length === 0) return undefined;
  const { store, logger, consistencyPath } = parts;
  return createWitnessClient({
    targets,
    quorum: quorumOf(options),
    logger,
    consistencyPath,
    keep: store.putCosigned.bind(store),
  });
}
