import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCustodyEvent, encodeHex, equalBytes, sha256 } from "@attestry/core";
import { refusal } from "../testing.ts";
import { firstPlaintextLength, plaintextLength } from "./format/geometry.ts";
import { newObjectId, type ObjectStore } from "./object-store.ts";
import { access, collect, inPieces, openTestVault, sampleContent, type TestVault } from "./testing/sample-vault.ts";

const other = { who: "court officer", purpose: "hearing 12" } as const;

test("content that was stored is read back, whatever its length", async (t) => {
  const vault = await openTestVault(t);
  const lengths = [0, 1, 65_536, firstPlaintextLength - 1, firstPlaintextLength, firstPlaintextLength + 1];
  for (const length of [...lengths, firstPlaintextLength + plaintextLength, 3_000_000]) {
    const content = sampleContent(length, length);
    const object = await vault.store(content, { subject: `record ${length}` });
    assert.deepEqual([object.size, object.subject, object.state], [length, `record ${length}`, "whole"]);
    assert.deepEqual(object.contentHash, sha256(content));
    const reading = await vault.read(encodeHex(sha256(content)), access);
    assert.ok(equalBytes(await collect(reading.content), content), `${length} bytes`);
  }
});

test("a range is the same bytes, and touches only the segments that it is in", async (t) => {
  const reads: number[] = [];
  const vault = await openTestVault(t);
  const { readSegment } = vault.objects;
  (vault.objects as { readSegment: ObjectStore["readSegment"] }).readSegment = (id, index) => {
    reads.push(index);
    return readSegment(id, index);
  };
  const content = sampleContent(5_000_000);
  const { id } = await vault.store(content);
  const ranges = [
    [0, 1],
    [firstPlaintextLength - 1, firstPlaintextLength + 1],
    [1_500_000, 2_500_000],
    [4_999_999, 5_000_000],
    [5_000_000, 5_000_000],
    [1_200_000, 1_200_000],
  ] as const;
  for (const [start, end] of ranges) {
    reads.length = 0;
    const reading = await vault.read(id, access, { start, end });
    assert.ok(equalBytes(await collect(reading.content), content.subarray(start, end)), `${start} to ${end}`);
    assert.ok(reads.length <= 2, `${start} to ${end} read ${reads.length} segments`);
  }
  for (const range of [
    { start: -1 },
    { start: 5_000_001 },
    { start: 9, end: 8 },
    { start: 0, end: 5_000_001 },
    { start: 0.5 },
  ]) {
    await assert.rejects(vault.read(id, access, range), refusal("MALFORMED_REQUEST"));
  }
});

test("nothing is visible before its statement is in the log, and the statement must be about that content", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(100_000);
  const { id } = await vault.begin({ who: access.who });
  const statement = await vault.statementOf(content);
  await vault.append(id, 0, inPieces(content));
  await assert.rejects(vault.commit(id, statement, access), refusal("CONFLICT_UPLOAD"));
  await vault.complete(id);
  await assert.rejects(vault.read(id, access), refusal("NOT_FOUND"));
  await assert.rejects(vault.read(encodeHex(sha256(content)), access), refusal("NOT_FOUND"));
  await assert.rejects(vault.commit(id, await vault.statementOf(sampleContent(5)), access), refusal("VERIFY_DIGEST"));
  await assert.rejects(vault.commit(newObjectId(), statement, access), refusal("NOT_FOUND"));
  assert.deepEqual((await vault.find({ limit: 10 })).objects, []);
  const object = await vault.commit(id, statement, access);
  assert.deepEqual(await vault.commit(id, statement, access), object);
  await assert.rejects(vault.commit(id, await vault.statementOf(sampleContent(5)), access), refusal("VERIFY_DIGEST"));
  assert.deepEqual(await vault.object(id), object);
  const { statement: entry } = await vault.notary.entry(object.entryIndex);
  assert.deepEqual(entry.digest, sha256(content));
  await assert.rejects(vault.upload(id), refusal("NOT_FOUND"));
});

test("an upload is bound to a statement that is in the log already, by its index", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(1000);
  await vault.notary.register([await vault.statementOf(sampleContent(7)), await vault.statementOf(content)]);
  const { entries } = await vault.notary.find({ digest: sha256(content), limit: 1 });
  const entryIndex = entries[0]?.index ?? -1;
  const { id } = await vault.begin({ who: access.who });
  await vault.append(id, 0, [content], { isLast: true });
  await assert.rejects(vault.commit(id, { entryIndex: entryIndex - 1 }, access), refusal("VERIFY_DIGEST"));
  await assert.rejects(vault.commit(id, { entryIndex: 1000 }, access), refusal("NOT_FOUND"));
  assert.equal((await vault.commit(id, { entryIndex }, access)).entryIndex, entryIndex);
});

