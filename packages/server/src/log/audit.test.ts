import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { encodeHex, encodeUtf8, isAttestryError } from "@attestry/core";
import fc from "fast-check";
import type { Finding } from "./audit.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { keyLength, type LogStore, splitKeys } from "./store.ts";
import { readAll } from "./testing/check-whole-log.ts";
import {
  collectAudit,
  openSequencer,
  origin,
  sampleEntries,
  sampleEntry,
  temporaryFolder,
} from "./testing/sample-log.ts";

type TestContext = Parameters<typeof temporaryFolder>[0];

const entries = sampleEntries(700);
const batches = [1, 299, 1, 300, 99];

/** A log of 700 entries in five batches (heads at 0, 1, 300, 301, 601, 700) with two cosigned checkpoints, closed. */
async function makeLog(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  const store = openSqliteStore({ folder, origin });
  const sequencer = await openSequencer(store);
  let from = 0;
  for (const width of batches) {
    const [first] = await sequencer.submit(entries.slice(from, from + width));
    from += width;
    if (from === 300 || from === 601) await store.putCosigned(from, first?.head.note ?? new Uint8Array());
  }
  await sequencer.close();
  await store.close();
  return folder;
}

/** Changes the stored rows behind the log's back, then audits. */
async function auditAfter(t: TestContext, tamper: (db: DatabaseSync) => void): Promise<Finding[]> {
  const folder = await makeLog(t);
  const db = new DatabaseSync(join(folder, "log.db"));
  tamper(db);
  db.close();
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  return (await collectAudit(store)).findings;
}

/** What a finding names, in one line. */
function named({ record, problem, at }: Finding): string {
  return `${record} ${problem} ${Object.entries(at)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ")}`;
}

test("an audit of an untouched log finds nothing and says what it cannot tell", async (t) => {
  const folder = await makeLog(t);
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  const { findings, summary } = await collectAudit(store);
  assert.deepEqual(findings, []);
  assert.equal(summary.head?.size, 700);
  assert.equal(summary.findings, 0);
  assert.match(summary.limits.join(" "), /older copy.*witnesses/);
});

const leaf = (index: number) => encodeHex(entries[index]?.leafHash ?? new Uint8Array());
const nameKey = (index: number) => entries[index]?.keys.subarray(0, keyLength) as Uint8Array;

function flip(db: DatabaseSync, table: string, column: string, where: string, at = 0): void {
  const { value } = db.prepare(`SELECT ${column} AS value FROM ${table} WHERE ${where}`).get() as { value: Uint8Array };
  value[at] = (value[at] ?? 0) ^ 0x01;
  db.prepare(`UPDATE ${table} SET ${column} = ? WHERE ${where}`).run(value);
}

/** Puts another statement in the place of an entry, and its leaf hash in the tile. */
function forge(db: DatabaseSync, index: number): { hash: Uint8Array; keys: Uint8Array } {
  const { entry, leafHash: hash, keys } = sampleEntry("forged", 1_700_000_000);
  db.prepare("UPDATE entry SET entry = ? WHERE idx = ?").run(entry, index);
  const [tile, position] = [Math.floor(index / 256), index % 256];
  const row = db.prepare("SELECT hashes FROM tile WHERE level = 0 AND idx = ?").get(tile);
  const hashes = row?.["hashes"] as Uint8Array;
  hashes.set(hash, position * 32);
  db.prepare("UPDATE tile SET hashes = ? WHERE level = 0 AND idx = ?").run(hashes, tile);
  return { hash, keys };
}

