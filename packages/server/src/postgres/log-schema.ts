/** The log's tables in PostgreSQL: as in the embedded store, and in `log` what is needed so that many may write. */
import type { SchemaPart } from "./schema.ts";

export const logPart: SchemaPart = {
  name: "log",
  version: 1,
  statements: [
    `CREATE TABLE log (id bigint PRIMARY KEY CHECK (id = 1), origin text NOT NULL, size bigint, note bytea,
      fence bigint NOT NULL DEFAULT 0)`,
    "CREATE TABLE entry (idx bigint PRIMARY KEY, entry bytea NOT NULL)",
    "CREATE TABLE tile (level bigint, idx bigint, hashes bytea NOT NULL, PRIMARY KEY (level, idx))",
    // Signatures and hashes do not get smaller.
    "ALTER TABLE entry ALTER entry SET STORAGE EXTERNAL",
    "ALTER TABLE tile ALTER hashes SET STORAGE EXTERNAL",
    "CREATE TABLE seen (issued_at bigint, leaf_hash bytea, idx bigint NOT NULL, PRIMARY KEY (issued_at, leaf_hash))",
    "CREATE TABLE look_up (run bigint, key bytea, idx bigint, PRIMARY KEY (run, key, idx))",
    `CREATE TABLE head (size bigint PRIMARY KEY, root_hash bytea NOT NULL, time bigint NOT NULL,
      note_signature bytea NOT NULL, receipt_signature bytea NOT NULL, previous_size bigint NOT NULL)`,
    "CREATE INDEX head_by_time ON head (time)",
    "CREATE TABLE cosigned (size bigint PRIMARY KEY, note bytea NOT NULL)",
  ],
};