async function actionsOf(vault: TestVault, ref: string): Promise<string[]> {
  return (await vault.custodyOf(ref)).map(({ event }) => event.action);
}

test("every act is an event in the log before it is done, and the log tells nothing of who and why", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(10);
  const { id } = await vault.store(content);
  await vault.read(id, access);
  await vault.export(id, other);
  await vault.hold(id, "case 7", other);
  await vault.hold(id, "case 7", other);
  await vault.release(id, "case 7", other);
  await vault.erase(id, "order 99 of the county court", other);
  const records = await vault.custodyOf(encodeHex(sha256(content)));
  const expected = ["stored", "read", "exported", "held", "released", "erased"];
  assert.deepEqual(await actionsOf(vault, id), expected);
  assert.deepEqual(
    records.map(({ event }) => [event.action, event.sequence, event.who, event.purpose]),
    expected.map((action, at) => [
      action,
      at,
      at < 2 ? access.who : other.who,
      at < 2 ? access.purpose : other.purpose,
    ]),
  );
  for (const { bytes, event, entryIndex } of records) {
    assert.deepEqual(encodeCustodyEvent(event), bytes);
    const { statement } = await vault.notary.entry(entryIndex);
    assert.deepEqual([statement.digest, statement.subject], [sha256(bytes), "record 17"]);
    assert.equal(statement.issuer, vault.issuer.name);
    for (const word of [access.who, other.who, access.purpose, "case 7", "order 99"]) {
      assert.ok(!Buffer.from(statement.entry).includes(word), `the log tells of ${word}`);
    }
  }
});

test("what the log refuses to record is not done", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(10);
  const { id } = await vault.store(content);
  const key = vault.notary.issuers.list().find(({ issuer }) => issuer === vault.issuer.name);
  await vault.notary.issuers.revoke(key?.id ?? "", "lost");
  const before = await vault.object(id);
  const acts = [
    () => vault.read(id, access),
    () => vault.export(id, access),
    () => vault.hold(id, "case 7", access),
    () => vault.erase(id, "order 99", access),
    () => vault.store(sampleContent(11)),
  ];
  for (const act of acts) await assert.rejects(act(), refusal("POLICY_ISSUER_REVOKED"));
  assert.deepEqual(await vault.object(id), before);
  assert.deepEqual(await actionsOf(vault, id), ["stored"]);
  assert.deepEqual(await vault.catalogue.listPending(10), []);
});

test("one who reads again is recorded once in 15 minutes for each purpose; an export every time", async (t) => {
  const vault = await openTestVault(t);
  const { id } = await vault.store(sampleContent(10));
  await Promise.all([1, 2, 3].map(() => vault.read(id, access)));
  await vault.read(id, { ...access, purpose: "another" });
  await vault.read(id, other);
  vault.clock.now += 14 * 60_000;
  await vault.read(id, access);
  assert.deepEqual(await actionsOf(vault, id), ["stored", "read", "read", "read"]);
  vault.clock.now += 2 * 60_000;
  await vault.read(id, access);
  await vault.export(id, access);
  await vault.export(id, access);
  assert.deepEqual((await actionsOf(vault, id)).slice(4), ["read", "exported", "exported"]);
});

test("a hold keeps a record from being erased until every order that holds it is released", async (t) => {
  const vault = await openTestVault(t);
  const { id } = await vault.store(sampleContent(10));
  await vault.hold(id, "case 7", access);
  assert.deepEqual((await vault.hold(id, "case 3", access)).holds, ["case 3", "case 7"]);
  await assert.rejects(vault.erase(id, "order 99", access), (error: Error & { data?: object }) => {
    assert.deepEqual(error.data, { holds: ["case 3", "case 7"] });
    return refusal("POLICY_RETAINED")(error);
  });
  await assert.rejects(vault.release(id, "case 8", access), refusal("NOT_FOUND"));
  await vault.release(id, "case 7", access);
  await assert.rejects(vault.erase(id, "order 99", access), refusal("POLICY_RETAINED"));
  await vault.release(id, "case 3", access);
  assert.equal((await vault.erase(id, "order 99", access)).state, "erased");
});

const recordClasses = new Map<string, number | "forever">([
  ["general", 0],
  ["footage", 90 * 86_400],
  ["deed", "forever"],
]);

