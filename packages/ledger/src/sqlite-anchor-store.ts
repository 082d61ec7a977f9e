/**
 * The embedded `AnchorStore` driver: `anchors.db` in the data folder, a SQLite file (`node:sqlite`, write-ahead log,
 * synchronous=FULL) apart from the log's own, so that anchoring never waits for a batch nor a batch for it.
 */
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { AttestryError, isAttestryError } from "@attestry/core";
import type { AnchorRecord, AnchorState, AnchorStore, ListOptions } from "./anchor-store.ts";

/** "Atsa": in the file's header, so that another program's database is not taken for this one. */
const applicationId = 0x41747361;
const schemaVersion = 1;

const schema = `
  CREATE TABLE anchor (ledger TEXT, origin TEXT, size INTEGER, root_hash BLOB NOT NULL, state TEXT NOT NULL
    CHECK (state IN ('submitted', 'included', 'final', 'lost')), submitted_at INTEGER NOT NULL, journal TEXT,
    block INTEGER, block_id TEXT, block_time INTEGER, proof BLOB, problem TEXT,
    PRIMARY KEY (ledger, origin, size)) STRICT;
  PRAGMA application_id = ${applicationId};
  PRAGMA user_version = ${schemaVersion};
`;

const settings = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA cell_size_check = ON;
`;

const states: readonly AnchorState[] = ["submitted", "included", "final", "lost"];

/**
 * Opens or creates `anchors.db` in a folder, which exists; with `readOnly`, one that is there, for reading beside its writer.
 * @throws FATAL_CORRUPT when it is something else or damaged; FATAL_VERSION when a newer version wrote it; UNAVAILABLE_STORAGE
 */
export function openSqliteAnchorStore(
  folder: string,
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): AnchorStore {
  const db = translate(() => new DatabaseSync(join(folder, "anchors.db"), { timeout: 5000, readOnly }));
  try {
    return translate(() => {
      prepareSchema(db, readOnly);
      db.exec(readOnly ? "PRAGMA cell_size_check = ON" : settings);
      return createStore(db);
    });
  } catch (error) {
    db.close();
    throw error;
  }
}

function prepareSchema(db: DatabaseSync, readOnly: boolean): void {
  const pragma = (name: string): number => Number(Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0]);
  const isEmpty = db.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (isEmpty && pragma("user_version") === 0 && !readOnly) db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
  const version = pragma("user_version");
  if (pragma("application_id") !== applicationId || version < 1) {
    throw new AttestryError("FATAL_CORRUPT", "The file anchors.db does not hold anchors.");
  }
  if (version > schemaVersion) {
    const message = `The anchors have schema version ${version}; this program knows versions up to ${schemaVersion}.`;
    throw new AttestryError("FATAL_VERSION", message, { data: { found: version, known: schemaVersion } });
  }
}

function createStore(db: DatabaseSync): AnchorStore {
  const put = db.prepare(`INSERT INTO anchor VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET root_hash = excluded.root_hash, state = excluded.state, submitted_at = excluded.submitted_at,
    journal = excluded.journal, block = excluded.block, block_id = excluded.block_id, block_time = excluded.block_time,
    proof = excluded.proof, problem = excluded.problem`);
  const select = (order: string) =>
    db.prepare(`SELECT * FROM anchor WHERE ledger = ? AND origin = ? AND size > ?
      AND state IN (SELECT value FROM json_each(?)) ORDER BY size ${order} LIMIT ?`);
  const list = { ascending: select("ASC"), descending: select("DESC") };
  const count = db.prepare("SELECT state, count(*) AS n FROM anchor WHERE ledger = ? AND origin = ? GROUP BY state");
  const ledgers = db.prepare("SELECT DISTINCT ledger FROM anchor WHERE origin = ? ORDER BY ledger");
  return {
    put: async (record: AnchorRecord): Promise<void> => void translate(() => put.run(...toRow(record))),
    list: async (ledger: string, origin: string, options: ListOptions): Promise<AnchorRecord[]> => {
      const { covering = -1, limit, order } = options;
      const wanted = JSON.stringify(options.states ?? states);
      return translate(() => list[order].all(ledger, origin, covering, wanted, limit).map(toRecord));
    },
    count: async (ledger: string, origin: string): Promise<Record<AnchorState, number>> => {
      const rows = translate(() => count.all(ledger, origin));
      return {
        submitted: 0,
        included: 0,
        final: 0,
        lost: 0,
        ...Object.fromEntries(rows.map((row) => [row["state"], Number(row["n"])])),
      };
    },
    ledgers: async (origin: string): Promise<string[]> =>
      translate(() => ledgers.all(origin).map(({ ledger }) => String(ledger))),
    close: async (): Promise<void> => translate(() => db.close()),
  };
}

function toRow(record: AnchorRecord): SQLInputValue[] {
  const { ledger, origin, size, rootHash, state, submittedAt, journal, place, proof, problem } = record;
  return [
    ...[ledger, origin, size, rootHash, state, submittedAt, journal ?? null],
    ...[place?.block ?? null, place?.id ?? null, place?.time ?? null, proof ?? null, problem ?? null],
  ];
}

function toRecord(row: Record<string, unknown>): AnchorRecord {
  const { block_id: id, journal, proof, problem } = row;
  return {
    ledger: String(row["ledger"]),
    origin: String(row["origin"]),
    size: Number(row["size"]),
    rootHash: row["root_hash"] instanceof Uint8Array ? row["root_hash"] : new Uint8Array(),
    state: row["state"] as AnchorState,
    submittedAt: Number(row["submitted_at"]),
    ...(typeof journal === "string" ? { journal } : {}),
    ...(typeof id === "string" ? { place: { block: Number(row["block"]), id, time: Number(row["block_time"]) } } : {}),
    ...(proof instanceof Uint8Array ? { proof } : {}),
    ...(typeof problem === "string" ? { problem } : {}),
  };
}

/** SQLite's errors as ours (result codes: https://www.sqlite.org/rescode.html). */
function translate<T>(use: () => T): T {
  try {
    return use();
  } catch (cause) {
    if (isAttestryError(cause)) throw cause;
    const result = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : 0;
    const corrupt = result === 11 || result === 26; // CORRUPT, NOTADB
    const message = corrupt
      ? "The file anchors.db is damaged. Restore it from a copy."
      : "The storage of anchors refused (disk full, or not permitted). Registration goes on.";
    throw new AttestryError(corrupt ? "FATAL_CORRUPT" : "UNAVAILABLE_STORAGE", message, { cause });
  }
}
