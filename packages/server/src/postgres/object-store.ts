/** The `ObjectStore` driver for PostgreSQL. */
import { onOwnHand } from "../database/database.ts";
import { type ObjectSql, openSharedObjects } from "../database/object-store.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import type { ObjectStore } from "../vault/object-store.ts";
import type { Database } from "./database.ts";
import { postgresSchema } from "./schema.ts";

const objectsPart: SchemaPart = {
  name: "objects",
  version: 1,
  statements: [
    'CREATE TABLE object (id text COLLATE "C" PRIMARY KEY, sealed bigint)',
    `CREATE TABLE segment (id text COLLATE "C" REFERENCES object, idx bigint, bytes bytea NOT NULL, PRIMARY KEY (id, idx))`,
    "ALTER TABLE segment ALTER bytes SET STORAGE EXTERNAL", // what is encrypted does not get smaller
  ],
};

const objectSql: ObjectSql = {
  openTables: (database, readOnly) => openPart(database, objectsPart, postgresSchema, readOnly),
  putSegment: `
    WITH unsealed AS (SELECT 1 FROM object WHERE id = $1 AND sealed IS NULL FOR SHARE)
    INSERT INTO segment SELECT $1, $2, $3 FROM unsealed
      ON CONFLICT (id, idx) DO UPDATE SET bytes = excluded.bytes RETURNING 1`,
  addObject: "INSERT INTO object (id) VALUES ($1) ON CONFLICT DO NOTHING",
  lockObject: "SELECT sealed FROM object WHERE id = $1 FOR UPDATE",
  countSegments: "SELECT count(*), count(*) FILTER (WHERE idx < $2) FROM segment WHERE id = $1",
  seal: "UPDATE object SET sealed = $2 WHERE id = $1",
  readSegment: "SELECT bytes FROM segment WHERE id = $1 AND idx = $2",
  stat: "SELECT sealed, (SELECT count(*) FROM segment WHERE segment.id = object.id) FROM object WHERE id = $1",
  list: "SELECT id FROM object WHERE id > $1 ORDER BY id LIMIT $2",
  unseal: "UPDATE object SET sealed = NULL WHERE id = $1 AND sealed IS NOT NULL",
  removeSome:
    "DELETE FROM segment WHERE id = $1 AND idx < $2 + (SELECT min(idx) FROM segment WHERE id = $1) RETURNING 1",
  removeSegments: "DELETE FROM segment WHERE id = $1",
  removeObject: "DELETE FROM object WHERE id = $1",
  countAll: `
    SELECT id, sealed, count(idx), count(idx) FILTER (WHERE idx < sealed)
      FROM (SELECT id, sealed FROM object WHERE id > $1 ORDER BY id LIMIT $2) AS page LEFT JOIN segment USING (id)
      GROUP BY id, sealed ORDER BY id`,
};

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export function openPostgresObjectStore(shared: Database, readOnly = false): Promise<ObjectStore> {
  return onOwnHand(shared, (database) => openSharedObjects(database, objectSql, readOnly));
}
