/** What every `Catalogue` driver must do. A driver's test file calls `testCatalogue` once. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { newObjectId } from "../object-store.ts";
import type { Catalogue, ObjectFacts, UploadRow } from "./catalogue.ts";

/** Where a test's catalogue is kept: `open` opens the same one each time. */
export interface CataloguePlace {
  /** Whether several processes may write to it at once. */
  readonly isShared: boolean;
  open(): Promise<Catalogue>;
}

type TestContext = { after(clean: () => void | Promise<void>): void };

const bytes = (length: number): Uint8Array => new Uint8Array(randomBytes(length));

export function sampleUpload(changes: Partial<UploadRow> = {}): UploadRow {
  const id = changes.id ?? newObjectId();
  return {
    id,
    place: id,
    header: bytes(40),
    wrappedKey: bytes(72),
    wrapperId: "wrapper-1",
    recordClass: "deed",
    contentType: undefined,
    declaredSize: undefined,
    metadata: "",
    who: "clerk",
    createdAt: 1_700_000_000_000,
    touchedAt: 1_700_000_000_000,
    tail: undefined,
    content: undefined,
    ...changes,
  };
}

export function sampleFacts(id: string, changes: Partial<ObjectFacts> = {}): ObjectFacts {
  return {
    id,
    state: "whole",
    contentHash: bytes(32),
    size: 5_000_000_000,
    segments: 4769,
    recordClass: "deed",
    contentType: "application/pdf",
    subject: "record 17",
    entryIndex: 3,
    storedIndex: 4,
    storedAt: 1_700_000_000,
    retainUntil: 8_640_000_000_000,
    holds: [],
    erasedAt: undefined,
    events: 1,
    ...changes,
  };
}

/** Brings an object into being as the vault does: an upload, its first event, the event settled. */
export async function addObject(catalogue: Catalogue, changes: Partial<ObjectFacts> = {}): Promise<ObjectFacts> {
  const upload = sampleUpload();
  const facts = sampleFacts(upload.id, changes);
  await catalogue.addUpload(upload);
  await catalogue.addEvent({ objectId: facts.id, sequence: 0, event: bytes(200), statement: bytes(300) });
  await catalogue.settleEvent(facts.id, 0, facts.storedIndex, facts);
  return facts;
}

async function factsOf(catalogue: Catalogue, id: string): Promise<ObjectFacts | undefined> {
  const object = await catalogue.readObject(id);
  if (object === undefined) return undefined;
  const { header, wrappedKey, wrapperId, place, ...facts } = object;
  return facts;
}

