/**
 * The log in T-SQL. A batch travels as parameters and tables of one type, and is one transaction in one round trip: no lock is held
 * while anything travels. Statements that read two tables of one moment lock the row of `log` first, which a writer does
 * too, so that they agree whether the database reads by locks or by versions (READ_COMMITTED_SNAPSHOT).
 */
import type { Querier } from "../database/database.ts";
import type { LogSql } from "../database/log-sql.ts";
import { maxProbed } from "../database/log-store.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import { headColumns, type KeyValue } from "../log/rows.ts";
import { type Batch, entriesPerRun, splitKeys } from "../log/store.ts";
import type { List, SqlValue } from "./driver.ts";
import { isUncertain } from "./errors.ts";
import { sqlServerSchema } from "./schema.ts";

/** The log's tables: as in the embedded store, and in `log` what is needed so that many may write. */
export const logPart: SchemaPart = {
  name: "log",
  version: 1,
  statements: [
    "CREATE TYPE attestry.list AS TABLE (a bigint NOT NULL, b bigint NOT NULL, bytes varbinary(max) NOT NULL)",
    `CREATE TABLE attestry.log (id bigint NOT NULL PRIMARY KEY CHECK (id = 1), origin nvarchar(max) NOT NULL, size bigint,
      note varbinary(max), fence bigint NOT NULL DEFAULT 0)`,
    "CREATE TABLE attestry.entry (idx bigint NOT NULL PRIMARY KEY, entry varbinary(max) NOT NULL)",
    `CREATE TABLE attestry.tile (level bigint NOT NULL, idx bigint NOT NULL, hashes varbinary(max) NOT NULL,
      PRIMARY KEY (level, idx))`,
    `CREATE TABLE attestry.seen (issued_at bigint NOT NULL, leaf_hash varbinary(32) NOT NULL, idx bigint NOT NULL,
      PRIMARY KEY (issued_at, leaf_hash))`,
    `CREATE TABLE attestry.look_up (run bigint NOT NULL, "key" varbinary(8) NOT NULL, idx bigint NOT NULL,
      PRIMARY KEY (run, "key", idx))`,
    `CREATE TABLE attestry.head (size bigint NOT NULL PRIMARY KEY, root_hash varbinary(32) NOT NULL, time bigint NOT NULL,
      note_signature varbinary(64) NOT NULL, receipt_signature varbinary(64) NOT NULL, previous_size bigint NOT NULL)`,
    "CREATE INDEX head_by_time ON attestry.head (time)",
    "CREATE TABLE attestry.cosigned (size bigint NOT NULL PRIMARY KEY, note varbinary(max) NOT NULL)",
  ],
};

/** Tables: @9 place, time of issue, leaf hash; @10 place, 0, entry; @11 index, 0, key; @12 level, index, hashes. */
const putBatch = `
  BEGIN TRANSACTION;
  UPDATE attestry.log SET size = @2, note = @3
    WHERE COALESCE(size, 0) = @1 AND (size IS NULL OR size <> @2) AND fence = @4;
  DECLARE @moved bigint = @@ROWCOUNT;
  IF @moved = 1
  BEGIN
    INSERT INTO attestry.head (${headColumns}, previous_size) VALUES (@2, @5, @6, @7, @8, @1);
    INSERT INTO attestry.seen (issued_at, leaf_hash, idx) SELECT b, bytes, @1 + a FROM @9;
    INSERT INTO attestry.entry (idx, entry) SELECT @1 + a, bytes FROM @10;
    INSERT INTO attestry.look_up (run, "key", idx) SELECT a / ${entriesPerRun}, bytes, a FROM @11;
    UPDATE stored SET hashes = given.bytes
      FROM attestry.tile AS stored INNER JOIN @12 AS given ON given.a = stored.level AND given.b = stored.idx;
    INSERT INTO attestry.tile (level, idx, hashes) SELECT a, b, bytes FROM @12 AS given
      WHERE NOT EXISTS (SELECT 1 FROM attestry.tile AS stored WHERE stored.level = given.a AND stored.idx = given.b);
  END;
  COMMIT TRANSACTION;
  SELECT @moved`;

function batchValues({ expectedSize, entries, tiles, head }: Batch, fence: number): SqlValue[] {
  return [
    ...[expectedSize, head.size, head.note, fence],
    ...[head.rootHash, head.time, head.noteSignature, head.receiptSignature],
    { list: entries.map(({ issuedAt, leafHash }, at) => [at, issuedAt, leafHash]) },
    { list: entries.map(({ entry }, at) => [at, 0, entry]) },
    {
      list: entries.flatMap(({ keys }, at) =>
        distinct(splitKeys(keys)).map((key) => [expectedSize + at, 0, key] as const),
      ),
    },
    { list: tiles.map(({ level, index, hashes }) => [level, index, hashes]) },
  ];
}

/** A repeated key counts once. */
function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [key.toHex(), key])).values()];
}

const findSeen = `
  SELECT given.a, seen.idx FROM @1 AS given
    INNER JOIN attestry.seen AS seen ON seen.issued_at = given.b AND seen.leaf_hash = CAST(given.bytes AS varbinary(32))`;

/** Fixed, so that every width is one statement to the server. */
const steps = Array.from({ length: maxProbed }, (_, step) => `(${step})`).join(", ");

