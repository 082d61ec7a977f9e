/**
 * What the audit must find, whatever the vault is kept in: each way in which an administrator of the database or the store can
 * change it. Every pair of drivers calls `testTampering` once. Each change is undone, and the audit must be silent again.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "@attestry/core";
import type { Kysely } from "kysely";
import { openSqliteStore } from "../log/sqlite-store.ts";
import { auditedLog, auditVault, type VaultFinding } from "./audit.ts";
import type { CatalogueTables, CustodyTable, ObjectTable } from "./catalogue/flavours.ts";
import { segmentStart, segmentsOfRange } from "./format/geometry.ts";
import { createStream } from "./format/stream.ts";
import { access, openTestVault, sampleContent, type TestVault, type VaultPlace } from "./testing/sample-vault.ts";
import type { VaultObject } from "./vault.ts";

export interface TamperPlace extends VaultPlace {
  /** The catalogue's tables, as an administrator of the database has them. */
  openTables(): Promise<Kysely<CatalogueTables>>;
  /** Removes one stored segment and leaves the others where they are; left out where a store cannot have such a hole. */
  dropSegment?(id: string, index: number): Promise<void>;
}

type TestContext = { after(clean: () => void | Promise<void>): void };

interface Scene {
  readonly vault: TestVault;
  readonly db: Kysely<CatalogueTables>;
  /** 4 segments, record A: stored, held, released. */
  readonly deed: VaultObject;
  /** 4 segments, record B: stored, read. */
  readonly film: VaultObject;
  /** 1 segment, record C: stored, erased. */
  readonly gone: VaultObject;
  /** What was in the store and the catalogue before record C was erased. */
  readonly before: { readonly segments: readonly Uint8Array[]; readonly row: ObjectTable };
}

/** Does it, and gives what undoes it. */
type Tampering = (scene: Scene) => Promise<() => Promise<unknown>>;

/** Everything that there is to say of a scene that was tampered with, in any order: record, problem, name, and where. */
type Expected = (scene: Scene) => readonly string[];

export function testTampering(driver: string, createPlace: (t: TestContext) => Promise<TamperPlace>): void {
  test(`${driver}: the audit names each thing that was tampered with, and nothing else`, async (t) => {
    const place = await createPlace(t);
    const scene = await setScene(t, place);
    assert.deepEqual(await findings(scene), [], "before");
    for (const [name, [tamper, expected]] of [...Object.entries(tamperings), ...holes(place)]) {
      await t.test(name, async () => {
        const undo = await tamper(scene);
        const lines = await findings(scene).finally(undo);
        assert.deepEqual(lines, [...expected(scene)].sort());
        assert.deepEqual(await findings(scene), [], "after it was undone");
      });
    }
  });
}

async function setScene(t: TestContext, place: TamperPlace): Promise<Scene> {
  const vault = await openTestVault(t, { place });
  const db = await place.openTables();
  t.after(() => db.destroy());
  const store = (length: number, seed: number, subject: string) =>
    vault.store(sampleContent(length, seed), { subject });
  const deed = await store(3_500_000, 1, "record A");
  const film = await store(3_600_000, 2, "record B");
  const gone = await store(5000, 3, "record C");
  await vault.hold(deed.id, "case 7", access);
  await vault.release(deed.id, "case 7", access);
  await vault.read(film.id, access);
  const row = await rowOf(db, gone.id);
  const before = { segments: await segmentsOf(vault, gone.id), row };
  await vault.erase(gone.id, "order 99", access);
  return { vault, db, deed, film, gone, before };
}

/** All findings, a line each: what, which problem, the object by its subject, and where. */
async function findings({ vault, deed, film, gone }: Scene): Promise<string[]> {
  const store = openSqliteStore({ folder: vault.folder, readOnly: true });
  const { catalogue, objects, keys, issuer } = vault;
  const names = new Map([deed, film, gone].map(({ id, subject }) => [id, subject]));
  const lines: string[] = [];
  try {
    for await (const finding of auditVault({
      catalogue,
      objects,
      keys,
      log: auditedLog(store),
      issuers: [issuer.name],
    })) {
      lines.push(lineOf(finding, names));
    }
  } finally {
    await store.close();
  }
  return lines.sort();
}

function lineOf({ record, problem, at, found = "" }: VaultFinding, names: ReadonlyMap<string, string>): string {
  const name = at["subject"] ?? names.get(String(at["object"])) ?? "?";
  const [id = "", place] = problem === "moved" && record === "segment" ? found.split(" ") : [];
  const origin = place === undefined ? "" : ` is ${names.get(id)} ${place}`;
  const where = ["segment", "field", "sequence"].filter((key) => at[key] !== undefined).map((key) => ` ${at[key]}`);
  return `${record} ${problem} ${name}${where.join("")}${origin}`;
}

