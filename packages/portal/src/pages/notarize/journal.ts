/**
 * The journal of what was signed here. A statement is in it before it is sent and its proof before it is shown, so that a tab that
 * is lost half way has lost nothing that was acknowledged.
 */
import type { ErrorCode } from "@attestry/core";
import type { Database } from "./database.ts";

/** That a file is to be in the vault as well. */
export interface KeepWish {
  /** The vault's own choice when it is left out. */
  readonly recordClass?: string;
}

/** How far it is. */
export interface Keeping extends KeepWish {
  readonly statement: Uint8Array;
  /** SHA-256. */
  readonly digest: Uint8Array;
  /** Where the vault takes it. */
  readonly upload?: string;
  /** What the vault made of it, in the end. */
  readonly object?: string;
  /** Why the vault does not take it. */
  readonly refused?: ErrorCode;
}

interface Described {
  /** Rises with each file. */
  readonly id: number;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Signed, and not answered yet. Sending it again is safe: it keeps its first entry. */
export interface Signed extends Described {
  readonly state: "signed";
  readonly statement: Uint8Array;
  /** SHA-256. */
  readonly digest: Uint8Array;
  readonly keep?: KeepWish;
}

export interface Registered extends Described {
  readonly state: "registered";
  readonly index: number;
  readonly isNew: boolean;
  readonly proof: Uint8Array;
  /** Whether `verify()` found the notary's receipt good. */
  readonly holds: boolean;
  readonly keep?: Keeping;
}

export interface Refused extends Described {
  readonly state: "refused";
  readonly code: ErrorCode;
}

export type JournalEntry = Signed | Registered | Refused;

export interface Journal {
  /** As they stand on the device, the oldest first. */
  read(): Promise<JournalEntry[]>;
  write(entry: JournalEntry): Promise<void>;
  forget(ids: readonly number[]): Promise<void>;
}

export function openJournal(database: Database): Journal {
  return {
    read: () => database.all<JournalEntry>("journal"),
    write: (entry) => database.put("journal", entry),
    forget: (ids) => database.remove("journal", ids),
  };
}