// Each tampering with all that the audit must say of it, and nothing else.
const tamperings: { [what: string]: { tamper: (db: DatabaseSync) => void; finds: readonly string[] } } = {
  "a flipped byte in an entry": {
    tamper: (db) => flip(db, "entry", "entry", "idx = 431", 20),
    finds: ["entry changed index=431"],
  },
  "a flipped byte in the last entry, whose tile is not full": {
    tamper: (db) => flip(db, "entry", "entry", "idx = 699", 20),
    finds: ["entry changed index=699"],
  },
  "an entry made into no statement at all": {
    tamper: (db) => db.exec("UPDATE entry SET entry = x'' WHERE idx = 0"),
    finds: ["entry changed index=0"],
  },
  "an entry replaced by another valid statement": {
    tamper: (db) => db.prepare("UPDATE entry SET entry = ? WHERE idx = 300").run(encodeUtf8("1700000000 x forged")),
    finds: ["entry changed index=300"],
  },
  "two entries swapped": {
    tamper: (db) =>
      db.exec(`UPDATE entry SET idx = -1 WHERE idx = 12; UPDATE entry SET idx = 12 WHERE idx = 600;
               UPDATE entry SET idx = 600 WHERE idx = -1`),
    finds: ["entry changed index=12", "entry changed index=600"],
  },
  "an entry removed": {
    tamper: (db) => db.exec("DELETE FROM entry WHERE idx = 255"),
    finds: ["entry missing index=255"],
  },
  "the last entries removed": {
    tamper: (db) => db.exec("DELETE FROM entry WHERE idx >= 698"),
    finds: ["entry missing index=698", "entry missing index=699"],
  },
  "an entry added at the end": {
    tamper: (db) => db.exec("INSERT INTO entry VALUES (700, x'00'), (9000, x'00')"),
    finds: ["entry extra index=700", "entry extra index=9000"],
  },
  "many entries and tile hashes changed in one batch": {
    tamper: (db) => {
      for (const index of [310, 311, 400]) flip(db, "entry", "entry", `idx = ${index}`, 20);
      flip(db, "tile", "hashes", "level = 0 AND idx = 1", 200 * 32);
    },
    finds: [
      "entry changed index=310",
      "entry changed index=311",
      "entry changed index=400",
      "tile changed level=0 index=1 position=200",
    ],
  },
  "a leaf hash in a tile changed": {
    tamper: (db) => flip(db, "tile", "hashes", "level = 0 AND idx = 0", 77 * 32 + 5),
    finds: ["tile changed level=0 index=0 position=77"],
  },
  "a leaf hash in a tile changed, and the entry's row that would speak for the entry": {
    tamper: (db) => {
      flip(db, "tile", "hashes", "level = 0 AND idx = 0", 77 * 32 + 5);
      db.exec("DELETE FROM seen WHERE idx = 77");
    },
    finds: [
      "tile changed level=0 index=0 position=77",
      `seen missing index=77 issuedAt=1700000011 leafHash=${leaf(77)}`,
    ],
  },
  "an entry and its leaf hash in the tile changed alike": {
    tamper: (db) => forge(db, 300),
    finds: ["entry changed index=300", "tile changed level=0 index=1 position=44"],
  },
  "an entry, its leaf hash in the tile, and all its rows changed alike": {
    tamper: (db) => {
      const { hash, keys } = forge(db, 310);
      db.prepare("UPDATE seen SET issued_at = 1700000000, leaf_hash = ? WHERE idx = 310").run(hash);
      db.exec("DELETE FROM look_up WHERE idx = 310");
      for (const key of splitKeys(keys)) db.prepare("INSERT INTO look_up VALUES (0, ?, 310)").run(key);
    },
    finds: [
      "entry changed from=301 to=600",
      "cosigned changed size=601",
      "head changed size=700",
      "tile changed level=1 index=0 position=1",
    ],
  },
  "a hash in an upper tile changed": {
    tamper: (db) => flip(db, "tile", "hashes", "level = 1 AND idx = 0", 32),
    finds: ["tile changed level=1 index=0 position=1"],
  },
  "tiles removed": {
    tamper: (db) => db.exec("DELETE FROM tile WHERE (level = 0 AND idx = 1) OR level = 1"),
    finds: ["tile missing level=0 index=1", "tile missing level=1 index=0"],
  },
  "a tile cut short": {
    tamper: (db) => db.exec("UPDATE tile SET hashes = substr(hashes, 1, 3200) WHERE level = 0 AND idx = 1"),
    finds: ["tile changed level=0 index=1"],
  },
  "tiles that the tree has no place for": {
    tamper: (db) => {
      db.exec("UPDATE tile SET hashes = CAST(hashes || zeroblob(32) AS BLOB) WHERE level = 0 AND idx = 2");
      db.exec("INSERT INTO tile VALUES (0, 3, zeroblob(32)), (2, 0, zeroblob(32)), (1, 1, x'00')");
    },
    finds: [
      "tile extra level=0 index=2",
      "tile extra level=0 index=3",
      "tile extra level=1 index=1",
      "tile extra level=2 index=0",
    ],
  },
  "the row that tells a duplicate removed": {
    tamper: (db) => db.exec("DELETE FROM seen WHERE idx = 500"),
    finds: [`seen missing index=500 issuedAt=1700000071 leafHash=${leaf(500)}`],
  },
  "the row that tells a duplicate changed": {
    tamper: (db) => db.exec("UPDATE seen SET idx = 3 WHERE idx = 500"),
    finds: [`seen changed index=500 issuedAt=1700000071 leafHash=${leaf(500)}`],
  },
  "the row that tells a duplicate moved to another time": {
    tamper: (db) => db.exec("UPDATE seen SET issued_at = 5 WHERE idx = 500"),
    finds: [
      `seen missing index=500 issuedAt=1700000071 leafHash=${leaf(500)}`,
      `seen extra index=500 issuedAt=5 leafHash=${leaf(500)}`,
    ],
  },
  "rows that tell duplicates added": {
    tamper: (db) => {
      db.prepare("INSERT INTO seen VALUES (8, ?, 5)").run(new Uint8Array(32));
      db.prepare("INSERT INTO seen VALUES (9, ?, 4000)").run(new Uint8Array(32));
    },
    finds: [
      `seen extra index=4000 issuedAt=9 leafHash=${"00".repeat(32)}`,
      `seen extra index=5 issuedAt=8 leafHash=${"00".repeat(32)}`,
    ],
  },
  "a look-up row changed": {
    tamper: (db) => db.prepare("UPDATE look_up SET idx = 9 WHERE idx = 10 AND key = ?").run(nameKey(10)),
    finds: [
      `lookUp extra run=0 key=${encodeHex(nameKey(10))} index=9`,
      `lookUp missing run=0 key=${encodeHex(nameKey(10))} index=10`,
    ],
  },
  "a look-up row removed": {
    tamper: (db) => db.prepare("DELETE FROM look_up WHERE key = ?").run(nameKey(699)),
    finds: [`lookUp missing run=0 key=${encodeHex(nameKey(699))} index=699`],
  },
  "look-up rows added, in runs that exist and that do not": {
    tamper: (db) =>
      db.exec(`INSERT INTO look_up VALUES (0, x'0000000000000000', 5), (0, x'0000000000000000', 40000),
               (1, x'0000000000000000', 6), (7, x'0000000000000000', 300000)`),
    finds: [
      "lookUp extra run=0 key=0000000000000000 index=5",
      "lookUp extra run=0 key=0000000000000000 index=40000",
      "lookUp extra run=1 key=0000000000000000 index=6",
      "lookUp extra run=7 key=0000000000000000 index=300000",
    ],
  },
  "the root hash of a head changed": {
    tamper: (db) => flip(db, "head", "root_hash", "size = 301"),
    finds: ["head signature size=301", "head changed size=301"],
  },
  "the time of a head changed": {
    tamper: (db) => db.exec("UPDATE head SET time = time - 1 WHERE size = 601"),
    finds: ["head signature size=601", "head changed size=601"],
  },
  "the note signature of a head changed": {
    tamper: (db) => flip(db, "head", "note_signature", "size = 1"),
    finds: ["head signature size=1"],
  },
  "the receipt signature of the newest head changed": {
    tamper: (db) => flip(db, "head", "receipt_signature", "size = 700"),
    finds: ["head signature size=700"],
  },
  "the size of a head changed": {
    tamper: (db) => db.exec("UPDATE head SET size = 302 WHERE size = 301"),
    finds: ["head signature size=302", "head changed size=601", "head changed size=302"],
  },
  "the size that a head was built on changed": {
    tamper: (db) => db.exec("UPDATE head SET previous_size = 299 WHERE size = 301"),
    finds: ["head changed size=301"],
  },
  "heads removed": {
    tamper: (db) => db.exec("DELETE FROM head WHERE size IN (0, 301)"),
    finds: ["head missing size=301"],
  },
  "a head of a huge size added": {
    tamper: (db) => {
      const insert = db.prepare("INSERT INTO head VALUES (?, ?, 1700000000000, ?, ?, 700)");
      insert.run(4_000_000_000_000, new Uint8Array(32), new Uint8Array(64), new Uint8Array(64));
    },
    finds: ["head signature size=4000000000000", "checkpoint changed size=4000000000000"],
  },
  "the served checkpoint changed": {
    tamper: (db) => flip(db, "log", "note", "id = 1", 25),
    finds: ["checkpoint signature size=700"],
  },
  "the served checkpoint removed": {
    tamper: (db) => db.exec("UPDATE log SET note = NULL"),
    finds: ["checkpoint signature size=700"],
  },
  "a cosigned checkpoint changed": {
    tamper: (db) => flip(db, "cosigned", "note", "size = 300", 25),
    finds: ["cosigned signature size=300"],
  },
  "cosigned checkpoints put under other sizes": {
    tamper: (db) =>
      db.exec("UPDATE cosigned SET size = 299 WHERE size = 300; UPDATE cosigned SET size = 700 WHERE size = 601"),
    finds: ["cosigned extra size=299", "cosigned changed size=700"],
  },
};

