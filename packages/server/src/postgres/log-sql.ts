/**
 * The log in PostgreSQL. A batch is one statement and so one transaction: every row of it hangs on the update of the one row of
 * `log`.
 */
import type { AttestryError } from "@attestry/core";
import type { Querier } from "../database/database.ts";
import type { LogSql } from "../database/log-sql.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import { headColumns } from "../log/rows.ts";
import { type Batch, entriesPerRun, splitKeys } from "../log/store.ts";
import { bigintArray, byteaArray } from "./arrays.ts";
import { isUncertain, sqlStateOf } from "./errors.ts";
import { postgresSchema } from "./schema.ts";

/** The log's tables: as in the embedded store, and in `log` what is needed so that many may write. */
const logPart: SchemaPart = {
  name: "log",
  version: 1,
  statements: [
    `CREATE TABLE log (id bigint PRIMARY KEY CHECK (id = 1), origin text NOT NULL, size bigint, note bytea,
      fence bigint NOT NULL DEFAULT 0)`,
    "CREATE TABLE entry (idx bigint PRIMARY KEY, entry bytea NOT NULL)",
    "CREATE TABLE tile (level bigint, idx bigint, hashes bytea NOT NULL, PRIMARY KEY (level, idx))",
    // Signatures and hashes do not get smaller.
    "ALTER TABLE entry ALTER entry SET STORAGE EXTERNAL",
    "ALTER TABLE tile ALTER hashes SET STORAGE EXTERNAL",
    "CREATE TABLE seen (issued_at bigint, leaf_hash bytea, idx bigint NOT NULL, PRIMARY KEY (issued_at, leaf_hash))",
    "CREATE TABLE look_up (run bigint, key bytea, idx bigint, PRIMARY KEY (run, key, idx))",
    `CREATE TABLE head (size bigint PRIMARY KEY, root_hash bytea NOT NULL, time bigint NOT NULL,
      note_signature bytea NOT NULL, receipt_signature bytea NOT NULL, previous_size bigint NOT NULL)`,
    "CREATE INDEX head_by_time ON head (time)",
    "CREATE TABLE cosigned (size bigint PRIMARY KEY, note bytea NOT NULL)",
  ],
};

const putBatch = `
  WITH moved AS (
    UPDATE log SET size = $2, note = $3
      WHERE coalesce(size, 0) = $1 AND size IS DISTINCT FROM $2 AND fence = $4 RETURNING 1
  ), new_head AS (
    INSERT INTO head SELECT $2, $5, $6, $7, $8, $1 FROM moved
  ), new_entry AS (
    INSERT INTO entry SELECT $1 + at - 1, entry FROM moved, unnest($9::bytea[]) WITH ORDINALITY AS u (entry, at)
  ), new_seen AS (
    INSERT INTO seen SELECT issued_at, leaf_hash, $1 + at - 1
      FROM moved, unnest($10::bigint[], $11::bytea[]) WITH ORDINALITY AS u (issued_at, leaf_hash, at)
  ), new_look_up AS (
    INSERT INTO look_up SELECT idx / ${entriesPerRun}, key, idx FROM moved, unnest($12::bigint[], $13::bytea[]) AS u (idx, key)
      ON CONFLICT DO NOTHING
  ), new_tile AS (
    INSERT INTO tile SELECT level, idx, hashes
      FROM moved, unnest($14::bigint[], $15::bigint[], $16::bytea[]) AS u (level, idx, hashes)
      ON CONFLICT (level, idx) DO UPDATE SET hashes = excluded.hashes
  )
  SELECT count(*) FROM moved`;

function batchValues({ expectedSize, entries, tiles, head }: Batch, fence: number): unknown[] {
  const indexOf = entries.flatMap(({ keys }, at) => splitKeys(keys).map(() => expectedSize + at));
  return [
    ...[expectedSize, head.size, head.note, fence],
    ...[head.rootHash, head.time, head.noteSignature, head.receiptSignature],
    byteaArray(entries.map(({ entry }) => entry)),
    bigintArray(entries.map(({ issuedAt }) => issuedAt)),
    byteaArray(entries.map(({ leafHash }) => leafHash)),
    bigintArray(indexOf),
    byteaArray(entries.flatMap(({ keys }) => splitKeys(keys))),
    bigintArray(tiles.map(({ level }) => level)),
    bigintArray(tiles.map(({ index }) => index)),
    byteaArray(tiles.map(({ hashes }) => hashes)),
  ];
}

