/**
 * The `Catalogue` port: what the vault knows of its objects besides their ciphertext. An object's facts follow from its custody
 * events and from nothing else, so the audit derives them again and names what was edited. Every driver passes
 * `catalogue.contract.ts`.
 */

/** What there is to say of an object that was stored. All of it follows from the object's custody events. */
export interface ObjectFacts {
  readonly id: string;
  readonly state: "whole" | "erased";
  /** SHA-256 of the content, 32 bytes. Stays when the object is erased. */
  readonly contentHash: Uint8Array;
  /** Bytes of content. */
  readonly size: number;
  readonly segments: number;
  readonly recordClass: string;
  readonly contentType: string | undefined;
  /** The record number: `sub` of the statement. */
  readonly subject: string;
  /** Index in the log of the statement that the object was stored under. */
  readonly entryIndex: number;
  /** Index in the log of the custody event that tells of the storing: no two objects share it. */
  readonly storedIndex: number;
  /** Whole seconds of Unix time. */
  readonly storedAt: number;
  /** Until when nothing may erase it; whole seconds of Unix time. */
  readonly retainUntil: number;
  /** The orders that hold it, sorted. */
  readonly holds: readonly string[];
  /** Whole seconds of Unix time; undefined while it is whole. */
  readonly erasedAt: number | undefined;
  /** How many custody events tell of it. */
  readonly events: number;
}

/** The data key of an object or upload as it is kept: wrapped. */
export interface WrappedKey {
  readonly id: string;
  /** Empty once the object is erased. */
  readonly wrappedKey: Uint8Array;
  /** Which key-encryption key wrapped it. */
  readonly wrapperId: string;
}

export interface StoredObject extends ObjectFacts, WrappedKey {
  /** The header of the object's ciphertext, so that one segment can be opened without the first. Not secret. */
  readonly header: Uint8Array;
  /** What the object store calls it: its own id, unless the upload was copied (`Catalogue.savePlace`). */
  readonly place: string;
}

/** Content that is whole and hashed, and has no statement yet. */
export interface Content {
  readonly hash: Uint8Array;
  readonly size: number;
  readonly segments: number;
}

/** The end of an upload's content that fills no segment yet, encrypted under a key of its own. */
export interface Tail {
  /** The segment that it is the beginning of. */
  readonly index: number;
  readonly ciphertext: Uint8Array;
}

/** An object that is being written. Its id is the object's to be. */
export interface UploadRow extends WrappedKey {
  /** As of the object that it becomes. */
  readonly header: Uint8Array;
  readonly place: string;
  readonly recordClass: string;
  readonly contentType: string | undefined;
  readonly declaredSize: number | undefined;
  /** Whatever the caller wants to have back. */
  readonly metadata: string;
  /** Who began it. */
  readonly who: string;
  /** Milliseconds of Unix time, as all times of an upload. */
  readonly createdAt: number;
  /** When it was last locked or written. */
  readonly touchedAt: number;
  readonly tail: Tail | undefined;
  /** Known once it is complete. */
  readonly content: Content | undefined;
}

/** The right to write an upload, until a time by which it is renewed or lost. */
export interface Lock {
  /** A name that nobody else uses, in the form of an object's id. */
  readonly holder: string;
  readonly now: number;
  readonly until: number;
}

export interface LockedUpload extends UploadRow {
  /** Who had the lock before and did not let go of it as settled; it may be the same holder. */
  readonly leftBy: string | undefined;
}

/** A custody event and its place. `sequence` counts from 0 for each object, with no gap. */
export interface CustodyRow {
  readonly objectId: string;
  readonly sequence: number;
  readonly event: Uint8Array;
  /** The signed statement of an event whose place in the log is not known yet; empty from then on. */
  readonly statement: Uint8Array;
  /** Undefined until the event is known to be in the log. */
  readonly entryIndex: number | undefined;
}

export type SettledEvent = CustodyRow & { readonly entryIndex: number };

export interface ObjectQuery {
  readonly contentHash?: Uint8Array | undefined;
  readonly subject?: string | undefined;
  readonly recordClass?: string | undefined;
  readonly state?: ObjectFacts["state"] | undefined;
  /** Only objects whose `storedIndex` is less. */
  readonly below?: number | undefined;
  readonly limit: number;
}

