/**
 * What several processes with one log ask of PostgreSQL besides the log itself: whose turn it is to write, and whether others
 * have written. Neither is needed for the log to stay whole: that is the compare-and-swap's.
 */
import { AttestryError } from "@attestry/core";
import { toInteger } from "../log/rows.ts";
import type { SharedLog } from "../log/store.ts";
import type { Database, Querier } from "./database.ts";
import { sqlStateOf } from "./errors.ts";
import { poll } from "./poll.ts";

const lockKey = 0x4174_7375; // apart from the lock of the schema

/**
 * Turns are a session's advisory lock: given in the order of asking, and gone with the process that has one. Without them the
 * process that has just written is always the quickest to write again.
 */
export function createTurns(database: Database): SharedLog["inTurn"] {
  return (write) =>
    database.session(async (session) => {
      const isTaken = await takeTurn(session);
      const size = await readSize(session);
      try {
        return await write(size);
      } finally {
        if (isTaken) await session.query("SELECT pg_advisory_unlock($1)", [lockKey]).catch(() => {});
      }
    });
}

async function takeTurn(session: Querier): Promise<boolean> {
  try {
    await session.query("SELECT pg_advisory_lock($1)", [lockKey]);
    return true;
  } catch (error) {
    if (sqlStateOf(error) === "55P03") return false; // lock_timeout: whoever has the turn may hang
    throw error;
  }
}

async function readSize(querier: Querier): Promise<number> {
  const [row] = await querier.query("SELECT size FROM log");
  if (row === undefined) throw new AttestryError("FATAL_CORRUPT", "The log's one row is gone from the table log.");
  return toInteger(row[0] ?? 0);
}

/** Milliseconds until a process serves what another has written. */
const interval = 200;

export function watchSize(database: Database): { watch: SharedLog["watch"]; stop(): void } {
  const stops: (() => void)[] = [];
  return {
    watch: (onSize) => void stops.push(poll(interval, async () => onSize(await readSize(database)))),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}
