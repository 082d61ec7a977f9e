/** What kysely asks of a driver, over the notary's own connections: its own would bring a second pool. */
import type { CompiledQuery, DatabaseConnection, Driver, QueryResult } from "kysely";
import { begin, commit, type Database, rollback } from "./database.ts";
import type { SqlServerConnection, SqlValue } from "./driver.ts";

interface Lent extends DatabaseConnection {
  readonly connection: SqlServerConnection;
  /** Something failed on it. */
  isBroken: boolean;
}

/** Destroying it closes the hand on the database. */
export function createKyselyDriver(database: Database): Driver {
  return {
    init: async () => {},
    acquireConnection: async () => lend(await database.connect()),
    releaseConnection: async (lent) => {
      const { connection, isBroken } = lent as Lent;
      database.release(connection, !isBroken);
    },
    beginTransaction: (lent) => batch(lent, begin),
    commitTransaction: (lent) => batch(lent, commit),
    rollbackTransaction: (lent) => batch(lent, rollback).catch(() => {}), // a connection that broke needs none
    destroy: () => database.close(),
  };
}

async function batch(lent: DatabaseConnection, text: string): Promise<void> {
  const { connection } = lent as Lent;
  (lent as Lent).isBroken = true; // until it is known better
  await connection.batch(text);
  (lent as Lent).isBroken = text === rollback;
}

function lend(connection: SqlServerConnection): Lent {
  const lent: Lent = {
    connection,
    isBroken: false,
    async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
      try {
        const { rows, columns, affected } = await connection.run(sql, parameters as SqlValue[]);
        const named = rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]])));
        return { rows: named as R[], numAffectedRows: BigInt(affected) };
      } catch (error) {
        lent.isBroken = true;
        throw error;
      }
    },
    streamQuery(): AsyncIterableIterator<never> {
      throw new TypeError("the catalogue reads pages and streams nothing");
    },
  };
  return lent;
}
