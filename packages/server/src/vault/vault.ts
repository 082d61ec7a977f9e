/**
 * The vault: content off-chain, encrypted, bound to the log by its hash. Every act on an object is a custody event that is in the
 * log before the act is done; what the catalogue says of an object follows from those events.
 */
import type { CustodyEvent } from "@attestry/core";
import { type Logger, pino } from "pino";
import type { NotaryIssuer } from "../access/notary-issuer.ts";
import type { Notary } from "../notary.ts";
import { createActs } from "./acts.ts";
import type { Catalogue, Content, ObjectFacts, ObjectQuery } from "./catalogue/catalogue.ts";
import { createHousekeeping } from "./housekeeping.ts";
import type { KeyWrapper } from "./keys/key-wrapper.ts";
import { createLookUp } from "./lookup.ts";
import type { ObjectStore } from "./object-store.ts";
import { createReading } from "./reading.ts";
import { createRecorder } from "./recording.ts";
import { defaultRecordClasses, type RecordClasses, type Retention } from "./retention.ts";
import { createRotation, type Rotation } from "./rotation.ts";
import { createUploads } from "./uploads.ts";

/** Who acts and why, as it is recorded: 1 to 512 characters each, none of them a control character. */
export interface Access {
  readonly who: string;
  readonly purpose: string;
}

/** What there is to say of an object. `state` "erased": content and key are gone, the rest stays. */
export type VaultObject = ObjectFacts;

export interface BeginOptions {
  readonly who: string;
  /** One of the vault's record classes. Default "general". */
  readonly recordClass?: string | undefined;
  /** Media type. */
  readonly contentType?: string | undefined;
  /** Bytes of content, when they are known. */
  readonly size?: number | undefined;
  /** Kept for the caller, who gets it back with the upload; never in the log. */
  readonly metadata?: string | undefined;
}

/** Where an upload stands. Its `id` becomes the object's. */
export interface Upload {
  readonly id: string;
  /** Bytes that are stored for good: the next ones go here. */
  readonly offset: number;
  readonly size: number | undefined;
  readonly recordClass: string;
  readonly contentType: string | undefined;
  readonly metadata: string;
  readonly who: string;
  /** Milliseconds of Unix time. */
  readonly createdAt: number;
  /** When it may be given up if nobody goes on with it; milliseconds of Unix time. */
  readonly expiresAt: number;
  /** Known once the upload is complete; then it only waits for its statement. */
  readonly content: Content | undefined;
}

export type CompleteUpload = Upload & { readonly content: Content };

/** A part of the content, or all of it. */
export interface Reading {
  readonly object: VaultObject;
  readonly start: number;
  /** Not included. */
  readonly end: number;
  /** The bytes from `start` to `end`. Rejects with FATAL_CORRUPT at the first segment that is not as it was stored. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** A custody event and its place in the log. */
export interface CustodyRecord {
  readonly event: CustodyEvent;
  /** The event's bytes: their SHA-256 is the digest of the entry. */
  readonly bytes: Uint8Array;
  readonly entryIndex: number;
  /** False for one that was edited: it is not what the log has. */
  readonly isInLog: boolean;
}

export interface FoundObjects {
  readonly objects: readonly VaultObject[];
  /** `below` of the next page, when there may be one. */
  readonly next: number | undefined;
}

export interface SweepSummary {
  /** Uploads that nobody went on with. */
  readonly uploads: number;
  /** Stored segments of no upload and no object, or of an object that was erased. */
  readonly orphans: number;
}

/**
 * `ref` names an object by its id (26 characters) or by the SHA-256 of its content (64 hexadecimal digits): of several with the
 * same content, the latest that was stored and not erased. What changes an object takes no hash that several objects have:
 * CONFLICT_EXISTS, and `data.ids` names them.
 *
 * Errors of every method: NOT_FOUND, MALFORMED_REQUEST, POLICY_ERASED, UNAVAILABLE_STORAGE, UNAVAILABLE_KEYS, FATAL_CORRUPT; and of
 * those that record an event also PUSHBACK and UNAVAILABLE_* of the log. None of them holds content or a key.
 */
export interface Vault {
  readonly recordClasses: RecordClasses;
  /**
   * Adds a record class, or changes how long it keeps what is stored or moved there from now on; what was stored before keeps its
   * period. Durable when it resolves. @throws USAGE, USAGE_FILE, UNAVAILABLE_STORAGE
   */
  setRecordClass(name: string, retention: Retention): Promise<void>;
  /** Whose statements in the log tell of custody: the notary itself. */
  readonly custodyIssuer: string;