const findSeen = `
  SELECT at, seen.idx FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS u (issued_at, leaf_hash, at)
    JOIN seen USING (issued_at, leaf_hash)`;

/** The rows of each of the runs, one after the other; a run that has enough ends it. */
const probe = (direction: "" | "DESC"): string => `
  SELECT idx FROM generate_series($1::bigint, $2) AS runs (run), LATERAL (
    SELECT idx FROM look_up WHERE look_up.run = runs.run AND key = $3 AND idx >= $4 AND idx < $5 ORDER BY idx ${direction} LIMIT $6
  ) AS found ORDER BY idx ${direction} LIMIT $6`;

const lockKey = 0x4174_7375; // apart from the lock of the schema
const head = `SELECT ${headColumns} FROM head`;
/** Both tables have a size. */
const headOfTable = headColumns.replaceAll(/\w+/g, "head.$&");

export const logSql: LogSql = {
  openTables: (database, readOnly) => openPart(database, logPart, postgresSchema, readOnly),
  readOrigin: "SELECT origin FROM log",
  addLog: "INSERT INTO log (id, origin) VALUES (1, $1) ON CONFLICT DO NOTHING",
  putBatch: (batch, fence) => ({ text: putBatch, values: batchValues(batch, fence) }),
  moveFence: "UPDATE log SET fence = fence + 1 RETURNING fence",
  readState: "SELECT fence, size, (SELECT max(size) FROM head) FROM log",
  isUncertain: (error: AttestryError) => isUncertain(error),

  async takeTurn(session: Querier): Promise<boolean> {
    try {
      await session.query("SELECT pg_advisory_lock($1)", [lockKey]);
      return true;
    } catch (error) {
      if (sqlStateOf(error) === "55P03") return false; // lock_timeout: whoever has the turn may hang
      throw error;
    }
  },
  endTurn: (session) => session.query("SELECT pg_advisory_unlock($1)", [lockKey]),
  readSize: "SELECT size FROM log",

  readHead: `SELECT ${headOfTable}, note FROM head, log ORDER BY head.size DESC LIMIT 1`,
  findSeen: (statements) => ({
    text: findSeen,
    values: [
      bigintArray(statements.map(({ issuedAt }) => issuedAt)),
      byteaArray(statements.map(({ leafHash }) => leafHash)),
    ],
  }),
  readEntries: "SELECT idx, entry FROM entry WHERE idx >= $1 AND idx < $2 ORDER BY idx",
  readTile: "SELECT hashes FROM tile WHERE level = $1 AND idx = $2",
  readHeadOf: `${head} WHERE size > $1 ORDER BY size LIMIT 1`,
  readSizeAt: "SELECT size FROM head WHERE time < $1 ORDER BY time DESC, size DESC LIMIT 1",
  putCosigned: "INSERT INTO cosigned VALUES ($1, $2) ON CONFLICT (size) DO UPDATE SET note = excluded.note",
  readCosigned: "SELECT size, note FROM cosigned WHERE size > $1 ORDER BY size LIMIT 1",
  readLatestCosigned: "SELECT size, note FROM cosigned ORDER BY size DESC LIMIT 1",
  lookUp: { ascending: probe(""), descending: probe("DESC") },
  scan({ select, keyColumns }, key, limit) {
    const places = key.map((_, at) => `$${at + 1}`);
    const after = `(${keyColumns}) > (${places})`;
    return {
      text: `${select} WHERE ${after} ORDER BY ${keyColumns} LIMIT $${key.length + 1}`,
      values: [...key, limit],
    };
  },

  readNewest: "SELECT max(size) FROM head",
  readHeadFrom: `${head} WHERE size >= $1 ORDER BY size LIMIT 1`,
};
