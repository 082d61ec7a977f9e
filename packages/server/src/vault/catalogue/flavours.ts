/**
 * The catalogue's tables, and all that differs between SQLite, PostgreSQL and SQL Server: names of types, how to look whether a
 * table is there, how to take the first rows. Bytes are never null, since SQL Server takes no untyped null for them.
 */
import { AttestryError } from "@attestry/core";
import { type CreateTableBuilder, type Kysely, type RawBuilder, type SelectQueryBuilder, sql } from "kysely";

export interface ObjectTable {
  id: string;
  state: string;
  content_hash: string;
  size: number | string;
  segments: number | string;
  record_class: string;
  content_type: string | null;
  subject: string;
  entry_index: number | string;
  stored_index: number | string;
  stored_at: number | string;
  retain_until: number | string;
  holds: string;
  erased_at: number | string | null;
  events: number | string;
  header: Uint8Array;
  wrapped_key: Uint8Array;
  wrapper_id: string;
  place: string | null;
}

export interface CustodyTable {
  object_id: string;
  sequence: number | string;
  event: Uint8Array;
  statement: Uint8Array;
  entry_index: number | string | null;
}

export interface UploadTable {
  id: string;
  record_class: string;
  content_type: string | null;
  declared_size: number | string | null;
  metadata: string;
  who: string;
  created_at: number | string;
  touched_at: number | string;
  lock_holder: string;
  lock_until: number | string;
  tail_index: number | string;
  tail: Uint8Array;
  content_hash: string | null;
  size: number | string | null;
  segments: number | string | null;
  header: Uint8Array;
  wrapped_key: Uint8Array;
  wrapper_id: string;
  place: string | null;
}

/** Integers are `number` from SQLite and SQL Server, and text from PostgreSQL where they have 64 bits. */
export interface CatalogueTables {
  vault_schema: { version: number | string };
  vault_object: ObjectTable;
  vault_custody: CustodyTable;
  vault_upload: UploadTable;
}

export interface Flavour {
  readonly name: "sqlite" | "postgres" | "sqlserver";
  /** `id`: ASCII of at most 64 characters, in the order of its bytes. `text`: at most 512 characters. `long`: any length. */
  readonly types: Readonly<Record<"id" | "text" | "long" | "integer" | "bytes", string>>;
  /** What follows the column list of a table. */
  readonly tableEnd: string;
  /** One row with `found` 1 when the catalogue's tables are there. */
  readonly isCreated: RawBuilder<{ found: number }>;
  /** Limits the rows by `limit` or by `top`. */
  readonly first: "limit" | "top";
  /** Whether text that differs only in spaces at its end counts as the same. */
  readonly ignoresSpaces: boolean;
}

export const sqlite: Flavour = {
  name: "sqlite",
  types: { id: "text", text: "text", long: "text", integer: "integer", bytes: "blob" },
  tableEnd: "strict",
  isCreated: sql`select 1 as found from sqlite_schema where name = 'vault_schema'`,
  first: "limit",
  ignoresSpaces: false,
};

export const postgres: Flavour = {
  name: "postgres",
  types: { id: `text collate "C"`, text: `text collate "C"`, long: "text", integer: "bigint", bytes: "bytea" },
  tableEnd: "",
  isCreated: sql`select 1 as found where to_regclass('vault_schema') is not null`,
  first: "limit",
  ignoresSpaces: false,
};

const binary = "collate Latin1_General_100_BIN2"; // else names that differ in case alone would be the same

export const sqlServer: Flavour = {
  name: "sqlserver",
  types: {
    id: `nvarchar(64) ${binary}`, // as the driver sends text: an index is of no use to a value of another type
    text: `nvarchar(512) ${binary}`,
    long: "nvarchar(max)",
    integer: "bigint",
    bytes: "varbinary(max)",
  },
  tableEnd: "",
  isCreated: sql`select 1 as found where object_id('attestry.vault_schema') is not null`,
  first: "top",
  ignoresSpaces: true,
};

/** Limits a query to its first rows. */
export function take<DB, TB extends keyof DB, O>(
  { first }: Flavour,
  query: SelectQueryBuilder<DB, TB, O>,
  count: number,
): SelectQueryBuilder<DB, TB, O> {
  return first === "top" ? query.top(count) : query.limit(count);
}

const schemaVersion = 2;

type ColumnType = keyof Flavour["types"];

