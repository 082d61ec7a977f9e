import assert from "node:assert/strict";
import { test } from "node:test";
import { AttestryError, encodeHex, equalBytes, sha256 } from "@attestry/core";
import fc from "fast-check";
import { refusal } from "../testing.ts";
import { firstPlaintextLength, plaintextLength } from "./format/geometry.ts";
import { newObjectId, type ObjectStore } from "./object-store.ts";
import {
  access,
  collect,
  finishUpload,
  inPieces,
  localPlace,
  openTestVault,
  sampleContent,
  type TestVault,
  temporaryFolder,
} from "./testing/sample-vault.ts";

/** Content that breaks off like a dropped line. */
async function* brokenOff(content: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* inPieces(content);
  throw new Error("the line was dropped");
}

function replace(objects: ObjectStore, changes: Partial<ObjectStore>): void {
  Object.assign(objects, changes);
}

type Wait = PromiseWithResolvers<void>;

async function readBack(vault: TestVault, id: string, content: Uint8Array): Promise<void> {
  const object = await vault.commit(id, await vault.statementOf(content), access);
  assert.deepEqual(object.contentHash, sha256(content));
  assert.ok(equalBytes(await collect((await vault.read(id, access)).content), content));
}

/** No index of an object is ever sealed as two different segments: that would use its nonce twice. */
function watchSeals({ objects }: TestVault, sealed: Map<string, string> = new Map()): Map<string, string> {
  const { writeSegment } = objects;
  replace(objects, {
    writeSegment(id, index, segment) {
      const hash = encodeHex(sha256(segment));
      assert.equal(sealed.get(`${id} ${index}`) ?? hash, hash, `segment ${index} was sealed twice`);
      sealed.set(`${id} ${index}`, hash);
      return writeSegment(id, index, segment);
    },
  });
  return sealed;
}

test("an upload that is cut anywhere, however often, and goes on after restarts, is the same content", async (t) => {
  let vault = await openTestVault(t);
  const sealed = watchSeals(vault);
  const cut = fc.record({
    at: fc.integer({ min: 0, max: 4_000_000 }),
    after: fc.constantFrom("go on", "restart", "drop"),
  });
  const edges = [firstPlaintextLength, firstPlaintextLength + plaintextLength, 3_000_000];
  const size = fc.oneof(fc.constantFrom(...edges), fc.integer({ min: 0, max: 3_500_000 }));
  await fc.assert(
    fc.asyncProperty(size, fc.array(cut, { maxLength: 4 }), fc.boolean(), async (length, cuts, isDeclared) => {
      const content = sampleContent(length, length);
      const { id } = await vault.begin({ who: "clerk", size: isDeclared ? length : undefined });
      for (const { at, after } of cuts) {
        const { offset, content: whole } = await vault.upload(id);
        if (whole !== undefined) break;
        const part = content.subarray(offset, Math.max(offset, at));
        if (after === "drop") await vault.append(id, offset, brokenOff(part)).catch(() => {});
        else await vault.append(id, offset, inPieces(part));
        if (after !== "restart") continue;
        vault = await vault.reopen();
        watchSeals(vault, sealed);
      }
      if ((await vault.upload(id)).content === undefined) await finishUpload(vault, id, content);
      const { content: whole } = await vault.upload(id);
      assert.deepEqual([whole?.hash, whole?.size], [sha256(content), length]);
      await readBack(vault, id, content);
    }),
    { numRuns: 12 },
  );
});

test("what came before the line was dropped is kept, to the byte", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(2_500_000);
  const { id } = await vault.begin({
    who: "clerk",
    size: content.length,
    metadata: "name film.mp4",
    contentType: "video/mp4",
  });
  await assert.rejects(vault.append(id, 0, brokenOff(content.subarray(0, 1_234_567))), /dropped/);
  assert.equal((await vault.upload(id)).offset, 1_234_567);
  const again = await vault.reopen();
  const upload = await again.upload(id);
  assert.deepEqual(
    [upload.offset, upload.size, upload.metadata, upload.contentType, upload.who],
    [1_234_567, 2_500_000, "name film.mp4", "video/mp4", "clerk"],
  );
  const complete = await again.append(id, upload.offset, inPieces(content.subarray(upload.offset)));
  assert.deepEqual(complete.content?.hash, sha256(content));
  await readBack(again, id, content);
});

