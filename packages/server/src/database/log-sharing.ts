/**
 * What several processes with one log ask of its database besides the log itself: whose turn it is to write, and whether others
 * have written. Neither is needed for the log to stay whole: that is the compare-and-swap's.
 */
import { AttestryError } from "@attestry/core";
import { toInteger } from "../log/rows.ts";
import type { SharedLog } from "../log/store.ts";
import type { Database, Querier } from "./database.ts";
import type { LogSql } from "./log-sql.ts";
import { poll } from "./poll.ts";

/**
 * Turns are a lock of a session: given in the order of asking, and gone with the process that has one. Without them the
 * process that has just written is always the quickest to write again.
 */
export function createTurns(database: Database, sql: LogSql): SharedLog["inTurn"] {
  return (write) =>
    database.session(async (session) => {
      const isTaken = await sql.takeTurn(session);
      const size = await readSize(session, sql);
      try {
        return await write(size);
      } finally {
        if (isTaken) await sql.endTurn(session).catch(() => {});
      }
    });
}

async function readSize(querier: Querier, sql: LogSql): Promise<number> {
  const [row] = await querier.query(sql.readSize);
  if (row === undefined) throw new AttestryError("FATAL_CORRUPT", "The log's one row is gone from the table log.");
  return toInteger(row[0] ?? 0);
}

/** Milliseconds until a process serves what another has written. */
const interval = 200;

export function watchSize(database: Database, sql: LogSql): { watch: SharedLog["watch"]; stop(): void } {
  const stops: (() => void)[] = [];
  return {
    watch: (onSize) => void stops.push(poll(interval, async () => onSize(await readSize(database, sql)))),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}