  /** @throws POLICY_TOO_LARGE */
  begin(options: BeginOptions): Promise<Upload>;

  /** Who began an upload. @throws NOT_FOUND as `upload` */
  uploader(uploadId: string): Promise<string>;

  /** Where an upload stands. @throws NOT_FOUND, also when it has become an object */
  upload(uploadId: string): Promise<Upload>;

  /**
   * Adds content at an offset, hashed, encrypted and stored as it comes. When it rejects because the content broke off or the
   * storage refused, what was stored by then counts: ask `upload` where to go on. It is complete when the declared size is reached.
   * @param isLast whether the content ends with this part, where no size was declared
   * @throws CONFLICT_UPLOAD (`data.offset` says where it stands), CONFLICT_LOCKED when somebody else is writing it,
   *   POLICY_TOO_LARGE beyond the declared size
   */
  append(
    uploadId: string,
    offset: number,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: { readonly isLast?: boolean },
  ): Promise<Upload>;

  /** Ends the content where it stands. The same again changes nothing. @throws CONFLICT_UPLOAD when it is short of its declared size */
  complete(uploadId: string): Promise<CompleteUpload>;

  /** Gives up an upload. No error when there is none. */
  cancel(uploadId: string): Promise<void>;

  /**
   * Binds a complete upload to a signed statement about the same content, and makes it visible: registers the statement, then the
   * custody event. The same again gives the same object.
   * @param statement a signed statement, or the index of one that is in the log
   * @throws VERIFY_DIGEST when the statement is about other content, CONFLICT_UPLOAD when the upload is not complete, and what
   *   `Notary.register` refuses statements with
   */
  commit(
    uploadId: string,
    statement: Uint8Array | { readonly entryIndex: number },
    access: Access,
  ): Promise<VaultObject>;

  /**
   * Reads content, of which only the segments touched are decrypted. Recorded once for each who, object and purpose in 15 minutes.
   * @param range `end` not included; the end of the content when left out
   */
  read(
    ref: string,
    access: Access,
    range?: { readonly start: number; readonly end?: number | undefined },
  ): Promise<Reading>;
  /** Reads all of it to give it out of the agency's hands; recorded each time. */
  export(ref: string, access: Access): Promise<Reading>;

  /** Places a legal hold under an order's name; the same again changes nothing. */
  hold(ref: string, order: string, access: Access): Promise<VaultObject>;
  /** Takes the hold of that order away; others stay. @throws NOT_FOUND when that order holds it not */
  release(ref: string, order: string, access: Access): Promise<VaultObject>;
  /**
   * Destroys the content for good: the wrapped data key is overwritten and the segments are removed. The same again changes nothing.
   * @throws POLICY_RETAINED when an order holds it, or it is to be kept longer
   */
  erase(ref: string, order: string, access: Access): Promise<VaultObject>;
  /** Moves it into another record class. @throws POLICY_RETAINED when it would be kept for a shorter time than now */
  reclassify(ref: string, recordClass: string, access: Access): Promise<VaultObject>;

  object(ref: string): Promise<VaultObject>;
  find(query: ObjectQuery): Promise<FoundObjects>;
  /** All custody events of the objects that have the id or hash, in the order of the log. */
  custodyOf(ref: string): Promise<CustodyRecord[]>;

