/**
 * What a notary needs of a driver for SQL Server: connections that run statements. `@attestry/azure` has one over `tedious`,
 * loaded only when a database's address asks for it.
 */
import { AttestryError } from "@attestry/core";
import type { Row } from "../database/database.ts";
import type { SqlServerSettings } from "./settings.ts";

/** Rows of the table type `attestry.list`, as one parameter: two integers and bytes each. */
export interface List {
  readonly list: readonly (readonly [number, number, Uint8Array])[];
}

/** A parameter: bigint, nvarchar, varbinary, or a table. */
export type SqlValue = null | number | string | Uint8Array | List;

export interface Answer {
  /** Integers as numbers, bytes as bytes, text as strings. */
  readonly rows: Row[];
  /** The names of the columns. */
  readonly columns: readonly string[];
  /** How many rows the statements wrote. */
  readonly affected: number;
}

/** What a connection throws: SQL Server's number of the error, or what became of the connection. */
export interface ConnectionError extends Error {
  readonly number?: number | undefined;
  readonly code?: string | undefined;
}

/** One session. It runs one thing at a time. */
export interface SqlServerConnection {
  /** Runs statements whose parameters are @1, @2, …; what they SET is undone when they are through. @throws ConnectionError */
  run(text: string, values: readonly SqlValue[]): Promise<Answer>;
  /** Runs statements without parameters; settings and transactions stay. @throws ConnectionError */
  batch(text: string): Promise<Answer>;
  /** Whether it can still be used. */
  readonly isOpen: boolean;
  close(): void;
}

export interface ConnectOptions extends SqlServerSettings {
  /** Milliseconds. A request that takes longer is cancelled. */
  readonly timeouts: { readonly connect: number; readonly request: number };
}

export type ConnectSqlServer = (options: ConnectOptions) => Promise<SqlServerConnection>;

/** @throws USAGE when the driver is not installed, saying what to type */
export async function loadDriver(): Promise<ConnectSqlServer> {
  const name: string = "@attestry/azure"; // not for the type checker, which need not find it
  try {
    const azure = (await import(name)) as { connectSqlServer: ConnectSqlServer };
    return azure.connectSqlServer;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const advice = `npm install ${name} tedious @azure/identity`;
    throw new AttestryError("USAGE", `SQL Server needs the package ${name}, which is not installed: ${advice}`, {
      cause,
    });
  }
}