test("an upload goes on where it stands and nowhere else, and no further than was declared", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(2000);
  const { id } = await vault.begin({ who: "clerk", size: 1500 });
  await vault.append(id, 0, [content.subarray(0, 1000)]);
  for (const offset of [0, 999, 1001, 5000]) {
    await assert.rejects(vault.append(id, offset, [content]), (error: Error & { data?: object }) => {
      assert.deepEqual(error.data, { offset: 1000 });
      return refusal("CONFLICT_UPLOAD")(error);
    });
  }
  await assert.rejects(vault.complete(id), refusal("CONFLICT_UPLOAD"));
  await assert.rejects(vault.append(id, 1000, [content.subarray(1000)]), refusal("POLICY_TOO_LARGE"));
  assert.equal((await vault.upload(id)).offset, 1000);
  await vault.append(id, 1000, [content.subarray(1000, 1500)]);
  await assert.rejects(vault.append(id, 1500, [content.subarray(1500)]), refusal("CONFLICT_UPLOAD"));
  assert.deepEqual((await vault.complete(id)).content, (await vault.complete(id)).content);
  await readBack(vault, id, content.subarray(0, 1500));
  for (const missing of [
    () => vault.append(newObjectId(), 0, []),
    () => vault.upload(newObjectId()),
    () => vault.complete(id),
  ]) {
    await assert.rejects(missing(), refusal("NOT_FOUND"));
  }
});

test("an upload has one writer; a silent one loses it after a minute, and what it still sends changes nothing", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(2_400_000);
  const { id } = await vault.begin({ who: "clerk" });
  const [silence, isSilent, stored] = [1, 2, 3].map(() => Promise.withResolvers<void>()) as [Wait, Wait, Wait];
  const { writeSegment } = vault.objects;
  replace(vault.objects, { writeSegment: (...args) => writeSegment(...args).finally(stored.resolve) });
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield content.subarray(0, 1_200_000);
    await stored.promise;
    isSilent.resolve();
    await silence.promise;
    yield sampleContent(1_500_000, 99);
  }
  const first = vault.append(id, 0, slow());
  first.catch(() => {});
  await isSilent.promise;
  await assert.rejects(vault.append(id, 0, [content]), refusal("CONFLICT_LOCKED"));
  await assert.rejects(vault.upload(id), refusal("CONFLICT_LOCKED"));
  vault.clock.now += 61_000;
  const { offset } = await vault.upload(id);
  assert.equal(offset, firstPlaintextLength); // what the first one had only in memory is gone
  const rest = vault.append(id, offset, inPieces(content.subarray(offset)), { isLast: true });
  silence.resolve();
  await assert.rejects(first, refusal("CONFLICT_LOCKED"));
  await rest;
  await readBack(vault, id, content);
});

for (const { length, last, where } of [
  { length: 10_000_000, last: 7, where: "with more to seal" },
  { length: 1_500_000, last: 0, where: "with nothing more to seal" },
])
  test(`a writer that hung in the storage past its time, ${where}, stores nothing once another has taken over`, async (t) => {
    const folder = temporaryFolder(t);
    const objects = { ...(await localPlace(folder).openObjects()), writesAtOnce: 8 };
    const vault = await openTestVault(t, { folder, objects });
    const sealed = watchSeals(vault);
    const content = sampleContent(length);
    const { id } = await vault.begin({ who: "clerk" });
    const { writeSegment } = vault.objects;
    const [hang, hangs] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    replace(vault.objects, {
      async writeSegment(of, index, segment) {
        const copy = segment.slice();
        if (index === last) hangs.resolve();
        await hang.promise;
        return writeSegment(of, index, copy);
      },
    });
    const first = vault.append(id, 0, [content], { isLast: true });
    first.catch(() => {});
    await hangs.promise;
    vault.clock.now += 61_000;
    const { lockUpload } = vault.catalogue;
    Object.assign(vault.catalogue, {
      lockUpload: async (...args: Parameters<typeof lockUpload>) => {
        const row = await lockUpload(...args);
        setImmediate(hang.resolve); // by then it has taken over, and waits for what is on its way
        return row;
      },
    });
    const second = vault.upload(id);
    await assert.rejects(first, refusal("CONFLICT_LOCKED"));
    const { offset } = await second;
    assert.equal(offset, firstPlaintextLength + last * plaintextLength);
    await vault.append(id, offset, inPieces(content.subarray(offset)), { isLast: true });
    await readBack(vault, id, content);
    const whole = Math.ceil(length / plaintextLength);
    assert.equal(sealed.size, last + 1 + whole, "what the first one stored was copied: it may have sealed more");
  });

