/**
 * A database on SQL Server 2016 or newer, Azure SQL Database or Azure SQL Managed Instance, shared by all that a process keeps there.
 * Everything lives in the schema `attestry`.
 */
import { AttestryError } from "@attestry/core";
import { closedDatabase, type Querier, type Row, type Database as SharedDatabase } from "../database/database.ts";
import { type ConnectSqlServer, loadDriver, type SqlServerConnection, type SqlValue } from "./driver.ts";
import { isDeadConnection, isUndone, translateError, translateOpenError } from "./errors.ts";
import { createPool, type Pool } from "./pool.ts";
import { parseSqlServerUrl } from "./settings.ts";

/** `data.sqlError` of its errors is SQL Server's number when it gave one. */
export interface Database extends SharedDatabase {
  /** A connection to hand to a library; its errors are the driver's own. */
  connect(): Promise<SqlServerConnection>;
  /** Gives it back. */
  release(connection: SqlServerConnection, isGood: boolean): void;
  share(): Database;
}

/** Connections of one process: the least server that a cloud offers has room for several processes. */
const poolSize = 8;
/** Milliseconds. Longer to connect than to a server of one's own: a token may have to be fetched first. */
const timeouts = { connect: 15_000, request: 20_000 };
const lockTimeout = 3000;

/**
 * Connects, and sees that the server keeps what it acknowledges.
 * @param connect only tests give another than the installed driver's
 * @throws USAGE when the address, the user, the driver or the server's settings do not do; UNAVAILABLE_STORAGE
 */
export async function openDatabase(url: string, connect?: ConnectSqlServer): Promise<Database> {
  const settings = parseSqlServerUrl(url);
  const open = connect ?? (await loadDriver());
  const pool = createPool({
    connect: async () => prepare(await open({ ...settings, timeouts })),
    size: poolSize,
    patience: timeouts.connect,
    idle: 30_000,
  });
  const database = share(pool, { hands: 0 });
  try {
    await checkServer(pool);
    return database;
  } catch (error) {
    await database.close();
    throw error;
  }
}

/**
 * A statement that fails undoes its transaction. Blocked ones give up before the client does. Each `run` is on its own: no setting
 * of a session but these is ever changed.
 */
export const sessionSettings: string = `SET XACT_ABORT ON; SET LOCK_TIMEOUT ${lockTimeout}; SET TRANSACTION ISOLATION LEVEL READ COMMITTED`;

async function prepare(connection: SqlServerConnection): Promise<SqlServerConnection> {
  try {
    await connection.batch(sessionSettings);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

// By name: on Azure SQL Database DB_ID() is not the id in sys.databases.
export const readServer = `
  SELECT CAST(SERVERPROPERTY('ProductMajorVersion') AS int), CAST(SERVERPROPERTY('EngineEdition') AS int),
    CAST(delayed_durability AS int)
  FROM sys.databases WHERE name = DB_NAME()`;

const azureEditions = [5, 8]; // their version numbers say nothing
const forced = 2;

async function checkServer(pool: Pool): Promise<void> {
  const row = await readFirst(pool).catch((error) => {
    throw translateOpenError(error);
  });
  const [version, edition, durability] = row ?? [];
  if (!azureEditions.includes(Number(edition)) && Number(version) < 13) {
    throw new AttestryError("USAGE", "This needs SQL Server 2016 or newer.");
  }
  if (durability === forced) {
    const message = "The database may lose what it acknowledged: set its DELAYED_DURABILITY to ALLOWED or DISABLED.";
    throw new AttestryError("USAGE", message);
  }
}

async function readFirst(pool: Pool): Promise<Row | undefined> {
  const connection = await pool.take();
  try {
    return (await connection.run(readServer, [])).rows[0];
  } finally {
    pool.give(connection, connection.isOpen);
  }
}

export const begin = "BEGIN TRANSACTION";
export const commit = "COMMIT TRANSACTION";
export const rollback = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

/** How often one that the server undid for another's sake is run at most. */
const maxRuns = 5;
/** Dead connections that one read may meet: after a server's restart all that sat idle are. */
const maxDead = 8;

function share(pool: Pool, count: { hands: number }): Database {
  let open = true;
  count.hands += 1;

  async function translated<T>(act: () => Promise<T>, runs: number = maxRuns): Promise<T> {
    for (let left = runs - 1; ; left--) {
      if (!open) throw closedDatabase();
      try {
        return await act();
      } catch (error) {
        if (left > 0 && isUndone(error)) continue;
        throw translateError(error);
      }
    }
  }

  /** One on which anything failed is not used again: who knows what is open on it. */
  async function withConnection<T>(use: (connection: SqlServerConnection) => Promise<T>): Promise<T> {
    const connection = await pool.take();
    try {
      const result = await use(connection);
      pool.give(connection, true);
      return result;
    } catch (error) {
      pool.give(connection, false);
      throw error;
    }
  }

  const ask = (text: string, values?: readonly unknown[]): Promise<Row[]> =>
    withConnection((connection) => askOn(connection, text, values));

  async function askAgain(text: string, values?: readonly unknown[]): Promise<Row[]> {
    for (let left = maxDead; ; left--) {
      try {
        return await ask(text, values);
      } catch (error) {
        if (left === 0 || !isDeadConnection(error)) throw error;
      }
    }
  }

  const querierOf = (connection: SqlServerConnection): Querier => ({
    query: (text, values) => askOn(connection, text, values),
  });

  return {
    async connect(): Promise<SqlServerConnection> {
      if (!open) throw closedDatabase();
      return pool.take();
    },
    release: (connection, isGood) => pool.give(connection, isGood),
    query: (text, values) => translated(() => ask(text, values)),
    read: (text, values) => translated(() => askAgain(text, values)),
    session: (use) => translated(() => withConnection((connection) => use(querierOf(connection))), 1),
    transaction: (use) =>
      translated(() =>
        withConnection(async (connection) => {
          await connection.batch(begin);
          try {
            const result = await use(querierOf(connection));
            await connection.batch(commit);
            return result;
          } catch (error) {
            // On a broken connection the server does it by itself, and where it undid the transaction there is none.
            await connection.batch(rollback).catch(() => {});
            throw error;
          }
        }),
      ),
    share: () => share(pool, count),
    async close(): Promise<void> {
      if (!open) return;
      open = false;
      count.hands -= 1;
      if (count.hands === 0) await pool.close();
    },
  };
}

async function askOn(connection: SqlServerConnection, text: string, values: readonly unknown[] = []): Promise<Row[]> {
  return (await connection.run(text, values as readonly SqlValue[])).rows;
}
