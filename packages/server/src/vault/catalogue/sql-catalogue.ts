/**
 * The catalogue in SQL: one code for SQLite, PostgreSQL and SQL Server, by kysely. A driver brings its connection and says what
 * its errors mean; the statements here are those that all three have.
 */
import { AttestryError, encodeHex, isAttestryError } from "@attestry/core";
import { type Kysely, type RawBuilder, sql } from "kysely";
import type {
  Catalogue,
  Content,
  CustodyRow,
  Lock,
  LockedUpload,
  ObjectFacts,
  ObjectQuery,
  SettledEvent,
  StoredObject,
  Tail,
  UploadRow,
  WrappedKey,
} from "./catalogue.ts";
import { type CatalogueTables, type Flavour, openTables, take } from "./flavours.ts";
import {
  fromBytes,
  fromContent,
  fromFacts,
  fromTail,
  fromUpload,
  toBytes,
  toCustody,
  toInteger,
  toObject,
  toUpload,
} from "./rows.ts";

export interface SqlCatalogueOptions {
  readonly db: Kysely<CatalogueTables>;
  readonly flavour: Flavour;
  /**
   * What an error of the driver means: CONFLICT_EXISTS for a key that is there already, UNAVAILABLE_STORAGE, FATAL_CORRUPT. An
   * error of ours is given back as it is.
   */
  translate(error: unknown): AttestryError;
  /** Runs after an object was erased, where the storage keeps copies of what was overwritten. */
  afterErasure?(): Promise<void>;
  /** What the storage finds wrong with itself, a line each. */
  check?(): Promise<string[]>;
}

/** Opens the catalogue of a database; makes its tables when they are not there. Closing it closes the connection. */
export async function openSqlCatalogue(options: SqlCatalogueOptions): Promise<Catalogue> {
  const { db, flavour, translate } = options;
  const guarded = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw translate(error);
    }
  };
  await guarded(() => openTables(db, flavour));
  const all = { ...parts(options), check: async () => (await options.check?.()) ?? [], close: () => db.destroy() };
  const entries = Object.entries(all).map(([name, method]) => [
    name,
    (...args: unknown[]) => guarded(() => (method as (...args: unknown[]) => Promise<unknown>)(...args)),
  ]);
  return Object.fromEntries(entries) as Catalogue;
}

/** The statements alone, whose errors are the driver's own. */
export function parts(options: SqlCatalogueOptions): Omit<Catalogue, "check" | "close"> {
  return { ...uploads(options), ...objects(options), ...custody(options), ...keys(options) };
}

type UploadMethods = Pick<
  Catalogue,
  | "addUpload"
  | "readUpload"
  | "lockUpload"
  | "unlockUpload"
  | "saveTail"
  | "savePlace"
  | "saveContent"
  | "removeUpload"
  | "listUploads"
  | "usesPlace"
>;

function uploads({ db, flavour }: SqlCatalogueOptions): UploadMethods {
  const read = async (id: string): Promise<UploadRow | undefined> => {
    const row = await db.selectFrom("vault_upload").selectAll().where("id", "=", id).executeTakeFirst();
    return row && toUpload(row);
  };
  const save = async (id: string, holder: string, changes: object): Promise<void> => {
    const update = db.updateTable("vault_upload").set(changes).where("id", "=", id).where("lock_holder", "=", holder);
    if ((await update.executeTakeFirst()).numUpdatedRows === 0n) throw lost(id);
  };
  return {
    addUpload: async (upload) => void (await db.insertInto("vault_upload").values(fromUpload(upload)).execute()),
    readUpload: read,

    async lockUpload(id: string, { holder, now, until }: Lock): Promise<LockedUpload> {
      const query = db.selectFrom("vault_upload").select("lock_holder").where("id", "=", id);
      const before = (await query.executeTakeFirst())?.lock_holder;
      if (before === undefined) throw new AttestryError("NOT_FOUND", "There is no such upload.");
      const update = db
        .updateTable("vault_upload")
        .set({ lock_holder: holder, lock_until: until, touched_at: now })
        .where("id", "=", id)
        .where("lock_holder", "=", before);
      const taken = before === holder ? update : update.where("lock_until", "<", now);
      const isTaken = (await taken.executeTakeFirst()).numUpdatedRows > 0n;
      const upload = await read(id);
      if (upload === undefined) throw new AttestryError("NOT_FOUND", "There is no such upload.");
      if (!isTaken) throw lost(id);
      return { ...upload, leftBy: before === "" ? undefined : before };
    },

    async unlockUpload(id: string, holder: string, isSettled: boolean): Promise<void> {
      const update = db.updateTable("vault_upload").set({ lock_until: 0, ...(isSettled && { lock_holder: "" }) });
      await update.where("id", "=", id).where("lock_holder", "=", holder).execute();
    },

    saveTail: (id: string, holder: string, tail: Tail | undefined) => save(id, holder, fromTail(tail)),
    savePlace: (id, holder, { place, header, tail }) =>
      save(id, holder, { place: place === id ? null : place, header: fromBytes(header), ...fromTail(tail) }),
    saveContent: (id: string, holder: string, content: Content) =>
      save(id, holder, { ...fromTail(undefined), ...fromContent(content) }),
    removeUpload: async (id) => void (await db.deleteFrom("vault_upload").where("id", "=", id).execute()),

    async listUploads(after: string | undefined, limit: number): Promise<UploadRow[]> {
      const query = db
        .selectFrom("vault_upload")
        .selectAll()
        .where("id", ">", after ?? "")
        .orderBy("id");
      return (await take(flavour, query, limit).execute()).map(toUpload);
    },

    async usesPlace(place: string): Promise<boolean> {
      // In this order: an upload becomes an object, never the other way round.
      const uploads = db.selectFrom("vault_upload").select("id").where(isAt(place, "lock_holder"));
      if ((await uploads.executeTakeFirst()) !== undefined) return true;
      const objects = db.selectFrom("vault_object").select("id").where("state", "=", "whole").where(isAt(place));
      return (await objects.executeTakeFirst()) !== undefined;
    },
  };
}