for (const [what, { tamper, finds }] of Object.entries(tamperings)) {
  test(`the audit names exactly what does not hold: ${what}`, async (t) => {
    assert.deepEqual((await auditAfter(t, tamper)).map(named), finds);
  });
}

test("when the newest head is removed, the audit says so and names what is left of its batch", async (t) => {
  const findings = await auditAfter(t, (db) => db.exec("DELETE FROM head WHERE size = 700"));
  assert.match(String(findings[0]?.message), /had 700 entries and now has 601/);
  assert.equal(named(findings[1] as Finding), "checkpoint changed size=601");
  const rest = findings.slice(2);
  assert.ok(rest.every(({ problem, at }) => problem === "extra" && Number(at.index) >= (at.level === 0 ? 2 : 601)));
  assert.equal(rest.filter(({ record }) => record === "entry").length, 99);
  assert.equal(rest.length, 99 + 3 * 99 + 1 + 99);
});

test("any flipped byte of the file is refused, named, or changes nothing that is stored", async (t) => {
  const folder = await makeLog(t);
  const path = join(folder, "log.db");
  const sound = readFileSync(path);
  const readEverything = async (store: LogStore) => ({ head: await store.readHead(), rows: await readAll(store) });
  const untouched = openSqliteStore({ folder, readOnly: true });
  const expected = await readEverything(untouched);
  await untouched.close();

  const outcomes = { refused: 0, named: 0, harmless: 0 };
  const auditDamaged = async () => {
    const store = openSqliteStore({ folder, readOnly: true });
    try {
      const { findings } = await collectAudit(store);
      outcomes[findings.length > 0 ? "named" : "harmless"] += 1;
      if (findings.length === 0) assert.deepEqual(await readEverything(store).catch(String), expected);
    } finally {
      await store.close();
    }
  };
  const flips = fc.noBias(fc.tuple(fc.nat(sound.length - 1), fc.integer({ min: 1, max: 255 })));
  await fc.assert(
    fc.asyncProperty(flips, async ([at, mask]) => {
      const damaged = Buffer.from(sound);
      damaged[at] = (damaged[at] ?? 0) ^ mask;
      writeFileSync(path, damaged);
      try {
        await auditDamaged();
      } catch (error) {
        if (!isAttestryError(error)) throw error;
        // bytes 60 to 63 of SQLite's header are the schema's version (https://sqlite.org/fileformat2.html#user_version_number)
        const codes = at >= 60 && at < 64 ? ["FATAL_CORRUPT", "FATAL_VERSION"] : ["FATAL_CORRUPT"];
        assert.ok(codes.includes(error.code), error.message);
        outcomes.refused += 1;
      }
    }),
    { numRuns: 104, examples: [60, 61, 62, 63].map((at) => [[at, 1]]) },
  );
  assert.ok(outcomes.named > outcomes.harmless, JSON.stringify(outcomes));
});

