/** The `LogStore` driver for PostgreSQL, where several processes share one log. */
import { onOwnHand } from "../database/database.ts";
import { openSharedLog, type SharedLogOptions } from "../database/log-store.ts";
import type { LogStore } from "../log/store.ts";
import type { Database } from "./database.ts";
import { logSql } from "./log-sql.ts";

export interface PostgresLogStoreOptions extends SharedLogOptions {
  /** The store takes a hand of its own on it. */
  readonly database: Database;
}

/** @throws as `openSharedLog` */
export function openPostgresLogStore({ database, ...options }: PostgresLogStoreOptions): Promise<LogStore> {
  return onOwnHand(database, (hand) => openSharedLog(hand, logSql, options));
}
