/** Queries of the SQLite driver, whose rows are arrays of columns. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { type ScannedTable, scannedTables, toScannedRows } from "./rows.ts";
import type { LogRows } from "./store.ts";

type Row = readonly SQLOutputValue[];

/** A prepared statement whose rows are arrays of columns. */
export interface Query {
  get(...parameters: SQLInputValue[]): Row | undefined;
  all(...parameters: SQLInputValue[]): Row[];
  run(...parameters: SQLInputValue[]): unknown;
}

/** A scan of each table, as the port has it. */
export type Scans = { readonly [T in keyof LogRows]: ScanOf<LogRows[T]> };

export function prepareScans(prepare: (sql: string) => Query): Scans {
  const prepareOne = <R>(table: ScannedTable<R>): ScanOf<R> => {
    const { select, keyColumns, start, key } = table;
    const query = prepare(`${select} WHERE (${keyColumns}) > (${start.map(() => "?")}) ORDER BY ${keyColumns} LIMIT ?`);
    return (after, limit) =>
      toScannedRows(table, after, query.all(...(after === undefined ? start : key(after)), limit));
  };
  return {
    entries: prepareOne(scannedTables.entries),
    tiles: prepareOne(scannedTables.tiles),
    seen: prepareOne(scannedTables.seen),
    lookUps: prepareOne(scannedTables.lookUps),
    heads: prepareOne(scannedTables.heads),
    cosigned: prepareOne(scannedTables.cosigned),
  };
}

export type ScanOf<R> = (after: R | undefined, limit: number) => R[];