/**
 * Every write is durable when it resolves, and done whole or not at all. Errors of every method: UNAVAILABLE_STORAGE when the
 * storage refuses for now, FATAL_CORRUPT when a row cannot be right.
 */
export interface Catalogue {
  /** @throws CONFLICT_EXISTS when there is one with that id */
  addUpload(upload: UploadRow): Promise<void>;
  readUpload(id: string): Promise<UploadRow | undefined>;
  /** Takes the lock, or renews it. @throws NOT_FOUND; CONFLICT_LOCKED when somebody else has it and its time is not over */
  lockUpload(id: string, lock: Lock): Promise<LockedUpload>;
  /**
   * Lets go of the lock; no error when it was lost. Unless it is settled, whoever has the lock next is told who left it: what was
   * sealed may not all be stored.
   */
  unlockUpload(id: string, holder: string, isSettled: boolean): Promise<void>;
  /** @throws CONFLICT_LOCKED when the lock is not this holder's any more, or the upload is gone */
  saveTail(id: string, holder: string, tail: Tail | undefined): Promise<void>;
  /** The content so far is a copy, under a header of its own at a place of its own. @throws CONFLICT_LOCKED as `saveTail` */
  savePlace(id: string, holder: string, copy: Pick<UploadRow, "place" | "header" | "tail">): Promise<void>;
  /** The content is complete: there is no tail any more. @throws CONFLICT_LOCKED as `saveTail` */
  saveContent(id: string, holder: string, content: Content): Promise<void>;
  removeUpload(id: string): Promise<void>;
  /** In the order of their ids, after the given one. */
  listUploads(after: string | undefined, limit: number): Promise<UploadRow[]>;

  /** Whether something that is to be read has its place there, or an upload's writer of that name may be copying to it. */
  usesPlace(place: string): Promise<boolean>;
  readObject(id: string): Promise<StoredObject | undefined>;
  /** In the order of their ids, after the given one. */
  listObjects(after: string | undefined, limit: number): Promise<StoredObject[]>;
  /** Ids that objects have, or that events tell of, in order, after the given one. Reads nothing else of a row. */
  listIds(after: string | undefined, limit: number): Promise<string[]>;
  /** The latest stored first. */
  findObjects(query: ObjectQuery): Promise<StoredObject[]>;

  /** Keeps an event that goes into the log next. @throws CONFLICT_EXISTS when the object has one with that sequence */
  addEvent(event: Omit<CustodyRow, "entryIndex">): Promise<void>;
  /** Takes back an event that the log refused. One that is settled stays. */
  withdrawEvent(objectId: string, sequence: number): Promise<void>;
  /**
   * The event is in the log: writes its place, and the object as it is after it. The first event makes the upload the object,
   * with its key and header.   * When the object is erased by it, the wrapped key is overwritten. The same again changes nothing.
   */
  settleEvent(objectId: string, sequence: number, entryIndex: number, after: ObjectFacts): Promise<void>;
  /** Of one object, in order. */
  readEvents(objectId: string): Promise<CustodyRow[]>;
  /** Events whose place in the log is not known yet: the first of each object that has one. */
  listPending(limit: number): Promise<CustodyRow[]>;
  /** Settled events in the order of the log, those after the given index. */
  scanEvents(after: number, limit: number): Promise<SettledEvent[]>;

  /** Keys of objects and uploads that another key-encryption key than this one wrapped, in the order of their ids. */
  listKeys(otherThan: string, after: string | undefined, limit: number): Promise<WrappedKey[]>;
  countKeys(otherThan: string): Promise<number>;
  /** The key-encryption keys that wrapped any of the keys. */
  listWrappers(): Promise<string[]>;
  /** Replaces a wrapped key when it is still the one before. Gives whether it was. */
  replaceKey(before: WrappedKey, wrappedKey: Uint8Array, wrapperId: string): Promise<boolean>;

  /** What the storage finds wrong with itself, a line each. */
  check(): Promise<string[]>;
  /** Every call after it rejects. */
  close(): Promise<void>;
}
