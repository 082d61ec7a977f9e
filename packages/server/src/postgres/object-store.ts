/**
 * The `ObjectStore` driver for PostgreSQL: a row for each segment, and one for the object that says whether it is whole. The
 * object's row is locked by whoever writes a segment (with others) or makes it whole (alone), so that a write whose connection
 * was lost, and which the server gets to late, cannot touch an object that is whole by then.
 */
import { toBytes, toInteger } from "../log/rows.ts";
import {
  checkIndex,
  checkObjectId,
  checkSegment,
  incompleteObject,
  type ObjectState,
  type ObjectStore,
  wholeObject,
} from "../vault/object-store.ts";
import type { Database, Querier } from "./database.ts";
import { openPart, type SchemaPart } from "./schema.ts";

const objectsPart: SchemaPart = {
  name: "objects",
  version: 1,
  statements: [
    'CREATE TABLE object (id text COLLATE "C" PRIMARY KEY, sealed bigint)',
    `CREATE TABLE segment (id text COLLATE "C" REFERENCES object, idx bigint, bytes bytea NOT NULL, PRIMARY KEY (id, idx))`,
    "ALTER TABLE segment ALTER bytes SET STORAGE EXTERNAL", // what is encrypted does not get smaller
  ],
};

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export async function openPostgresObjectStore(shared: Database, readOnly = false): Promise<ObjectStore> {
  const database = shared.share();
  try {
    await openPart(database, objectsPart, readOnly);
  } catch (error) {
    await database.close();
    throw error;
  }
  return {
    async writeSegment(id: string, index: number, segment: Uint8Array): Promise<void> {
      checkSegment(id, index, segment);
      const values = [id, index, segment];
      if ((await database.query(putSegment, values)).length > 0) return;
      await database.query("INSERT INTO object (id) VALUES ($1) ON CONFLICT DO NOTHING", [id]); // the object's first
      if ((await database.query(putSegment, values)).length > 0) return;
      throw wholeObject(id);
    },

    async seal(id: string, segments: number): Promise<void> {
      checkObjectId(id);
      await database.transaction((querier) => seal(querier, id, segments));
    },

    async readSegment(id: string, index: number): Promise<Uint8Array | undefined> {
      checkObjectId(id);
      checkIndex(index);
      const [row] = await database.read("SELECT bytes FROM segment WHERE id = $1 AND idx = $2", [id, index]);
      return row && toBytes(row[0]);
    },

    async stat(id: string): Promise<ObjectState | undefined> {
      checkObjectId(id);
      const count = "(SELECT count(*) FROM segment WHERE segment.id = object.id)";
      const [row] = await database.read(`SELECT sealed, ${count} FROM object WHERE id = $1`, [id]);
      return row && { sealed: row[0] === null ? undefined : toInteger(row[0]), written: toInteger(row[1]) };
    },

    async remove(id: string): Promise<void> {
      checkObjectId(id);
      await remove(database, id);
    },

    async list(after: string | undefined, limit: number): Promise<string[]> {
      const rows = await database.read("SELECT id FROM object WHERE id > $1 ORDER BY id LIMIT $2", [
        after ?? "",
        limit,
      ]);
      return rows.map(([id]) => String(id));
    },

    check: () => check(database),
    close: () => database.close(),
  };
}

const putSegment = `
  WITH unsealed AS (SELECT 1 FROM object WHERE id = $1 AND sealed IS NULL FOR SHARE)
  INSERT INTO segment SELECT $1, $2, $3 FROM unsealed
    ON CONFLICT (id, idx) DO UPDATE SET bytes = excluded.bytes RETURNING 1`;

async function seal(querier: Querier, id: string, segments: number): Promise<void> {
  const [object] = await querier.query("SELECT sealed FROM object WHERE id = $1 FOR UPDATE", [id]);
  const sealed = object?.[0] ?? undefined;
  if (sealed === segments) return;
  if (sealed !== undefined) throw wholeObject(id);
  const count = "SELECT count(*), count(*) FILTER (WHERE idx < $2) FROM segment WHERE id = $1";
  const [counts] = await querier.query(count, [id, segments]);
  const [all, wanted] = [toInteger(counts?.[0]), toInteger(counts?.[1])];
  if (all !== segments || wanted !== segments || segments === 0) throw incompleteObject(id, segments, wanted);
  await querier.query("UPDATE object SET sealed = $2 WHERE id = $1", [id, segments]);
}

/** Segments that one statement removes at most: one for them all would run into its time limit. */
const removedAtOnce = 512;

/** The object is no longer whole first, so that what is cut off half way is a rest and no damage. */
async function remove(database: Database, id: string): Promise<void> {
  const removeSome = `DELETE FROM segment WHERE id = $1 AND idx < $2 + (SELECT min(idx) FROM segment WHERE id = $1) RETURNING 1`;
  await database.query("UPDATE object SET sealed = NULL WHERE id = $1 AND sealed IS NOT NULL", [id]);
  while ((await database.query(removeSome, [id, removedAtOnce])).length > 0);
  await database.transaction(async (querier) => {
    await querier.query("SELECT 1 FROM object WHERE id = $1 FOR UPDATE", [id]);
    await querier.query("DELETE FROM segment WHERE id = $1", [id]);
    await querier.query("DELETE FROM object WHERE id = $1", [id]);
  });
}

/** Objects that one query of the check looks at. */
const checkedAtOnce = 500;

const countSegments = `
  SELECT id, sealed, count(idx), count(idx) FILTER (WHERE idx < sealed)
    FROM (SELECT id, sealed FROM object WHERE id > $1 ORDER BY id LIMIT $2) AS page LEFT JOIN segment USING (id)
    GROUP BY id, sealed ORDER BY id`;

/** Objects that say they are whole and lack a segment, or have one too many. */
async function check(database: Database): Promise<string[]> {
  const wrong: string[] = [];
  for (let after = ""; ; ) {
    const rows = await database.read(countSegments, [after, checkedAtOnce]);
    for (const [id, sealed, all, wanted] of rows) {
      if (sealed === null || (all === sealed && wanted === sealed)) continue;
      wrong.push(
        `Object ${id} should have the segments 0 to ${Number(sealed) - 1}; ${wanted} of them are there, and ${all} in all.`,
      );
    }
    if (rows.length < checkedAtOnce) return wrong;
    after = String(rows.at(-1)?.[0]);
  }
}