async function segmentsOf({ objects }: Pick<TestVault, "objects">, id: string): Promise<Uint8Array[]> {
  const count = (await objects.stat(id))?.sealed ?? 0;
  const segments: Uint8Array[] = [];
  for (let i = 0; i < count; i++) segments.push((await objects.readSegment(id, i)) ?? new Uint8Array());
  return segments;
}

/** Whoever administers the store can put anything in the place of an object. */
async function replaceObject({ objects }: TestVault, id: string, segments: readonly Uint8Array[]): Promise<void> {
  await objects.remove(id);
  for (const [index, segment] of segments.entries()) await objects.writeSegment(id, index, segment);
  if (segments.length > 0) await objects.seal(id, segments.length);
}

function holes({ dropSegment }: TamperPlace): [string, [Tampering, Expected]][] {
  if (dropSegment === undefined) return [];
  const drop: Tampering = async ({ vault, film }) => {
    const whole = await segmentsOf(vault, film.id);
    await dropSegment(film.id, 1);
    return () => replaceObject(vault, film.id, whole);
  };
  // A storage that can lose a single segment also sees for itself that there are fewer than it says.
  const expected: Expected = () => ["segment missing record B 1", "storage unreadable ?"];
  return [["a segment is removed and leaves a hole", [drop, expected]]];
}

/** Changes the segments of objects. */
function stored(
  change: (segments: Record<"deed" | "film", Uint8Array[]>) => Record<string, readonly Uint8Array[]>,
): Tampering {
  return async (scene) => {
    const { vault } = scene;
    const whole = { deed: await segmentsOf(vault, scene.deed.id), film: await segmentsOf(vault, scene.film.id) };
    const after = change({ deed: [...whole.deed], film: [...whole.film] });
    for (const name of ["deed", "film"] as const) {
      if (after[name] !== undefined) await replaceObject(vault, scene[name].id, after[name]);
    }
    return async () => {
      for (const name of ["deed", "film"] as const) await replaceObject(vault, scene[name].id, whole[name]);
    };
  };
}

function flipped(segment: Uint8Array | undefined, at: number): Uint8Array {
  const copy = Uint8Array.from(segment ?? []);
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] ?? 0) ^ 1;
  return copy;
}

async function rowOf(db: Kysely<CatalogueTables>, id: string): Promise<ObjectTable> {
  return db.selectFrom("vault_object").selectAll().where("id", "=", id).executeTakeFirstOrThrow();
}

async function setRow(db: Kysely<CatalogueTables>, id: string, values: Partial<ObjectTable>): Promise<void> {
  await db.updateTable("vault_object").set(values).where("id", "=", id).execute();
}

/** Edits the row of an object. */
function row(
  which: "deed" | "film" | "gone",
  values: (scene: Scene, row: ObjectTable) => Partial<ObjectTable>,
): Tampering {
  return async (scene) => {
    const { id } = scene[which];
    const before = await rowOf(scene.db, id);
    await setRow(scene.db, id, values(scene, before));
    return () => setRow(scene.db, id, before);
  };
}

const eventsOf = (db: Kysely<CatalogueTables>, id: string): Promise<CustodyTable[]> =>
  db.selectFrom("vault_custody").selectAll().where("object_id", "=", id).orderBy("sequence").execute();

/** Puts other events in the place of an object's. */
function events(which: "deed" | "film", change: (events: CustodyTable[], scene: Scene) => CustodyTable[]): Tampering {
  return async (scene) => {
    const { db } = scene;
    const { id } = scene[which];
    const before = await eventsOf(db, id);
    const replace = async (rows: readonly CustodyTable[]): Promise<void> => {
      await db.deleteFrom("vault_custody").where("object_id", "=", id).execute();
      for (const values of rows) await db.insertInto("vault_custody").values(values).execute();
    };
    await replace(
      change(
        before.map((event) => ({ ...event })),
        scene,
      ),
    );
    return () => replace(before);
  };
}

/** Several at once. */
function all(...tamperings: readonly Tampering[]): Tampering {
  return async (scene) => {
    const undo: (() => Promise<unknown>)[] = [];
    for (const tamper of tamperings) undo.unshift(await tamper(scene));
    return async () => {
      for (const step of undo) await step();
    };
  };
}