test("where a segment arrived although the one before it did not, other content may come than was sent before", async (t) => {
  const vault = await openTestVault(t);
  watchSeals(vault);
  const content = sampleContent(5_000_000);
  const { writeSegment } = vault.objects;
  for (const isSame of [true, false]) {
    const { id } = await vault.begin({ who: "clerk" });
    const arrived = Promise.withResolvers<void>();
    replace(vault.objects, {
      async writeSegment(of, index, segment) {
        if (index === 1) {
          await arrived.promise;
          throw new AttestryError("UNAVAILABLE_STORAGE", "injected");
        }
        await writeSegment(of, index, segment);
        if (index === 2) arrived.resolve();
      },
    });
    await assert.rejects(vault.append(id, 0, inPieces(content)), refusal("UNAVAILABLE_STORAGE"));
    replace(vault.objects, { writeSegment });
    assert.ok((await vault.objects.readSegment(id, 2)) !== undefined, "segment 2 arrived");
    const { offset } = await vault.upload(id);
    assert.equal(offset, firstPlaintextLength);
    const other = Uint8Array.from(content);
    if (!isSame) other[3_000_000] = (other[3_000_000] ?? 0) ^ 1;
    const rest = vault.append(id, offset, inPieces(other.subarray(offset)), { isLast: true });
    await rest;
    await readBack(vault, id, other);
    assert.equal(await vault.objects.stat(id), undefined, "nothing is left where it was begun");
  }
});

test("a full disk keeps nothing half done: the upload goes on when there is room again", async (t) => {
  const vault = await openTestVault(t);
  const content = sampleContent(4_000_000);
  const { id } = await vault.begin({ who: "clerk", size: content.length });
  const { writeSegment, seal } = vault.objects;
  const full = async (): Promise<void> => {
    throw new AttestryError("UNAVAILABLE_STORAGE", "injected");
  };
  replace(vault.objects, {
    writeSegment: (of, index, segment) => (index < 2 ? writeSegment(of, index, segment) : full()),
  });
  await assert.rejects(vault.append(id, 0, inPieces(content)), refusal("UNAVAILABLE_STORAGE"));
  replace(vault.objects, { writeSegment, seal: full });
  const { offset } = await vault.upload(id);
  assert.equal(offset, firstPlaintextLength + plaintextLength);
  await assert.rejects(vault.append(id, offset, inPieces(content.subarray(offset))), refusal("UNAVAILABLE_STORAGE"));
  replace(vault.objects, { seal });
  assert.equal((await vault.upload(id)).offset, content.length);
  await vault.append(id, content.length, []);
  await readBack(vault, id, content);
});

test("what nobody goes on with is swept after its time, with all that was stored of it; what is complete waits as long", async (t) => {
  const vault = await openTestVault(t, { uploadLife: 86_400_000 });
  const content = sampleContent(2_000_000);
  const { id: old } = await vault.begin({ who: "clerk" });
  await vault.append(old, 0, [content], { isLast: true });
  vault.clock.now += 86_000_000;
  const { id: young } = await vault.begin({ who: "clerk" });
  await vault.append(young, 0, [content]);
  const orphan = newObjectId();
  await vault.objects.writeSegment(orphan, 0, sampleContent(100));
  const { id: kept } = await vault.store(content);
  assert.deepEqual(await vault.sweep(), { uploads: 0, orphans: 1 });
  vault.clock.now += 1_000_000;
  assert.deepEqual(await vault.sweep(), { uploads: 1, orphans: 0 });
  assert.deepEqual(await vault.objects.list(undefined, 10), [young, kept].sort());
  await assert.rejects(vault.upload(old), refusal("NOT_FOUND"));
  await vault.cancel(young);
  await vault.cancel(young);
  assert.deepEqual(await vault.objects.list(undefined, 10), [kept]);
  await assert.rejects(vault.append(young, 0, [content]), refusal("NOT_FOUND"));
});

