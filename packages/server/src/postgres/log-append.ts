/**
 * Appending to the log in PostgreSQL. A batch is one statement and so one transaction: it moves the size in the one row of `log`,
 * by compare-and-swap under that row's lock, and every other row hangs on that.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import { toInteger } from "../log/rows.ts";
import { type Batch, entriesPerRun } from "../log/store.ts";
import { bigintArray, byteaArray } from "./arrays.ts";
import type { Database } from "./database.ts";
import { isUncertain } from "./errors.ts";

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
  const indexOf = entries.flatMap(({ keys }, at) => keys.map(() => expectedSize + at));
  return [
    ...[expectedSize, head.size, head.note, fence],
    ...[head.rootHash, head.time, head.noteSignature, head.receiptSignature],
    byteaArray(entries.map(({ entry }) => entry)),
    bigintArray(entries.map(({ issuedAt }) => issuedAt)),
    byteaArray(entries.map(({ leafHash }) => leafHash)),
    bigintArray(indexOf),
    byteaArray(entries.flatMap(({ keys }) => keys)),
    bigintArray(tiles.map(({ level }) => level)),
    bigintArray(tiles.map(({ index }) => index)),
    byteaArray(tiles.map(({ hashes }) => hashes)),
  ];
}

export interface Appender {
  append(batch: Batch): Promise<void>;
  /** Makes sure that no append of this process which was cut off can still be carried out. */
  settle(): Promise<void>;
}

/**
 * An append whose connection broke may reach the server late. Each append names the fence that stands in the row of `log`;
 * moving the fence waits for one that is being carried out and shuts out one that is yet to come.
 */
export function createAppender(database: Database): Appender {
  let fence: number | undefined;
  let isSettled = true;

  async function settle(): Promise<void> {
    if (isSettled) return;
    const [row] = await database.query("UPDATE log SET fence = fence + 1 RETURNING fence");
    fence = toInteger(row?.[0]);
    isSettled = true;
  }

  async function put(batch: Batch, at: number): Promise<boolean> {
    try {
      const [row] = await database.query(putBatch, batchValues(batch, at));
      return row?.[0] === 1;
    } catch (error) {
      isSettled = !(isAttestryError(error) && isUncertain(error));
      throw error;
    }
  }

  return {
    settle,
    async append(batch: Batch): Promise<void> {
      await settle();
      if (fence !== undefined && (await put(batch, fence))) return;
      // Nothing was written: the log has grown, or another process moved the fence, which is no reason to refuse.
      const state = await readState(database);
      fence = state.fence;
      const isStale = state.size !== batch.expectedSize || (state.hasHead && state.size === batch.head.size);
      if (!isStale && (await put(batch, fence))) return;
      if (state.size !== state.headSize)
        throw new AttestryError("FATAL_CORRUPT", wrongSize(state.size, state.headSize));
      throw new AttestryError("CONFLICT_SIZE", undefined, {
        data: { expected: batch.expectedSize, found: state.size },
      });
    },
  };
}

interface LogState {
  readonly fence: number;
  readonly size: number;
  readonly headSize: number;
  readonly hasHead: boolean;
}

export async function readState(database: Database): Promise<LogState> {
  const [row] = await database.read("SELECT fence, size, (SELECT max(size) FROM head) FROM log");
  if (row === undefined) throw new AttestryError("FATAL_CORRUPT", "The log's one row is gone from the table log.");
  const [fence, size, headSize] = row;
  return {
    fence: toInteger(fence),
    size: toInteger(size ?? 0),
    headSize: toInteger(headSize ?? 0),
    hasHead: size !== null,
  };
}

function wrongSize(size: number, headSize: number): string {
  return `The log's row says that it has ${size} entries, and its newest head says ${headSize}.`;
}

/** What is wrong, a line each: nothing, or that the two places that say the size disagree. */
export async function checkSize(database: Database): Promise<string[]> {
  const { size, headSize } = await readState(database);
  return size === headSize ? [] : [wrongSize(size, headSize)];
}