const editedRow = (
  field: keyof ObjectTable,
  name: string,
  value: ObjectTable[keyof ObjectTable],
): [string, [Tampering, Expected]] => [
  `a row's ${field} is edited`,
  [row("deed", () => ({ [field]: value })), () => [`row changed record A ${name}`]],
];

const tamperings: Readonly<Record<string, readonly [Tampering, Expected]>> = {
  "a byte of a segment is flipped": [
    stored(({ deed }) => ({ deed: deed.with(2, flipped(deed[2], 5000)) })),
    () => ["segment changed record A 2"],
  ],
  "a byte of a tag is flipped": [
    stored(({ film }) => ({ film: film.with(3, flipped(film[3], -1)) })),
    () => ["segment changed record B 3"],
  ],
  "a byte of the header is flipped": [
    stored(({ deed }) => ({ deed: deed.with(0, flipped(deed[0], 7)) })),
    () => ["segment changed record A 0"],
  ],
  "a segment is cut out of the middle": [
    stored(({ deed }) => ({ deed: deed.toSpliced(1, 1) })),
    () => [
      "segment moved record A 1 is record A 2",
      "segment moved record A 2 is record A 3",
      "segment missing record A 3",
    ],
  ],
  "the last segment is removed": [
    stored(({ deed }) => ({ deed: deed.slice(0, -1) })),
    () => ["segment missing record A 3"],
  ],
  "the last segment is cut short": [
    stored(({ deed }) => ({ deed: deed.with(3, (deed[3] ?? new Uint8Array()).slice(0, 1000)) })),
    () => ["segment changed record A 3"],
  ],
  "a segment is added": [
    stored(({ deed, film }) => ({
      deed: [...deed.slice(0, 3), film[1] ?? deed[0] ?? new Uint8Array(), ...deed.slice(3)],
    })),
    () => ["segment extra record A 4", "segment moved record A 3 is record B 1"],
  ],
  "two segments are exchanged": [
    stored(({ deed }) => ({ deed: [0, 2, 1, 3].map((at) => deed[at] ?? new Uint8Array()) })),
    () => ["segment moved record A 1 is record A 2", "segment moved record A 2 is record A 1"],
  ],
  "segments are exchanged between objects": [
    stored(({ deed, film }) => ({
      deed: deed.with(1, film[1] ?? new Uint8Array()),
      film: film.with(1, deed[1] ?? new Uint8Array()),
    })),
    () => ["segment moved record A 1 is record B 1", "segment moved record B 1 is record A 1"],
  ],
  "the whole content of one object is put in another's place": [
    stored(({ film }) => ({ deed: film })),
    () => [0, 1, 2, 3].map((at) => `segment moved record A ${at} is record B ${at}`),
  ],
  "other content is put in its place by one who has the keys": [
    async ({ vault, deed }) => {
      const whole = await segmentsOf(vault, deed.id);
      const { wrappedKey, header } = (await vault.catalogue.readObject(deed.id)) ?? assert.fail();
      const stream = createStream(await vault.keys.unwrap(wrappedKey, deed.id), deed.id, header);
      const other = sampleContent(deed.size, 99);
      const segments = [...segmentsOfRange(0, deed.size)].map(({ index, from, to }) => {
        const start = segmentStart(index);
        return stream.sealSegment(index, other.subarray(start + from, start + to), index === deed.segments - 1);
      });
      await replaceObject(vault, deed.id, segments);
      return () => replaceObject(vault, deed.id, whole);
    },
    () => ["object changed record A"],
  ],
  "an object is deleted": [stored(() => ({ deed: [] })), () => ["object missing record A"]],
  "an object and its row are deleted": [
    all(
      stored(() => ({ deed: [] })),
      async ({ db, deed }) => {
        const before = await rowOf(db, deed.id);
        await db.deleteFrom("vault_object").where("id", "=", deed.id).execute();
        return () => db.insertInto("vault_object").values(before).execute();
      },
    ),
    () => ["object missing record A", "row missing record A"],
  ],
  "an object, its row and its events are deleted": [
    all(
      stored(() => ({ deed: [] })),
      events("deed", () => []),
      async ({ db, deed }) => {
        const before = await rowOf(db, deed.id);
        await db.deleteFrom("vault_object").where("id", "=", deed.id).execute();
        return () => db.insertInto("vault_object").values(before).execute();
      },
    ),
    () => ["event missing record A", "event missing record A", "event missing record A"],
  ],
  ...Object.fromEntries([
    editedRow("content_hash", "contentHash", Buffer.from(sha256(new Uint8Array())).toString("hex")),
    editedRow("size", "size", 3_499_999),
    editedRow("segments", "segments", 3),
    editedRow("record_class", "recordClass", "other"),
    editedRow("content_type", "contentType", "text/plain"),
    editedRow("entry_index", "entryIndex", 1),
    editedRow("stored_index", "storedIndex", 0),
    editedRow("stored_at", "storedAt", 1),
    editedRow("retain_until", "retainUntil", 8_640_000_000_000),
    editedRow("holds", "holds", `["case 8"]`),
    editedRow("events", "events", 4),
    editedRow("wrapper_id", "wrapperId", "sample:2"),
    editedRow("header", "header", Buffer.concat([Buffer.of(40), Buffer.alloc(39)])),
  ]),
  "a row's place is edited": [row("film", () => ({ place: "a".repeat(26) })), () => ["object missing record B"]],
  "a row's place becomes another object's": [
    row("deed", ({ film }) => ({ place: film.id })),
    () => [0, 1, 2, 3].map((at) => `segment moved record A ${at} is record B ${at}`),
  ],
  "a row's subject is edited": [row("deed", () => ({ subject: "record Z" })), () => ["row changed record A subject"]],
  "a row's state is edited": [
    row("film", () => ({ state: "erased", erased_at: 1_700_000_000 })),
    () => ["row changed record B erasedAt", "row changed record B state"],
  ],
  "a row holds what no writer of ours writes": [
    row("film", () => ({ holds: "nothing" })),
    () => ["row unreadable record B"],
  ],
  "two wrapped keys are exchanged": [
    all(
      row("deed", ({ before }) => ({ wrapped_key: before.row.wrapped_key })),
      row("film", ({ before }) => ({ wrapped_key: before.row.wrapped_key })),
    ),
    () => ["row changed record A wrappedKey", "row changed record B wrappedKey"],
  ],
  "an older version of a row is restored": [
    row("deed", () => ({ holds: `["case 7"]`, events: 2 })),
    () => ["row older record A"],
  ],
  "an older version of an erased object and its row is restored": [
    all(
      row("gone", ({ before }) => before.row),
      async ({ vault, gone, before }) => {
        await replaceObject(vault, gone.id, before.segments);
        return () => vault.objects.remove(gone.id);
      },
    ),
    () => ["object older record C", "row older record C", "row older record C wrappedKey"],
  ],
  "older versions of a row and its events are restored": [
    all(
      row("deed", () => ({ holds: `["case 7"]`, events: 2 })),
      events("deed", (rows) => rows.slice(0, 2)),
    ),
    () => ["event missing record A"],
  ],
  "a row that no event tells of is added": [
    async ({ db, deed }) => {
      const id = `aaaa${deed.id.slice(4)}`;
      await db
        .insertInto("vault_object")
        .values({ ...(await rowOf(db, deed.id)), id, subject: "record X" })
        .execute();
      return () => db.deleteFrom("vault_object").where("id", "=", id).execute();
    },
    () => ["row extra record X"],
  ],
  "a custody event in the middle is removed": [
    events("deed", (rows) => rows.toSpliced(1, 1)),
    () => ["event missing record A", "event missing record A 1"],
  ],
  "the last custody event is removed": [
    events("film", (rows) => rows.slice(0, -1)),
    () => ["event missing record B", "event missing record B 1"],
  ],
  "all custody events are removed": [
    events("film", () => []),
    () => ["event missing record B", "event missing record B", "event missing record B 0", "event missing record B 1"],
  ],
  "a custody event is edited": [
    events("film", ([first, second]) => {
      const event = Buffer.from(
        Buffer.from(second?.event ?? [])
          .toString("latin1")
          .replace("Moreno", "Merino"),
        "latin1",
      );
      return [first as CustodyTable, { ...(second as CustodyTable), event }];
    }),
    () => ["event changed record B 1"],
  ],
  "two custody events are exchanged": [
    events("deed", ([first, second, third]) => [
      first as CustodyTable,
      { ...(third as CustodyTable), sequence: 1 },
      { ...(second as CustodyTable), sequence: 2 },
    ]),
    () => ["event moved record A 1", "event moved record A 2"],
  ],
  "a custody event's place in the log is edited": [
    events("film", ([first, second]) => [first as CustodyTable, { ...(second as CustodyTable), entry_index: 0 }]),
    () => ["event extra record B 1", "event missing record B"],
  ],
  "a custody event is made up": [
    events("film", (rows) => [...rows, { ...(rows[1] as CustodyTable), sequence: 2 }]),
    () => ["event moved record B 2"],
  ],
};