test("a record is kept as long as its class says, and no class shortens that", async (t) => {
  const vault = await openTestVault(t, { recordClasses });
  const { id } = await vault.store(sampleContent(10), { recordClass: "footage" });
  await assert.rejects(vault.erase(id, "order 99", access), refusal("POLICY_RETAINED"));
  await assert.rejects(vault.reclassify(id, "general", access), refusal("POLICY_RETAINED"));
  await assert.rejects(vault.reclassify(id, "films", access), refusal("MALFORMED_REQUEST"));
  await assert.rejects(vault.begin({ who: "x", recordClass: "films" }), refusal("MALFORMED_REQUEST"));
  vault.clock.now += 89 * 86_400_000;
  await assert.rejects(vault.erase(id, "order 99", access), refusal("POLICY_RETAINED"));
  vault.clock.now += 2 * 86_400_000;
  await vault.erase(id, "order 99", access);
  const deed = await vault.store(sampleContent(11), { recordClass: "footage" });
  assert.equal((await vault.reclassify(deed.id, "deed", access)).recordClass, "deed");
  vault.clock.now += 300 * 365 * 86_400_000;
  await assert.rejects(vault.erase(deed.id, "order 99", access), refusal("POLICY_RETAINED"));
});

test("erasing destroys key and content; the thumbprint and its custody stay", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(3_000_000);
  const { id, entryIndex } = await vault.store(content);
  const { content: open } = await vault.read(id, access);
  await vault.erase(id, "order 99", access);
  const erased = await vault.erase(id, "order 99", access);
  assert.deepEqual([erased.state, erased.erasedAt], ["erased", Math.floor(vault.clock.now / 1000)]);
  assert.equal(await vault.objects.stat(id), undefined);
  assert.equal((await vault.catalogue.readObject(id))?.wrappedKey.length, 0);
  await assert.rejects(collect(open), refusal("POLICY_ERASED"));
  for (const act of [
    () => vault.read(id, access),
    () => vault.export(id, access),
    () => vault.hold(id, "case 7", access),
    () => vault.reclassify(id, "general", access),
  ]) {
    await assert.rejects(act(), refusal("POLICY_ERASED"));
  }
  assert.deepEqual((await vault.notary.entry(entryIndex)).statement.digest, sha256(content));
  const last = (await vault.custodyOf(id)).at(-1)?.event;
  assert.deepEqual(last?.action === "erased" && [last.order, last.contentHash], ["order 99", sha256(content)]);
  assert.deepEqual(await vault.check(), []);
});

test("of several objects with one content the latest is read, and none is changed unless it is named", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(10);
  const first = await vault.store(content, { subject: "record 1" });
  const second = await vault.store(content, { subject: "record 2" });
  const hash = encodeHex(sha256(content));
  assert.equal((await vault.read(hash, access)).object.id, second.id);
  await assert.rejects(vault.erase(hash, "order 99", access), (error: Error & { data?: object }) => {
    assert.deepEqual(error.data, { ids: [second.id, first.id] });
    return refusal("CONFLICT_EXISTS")(error);
  });
  await vault.erase(second.id, "order 99", access);
  assert.equal((await vault.read(hash, access)).object.id, first.id);
  await vault.erase(hash, "order 99", access);
  assert.equal((await vault.object(first.id)).state, "erased");
  assert.equal((await vault.custodyOf(hash)).length, 6);
});

test("objects are found a page at a time", async (t) => {
  const vault = await openTestVault(t);
  for (let i = 0; i < 5; i++) await vault.store(sampleContent(10, i), { subject: `record ${i % 2}` });
  const first = await vault.find({ subject: "record 0", limit: 2 });
  assert.equal(first.objects.length, 2);
  const second = await vault.find({ subject: "record 0", limit: 2, below: first.next });
  assert.deepEqual([second.objects.length, second.next], [1, undefined]);
  assert.ok(!("wrappedKey" in (first.objects[0] ?? {})));
});

test("many acts at once on one object are recorded one after the other", async (t) => {
  const vault = await openTestVault(t);
  const { id } = await vault.store(sampleContent(10));
  const orders = Array.from({ length: 20 }, (_, i) => `case ${String(i).padStart(2, "0")}`);
  await Promise.all(orders.map((order) => vault.hold(id, order, access)));
  const object = await vault.object(id);
  assert.deepEqual([object.holds, object.events], [orders, 21]);
  assert.deepEqual(
    (await vault.custodyOf(id)).map(({ event }) => event.sequence),
    Array.from({ length: 21 }, (_, i) => i),
  );
});
