/**
 * The `LogStore` port: where the log's entries, tiles and heads live. One batch is one atomic, durable write, and the tree
 * size moves by compare-and-swap, so two writers can never fork the log. Every driver passes `store.contract.ts`.
 */

/** A tree head. `time` is the whole second (Unix time) of its signing; it never goes back from one head to the next. */
export interface Head {
  readonly size: number;
  readonly rootHash: Uint8Array;
  readonly time: number;
}

/** A head as every batch leaves it behind: enough to check each head that was ever published. */
export interface SignedHead extends Head {
  /** The log's raw Ed25519 signature (64 bytes) over the checkpoint's text. */
  readonly noteSignature: Uint8Array;
  /** The log's raw ES256 signature (64 bytes) over the receipt's to-be-signed bytes. */
  readonly receiptSignature: Uint8Array;
}

/** The newest head, with the whole signed note (all signature lines) as it is served. */
export interface CurrentHead extends SignedHead {
  readonly note: Uint8Array;
}

/** An entry that passed admission and has no index yet. */
export interface AdmittedEntry {
  /** What the log holds: at most 65,535 bytes. */
  readonly entry: Uint8Array;
  /** RFC 9162 leaf hash of `entry`, 32 bytes. */
  readonly leafHash: Uint8Array;
  /** The statement's `iat`, whole seconds. */
  readonly issuedAt: number;
  /** Look-up keys, `keyLength` bytes each and one after the other: cut-off hashes of whatever the entry is to be found by. A repeated key counts once. */
  readonly keys: Uint8Array;
}

/** The hashes of one tile so far: 1 to 256 of 32 bytes each. A narrower tile is a prefix of it. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  readonly hashes: Uint8Array;
}

export interface Batch {
  /** The size that the batch was built on; 0 also when no head was ever written. */
  readonly expectedSize: number;
  /** Index `expectedSize`, `expectedSize + 1`, … in order. Empty only for the first head of an empty log. */
  readonly entries: readonly AdmittedEntry[];
  /** Every tile that the entries touch, with all its hashes. */
  readonly tiles: readonly Tile[];
  /** `head.size` is `expectedSize + entries.length`. */
  readonly head: CurrentHead;
}

export interface LookUpRange {
  /** First index of the range. */
  readonly from: number;
  /** First index after the range. */
  readonly to: number;
  readonly limit: number;
  readonly order: "ascending" | "descending";
}

/** The rows of each table as `scan` gives them. Keys: index; level, index; issuedAt, leafHash; run, key, index; size; size. */
export interface LogRows {
  entries: { readonly index: number; readonly entry: Uint8Array };
  tiles: Tile;
  /** One row an entry: what finds a statement that is registered a second time. */
  seen: { readonly issuedAt: number; readonly leafHash: Uint8Array; readonly index: number };
  /** `run` is the index divided by `entriesPerRun`, rounded down: rows of one run lie together, whatever their keys. */
  lookUps: { readonly run: number; readonly key: Uint8Array; readonly index: number };
  /** One row a batch; `previousSize` is the size that the batch was built on, so that no row can be missing unnoticed. */
  heads: SignedHead & { readonly previousSize: number };
  cosigned: { readonly size: number; readonly note: Uint8Array };
}

/** Errors of every method: UNAVAILABLE_STORAGE when the storage refuses for now, FATAL_CORRUPT when it cannot be right. */
export interface LogStore {
  /** The log's origin, given when the store was created and permanent. */
  readonly origin: string;

  /** Where several processes may write to the log; undefined where a lock keeps all but one out. */
  readonly shared?: SharedLog | undefined;

  /** Undefined only before the first `append`. */
  readHead(): Promise<CurrentHead | undefined>;

  /**
   * Writes a batch in one transaction. When it resolves, all of it is on stable storage (fsynced) and visible to every
   * reader. When it rejects, either all of it or nothing was written, and `readHead` says which.
   * @throws CONFLICT_SIZE when the stored size is not `expectedSize`
   */
  append(batch: Batch): Promise<void>;

  /** For each statement the index of the entry with that time of issue and leaf hash, or undefined. */
  findSeen(statements: readonly Pick<AdmittedEntry, "issuedAt" | "leafHash">[]): Promise<(number | undefined)[]>;

  /**
   * The entries with `from` ≤ index < `to` ≤ the head's size, in order.
   * @throws FATAL_CORRUPT when one is missing; `data.index` says which
   */
  readEntries(from: number, to: number): Promise<Uint8Array[]>;

  /** The tile's hashes as far as they are known, or undefined when it has none. */
  readTile(level: number, index: number): Promise<Uint8Array | undefined>;

  /** Indexes of the entries stored under a key, in order. Keys are short: read each entry and see whether it is meant. */
  lookUp(key: Uint8Array, range: LookUpRange): Promise<number[]>;

  /** The head of the batch that an entry came with: its `time` is when the entry was registered. */
  readHeadOf(index: number): Promise<SignedHead | undefined>;

  /** The size of the last head before `time`: the entries registered in [a, b) are those from `sizeAt(a)` to `sizeAt(b)`. */
  sizeAt(time: number): Promise<number>;

  /** Keeps a checkpoint that witnesses cosigned; replaces one of the same size. Durable when it resolves. */
  putCosigned(size: number, note: Uint8Array): Promise<void>;

  /** The earliest cosigned checkpoint that covers an entry. */
  readCosigned(index: number): Promise<LogRows["cosigned"] | undefined>;

  readLatestCosigned(): Promise<LogRows["cosigned"] | undefined>;

  /**
   * For the audit: up to `limit` rows as they are stored, in the order of the primary key, after the given one. What a
   * row holds is not checked; a value of another type than it should be comes as −1 or as no bytes.
   */
  scan<T extends keyof LogRows>(table: T, after: LogRows[T] | undefined, limit: number): Promise<LogRows[T][]>;

  /** What the storage itself finds wrong with its files, a line each. Reads all of them. */
  check(): Promise<string[]>;

  /** Lets go of the storage and of its lock. Later calls reject. */
  close(): Promise<void>;
}

/** What several processes that write to one log need besides it. The log stays whole without: that is the compare-and-swap's. */
export interface SharedLog {
  /**
   * Runs `write` with the stored size while no other process runs one. Whoever waits for seconds, because another hangs, is
   * let through all the same.
   */
  inTurn<T>(write: (size: number) => Promise<T>): Promise<T>;

  /** Tells the stored size again and again, a fraction of a second apart, until the store is closed. */
  watch(onSize: (size: number) => Promise<void>): void;
}

/** Bytes of a look-up key. */
export const keyLength = 8;

/** An entry's look-up keys, each a view. */
export function splitKeys(keys: Uint8Array): Uint8Array[] {
  const split: Uint8Array[] = [];
  for (let at = 0; at < keys.length; at += keyLength) split.push(keys.subarray(at, at + keyLength));
  return split;
}

/** How many entries share a run of look-up rows: new rows touch one small region, a look-up probes each run. */
export const entriesPerRun = 32_768;
