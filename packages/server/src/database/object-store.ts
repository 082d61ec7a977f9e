/**
 * The `ObjectStore` driver for databases: a row for each segment, and one for the object that says whether it is whole. The
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

/** What the store asks of a kind of database. */
export interface ObjectSql {
  /** Sees that the tables are there, or makes them. @throws NOT_FOUND when `readOnly`, FATAL_VERSION, USAGE */
  openTables(database: Database, readOnly: boolean): Promise<void>;
  /** Id, index, bytes → a row when it was written: the object is there and not whole. The object cannot become whole meanwhile. */
  readonly putSegment: string;
  /** Id; nothing happens when it is there. */
  readonly addObject: string;
  /** Id → sealed. Nobody else writes any of the object until the transaction's end. */
  readonly lockObject: string;
  /** Id, segments → how many are there in all, and how many of the first so many. */
  readonly countSegments: string;
  /** Id, segments. */
  readonly seal: string;
  /** Id, index → bytes. */
  readonly readSegment: string;
  /** Id → sealed, number of segments. */
  readonly stat: string;
  /** After, limit → ids, in order. */
  readonly list: string;
  /** Id: it is not whole any more. */
  readonly unseal: string;
  /** Id, how many → a row while there was one to remove. */
  readonly removeSome: string;
  /** Id. */
  readonly removeSegments: string;
  /** Id. */
  readonly removeObject: string;
  /** After, limit → id, sealed, how many segments are there in all, and how many of those that make it whole. */
  readonly countAll: string;
}

/** A store on a database, which it closes. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export async function openSharedObjects(database: Database, sql: ObjectSql, readOnly: boolean): Promise<ObjectStore> {
  await sql.openTables(database, readOnly);
  return {
    writesAtOnce: 6, // leaves some of the connections to others
    async writeSegment(id: string, index: number, segment: Uint8Array): Promise<void> {
      checkSegment(id, index, segment);
      const values = [id, index, segment];
      if ((await database.query(sql.putSegment, values)).length > 0) return;
      await database.query(sql.addObject, [id]); // the object's first
      if ((await database.query(sql.putSegment, values)).length > 0) return;
      throw wholeObject(id);
    },

    async seal(id: string, segments: number): Promise<void> {
      checkObjectId(id);
      await database.transaction((querier) => seal(querier, sql, id, segments));
    },

    async readSegment(id: string, index: number): Promise<Uint8Array | undefined> {
      checkObjectId(id);
      checkIndex(index);
      const [row] = await database.read(sql.readSegment, [id, index]);
      return row && toBytes(row[0]);
    },

    async stat(id: string): Promise<ObjectState | undefined> {
      checkObjectId(id);
      const [row] = await database.read(sql.stat, [id]);
      return row && { sealed: row[0] === null ? undefined : toInteger(row[0]), written: toInteger(row[1]) };
    },

    async remove(id: string): Promise<void> {
      checkObjectId(id);
      await remove(database, sql, id);
    },

    async list(after: string | undefined, limit: number): Promise<string[]> {
      const rows = await database.read(sql.list, [after ?? "", limit]);
      return rows.map(([id]) => String(id));
    },

    check: () => check(database, sql),
    close: () => database.close(),
  };
}

async function seal(querier: Querier, sql: ObjectSql, id: string, segments: number): Promise<void> {
  const [object] = await querier.query(sql.lockObject, [id]);
  const sealed = object?.[0] ?? undefined;
  if (sealed === segments) return;
  if (sealed !== undefined) throw wholeObject(id);
  const [counts] = await querier.query(sql.countSegments, [id, segments]);
  const [all, wanted] = [toInteger(counts?.[0]), toInteger(counts?.[1])];
  if (all !== segments || wanted !== segments || segments === 0) throw incompleteObject(id, segments, wanted);
  await querier.query(sql.seal, [id, segments]);
}

/** Segments that one statement removes at most: one for them all would run into its time limit. */
const removedAtOnce = 512;

/** The object is no longer whole first, so that what is cut off half way is a rest and no damage. */
async function remove(database: Database, sql: ObjectSql, id: string): Promise<void> {
  await database.query(sql.unseal, [id]);
  while ((await database.query(sql.removeSome, [id, removedAtOnce])).length > 0);
  await database.transaction(async (querier) => {
    await querier.query(sql.lockObject, [id]);
    await querier.query(sql.removeSegments, [id]);
    await querier.query(sql.removeObject, [id]);
  });
}

/** Objects that one query of the check looks at. */
const checkedAtOnce = 500;

/** Objects that say they are whole and lack a segment, or have one too many. */
async function check(database: Database, sql: ObjectSql): Promise<string[]> {
  const wrong: string[] = [];
  for (let after = ""; ; ) {
    const rows = await database.read(sql.countAll, [after, checkedAtOnce]);
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
