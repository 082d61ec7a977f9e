/**
 * A database that several notaries share, as the stores see it: statements with values in their order, rows as arrays; numbers as
 * numbers, bytes as bytes. How a value's place is written, and all other SQL, is its kind's: each store is given its statements.
 */
import { AttestryError } from "@attestry/core";

export type Row = readonly unknown[];

/** A statement and what goes into its places. */
export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Errors: UNAVAILABLE_STORAGE, FATAL_CORRUPT, FATAL_INTERNAL; `data` has the server's own code when it gave one. */
export interface Querier {
  /** @param text one of few: the server keeps what it made of each */
  query(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Querier {
  /** As `query`, for what changes nothing: asked again when the connection turned out to be dead, as those are that sat idle. */
  read(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs one transaction: committed and durable when this resolves, rolled back when it rejects but for a lost connection. `use`
   * may run more than once, where the server asks for that.
   */
  transaction<T>(use: (querier: Querier) => Promise<T>): Promise<T>;
  /** A connection of one's own, for what belongs to a session. It is thrown away when `use` rejects. */
  session<T>(use: (querier: Querier) => Promise<T>): Promise<T>;
  /** Another hand on the same connections, which end when the last of them is closed. */
  share(): Database;
  /** Later calls reject with UNAVAILABLE_STORAGE. */
  close(): Promise<void>;
}

/** The error of a call after closing. */
export function closedDatabase(): AttestryError {
  return new AttestryError("UNAVAILABLE_STORAGE", "The connection to the database was closed.");
}

/** Opens a store on a hand of its own, which is closed when that fails. */
export async function onOwnHand<D extends { close(): Promise<void> }, S>(
  shared: { share(): D },
  open: (database: D) => Promise<S>,
): Promise<S> {
  const database = shared.share();
  try {
    return await open(database);
  } catch (error) {
    await database.close();
    throw error;
  }
}