/** A name that ends in "?" may be null. */
const tables: Readonly<Record<string, { columns: Record<string, ColumnType>; key: string[]; indexes: string[][] }>> = {
  vault_object: {
    columns: {
      id: "id",
      state: "id",
      content_hash: "id",
      size: "integer",
      segments: "integer",
      record_class: "text",
      "content_type?": "text",
      subject: "text",
      entry_index: "integer",
      stored_index: "integer",
      stored_at: "integer",
      retain_until: "integer",
      holds: "long",
      "erased_at?": "integer",
      events: "integer",
      header: "bytes",
      wrapped_key: "bytes",
      wrapper_id: "text",
      "place?": "id",
    },
    key: ["id"],
    indexes: [["content_hash"], ["subject"], ["stored_index"]],
  },
  vault_custody: {
    columns: { object_id: "id", sequence: "integer", event: "bytes", statement: "bytes", "entry_index?": "integer" },
    key: ["object_id", "sequence"],
    indexes: [["entry_index"]],
  },
  vault_upload: {
    columns: {
      id: "id",
      record_class: "text",
      "content_type?": "text",
      "declared_size?": "integer",
      metadata: "long",
      who: "text",
      created_at: "integer",
      touched_at: "integer",
      lock_holder: "id",
      lock_until: "integer",
      tail_index: "integer",
      tail: "bytes",
      "content_hash?": "id",
      "size?": "integer",
      "segments?": "integer",
      header: "bytes",
      wrapped_key: "bytes",
      wrapper_id: "text",
      "place?": "id",
    },
    key: ["id"],
    indexes: [],
  },
  vault_schema: { columns: { version: "integer" }, key: ["version"], indexes: [] },
};

/** The statements that make the tables, for one transaction. */
export function createTables(db: Kysely<CatalogueTables>, flavour: Flavour): { execute(): Promise<unknown> }[] {
  const steps: { execute(): Promise<unknown> }[] = [];
  for (const [table, { columns, key, indexes }] of Object.entries(tables)) {
    let create: CreateTableBuilder<string, string> = db.schema.createTable(table);
    for (const [column, type] of Object.entries(columns)) {
      const isNullable = column.endsWith("?");
      create = create.addColumn(column.replace("?", ""), sql.raw(flavour.types[type]), (built) =>
        isNullable ? built : built.notNull(),
      );
    }
    create = create.addPrimaryKeyConstraint(`${table}_key`, key as [string]);
    steps.push(flavour.tableEnd === "" ? create : create.modifyEnd(sql.raw(flavour.tableEnd)));
    for (const on of indexes)
      steps.push(
        db.schema
          .createIndex(`${table}_by_${on.join("_")}`)
          .on(table)
          .columns(on),
      );
  }
  steps.push(db.insertInto("vault_schema").values({ version: schemaVersion }));
  return steps;
}

/** The statements that bring the tables of version 1 to this one, for one transaction. */
export function changeTables(db: Kysely<CatalogueTables>, flavour: Flavour): { execute(): Promise<unknown> }[] {
  const type = sql.raw(flavour.types.id);
  return [
    ...(["vault_object", "vault_upload"] as const).map((table) => db.schema.alterTable(table).addColumn("place", type)),
    db.updateTable("vault_schema").set({ version: schemaVersion }),
  ];
}

/** Makes the tables when they are not there. @throws FATAL_VERSION when a newer version made them */
export async function openTables(db: Kysely<CatalogueTables>, flavour: Flavour): Promise<void> {
  if (!(await isCreated(db, flavour))) {
    try {
      await db.transaction().execute(async (transaction) => {
        for (const step of createTables(transaction, flavour)) await step.execute();
      });
    } catch (error) {
      if (!(await isCreated(db, flavour))) throw error; // another process was quicker
    }
  }
  let version = await readVersion(db);
  if (version === 1) {
    try {
      await db.transaction().execute(async (transaction) => {
        for (const step of changeTables(transaction, flavour)) await step.execute();
      });
    } catch (error) {
      if ((await readVersion(db)) === 1) throw error; // another process was quicker
    }
    version = await readVersion(db);
  }
  if (version === schemaVersion) return;
  const message = `The vault's catalogue has schema version ${version}; this program knows ${schemaVersion}.`;
  throw new AttestryError("FATAL_VERSION", message, { data: { found: version, known: schemaVersion } });
}

async function readVersion(db: Kysely<CatalogueTables>): Promise<number> {
  return Number((await db.selectFrom("vault_schema").select("version").executeTakeFirstOrThrow()).version);
}

async function isCreated(db: Kysely<CatalogueTables>, flavour: Flavour): Promise<boolean> {
  return (await flavour.isCreated.execute(db)).rows.length > 0;
}
