/**
 * Appending to a log in a database. A batch is one transaction, which moves the size in the one row of `log`, by
 * compare-and-swap under that row's lock; every other row hangs on that.
 */
import { AttestryError, isAttestryError } from "@attestry/core";
import { toInteger } from "../log/rows.ts";
import type { Batch } from "../log/store.ts";
import type { Database } from "./database.ts";
import type { LogSql } from "./log-sql.ts";

export interface Appender {
  append(batch: Batch): Promise<void>;
  /** Makes sure that no append of this process which was cut off can still be carried out. */
  settle(): Promise<void>;
}

/**
 * An append whose connection broke may reach the server late. Each append names the fence that stands in the row of `log`;
 * moving the fence waits for one that is being carried out and shuts out one that is yet to come.
 */
export function createAppender(database: Database, sql: LogSql): Appender {
  let fence: number | undefined;
  let isSettled = true;

  async function settle(): Promise<void> {
    if (isSettled) return;
    const [row] = await database.query(sql.moveFence);
    fence = toInteger(row?.[0]);
    isSettled = true;
  }

  async function put(batch: Batch, at: number): Promise<boolean> {
    const { text, values } = sql.putBatch(batch, at);
    try {
      const [row] = await database.query(text, values);
      return row?.[0] === 1;
    } catch (error) {
      isSettled = !(isAttestryError(error) && sql.isUncertain(error));
      throw error;
    }
  }

  return {
    settle,
    async append(batch: Batch): Promise<void> {
      await settle();
      if (fence !== undefined && (await put(batch, fence))) return;
      // Nothing was written: the log has grown, or another process moved the fence, which is no reason to refuse.
      const state = await readState(database, sql);
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

export async function readState(database: Database, sql: LogSql): Promise<LogState> {
  const [row] = await database.read(sql.readState);
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
export async function checkSize(database: Database, sql: LogSql): Promise<string[]> {
  const { size, headSize } = await readState(database, sql);
  return size === headSize ? [] : [wrongSize(size, headSize)];
}
