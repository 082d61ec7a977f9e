/** The `ObjectStore` driver for SQL Server. A segment is a value of a megabyte, kept apart from its row's page by the server. */
import { onOwnHand } from "../database/database.ts";
import { type ObjectSql, openSharedObjects } from "../database/object-store.ts";
import { openPart, type SchemaPart } from "../database/schema.ts";
import type { ObjectStore } from "../vault/object-store.ts";
import type { Database } from "./database.ts";
import { binary, sqlServerSchema } from "./schema.ts";

export const objectsPart: SchemaPart = {
  name: "objects",
  version: 1,
  statements: [
    `CREATE TABLE attestry.object (id nvarchar(64) ${binary} NOT NULL PRIMARY KEY, sealed bigint)`,
    `CREATE TABLE attestry.segment (id nvarchar(64) ${binary} NOT NULL REFERENCES attestry.object (id), idx bigint NOT NULL,
      bytes varbinary(max) NOT NULL, PRIMARY KEY (id, idx))`,
  ],
};

/**
 * REPEATABLEREAD keeps the object's row locked, with other writers, until the segment is written. UPDLOCK and SERIALIZABLE lock the
 * segment's place whether it is there or not: two that write it at once follow each other. (MERGE would not.)
 */
const putSegment = `
  BEGIN TRANSACTION;
  DECLARE @open int;
  SELECT @open = 1 FROM attestry.object WITH (REPEATABLEREAD) WHERE id = @1 AND sealed IS NULL;
  IF @open = 1
  BEGIN
    UPDATE attestry.segment WITH (UPDLOCK, SERIALIZABLE) SET bytes = @3 WHERE id = @1 AND idx = @2;
    IF @@ROWCOUNT = 0 INSERT INTO attestry.segment (id, idx, bytes) VALUES (@1, @2, @3);
  END;
  COMMIT TRANSACTION;
  SELECT @open WHERE @open = 1`;

export const objectSql: ObjectSql = {
  openTables: (database, readOnly) => openPart(database, objectsPart, sqlServerSchema, readOnly),
  putSegment,
  addObject: `INSERT INTO attestry.object (id)
    SELECT @1 WHERE NOT EXISTS (SELECT 1 FROM attestry.object WITH (UPDLOCK, SERIALIZABLE) WHERE id = @1)`,
  // A write that changes nothing: its lock shuts out those who only read the row with theirs.
  lockObject: "UPDATE attestry.object SET sealed = sealed OUTPUT inserted.sealed WHERE id = @1",
  countSegments: `SELECT COUNT_BIG(*), COUNT_BIG(CASE WHEN idx < @2 THEN 1 END) FROM attestry.segment WHERE id = @1`,
  seal: "UPDATE attestry.object SET sealed = @2 WHERE id = @1",
  readSegment: "SELECT bytes FROM attestry.segment WHERE id = @1 AND idx = @2",
  stat: `SELECT sealed, (SELECT COUNT_BIG(*) FROM attestry.segment AS segment WHERE segment.id = object.id)
    FROM attestry.object AS object WHERE id = @1`,
  list: "SELECT TOP (@2) id FROM attestry.object WHERE id > @1 ORDER BY id",
  unseal: "UPDATE attestry.object SET sealed = NULL WHERE id = @1 AND sealed IS NOT NULL",
  removeSome: "DELETE TOP (@2) FROM attestry.segment OUTPUT 1 WHERE id = @1",
  removeSegments: "DELETE FROM attestry.segment WHERE id = @1",
  removeObject: "DELETE FROM attestry.object WHERE id = @1",
  countAll: `
    SELECT page.id, page.sealed, COUNT_BIG(segment.idx), COUNT_BIG(CASE WHEN segment.idx < page.sealed THEN 1 END)
    FROM (SELECT TOP (@2) id, sealed FROM attestry.object WHERE id > @1 ORDER BY id) AS page
      LEFT JOIN attestry.segment AS segment ON segment.id = page.id
    GROUP BY page.id, page.sealed ORDER BY page.id`,
};

/** Takes a hand of its own on the database. @throws FATAL_VERSION, USAGE, UNAVAILABLE_STORAGE, NOT_FOUND when `readOnly` */
export function openSqlServerObjectStore(shared: Database, readOnly = false): Promise<ObjectStore> {
  return onOwnHand(shared, (database) => openSharedObjects(database, objectSql, readOnly));
}
