/** What the log's store asks of a kind of database. Columns and values come in the order that is given here. */
import type { AttestryError } from "@attestry/core";
import type { KeyValue, ScannedTable } from "../log/rows.ts";
import type { AdmittedEntry, Batch } from "../log/store.ts";
import type { Database, Querier, Statement } from "./database.ts";

export interface LogSql {
  /** Sees that the tables are there, or makes them. @throws NOT_FOUND when `readOnly`, FATAL_VERSION, USAGE */
  openTables(database: Database, readOnly: boolean): Promise<void>;

  /** The origin; no row while there is no log. */
  readonly readOrigin: string;
  /** Makes the log: origin. Nothing happens when there is one. */
  readonly addLog: string;

  /**
   * Writes a batch whole in one transaction, when the log has the batch's size and the fence is the one given: one row, with 1
   * when it was written.
   */
  putBatch(batch: Batch, fence: number): Statement;
  /** Moves the fence, and gives it. Waits for a batch that is being written. */
  readonly moveFence: string;
  /** Fence, size (null before the first head), size of the newest head: all of one moment. */
  readonly readState: string;
  /** Whether a statement that failed so may have been carried out all the same, or may yet be. */
  isUncertain(error: AttestryError): boolean;

  /** Waits for the session's turn to write, some seconds. Gives whether it has it. */
  takeTurn(session: Querier): Promise<boolean>;
  endTurn(session: Querier): Promise<unknown>;
  /** The log's size. */
  readonly readSize: string;

  /** `headColumns` of the newest head, and its note, of one moment. */
  readonly readHead: string;
  /** Place (from 1) and index of each that is there. */
  findSeen(statements: readonly Pick<AdmittedEntry, "issuedAt" | "leafHash">[]): Statement;
  /** from, to → index, entry; in order. */
  readonly readEntries: string;
  /** level, index → hashes. */
  readonly readTile: string;
  /** index → `headColumns` of the first head after it. */
  readonly readHeadOf: string;
  /** time → size of the last head before it. */
  readonly readSizeAt: string;
  /** size, note. */
  readonly putCosigned: string;
  /** index → size, note of the first one after it. */
  readonly readCosigned: string;
  readonly readLatestCosigned: string;
  /** first run, last run, key, from, to, limit → indexes, in order. */
  readonly lookUp: { readonly ascending: string; readonly descending: string };
  /** Rows after a key, in its order. */
  scan(table: Pick<ScannedTable<unknown>, "select" | "keyColumns">, key: readonly KeyValue[], limit: number): Statement;

  /** The size of the newest head. */
  readonly readNewest: string;
  /** size → `headColumns` of the first head that has it or more. */
  readonly readHeadFrom: string;
}
