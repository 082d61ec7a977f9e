/** Connections of one process to one database, lent one at a time and kept for a while. */
import { AttestryError } from "@attestry/core";
import type { SqlServerConnection } from "./driver.ts";

export interface Pool {
  /** Waits for a connection that nobody has. @throws UNAVAILABLE_STORAGE when there is none for seconds; as `connect` */
  take(): Promise<SqlServerConnection>;
  /** Gives it back. One that broke, or that the caller does not trust any more, is closed. */
  give(connection: SqlServerConnection, isGood: boolean): void;
  close(): Promise<void>;
}

export interface PoolOptions {
  connect(): Promise<SqlServerConnection>;
  /** How many there are at most. */
  readonly size: number;
  /** Milliseconds that somebody waits for one. */
  readonly patience: number;
  /** Milliseconds that one is kept while nobody needs it. */
  readonly idle: number;
}

export function createPool({ connect, size, patience, idle }: PoolOptions): Pool {
  const free: { readonly connection: SqlServerConnection; readonly timer: NodeJS.Timeout }[] = [];
  const waiting: (() => void)[] = [];
  let lent = 0;
  let isOpen = true;
  let closed = (): void => {};

  function takeFree(): SqlServerConnection | undefined {
    for (;;) {
      const last = free.pop();
      if (last === undefined) return undefined;
      clearTimeout(last.timer);
      if (last.connection.isOpen) return last.connection;
      last.connection.close();
    }
  }

  /** Whoever waited longest has the place that became free. */
  function leave(): void {
    const turn = waiting.shift();
    if (turn === undefined) lent -= 1;
    else turn();
    if (lent === 0 && !isOpen) closed();
  }

  function waitForTurn(): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.splice(waiting.indexOf(turn), 1);
        reject(new AttestryError("UNAVAILABLE_STORAGE", "All connections to the database are busy."));
      }, patience);
      waiting.push(turn);
    });
  }

  return {
    async take(): Promise<SqlServerConnection> {
      if (lent >= size) await waitForTurn();
      else lent += 1;
      try {
        return takeFree() ?? (await connect());
      } catch (error) {
        leave();
        throw error;
      }
    },

    give(connection: SqlServerConnection, isGood: boolean): void {
      if (isOpen && isGood && connection.isOpen) {
        const drop = (): void => {
          free.splice(
            free.findIndex((one) => one.connection === connection),
            1,
          );
          connection.close();
        };
        free.push({ connection, timer: setTimeout(drop, idle).unref() });
      } else connection.close();
      leave();
    },

    async close(): Promise<void> {
      if (!isOpen) return;
      isOpen = false;
      for (const { connection, timer } of free.splice(0)) {
        clearTimeout(timer);
        connection.close();
      }
      if (lent > 0) await new Promise<void>((resolve) => (closed = resolve));
    },
  };
}