  /**
   * Finishes what a crash left undone, and removes uploads that nobody went on with and segments that belong to nothing, such as
   * those of an object whose key was destroyed just before a crash. To be run after each start, and daily.
   */
  sweep(): Promise<SweepSummary>;
  /**
   * Wraps every data key anew under the newest key-encryption key; touches no content. May be stopped and begun again.
   * @returns how many keys it wrapped
   * @throws FATAL_CORRUPT at the end, when some do not open; the others are wrapped by then
   */
  rewrap(onProgress?: (done: number, total: number) => void, signal?: AbortSignal): Promise<number>;
  /**
   * Makes a new key-encryption key, unless a rotation is to be gone on with, and does what `rewrap` does in the background. With
   * `forget`, the keys that nothing needs any more are forgotten at its end: not while other processes still wrap with them.
   */
  readonly rotate: Rotation["rotate"];
  readonly keyState: Rotation["keyState"];
  /** The key-encryption keys that are still needed. */
  keysInUse(): Promise<ReadonlySet<string>>;
  /** What the storages find wrong with themselves, a line each. */
  check(): Promise<string[]>;
  /** Closes the catalogue and the object store, and forgets what is in memory. What is under way rejects. */
  close(): Promise<void>;
}

export interface VaultOptions {
  readonly catalogue: Catalogue;
  readonly objects: ObjectStore;
  readonly keys: KeyWrapper;
  readonly notary: Pick<Notary, "register" | "entry">;
  /** Signs the custody events. */
  readonly issuer: NotaryIssuer;
  /** Default: "general" alone, which keeps nothing from being erased. */
  readonly recordClasses?: RecordClasses;
  /** Makes a change of a record class durable. Default: it lasts as long as the process. */
  readonly keepRecordClass?: (name: string, retention: Retention) => Promise<void>;
  /** Milliseconds of Unix time. */
  readonly clock?: () => number;
  /** Milliseconds after which an upload that nobody goes on with may be swept. Default: 7 days. */
  readonly uploadLife?: number;
  readonly logger?: Logger;
}

const defaultUploadLife = 7 * 24 * 3_600_000;

/**
 * Opens the vault over its parts and finishes what a crash left undone. The caller opens the parts; the vault closes the catalogue
 * and the object store.
 * @throws UNAVAILABLE_STORAGE, FATAL_CORRUPT
 */
export async function createVault(options: VaultOptions): Promise<Vault> {
  const { catalogue, objects, notary, issuer, keepRecordClass = async () => {} } = options;
  const recordClasses = new Map(options.recordClasses ?? defaultRecordClasses);
  let changed: Promise<void> = Promise.resolve();
  const { clock = Date.now, uploadLife = defaultUploadLife, logger = pino({ level: "silent" }) } = options;
  const now = (): number => Math.floor(clock() / 1000);
  const recorder = createRecorder({ catalogue, issuer, now, logger });
  const lookUp = createLookUp(catalogue, notary);
  const parts = { ...options, recorder, lookUp, recordClasses, clock, now, uploadLife, logger };
  const { abandon, wipe, ...uploads } = createUploads(parts);
  const { recover, ...housekeeping } = createHousekeeping({ ...parts, abandon });
  const rotation = createRotation({ ...parts, rewrap: housekeeping.rewrap });
  await recover();
  return {
    recordClasses,
    setRecordClass(name, retention): Promise<void> {
      const change = changed.catch(() => {}).then(() => keepRecordClass(name, retention)); // each reads what the one before wrote
      changed = change.then(() => void recordClasses.set(name, retention));
      return changed;
    },
    ...uploads,
    ...createReading(parts),
    ...createActs(parts),
    ...housekeeping,
    custodyIssuer: issuer.name,
    rotate: rotation.rotate,
    keyState: rotation.keyState,
    object: lookUp.object,
    find: lookUp.find,
    custodyOf: lookUp.custodyOf,
    keysInUse: async () => new Set(await catalogue.listWrappers()),
    check: async () => [...(await catalogue.check()), ...(await objects.check())],
    async close(): Promise<void> {
      await rotation.stop();
      wipe();
      await Promise.all([catalogue.close(), objects.close()]);
    },
  };
}
