/** The audit of a data folder: the log against itself and against its keys. Needs no passphrase, and may run beside the notary. */
import { parseStatement } from "@attestry/core";
import { dataFolder } from "./data-folder.ts";
import { createHeadVerifier, readLogPublicKeys } from "./heads.ts";
import { type AuditSummary, auditLog, type Finding } from "./log/audit.ts";
import { openSqliteStore } from "./log/sqlite-store.ts";
import type { LogStore } from "./log/store.ts";
import { lookUpKeys } from "./look-up.ts";

export interface AuditDataOptions {
  /** Data folder of a notary: the log's keys are there, and the log when it is not in a database. */
  readonly data: string;
  /** Address of the PostgreSQL database that has the log. */
  readonly database?: string;
  /** Called now and then: how many entries of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Yields each thing that does not hold, as it is found, and returns the summary.
 * @throws NOT_FOUND when there is no log or key of one, FATAL_CORRUPT when not even the newest head can be read, FATAL_VERSION
 */
export async function* auditData({
  data,
  database,
  onProgress,
}: AuditDataOptions): AsyncGenerator<Finding, AuditSummary> {
  const { folder, keys } = dataFolder(data);
  const store =
    database === undefined ? openSqliteStore({ folder, readOnly: true }) : await openShared(database, folder);
  try {
    const verifier = createHeadVerifier(store.origin, await readLogPublicKeys(keys));
    return yield* auditLog({
      store,
      deriveEntry(entry: Uint8Array) {
        const statement = parseStatement(entry);
        return { issuedAt: statement.issuedAt, keys: lookUpKeys(statement) };
      },
      checkHead: verifier.check,
      checkNote: verifier.checkNote,
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  } finally {
    await store.close();
  }
}

async function openShared(url: string, folder: string): Promise<LogStore> {
  const { openDatabase, openPostgresLogStore } = await import("./postgres/main.ts");
  const database = await openDatabase(url);
  try {
    return await openPostgresLogStore({ database, folder, readOnly: true });
  } finally {
    await database.close();
  }
}
