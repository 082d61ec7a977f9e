/** Rows of the SQLite driver: how columns become values, and how each table of the port is scanned. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { AttestryError } from "@attestry/core";
import type { LogRows, SignedHead } from "./store.ts";

export type Row = readonly SQLOutputValue[];

/** A prepared statement whose rows are arrays of columns. */
export interface Query {
  get(...parameters: SQLInputValue[]): Row | undefined;
  all(...parameters: SQLInputValue[]): Row[];
  run(...parameters: SQLInputValue[]): unknown;
}

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
export function toInteger(value: SQLOutputValue | undefined): number {
  return typeof value === "number" ? value : -1;
}

/** As `toInteger`: what is not bytes comes as none. */
export function toBytes(value: SQLOutputValue | undefined): Uint8Array {
  return value instanceof Uint8Array ? value : new Uint8Array();
}

export function optional<T>(row: Row | undefined, toValue: (row: Row) => T): T | undefined {
  return row === undefined ? undefined : toValue(row);
}

interface ScannedTable<R> {
  readonly select: string;
  /** The columns of the primary key, a row's values in them, and what comes before all rows. */
  readonly keyColumns: string;
  key(row: R): readonly SQLInputValue[];
  readonly start: readonly SQLInputValue[];
  toRow(columns: Row): R;
}

const tables: { readonly [T in keyof LogRows]: ScannedTable<LogRows[T]> } = {
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
    select: "SELECT run, key, idx FROM look_up",
    keyColumns: "run, key, idx",
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

/** A scan of each table, as the port has it. */
export type Scans = { readonly [T in keyof LogRows]: ScanOf<LogRows[T]> };

export function prepareScans(prepare: (sql: string) => Query): Scans {
  const prepareOne = <R>({ select, keyColumns, start, key, toRow }: ScannedTable<R>): ScanOf<R> => {
    const query = prepare(`${select} WHERE (${keyColumns}) > (${start.map(() => "?")}) ORDER BY ${keyColumns} LIMIT ?`);
    return (after, limit) => {
      let last = after === undefined ? start : key(after);
      return query.all(...last, limit).map((columns) => {
        const row = toRow(columns);
        // In a damaged index the order is not a given, and a scan that goes backwards would never end.
        if (compareKeys(key(row), last) <= 0) throw new AttestryError("FATAL_CORRUPT", "The rows are out of order.");
        last = key(row);
        return row;
      });
    };
  };
  return {
    entries: prepareOne(tables.entries),
    tiles: prepareOne(tables.tiles),
    seen: prepareOne(tables.seen),
    lookUps: prepareOne(tables.lookUps),
    heads: prepareOne(tables.heads),
    cosigned: prepareOne(tables.cosigned),
  };
}

export type ScanOf<R> = (after: R | undefined, limit: number) => R[];

function compareKeys(a: readonly SQLInputValue[], b: readonly SQLInputValue[]): number {
  const differs = a.findIndex((value, at) => compareValues(value, b[at]) !== 0);
  return differs === -1 ? 0 : compareValues(a[differs], b[differs]);
}

function compareValues(a: SQLInputValue | undefined, b: SQLInputValue | undefined): number {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) : Number(a) - Number(b);
}
