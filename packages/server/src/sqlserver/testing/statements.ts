/** Every statement that the drivers for SQL Server run, by name, for tests that look at their T-SQL. */
import { type CompiledQuery, DummyDriver, Kysely, MssqlAdapter, MssqlIntrospector, MssqlQueryCompiler } from "kysely";
import { scannedTables } from "../../log/rows.ts";
import { nextBatch } from "../../log/store.contract.ts";
import { sampleEntries } from "../../log/testing/sample-log.ts";
import { sampleFacts, sampleUpload } from "../../vault/catalogue/catalogue.contract.ts";
import { type CatalogueTables, changeTables, createTables, sqlServer } from "../../vault/catalogue/flavours.ts";
import { fromFacts } from "../../vault/catalogue/rows.ts";
import { parts } from "../../vault/catalogue/sql-catalogue.ts";
import { begin, commit, readServer, rollback, sessionSettings } from "../database.ts";
import { issuerSql, issuersPart } from "../issuer-store.ts";
import { endTurn, logPart, logSql, takeTurn } from "../log-sql.ts";
import { objectSql, objectsPart } from "../object-store.ts";
import { schemaSql } from "../schema.ts";

export interface NamedStatement {
  readonly name: string;
  readonly text: string;
  /** Undefined for a batch, which has no parameters. */
  readonly values?: readonly unknown[] | undefined;
}

export async function allStatements(): Promise<NamedStatement[]> {
  const fixed = {
    log: logSql,
    object: objectSql,
    issuer: issuerSql,
    schema: schemaSql,
    logTurn: { takeTurn, endTurn },
  };
  const named = Object.entries(fixed).flatMap(([part, statements]) =>
    Object.entries(statements).flatMap(([name, text]) =>
      typeof text === "string" ? [{ name: `${part} ${name}`, text }] : [],
    ),
  );
  const tables = [logPart, issuersPart, objectsPart].flatMap(({ name, statements }) =>
    statements.map((text, at) => ({ name: `${name} table ${at}`, text })),
  );
  const batches = Object.entries({ begin, commit, rollback, readServer, sessionSettings }).map(([name, text]) => ({
    name,
    text,
  }));
  return [...batches, ...named, ...tables, ...(await logStatements()), ...(await catalogueStatements())];
}

async function logStatements(): Promise<NamedStatement[]> {
  const empty = { readHead: async () => undefined } as unknown as Parameters<typeof nextBatch>[0];
  const batch = await nextBatch(empty, sampleEntries(3));
  const scans = Object.entries(scannedTables).map(([name, table]) => ({
    name: `log scan ${name}`,
    ...logSql.scan(table, table.start, 10),
  }));
  return [
    { name: "log putBatch", ...logSql.putBatch(batch, 0) },
    { name: "log findSeen", ...logSql.findSeen(batch.entries) },
    { name: "log lookUp ascending", text: logSql.lookUp.ascending },
    { name: "log lookUp descending", text: logSql.lookUp.descending },
    ...scans,
  ];
}

/** What kysely makes of every call to the catalogue, with rows found and with none. */
async function catalogueStatements(): Promise<NamedStatement[]> {
  const made = new Map<string, NamedStatement>();
  const driver = new DummyDriver();
  const compiler = new MssqlQueryCompiler();
  const db = new Kysely<CatalogueTables>({
    dialect: {
      createAdapter: () => new MssqlAdapter(),
      createDriver: () => driver,
      createIntrospector: (given) => new MssqlIntrospector(given),
      createQueryCompiler: () => compiler,
    },
    log: ({ query }) => void keep(query),
  }).withSchema("attestry");
  function keep({ sql, parameters }: CompiledQuery): void {
    made.set(sql, { name: `catalogue ${made.size}`, text: sql, values: parameters });
  }
  for (const step of [...createTables(db, sqlServer), ...changeTables(db, sqlServer)]) await step.execute();
  await sqlServer.isCreated.execute(db);
  await db.selectFrom("vault_schema").select("version").execute();
  const catalogue = parts({ db, flavour: sqlServer, translate: (error) => error as never });
  const upload = sampleUpload({ content: undefined });
  const { id } = upload;
  const facts = sampleFacts(id);
  const [lock, tail] = [
    { holder: "a", now: 1, until: 2 },
    { index: 0, ciphertext: new Uint8Array(9) },
  ];
  const content = { hash: facts.contentHash, size: 1, segments: 1 };
  const key = { id, wrappedKey: new Uint8Array(9), wrapperId: "a" };
  const every = {
    contentHash: facts.contentHash,
    subject: "s",
    recordClass: "r",
    state: "whole",
    below: 9,
    limit: 5,
  } as const;
  const calls: Record<keyof typeof catalogue, () => Promise<unknown>> = {
    addUpload: () => catalogue.addUpload(upload),
    readUpload: () => catalogue.readUpload(id),
    lockUpload: () => catalogue.lockUpload(id, lock),
    unlockUpload: async () => {
      await catalogue.unlockUpload(id, "a", true);
      await catalogue.unlockUpload(id, "a", false);
    },
    saveTail: () => catalogue.saveTail(id, "a", tail),
    savePlace: () => catalogue.savePlace(id, "a", { place: "p", header: key.wrappedKey, tail }),
    usesPlace: () => catalogue.usesPlace(id),
    saveContent: () => catalogue.saveContent(id, "a", content),
    removeUpload: () => catalogue.removeUpload(id),
    listUploads: () => catalogue.listUploads(undefined, 5),
    readObject: () => catalogue.readObject(id),
    listObjects: () => catalogue.listObjects(id, 5),
    listIds: () => catalogue.listIds(id, 5),
    findObjects: () => catalogue.findObjects(every),
    addEvent: () => catalogue.addEvent({ objectId: id, sequence: 0, event: key.wrappedKey, statement: key.wrappedKey }),
    withdrawEvent: () => catalogue.withdrawEvent(id, 1),
    settleEvent: () => catalogue.settleEvent(id, 1, 1, facts),
    readEvents: () => catalogue.readEvents(id),
    listPending: () => catalogue.listPending(5),
    scanEvents: () => catalogue.scanEvents(-1, 5),
    listKeys: () => catalogue.listKeys("a", undefined, 5),
    countKeys: () => catalogue.countKeys("a"),
    listWrappers: () => catalogue.listWrappers(),
    replaceKey: () => catalogue.replaceKey(key, key.wrappedKey, "b"),
  };
  // A driver that finds nothing makes some calls fail at their end; what they ran by then counts.
  for (const call of Object.values(calls)) await call().catch(() => {});
  await catalogue.settleEvent(id, 0, 1, facts).catch(() => {});
  // What comes after a row was found.
  const values = { header: key.wrappedKey, wrapped_key: key.wrappedKey, wrapper_id: "a", place: null };
  await db
    .insertInto("vault_object")
    .values({ ...fromFacts(facts), ...values })
    .execute();
  return [...made.values()];
}
