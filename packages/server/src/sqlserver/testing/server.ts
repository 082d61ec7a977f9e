/**
 * The SQL Server of the tests: the one whose database ATTESTRY_TEST_SQLSERVER names, as `sqlserver://USER:PASSWORD@HOST/NAMEtest`. None
 * can be started here, so without it the tests are skipped and say so.
 */
import { isLoopback } from "../../http/listen.ts";
import { type Database, openDatabase } from "../database.ts";
import { parseSqlServerUrl } from "../settings.ts";

export interface TestSqlServer {
  /** Why tests cannot run here. */
  readonly skip: string | undefined;
  /** Its port on this machine, where tests may put themselves in between. */
  readonly port: number | undefined;
  /** The database's address, with nothing of ours in it. Whoever had it before is done. */
  emptyDatabase(): Promise<string>;
  /** Runs statements as its administrator. */
  sql(...texts: string[]): Promise<void>;
}

const skip =
  "not run against a real SQL Server: set ATTESTRY_TEST_SQLSERVER=sqlserver://USER:PASSWORD@HOST/NAMEtest to an empty database";

/** @throws when what it is set to will not do: that is no reason to skip */
export function sqlServerForTests(): TestSqlServer {
  const url = process.env["ATTESTRY_TEST_SQLSERVER"];
  if (url === undefined || url === "") {
    const never = (): Promise<never> => Promise.reject(new Error(skip));
    return { skip, port: undefined, emptyDatabase: never, sql: never };
  }
  const { database, host, port, tls } = parseSqlServerUrl(url);
  // The tests empty it again and again.
  if (!database.endsWith("test"))
    throw new Error(`the database ${database} is not one for tests: its name must end in "test"`);
  const sql = (...texts: string[]): Promise<void> =>
    opening(url, async (database) => {
      for (const text of texts) await database.query(text);
    });
  return {
    skip: undefined,
    port: isLoopback(host) && tls === false ? port : undefined,
    sql,
    async emptyDatabase(): Promise<string> {
      await sql(...emptying);
      return url;
    },
  };
}

const tables = [
  ...["log", "entry", "tile", "seen", "look_up", "head", "cosigned", "issuer", "chain", "segment", "object", "part"],
  ...["vault_object", "vault_custody", "vault_upload", "vault_schema"],
];
const emptying = [
  ...tables.map((table) => `DROP TABLE IF EXISTS attestry.${table}`),
  "DROP TYPE IF EXISTS attestry.list",
];

/** Opens a database behind which whatever is opened on it holds it open for itself. */
export async function opening<T>(url: string, open: (database: Database) => Promise<T>): Promise<T> {
  const database = await openDatabase(url);
  try {
    return await open(database);
  } finally {
    await database.close();
  }
}