/** The rows of each of the runs, one after the other; a run that has enough ends it. */
const probe = (direction: "ASC" | "DESC"): string => `
  SELECT TOP (@6) found.idx FROM (VALUES ${steps}) AS runs (step) CROSS APPLY (
    SELECT TOP (@6) idx FROM attestry.look_up WHERE run = @1 + runs.step AND "key" = @3 AND idx >= @4 AND idx < @5
      ORDER BY idx ${direction}
  ) AS found WHERE @1 + runs.step <= @2 ORDER BY found.idx ${direction}`;

const first = `SELECT TOP (1) ${headColumns} FROM attestry.head`;

/** REPEATABLEREAD keeps the row locked to the end, so that no batch comes between. */
const readHead = `
  BEGIN TRANSACTION;
  DECLARE @note varbinary(max);
  SELECT @note = note FROM attestry.log WITH (REPEATABLEREAD);
  SELECT TOP (1) ${headColumns}, @note FROM attestry.head ORDER BY size DESC;
  COMMIT TRANSACTION`;

const readState = `
  BEGIN TRANSACTION;
  DECLARE @fence bigint, @size bigint;
  SELECT @fence = fence, @size = size FROM attestry.log WITH (REPEATABLEREAD);
  SELECT @fence, @size, (SELECT MAX(size) FROM attestry.head) WHERE @fence IS NOT NULL;
  COMMIT TRANSACTION`;

const putCosigned = `
  BEGIN TRANSACTION;
  UPDATE attestry.cosigned WITH (UPDLOCK, SERIALIZABLE) SET note = @2 WHERE size = @1;
  IF @@ROWCOUNT = 0 INSERT INTO attestry.cosigned (size, note) VALUES (@1, @2);
  COMMIT TRANSACTION`;

/** In the order of asking; gone with the session. Refused (negative) after as long as a statement waits for a lock. */
export const takeTurn = `
  DECLARE @result int;
  EXEC @result = sp_getapplock @Resource = N'attestry.turn', @LockMode = N'Exclusive', @LockOwner = N'Session', @LockTimeout = 3000;
  SELECT @result`;

export const endTurn = "EXEC sp_releaseapplock @Resource = N'attestry.turn', @LockOwner = N'Session'";

/** What comes after a key of several columns: T-SQL compares no rows. The first column alone is what an index is entered by. */
function afterKey(columns: readonly string[]): string {
  const [column = "", ...others] = columns;
  return others.length === 0 ? `${column} > @1` : `${column} >= @1 AND (${alternatives(columns).join(" OR ")})`;
}

function alternatives(columns: readonly string[]): string[] {
  return columns.map((column, at) => {
    const equal = columns.slice(0, at).map((before, i) => `${before} = @${i + 1} AND `);
    return `(${equal.join("")}${column} > @${at + 1})`;
  });
}

export const logSql: LogSql = {
  openTables: (database, readOnly) => openPart(database, logPart, sqlServerSchema, readOnly),
  readOrigin: "SELECT origin FROM attestry.log",
  addLog: `INSERT INTO attestry.log (id, origin)
    SELECT 1, @1 WHERE NOT EXISTS (SELECT 1 FROM attestry.log WITH (UPDLOCK, SERIALIZABLE) WHERE id = 1)`,
  putBatch: (batch, fence) => ({ text: putBatch, values: batchValues(batch, fence) }),
  moveFence: "UPDATE attestry.log SET fence = fence + 1 OUTPUT inserted.fence",
  readState,
  isUncertain,

  async takeTurn(session: Querier): Promise<boolean> {
    const [row] = await session.query(takeTurn);
    return Number(row?.[0] ?? -1) >= 0;
  },
  endTurn: (session) => session.query(endTurn),
  readSize: "SELECT size FROM attestry.log",

  readHead,
  findSeen(statements) {
    const list: List["list"] = statements.map(({ issuedAt, leafHash }, at) => [at + 1, issuedAt, leafHash]);
    return { text: findSeen, values: [{ list }] };
  },
  readEntries: "SELECT idx, entry FROM attestry.entry WHERE idx >= @1 AND idx < @2 ORDER BY idx",
  readTile: "SELECT hashes FROM attestry.tile WHERE level = @1 AND idx = @2",
  readHeadOf: `${first} WHERE size > @1 ORDER BY size`,
  readSizeAt: "SELECT TOP (1) size FROM attestry.head WHERE time < @1 ORDER BY time DESC, size DESC",
  putCosigned,
  readCosigned: "SELECT TOP (1) size, note FROM attestry.cosigned WHERE size > @1 ORDER BY size",
  readLatestCosigned: "SELECT TOP (1) size, note FROM attestry.cosigned ORDER BY size DESC",
  lookUp: { ascending: probe("ASC"), descending: probe("DESC") },
  scan({ select, keyColumns }, key: readonly KeyValue[], limit: number) {
    const from = select.replace(" FROM ", " FROM attestry.");
    const limited = `ORDER BY ${keyColumns} OFFSET 0 ROWS FETCH NEXT @${key.length + 1} ROWS ONLY`;
    return { text: `${from} WHERE ${afterKey(keyColumns.split(", "))} ${limited}`, values: [...key, limit] };
  },

  readNewest: "SELECT MAX(size) FROM attestry.head",
  readHeadFrom: `${first} WHERE size >= @1 ORDER BY size`,
};