test("entries on a damaged page are named, and those around them are audited all the same", async (t) => {
  const folder = await makeLog(t);
  const path = join(folder, "log.db");
  const bytes = readFileSync(path);
  const pageStart = Math.floor(bytes.indexOf("entry-400") / 4096) * 4096;
  bytes.fill(0xff, pageStart, pageStart + 4096);
  writeFileSync(path, bytes);
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  const { findings } = await collectAudit(store);
  const unreadable = findings.filter(({ record }) => record === "entry").map(({ at }) => Number(at.index));
  assert.ok(unreadable.includes(400));
  assert.ok(unreadable.length < 250, `${unreadable.length} entries for one page`);
  assert.equal(findings[0]?.record, "storage");
  assert.ok(findings.every(({ record }) => record === "entry" || record === "storage"));
});

test("an audit beside a running notary takes no notice of what is appended meanwhile", async (t) => {
  const folder = temporaryFolder(t);
  const writing = openSqliteStore({ folder, origin });
  const sequencer = await openSequencer(writing);
  const more = sampleEntries(6000, "more");
  await sequencer.submit(more.slice(0, 3000));
  const reading = openSqliteStore({ folder, readOnly: true });
  let from = 3000;
  const { findings, summary } = await collectAudit({
    ...reading,
    scan: async (table, after, limit) => {
      await sequencer.submit(more.slice(from, from + 100));
      from += 100;
      return reading.scan(table, after, limit);
    },
  });
  assert.deepEqual(findings, []);
  assert.equal(summary.head?.size, 3000);
  assert.ok(sequencer.head.size > 3500, "the log grew");
  await reading.close();
  await sequencer.close();
  await writing.close();
});

test("an audit of a log without a head names entries that are there", async (t) => {
  const folder = temporaryFolder(t);
  await openSqliteStore({ folder, origin }).close();
  const db = new DatabaseSync(join(folder, "log.db"));
  db.exec("INSERT INTO entry VALUES (0, x'00')");
  db.close();
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  const { findings, summary } = await collectAudit(store);
  assert.deepEqual(findings.map(named), ["entry extra index=0"]);
  assert.equal(summary.head, undefined);
});

test("an audit tells how far it is", async (t) => {
  const folder = await makeLog(t);
  const store = openSqliteStore({ folder, readOnly: true });
  t.after(() => store.close());
  const told: [number, number][] = [];
  await collectAudit(store, { onProgress: (done, total) => void told.push([done, total]) });
  assert.deepEqual(told, [
    [1, 700],
    [300, 700],
    [301, 700],
    [601, 700],
    [700, 700],
  ]);
});
