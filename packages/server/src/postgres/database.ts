/**
 * A pool of connections to one PostgreSQL database (`pg` 8, loaded when it is needed), shared by all that a process keeps there.
 * Everything lives in the schema `attestry`. Rows come as arrays; numbers as numbers, bytes as bytes.
 */
import { AttestryError } from "@attestry/core";
import type { ClientBase, Pool, PoolClient, PoolConfig, QueryArrayConfig } from "pg";
import { closedDatabase, type Querier, type Row, type Database as SharedDatabase } from "../database/database.ts";
import { isDeadConnection, sqlStateOf, translateError, translateOpenError } from "./errors.ts";
import { type DatabaseSettings, parseDatabaseUrl } from "./settings.ts";

/** `data.sqlState` of its errors is PostgreSQL's code when it gave one. Each statement is prepared once a connection. */
export interface Database extends SharedDatabase {
  /** A connection to hand to a library, which releases it; its errors are PostgreSQL's own. */
  connect(): Promise<PoolClient>;
  share(): Database;
}

/** Connections of one process: the least server that a cloud offers has room for several processes. */
const poolSize = 8;
/** Milliseconds. The client gives up after the server did, and then the line is dead. */
const timeouts = { connect: 5000, lock: 3000, statement: 15_000, idleTransaction: 10_000, query: 20_000 };

/**
 * Connects, and sees that the server keeps what it acknowledges.
 * @throws USAGE when the address, the user or the server's settings do not do; UNAVAILABLE_STORAGE when it cannot be reached
 */
export async function openDatabase(url: string): Promise<Database> {
  const settings = parseDatabaseUrl(url);
  const { default: pg } = await import("pg");
  const pool = new pg.Pool(poolConfig(settings));
  pool.on("error", () => {}); // a connection that breaks while it is idle is replaced; whoever asks next is told
  const database = share(pool, { hands: 0 });
  try {
    await checkServer(pool);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

function poolConfig({ host, port, user, password, database, tls }: DatabaseSettings): PoolConfig {
  return {
    host,
    port,
    database,
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    // The host's name here is what an address of numbers is checked against; a name is checked by the driver itself.
    ssl: tls === false ? false : { ...tls, host, rejectUnauthorized: true },
    application_name: "attestry",
    max: poolSize,
    keepAlive: true,
    idleTimeoutMillis: 30_000,
    connectionTimeoutMillis: timeouts.connect,
    lock_timeout: timeouts.lock,
    statement_timeout: timeouts.statement,
    idle_in_transaction_session_timeout: timeouts.idleTransaction,
    query_timeout: timeouts.query,
    // A commit returns once it is on stable storage, whatever the server's default is.
    options: "-c search_path=attestry -c synchronous_commit=on -c client_min_messages=error",
    types: { getTypeParser: typeParser as NonNullable<PoolConfig["types"]>["getTypeParser"] },
  };
}

async function checkServer(pool: Pool): Promise<void> {
  try {
    const { rows } = await pool.query<{ fsync: string; pages: string; commit: string; version: number }>(
      `SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages,
        current_setting('synchronous_commit') AS commit, current_setting('server_version_num')::int AS version`,
    );
    const [row] = rows;
    if (row === undefined || row.version < 130_000) {
      throw new AttestryError("USAGE", "This needs PostgreSQL 13 or newer.");
    }
    if (row.fsync === "on" && row.pages === "on" && row.commit !== "off") return;
    const message =
      "The server may lose what it acknowledged: set fsync, full_page_writes and synchronous_commit to on.";
    throw new AttestryError("USAGE", message);
  } catch (error) {
    throw translateOpenError(error);
  }
}

function share(pool: Pool, count: { hands: number }): Database {
  let open = true;
  count.hands += 1;

  async function translated<T>(act: () => Promise<T>): Promise<T> {
    if (!open) throw closedDatabase();
    try {
      return await act();
    } catch (error) {
      throw translateError(error);
    }
  }

  async function connect(): Promise<PoolClient> {
    const client = await pool.connect();
    // Else one that breaks between two queries ends the process. It is the same listener each time a client is lent.
    client.off("error", ignore).on("error", ignore);
    return client;
  }

  async function withClient<T>(use: (querier: Querier) => Promise<T>): Promise<T> {
    const client = await connect();
    try {
      const result = await use({ query: (text, values) => ask(client, text, values) });
      client.release();
      return result;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  return {
    async connect(): Promise<PoolClient> {
      if (!open) throw closedDatabase();
      return connect();
    },
    query: (text, values) => translated(() => ask(pool, text, values)),
    read: (text, values) => translated(() => askAgain(pool, text, values)),
    session: (use) => translated(() => withClient(use)),
    transaction: (use) =>
      translated(() =>
        withClient(async (querier) => {
          await querier.query("BEGIN");
          try {
            const result = await use(querier);
            await querier.query("COMMIT");
            return result;
          } catch (error) {
            await querier.query("ROLLBACK").catch(ignore); // on a broken connection the server does it by itself
            throw error;
          }
        }),
      ),
    share: () => share(pool, count),
    async close(): Promise<void> {
      if (!open) return;
      open = false;
      count.hands -= 1;
      if (count.hands === 0) await pool.end();
    },
  };
}

const ignore = (): void => {};

const names = new Map<string, string>();

async function ask(on: Pool | ClientBase, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  const name = names.get(text) ?? `a${names.size}`;
  names.set(text, name);
  const query: QueryArrayConfig = { name, text, values: [...values], rowMode: "array" };
  return (await on.query(query)).rows;
}

/** Dead connections that one read may meet: after a server's restart all that sat idle are. */
const maxDead = 3;

async function askAgain(pool: Pool, text: string, values?: readonly unknown[]): Promise<Row[]> {
  for (let left = maxDead; ; left--) {
    try {
      return await ask(pool, text, values);
    } catch (error) {
      if (left === 0 || !isDeadConnection(error)) throw error;
    }
  }
}

/** Whether an error says that a row is there already. */
export function isDuplicate(error: unknown): boolean {
  return sqlStateOf(error) === "23505";
}

const int8 = 20;
const bytea = 17;
const integers = new Set([21, 23, 26]);

/** Text as the server sends it. Other types stay text. */
function typeParser(oid: number): (text: string) => unknown {
  if (oid === bytea) return parseBytes;
  if (oid === int8) return parseInteger;
  if (integers.has(oid)) return Number;
  if (oid === 16) return (text) => text === "t";
  return (text) => text;
}

/** `\x` and hexadecimal digits (`bytea_output` = hex, the default). */
function parseBytes(text: string): Uint8Array {
  const { buffer, byteOffset, length } = Buffer.from(text.slice(2), "hex");
  return new Uint8Array(buffer, byteOffset, length);
}

function parseInteger(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new AttestryError("FATAL_CORRUPT", "The database holds a number that no writer of ours stores.");
}