/** Rows whose place is that one, or whose `also` is. */
function isAt(place: string, also?: string): RawBuilder<boolean> {
  const other = also === undefined ? sql`` : sql` or ${sql.ref(also)} = ${place}`;
  return sql<boolean>`((id = ${place} and place is null) or place = ${place}${other})`;
}

function lost(id: string): AttestryError {
  const data = { id };
  return new AttestryError("CONFLICT_LOCKED", "Somebody else is writing this upload; try again later.", { data });
}

function objects({
  db,
  flavour,
}: SqlCatalogueOptions): Pick<Catalogue, "readObject" | "listObjects" | "listIds" | "findObjects"> {
  return {
    async readObject(id: string): Promise<StoredObject | undefined> {
      const row = await db.selectFrom("vault_object").selectAll().where("id", "=", id).executeTakeFirst();
      return row && toObject(row);
    },

    async listObjects(after: string | undefined, limit: number): Promise<StoredObject[]> {
      const query = db
        .selectFrom("vault_object")
        .selectAll()
        .where("id", ">", after ?? "")
        .orderBy("id");
      return (await take(flavour, query, limit).execute()).map(toObject);
    },

    async listIds(after: string | undefined, limit: number): Promise<string[]> {
      const from = after ?? "";
      const rows = db.selectFrom("vault_object").select("id").where("id", ">", from).orderBy("id");
      const events = db.selectFrom("vault_custody").select("object_id as id").distinct().where("object_id", ">", from);
      const lists = [
        await take(flavour, rows, limit).execute(),
        await take(flavour, events.orderBy("id"), limit).execute(),
      ];
      return [...new Set(lists.flat().map(({ id }) => id))].sort().slice(0, limit);
    },

    async findObjects({
      contentHash,
      subject,
      recordClass,
      state,
      below,
      limit,
    }: ObjectQuery): Promise<StoredObject[]> {
      let query = db.selectFrom("vault_object").selectAll().orderBy("stored_index", "desc");
      if (contentHash !== undefined) query = query.where("content_hash", "=", encodeHex(contentHash));
      if (subject !== undefined) query = query.where("subject", "=", subject);
      if (subject !== undefined && flavour.ignoresSpaces) query = query.where(lengthOf("subject"), "=", subject.length);
      if (recordClass !== undefined) query = query.where("record_class", "=", recordClass);
      if (state !== undefined) query = query.where("state", "=", state);
      if (below !== undefined) query = query.where("stored_index", "<", below);
      return (await take(flavour, query, limit).execute()).map(toObject);
    },
  };
}

/** In UTF-16 code units, as JavaScript counts them. */
const lengthOf = (column: string): RawBuilder<number> => sql<number>`datalength(${sql.ref(column)}) / 2`;

type CustodyMethods = Pick<
  Catalogue,
  "addEvent" | "withdrawEvent" | "settleEvent" | "readEvents" | "listPending" | "scanEvents"
>;