test("storing reads nothing back where the upload was begun in this process; elsewhere it looks for what a crash left", async (t) => {
  let vault = await openTestVault(t);
  const content = sampleContent(3_500_000);
  const ids = [await vault.begin({ who: "clerk" }), await vault.begin({ who: "clerk" })].map(({ id }) => id);
  for (const [round, id] of ids.entries()) {
    let reads = 0;
    const { readSegment } = vault.objects;
    replace(vault.objects, {
      readSegment(...args) {
        reads += 1;
        return readSegment(...args);
      },
    });
    await vault.append(id, 0, inPieces(content), { isLast: true });
    assert.equal(reads > 0, round === 1);
    await readBack(vault, id, content);
    vault = await vault.reopen();
  }
});

test("many uploads at once have no more segments on their way to the storage than one may have, and all end", async (t) => {
  const folder = temporaryFolder(t);
  const objects = { ...(await localPlace(folder).openObjects()), writesAtOnce: 3 };
  const vault = await openTestVault(t, { folder, objects });
  const { writeSegment } = vault.objects;
  let [running, most, failing] = [0, 0, 4];
  replace(vault.objects, {
    async writeSegment(...args) {
      most = Math.max(most, ++running);
      await writeSegment(...args).finally(() => void running--);
      if (failing-- > 0) throw new AttestryError("UNAVAILABLE_STORAGE", "injected");
    },
  });
  const contents = Array.from({ length: 5 }, (_, seed) => sampleContent(3_500_000, seed));
  const store = async (content: Uint8Array): Promise<void> => {
    const { id } = await vault.begin({ who: "clerk", size: content.length });
    for (let isComplete = false; !isComplete; ) {
      const { offset } = await vault.upload(id);
      const appended = vault.append(id, offset, inPieces(content.subarray(offset)));
      isComplete = await appended.then(
        () => true,
        (error: unknown) => !refusal("UNAVAILABLE_STORAGE")(error),
      );
    }
    await readBack(vault, id, content);
  };
  await Promise.all(contents.map(store));
  assert.equal(most, 3);
});

test("memory stays flat however long the content is", async (t) => {
  const vault = await openTestVault(t);
  let written = 0;
  replace(vault.objects, {
    writeSegment: async (_id, _index, segment) => {
      written += segment.length;
    },
    stat: async () => ({ sealed: undefined, written: 0 }),
    readSegment: async () => undefined,
    seal: async () => {},
  });
  const block = sampleContent(1_000_003);
  const mebibytes = 400;
  let peak = 0;
  let before = 0;
  function* long(): Generator<Uint8Array> {
    for (let i = 0; i < mebibytes; i++) {
      if (i === 40) before = process.memoryUsage().rss;
      peak = Math.max(peak, process.memoryUsage().rss);
      yield block;
    }
  }
  const { id } = await vault.begin({ who: "clerk" });
  await vault.append(id, 0, long(), { isLast: true });
  assert.ok(written > mebibytes * block.length);
  const grown = Math.round((peak - before) / 2 ** 20);
  t.diagnostic(`${mebibytes} MB through, memory grew by ${grown} MiB`);
  assert.ok(grown < 64, `memory grew by ${grown} MiB`);
});

test("what can be no upload is refused before anything is written", async (t) => {
  const vault = await openTestVault(t);
  const bad = [
    { who: "" },
    { who: "a\nb" },
    { who: "x", size: -1 },
    { who: "x", size: 1.5 },
    { who: "x", contentType: "" },
  ];
  for (const options of bad) await assert.rejects(vault.begin(options), refusal("MALFORMED_REQUEST"));
  await assert.rejects(vault.begin({ who: "x", size: 2 ** 53 - 1 }), refusal("POLICY_TOO_LARGE"));
  await assert.rejects(vault.begin({ who: "x", metadata: "m".repeat(20_000) }), refusal("POLICY_TOO_LARGE"));
  const { id } = await vault.begin({ who: "clerk" });
  await vault.append(id, 0, [sampleContent(5)], { isLast: true });
  const statement = await vault.statementOf(sampleContent(5));
  for (const who of [
    { who: "", purpose: "x" },
    { who: "x", purpose: "" },
    { who: "x", purpose: "\u202e" },
  ]) {
    await assert.rejects(vault.commit(id, statement, who), refusal("MALFORMED_REQUEST"));
  }
  await assert.rejects(vault.object("no id"), refusal("MALFORMED_REQUEST"));
  await assert.rejects(vault.object("ab".repeat(32)), refusal("NOT_FOUND"));
});
