/** What the SQL drivers of the log have in common: how columns become values, and what a scan of each table reads. */
import { AttestryError } from "@attestry/core";
import type { LogRows, SignedHead } from "./store.ts";

/** The columns of a row, in the order of its query. */
export type Row = readonly unknown[];

/** A value of a primary key's column. */
export type KeyValue = number | Uint8Array;

/** The columns that `toHead` takes. */
export const headColumns = "size, root_hash, time, note_signature, receipt_signature";

export function toHead([size, rootHash, time, noteSignature, receiptSignature]: Row): SignedHead {
  return {
    size: toInteger(size),
    rootHash: toBytes(rootHash),
    time: toInteger(time),
    noteSignature: toBytes(noteSignature),
    receiptSignature: toBytes(receiptSignature),
  };
}

export function toCosigned([size, note]: Row): LogRows["cosigned"] {
  return { size: toInteger(size), note: toBytes(note) };
}

/** STRICT tables hold only what their columns say, but a flipped bit in the file can say anything. */
export function toInteger(value: unknown): number {
  return typeof value === "number" ? value : -1;
}

/** As `toInteger`: what is not bytes comes as none. */
export function toBytes(value: unknown): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

export function optional<T>(row: Row | undefined, toValue: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : toValue(row);
}

/** How a table is scanned; names of tables and columns are the same in every SQL driver. */
export interface ScannedTable<R> {
  readonly select: string;
  /** The columns of the primary key, a row's values in them, and what comes before all rows. */
  readonly keyColumns: string;
  key(row: R): readonly KeyValue[];
  readonly start: readonly KeyValue[];
  toRow(columns: Row): R;
}

export const scannedTables: { readonly [T in keyof LogRows]: ScannedTable<LogRows[T]> } = {
  entries: {
    select: "SELECT idx, entry FROM entry",
    keyColumns: "idx",
    key: ({ index }) => [index],
    start: [-1],
    toRow: ([index, entry]) => ({ index: toInteger(index), entry: toBytes(entry) }),
  },
  tiles: {
    select: "SELECT level, idx, hashes FROM tile",
    keyColumns: "level, idx",
    key: ({ level, index }) => [level, index],
    start: [-1, 0],
    toRow: ([level, index, hashes]) => ({ level: toInteger(level), index: toInteger(index), hashes: toBytes(hashes) }),
  },
  seen: {
    select: "SELECT issued_at, leaf_hash, idx FROM seen",
    keyColumns: "issued_at, leaf_hash",
    key: ({ issuedAt, leafHash }) => [issuedAt, leafHash],
    start: [Number.MIN_SAFE_INTEGER, new Uint8Array()],
    toRow: ([issuedAt, leafHash, index]) => ({
      issuedAt: toInteger(issuedAt),
      leafHash: toBytes(leafHash),
      index: toInteger(index),
    }),
  },
  lookUps: {
    select: 'SELECT run, "key", idx FROM look_up', // a word of T-SQL
    keyColumns: 'run, "key", idx',
    key: ({ run, key, index }) => [run, key, index],
    start: [-1, new Uint8Array(), 0],
    toRow: ([run, key, index]) => ({ run: toInteger(run), key: toBytes(key), index: toInteger(index) }),
  },
  heads: {
    select: `SELECT ${headColumns}, previous_size FROM head`,
    keyColumns: "size",
    key: ({ size }) => [size],
    start: [-1],
    toRow: (columns) => ({ ...toHead(columns), previousSize: toInteger(columns[5]) }),
  },
  cosigned: {
    select: "SELECT size, note FROM cosigned",
    keyColumns: "size",
    key: ({ size }) => [size],
    start: [-1],
    toRow: toCosigned,
  },
};

/**
 * What a scan's query gave, as rows. @throws FATAL_CORRUPT when they do not come after the last key, each after the one before:
 * in a damaged index the order is not a given, and a scan that goes backwards would never end
 */
export function toScannedRows<R>(table: ScannedTable<R>, after: R | undefined, found: readonly Row[]): R[] {
  let last = after === undefined ? table.start : table.key(after);
  return found.map((columns) => {
    const row = table.toRow(columns);
    if (compareKeys(table.key(row), last) <= 0) throw new AttestryError("FATAL_CORRUPT", "The rows are out of order.");
    last = table.key(row);
    return row;
  });
}

function compareKeys(a: readonly KeyValue[], b: readonly KeyValue[]): number {
  const differs = a.findIndex((value, at) => compareValues(value, b[at]) !== 0);
  return differs === -1 ? 0 : compareValues(a[differs], b[differs]);
}

function compareValues(a: KeyValue | undefined, b: KeyValue | undefined): number {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : Number(a) - Number(b);
}
