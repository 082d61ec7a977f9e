/** The `LogStore` driver for SQL Server, where several processes share one log. */
import { onOwnHand } from "../database/database.ts";
import { openSharedLog, type SharedLogOptions } from "../database/log-store.ts";
import type { LogStore } from "../log/store.ts";
import type { Database } from "./database.ts";
import { logSql } from "./log-sql.ts";

export interface SqlServerLogStoreOptions extends SharedLogOptions {
  /** The store takes a hand of its own on it. */
  readonly database: Database;
}

/** @throws as `openSharedLog` */
export function openSqlServerLogStore({ database, ...options }: SqlServerLogStoreOptions): Promise<LogStore> {
  return onOwnHand(database, (hand) => openSharedLog(hand, logSql, options));
}