export function testCatalogue(driver: string, createPlace: (t: TestContext) => Promise<CataloguePlace>): void {
  const name = (behaviour: string) => `${driver}: ${behaviour}`;

  async function openNew(t: TestContext): Promise<Catalogue> {
    const catalogue = await (await createPlace(t)).open();
    t.after(() => catalogue.close());
    return catalogue;
  }

  test(name("an upload is read back as it was added, once"), async (t) => {
    const catalogue = await openNew(t);
    const plain = sampleUpload();
    const full = sampleUpload({
      contentType: "video/mp4",
      declaredSize: 10_000_000_000,
      metadata: `{"name":"Número ✓"}`,
      tail: { index: 7, ciphertext: bytes(1 << 20) },
      content: { hash: bytes(32), size: 10_000_000_000, segments: 9538 },
    });
    for (const upload of [plain, full]) {
      await catalogue.addUpload(upload);
      assert.deepEqual(await catalogue.readUpload(upload.id), upload);
      await assert.rejects(catalogue.addUpload(upload), { code: "CONFLICT_EXISTS" });
    }
    const ids = [plain.id, full.id].sort();
    assert.deepEqual(
      (await catalogue.listUploads(undefined, 10)).map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      (await catalogue.listUploads(ids[0], 1)).map(({ id }) => id),
      [ids[1]],
    );
    await catalogue.removeUpload(plain.id);
    await catalogue.removeUpload(plain.id);
    assert.equal(await catalogue.readUpload(plain.id), undefined);
  });

  test(name("an upload has one writer until it lets go or its time is over"), async (t) => {
    const catalogue = await openNew(t);
    const { id } = sampleUpload();
    await assert.rejects(catalogue.lockUpload(id, { holder: "a", now: 1000, until: 2000 }), { code: "NOT_FOUND" });
    await catalogue.addUpload(sampleUpload({ id }));
    const rivals = ["a", "b", "c"].map((holder) => catalogue.lockUpload(id, { holder, now: 1000, until: 2000 }));
    const outcomes = await Promise.allSettled(rivals);
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    const winner = ["a", "b", "c"][outcomes.findIndex(({ status }) => status === "fulfilled")] ?? "";
    assert.equal((await catalogue.lockUpload(id, { holder: winner, now: 1500, until: 2500 })).touchedAt, 1500);
    await assert.rejects(catalogue.lockUpload(id, { holder: "z", now: 2500, until: 9000 }), {
      code: "CONFLICT_LOCKED",
    });
    const tail = { index: 0, ciphertext: bytes(100) };
    await catalogue.saveTail(id, winner, tail);
    assert.deepEqual((await catalogue.lockUpload(id, { holder: "z", now: 2501, until: 9000 })).tail, tail);
    await assert.rejects(catalogue.saveTail(id, winner, undefined), { code: "CONFLICT_LOCKED" });
    await catalogue.unlockUpload(id, winner, true);
    await assert.rejects(catalogue.lockUpload(id, { holder: "y", now: 2600, until: 9000 }), {
      code: "CONFLICT_LOCKED",
    });
    await catalogue.unlockUpload(id, "z", true);
    await catalogue.lockUpload(id, { holder: "y", now: 2600, until: 9000 });
    const content = { hash: bytes(32), size: 100, segments: 1 };
    await assert.rejects(catalogue.saveContent(id, "z", content), { code: "CONFLICT_LOCKED" });
    await catalogue.saveContent(id, "y", content);
    const complete = await catalogue.readUpload(id);
    assert.deepEqual([complete?.content, complete?.tail], [content, undefined]);
  });

  test(name("whoever takes a lock that was not let go of as settled is told who left it"), async (t) => {
    const catalogue = await openNew(t);
    const { id } = sampleUpload();
    await catalogue.addUpload(sampleUpload({ id }));
    const lock = async (holder: string, now: number): Promise<string | undefined> =>
      (await catalogue.lockUpload(id, { holder, now, until: now + 100 })).leftBy;
    assert.equal(await lock("a", 1000), undefined);
    assert.equal(await lock("a", 1001), "a");
    assert.equal(await lock("b", 2000), "a", "its time was over");
    await catalogue.unlockUpload(id, "a", true);
    await catalogue.unlockUpload(id, "b", false);
    assert.equal(await lock("c", 2001), "b");
    await catalogue.unlockUpload(id, "c", true);
    assert.equal(await lock("d", 2002), undefined);
  });

  test(name("an upload's content can be at another place, and the object's is there too"), async (t) => {
    const catalogue = await openNew(t);
    const { id } = sampleUpload();
    const [copy, other] = [newObjectId(), newObjectId()];
    await catalogue.addUpload(sampleUpload({ id }));
    const uses = async (): Promise<boolean[]> => [await catalogue.usesPlace(id), await catalogue.usesPlace(copy)];
    assert.deepEqual(await uses(), [true, false]);
    await catalogue.lockUpload(id, { holder: copy, now: 1000, until: 2000 });
    assert.deepEqual(await uses(), [true, true], "its writer may be copying to it");
    const place = { place: copy, header: bytes(40), tail: { index: 3, ciphertext: bytes(100) } };
    await assert.rejects(catalogue.savePlace(id, other, place), { code: "CONFLICT_LOCKED" });
    await catalogue.savePlace(id, copy, place);
    await catalogue.unlockUpload(id, copy, true);
    assert.deepEqual(await uses(), [false, true]);
    const { place: found, header, tail } = (await catalogue.readUpload(id)) ?? assert.fail();
    assert.deepEqual({ place: found, header, tail }, place);
    const facts = sampleFacts(id, { storedIndex: 9 });
    await catalogue.addEvent({ objectId: id, sequence: 0, event: bytes(90), statement: bytes(300) });
    await catalogue.settleEvent(id, 0, 9, facts);
    assert.deepEqual(await uses(), [false, true]);
    assert.equal((await catalogue.readObject(id))?.place, copy);
    await catalogue.addEvent({ objectId: id, sequence: 1, event: bytes(90), statement: bytes(300) });
    await catalogue.settleEvent(id, 1, 10, { ...facts, state: "erased", erasedAt: 1_700_000_001, events: 2 });
    assert.deepEqual(await uses(), [false, false]);
    assert.equal((await catalogue.readObject(id))?.place, copy, "what is left there is still to be removed");
  });

  test(name("an event that is settled makes the upload the object, under the upload's key"), async (t) => {
    const catalogue = await openNew(t);
    const upload = sampleUpload();
    await catalogue.addUpload(upload);
    const event = { objectId: upload.id, sequence: 0, event: bytes(90), statement: bytes(300) };
    await catalogue.addEvent(event);
    await assert.rejects(catalogue.addEvent({ ...event, event: bytes(91) }), { code: "CONFLICT_EXISTS" });
    assert.deepEqual(await catalogue.listPending(10), [{ ...event, entryIndex: undefined }]);
    assert.equal(await catalogue.readObject(upload.id), undefined);
    const facts = sampleFacts(upload.id, { storedIndex: 9 });
    for (let again = 0; again < 2; again++) {
      await catalogue.settleEvent(upload.id, 0, 9, facts);
      const { header, wrappedKey, wrapperId, place } = upload;
      assert.deepEqual(await catalogue.readObject(upload.id), { ...facts, header, wrappedKey, wrapperId, place });
      assert.equal(await catalogue.readUpload(upload.id), undefined);
      assert.deepEqual(await catalogue.listPending(10), []);
      const settled = { ...event, statement: new Uint8Array(), entryIndex: 9 };
      assert.deepEqual(await catalogue.readEvents(upload.id), [settled]);
    }
  });

  test(name("an event that is settled by two at once makes one object"), async (t) => {
    const place = await createPlace(t);
    const one = await place.open();
    t.after(() => one.close());
    const two = place.isShared ? await place.open() : one;
    if (two !== one) t.after(() => two.close());
    for (let round = 0; round < 10; round++) {
      const upload = sampleUpload();
      const facts = sampleFacts(upload.id, { storedIndex: round });
      await one.addUpload(upload);
      await one.addEvent({ objectId: upload.id, sequence: 0, event: bytes(50), statement: bytes(50) });
      await Promise.all([one, two].map((catalogue) => catalogue.settleEvent(upload.id, 0, round, facts)));
      assert.deepEqual(await factsOf(two, upload.id), facts);
    }
  });

  test(name("events follow each other; a stale one changes nothing"), async (t) => {
    const catalogue = await openNew(t);
    const stored = await addObject(catalogue, { storedIndex: 10 });
    const held = { ...stored, holds: ["case 4", "case 9"], events: 2 };
    await catalogue.addEvent({ objectId: stored.id, sequence: 1, event: bytes(50), statement: bytes(50) });
    await catalogue.settleEvent(stored.id, 1, 12, held);
    assert.deepEqual(await factsOf(catalogue, stored.id), held);
    await catalogue.addEvent({ objectId: stored.id, sequence: 2, event: bytes(50), statement: bytes(50) });
    await catalogue.settleEvent(stored.id, 2, 15, { ...held, holds: ["case 9"], events: 3 });
    await catalogue.settleEvent(stored.id, 1, 12, held);
    await catalogue.settleEvent(stored.id, 0, 10, stored);
    assert.deepEqual(await factsOf(catalogue, stored.id), { ...held, holds: ["case 9"], events: 3 });
    const rows = await catalogue.readEvents(stored.id);
    assert.deepEqual(
      rows.map(({ sequence, entryIndex }) => [sequence, entryIndex]),
      [
        [0, 10],
        [1, 12],
        [2, 15],
      ],
    );
  });

  test(name("an event that the log refused is taken back; one that is settled is not"), async (t) => {
    const catalogue = await openNew(t);
    const { id } = await addObject(catalogue);
    await catalogue.addEvent({ objectId: id, sequence: 1, event: bytes(50), statement: bytes(50) });
    await catalogue.withdrawEvent(id, 1);
    await catalogue.withdrawEvent(id, 0);
    assert.deepEqual(
      (await catalogue.readEvents(id)).map(({ sequence }) => sequence),
      [0],
    );
    await catalogue.addEvent({ objectId: id, sequence: 1, event: bytes(50), statement: bytes(50) });
  });

  test(name("erasing overwrites the wrapped key and keeps the rest"), async (t) => {
    const catalogue = await openNew(t);
    const stored = await addObject(catalogue);
    const erased = { ...stored, state: "erased" as const, erasedAt: 1_800_000_000, events: 2 };
    await catalogue.addEvent({ objectId: stored.id, sequence: 1, event: bytes(50), statement: bytes(50) });
    await catalogue.settleEvent(stored.id, 1, 20, erased);
    const object = await catalogue.readObject(stored.id);
    assert.equal(object?.wrappedKey.length, 0);
    assert.deepEqual(await factsOf(catalogue, stored.id), erased);
    assert.deepEqual(await catalogue.listKeys("wrapper-2", undefined, 10), []);
    assert.equal(await catalogue.countKeys("wrapper-2"), 0);
  });

  test(name("objects are found by hash, subject, class and state, the latest first, a page at a time"), async (t) => {
    const catalogue = await openNew(t);
    const hash = bytes(32);
    const all: ObjectFacts[] = [];
    for (let i = 0; i < 12; i++) {
      const subject = i % 3 === 0 ? "record A" : "record a";
      const contentHash = i % 2 === 0 ? hash : bytes(32);
      all.push(
        await addObject(catalogue, { storedIndex: 100 + i, subject, contentHash, recordClass: `class ${i % 4}` }),
      );
    }
    const indexes = async (query: object): Promise<number[]> =>
      (await catalogue.findObjects({ limit: 50, ...query })).map(({ storedIndex }) => storedIndex - 100);
    assert.deepEqual(await indexes({}), [11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert.deepEqual(await indexes({ contentHash: hash }), [10, 8, 6, 4, 2, 0]);
    assert.deepEqual(await indexes({ subject: "record A" }), [9, 6, 3, 0]);
    assert.deepEqual(await indexes({ subject: "record A", contentHash: hash, recordClass: "class 2" }), [6]);
    assert.deepEqual(await indexes({ subject: "record A " }), [], "a space more is another subject");
    assert.deepEqual(await indexes({ state: "erased" }), []);
    assert.deepEqual(await indexes({ limit: 3, below: 109 }), [8, 7, 6]);
    const ids = all.map(({ id }) => id).sort();
    const listed = await catalogue.listObjects(ids[3], 4);
    assert.deepEqual(
      listed.map(({ id }) => id),
      ids.slice(4, 8),
    );
    assert.deepEqual(await catalogue.listIds(ids[3], 4), ids.slice(4, 8));
    assert.deepEqual(await catalogue.listIds(ids[11], 4), []);
    const { id } = sampleUpload();
    await catalogue.addEvent({ objectId: id, sequence: 0, event: bytes(50), statement: bytes(50) });
    await catalogue.addEvent({ objectId: id, sequence: 1, event: bytes(50), statement: bytes(50) });
    assert.deepEqual(await catalogue.listIds(undefined, 50), [...ids, id].sort());
  });

  test(name("settled events are scanned in the order of the log, across objects"), async (t) => {
    const catalogue = await openNew(t);
    const [one, two] = [await addObject(catalogue, { storedIndex: 2 }), await addObject(catalogue, { storedIndex: 5 })];
    await catalogue.addEvent({ objectId: one.id, sequence: 1, event: bytes(50), statement: bytes(50) });
    await catalogue.settleEvent(one.id, 1, 7_000_000_000, { ...one, events: 2 });
    await catalogue.addEvent({ objectId: two.id, sequence: 1, event: bytes(50), statement: bytes(50) });
    const places = (rows: { objectId: string; entryIndex: number }[]) =>
      rows.map((row) => [row.objectId, row.entryIndex]);
    const all = [
      [one.id, 2],
      [two.id, 5],
      [one.id, 7_000_000_000],
    ];
    assert.deepEqual(places(await catalogue.scanEvents(-1, 10)), all);
    assert.deepEqual(places(await catalogue.scanEvents(2, 1)), all.slice(1, 2));
    assert.deepEqual(
      (await catalogue.listPending(10)).map(({ objectId }) => objectId),
      [two.id],
    );
  });

  test(name("keys under other key-encryption keys are listed and replaced, each once"), async (t) => {
    const catalogue = await openNew(t);
    const stored = await addObject(catalogue);
    const upload = sampleUpload();
    const current = sampleUpload({ wrapperId: "wrapper-2" });
    await catalogue.addUpload(upload);
    await catalogue.addUpload(current);
    assert.equal(await catalogue.countKeys("wrapper-2"), 2);
    assert.deepEqual(await catalogue.listWrappers(), ["wrapper-1", "wrapper-2"]);
    const listed = await catalogue.listKeys("wrapper-2", undefined, 10);
    const ids = [stored.id, upload.id].sort();
    assert.deepEqual(
      listed.map(({ id }) => id),
      ids,
    );
    assert.deepEqual(
      (await catalogue.listKeys("wrapper-2", ids[0], 10)).map(({ id }) => id),
      [ids[1]],
    );
    for (const before of listed) {
      const wrapped = bytes(72);
      const rivals = [wrapped, wrapped].map((key) => catalogue.replaceKey(before, key, "wrapper-2"));
      assert.deepEqual((await Promise.all(rivals)).sort(), [false, true]);
      const after = (await catalogue.readObject(before.id)) ?? (await catalogue.readUpload(before.id));
      assert.deepEqual([after?.wrappedKey, after?.wrapperId], [wrapped, "wrapper-2"]);
    }
    assert.equal(await catalogue.countKeys("wrapper-2"), 0);
    assert.deepEqual(await catalogue.listWrappers(), ["wrapper-2"]);
  });

  test(name("everything is there after closing and opening, and nothing is wrong with it"), async (t) => {
    const place = await createPlace(t);
    const first = await place.open();
    const facts = await addObject(first);
    const upload = sampleUpload();
    await first.addUpload(upload);
    await first.close();
    await assert.rejects(first.readObject(facts.id));
    const second = await place.open();
    t.after(() => second.close());
    assert.deepEqual(await factsOf(second, facts.id), facts);
    assert.deepEqual(await second.readUpload(upload.id), upload);
    assert.deepEqual(await second.check(), []);
  });
}