function custody({ db, flavour, translate, afterErasure }: SqlCatalogueOptions): CustodyMethods {
  async function settle(objectId: string, sequence: number, entryIndex: number, after: ObjectFacts): Promise<void> {
    await db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable("vault_custody")
        .set({ entry_index: entryIndex, statement: fromBytes(new Uint8Array()) })
        .where("object_id", "=", objectId)
        .where("sequence", "=", sequence)
        .where("entry_index", "is", null)
        .execute();
      if (sequence === 0) await makeObject(transaction, after);
      else await changeObject(transaction, sequence, after);
    });
  }

  return {
    async addEvent({ objectId, sequence, event, statement }): Promise<void> {
      const values = { object_id: objectId, sequence, event: fromBytes(event), statement: fromBytes(statement) };
      await db.insertInto("vault_custody").values(values).execute();
    },

    async withdrawEvent(objectId: string, sequence: number): Promise<void> {
      const query = db.deleteFrom("vault_custody").where("object_id", "=", objectId).where("sequence", "=", sequence);
      await query.where("entry_index", "is", null).execute();
    },

    async settleEvent(objectId: string, sequence: number, entryIndex: number, after: ObjectFacts): Promise<void> {
      try {
        await settle(objectId, sequence, entryIndex, after);
      } catch (cause) {
        const error = translate(cause);
        if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS") throw error;
        await settle(objectId, sequence, entryIndex, after); // another process made the object meanwhile
      }
      if (after.state === "erased") await afterErasure?.();
    },

    async readEvents(objectId: string): Promise<CustodyRow[]> {
      const query = db.selectFrom("vault_custody").selectAll().where("object_id", "=", objectId).orderBy("sequence");
      return (await query.execute()).map(toCustody);
    },

    async listPending(limit: number): Promise<CustodyRow[]> {
      const query = db.selectFrom("vault_custody").selectAll().where("entry_index", "is", null);
      const rows = await take(flavour, query.orderBy("object_id").orderBy("sequence"), limit).execute();
      return rows.filter(({ object_id }, at) => object_id !== rows[at - 1]?.object_id).map(toCustody);
    },

    async scanEvents(after: number, limit: number): Promise<SettledEvent[]> {
      const query = db.selectFrom("vault_custody").selectAll().where("entry_index", ">", after);
      const ordered = query.orderBy("entry_index").orderBy("object_id").orderBy("sequence");
      const rows = await take(flavour, ordered, limit).execute();
      return rows.map((row) => ({ ...toCustody(row), entryIndex: toInteger(row.entry_index) }));
    },
  };
}

type Transaction = Pick<Kysely<CatalogueTables>, "selectFrom" | "insertInto" | "updateTable" | "deleteFrom">;

/** The upload becomes the object, under the key that it has. */
async function makeObject(db: Transaction, facts: ObjectFacts): Promise<void> {
  const isThere = await db.selectFrom("vault_object").select("id").where("id", "=", facts.id).executeTakeFirst();
  if (isThere === undefined) {
    const columns = ["header", "wrapped_key", "wrapper_id", "place"] as const;
    const upload = await db.selectFrom("vault_upload").select(columns).where("id", "=", facts.id).executeTakeFirst();
    if (upload === undefined) throw new AttestryError("FATAL_CORRUPT", "There is no upload to make an object of.");
    const bytes = { header: fromBytes(toBytes(upload.header)), wrapped_key: fromBytes(toBytes(upload.wrapped_key)) };
    const values = { ...fromFacts(facts), ...bytes, wrapper_id: upload.wrapper_id, place: upload.place };
    await db.insertInto("vault_object").values(values).execute();
  }
  await db.deleteFrom("vault_upload").where("id", "=", facts.id).execute();
}

async function changeObject(db: Transaction, sequence: number, facts: ObjectFacts): Promise<void> {
  const { id, ...changes } = fromFacts(facts);
  const key = facts.state === "erased" ? { wrapped_key: fromBytes(new Uint8Array()) } : {};
  const update = db.updateTable("vault_object").set({ ...changes, ...key });
  await update.where("id", "=", id).where("events", "=", sequence).execute();
}

function keys({
  db,
  flavour,
}: SqlCatalogueOptions): Pick<Catalogue, "listKeys" | "countKeys" | "listWrappers" | "replaceKey"> {
  const tables = ["vault_object", "vault_upload"] as const;
  const none = sql<boolean>`wrapped_key <> ${fromBytes(new Uint8Array())}`; // an erased object has no key
  return {
    async listKeys(otherThan: string, after: string | undefined, limit: number): Promise<WrappedKey[]> {
      const lists = await Promise.all(
        tables.map((table) => {
          const query = db.selectFrom(table).select(["id", "wrapped_key", "wrapper_id"]).where(none);
          const others = query
            .where("wrapper_id", "<>", otherThan)
            .where("id", ">", after ?? "")
            .orderBy("id");
          return take(flavour, others, limit).execute();
        }),
      );
      const rows = lists.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
      return rows.slice(0, limit).map(({ id, wrapped_key, wrapper_id }) => {
        return { id, wrappedKey: toBytes(wrapped_key), wrapperId: wrapper_id };
      });
    },

    async countKeys(otherThan: string): Promise<number> {
      let count = 0;
      for (const table of tables) {
        const query = db
          .selectFrom(table)
          .select(({ fn }) => fn.countAll().as("count"))
          .where(none);
        count += toInteger((await query.where("wrapper_id", "<>", otherThan).executeTakeFirst())?.count);
      }
      return count;
    },

    async listWrappers(): Promise<string[]> {
      const lists = await Promise.all(
        tables.map((table) => db.selectFrom(table).select("wrapper_id").distinct().where(none).execute()),
      );
      return [...new Set(lists.flat().map(({ wrapper_id }) => wrapper_id))].sort();
    },

    async replaceKey(before: WrappedKey, wrappedKey: Uint8Array, wrapperId: string): Promise<boolean> {
      const set = { wrapped_key: fromBytes(wrappedKey), wrapper_id: wrapperId };
      for (const table of tables) {
        const update = db.updateTable(table).set(set).where("id", "=", before.id);
        const { numUpdatedRows } = await update
          .where("wrapped_key", "=", fromBytes(before.wrappedKey))
          .executeTakeFirst();
        if (numUpdatedRows > 0n) return true;
      }
      return false;
    },
  };
}
