import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, type TestContext, test } from "node:test";
import { temporaryFolder } from "../testing.ts";
import { newAlignedMemory } from "./fs-draft.ts";
import { openFsStore } from "./fs-store.ts";
import { newObjectId, type ObjectStore, segmentLength } from "./object-store.ts";
import { tapDisk } from "./testing/crash-disk.ts";
import { checkAfter, history, makeCall } from "./testing/fs-history.ts";
import { randomSegment, storeObject } from "./testing/segments.ts";

const compileCache = mkdtempSync(join(tmpdir(), "attestry-vault-kill-"));
after(() => rmSync(compileCache, { recursive: true, force: true }));

/** By turns in memory that goes past the system's cache, and in other memory. */
const full = (): Uint8Array => {
  const bytes = randomSegment(segmentLength);
  if ((bytes[0] ?? 0) % 2 === 0) return bytes;
  const aligned = newAlignedMemory();
  aligned.set(bytes);
  return aligned;
};

function places(t: TestContext): { folder: string; attic: string } {
  const home = temporaryFolder(t);
  const [folder, attic] = [join(home, "objects"), join(home, "attic")];
  mkdirSync(attic);
  return { folder, attic };
}

/** Makes what is left of the history, then checks that nothing of the crash is seen. */
async function checkAndGoOn(folder: string, acknowledged: number): Promise<void> {
  const store = await openFsStore({ folder });
  await checkAfter(store, acknowledged);
  for (const call of history.slice(acknowledged)) await makeCall(store, call);
  await checkAfter(store, history.length);
  await store.close();
}

test("filesystem: a power cut at any step loses nothing that was acknowledged", async (t) => {
  if (process.platform !== "linux") return t.skip("the simulated power cut reads /proc, which is Linux's");
  const { folder, attic } = places(t);
  const disk = tapDisk(attic);
  let cuts = 0;
  for (const [cut, probability] of [
    ["half", 1],
    ["before", 0.5],
    ["before", 0],
  ] as const) {
    for (let step = 1; ; step++) {
      const { promise: fallen, resolve: fall } = Promise.withResolvers<true>();
      disk.arm(folder, step, cut, () => fall(true));
      let acknowledged = 0;
      const run = async (): Promise<false> => {
        const store = await openFsStore({ folder });
        for (const call of history) {
          await makeCall(store, call);
          acknowledged += 1;
        }
        return false;
      };
      const hasFallen = await Promise.race([fallen, run()]);
      if (hasFallen) disk.loseUnsynced(probability);
      await disk.disarm();
      const left = `${folder}-${++cuts}`;
      if (existsSync(folder)) renameSync(folder, left);
      disk.arm(left, Number.POSITIVE_INFINITY, cut, () => {});
      await checkAndGoOn(left, acknowledged);
      await disk.disarm();
      rmSync(left, { recursive: true });
      if (!hasFallen) break;
    }
  }
  t.diagnostic(`${cuts} power cuts`);
  assert.ok(cuts > 10 * history.length);
});

const child = join(import.meta.dirname, "testing/fs-child.ts");

/** Runs a process from that call of the history on; gives how many calls were acknowledged in all, and whether it was killed. */
async function runChild(folder: string, attic: string, first: number, step: number, cut: "before" | "half") {
  const env = { ...process.env, NODE_COMPILE_CACHE: compileCache };
  const args = [child, folder, attic, String(first), String(step), cut];
  const running = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const [output, errors] = await Promise.all([text(running.stdout), text(running.stderr), once(running, "close")]);
  const isKilled = running.signalCode === "SIGKILL";
  assert.ok(isKilled || running.exitCode === 0, errors);
  return { acknowledged: Number(output.trim().split("\n").at(-1) || first), isKilled };
}

test("filesystem: a store whose process is killed again and again, at any step, keeps what it acknowledged", async (t) => {
  let kills = 0;
  // Each life goes some steps further than the one before it, so that all of the history is met.
  const live = async (stride: number, cut: "before" | "half") => {
    const { folder, attic } = places(t);
    for (let acknowledged = 0; ; ) {
      const step = 1 + Math.floor(Math.random() * stride);
      const life = await runChild(folder, attic, acknowledged, step, cut);
      acknowledged = life.acknowledged;
      const store = await openFsStore({ folder });
      await checkAfter(store, acknowledged);
      await store.close();
      if (!life.isKilled) return assert.equal(acknowledged, history.length);
      kills += 1;
    }
  };
  await Promise.all([live(14, "half"), live(14, "before")]);
  t.diagnostic(`${kills} kills`);
  assert.ok(kills > 5);
});

test("filesystem: two processes write into one store at the same time, each its own objects", async (t) => {
  const { folder, attic } = places(t);
  const writing = runChild(folder, attic, 0, 0, "before");
  const store = await openFsStore({ folder });
  t.after(() => store.close());
  const objects = Array.from({ length: 5 }, () => ({ id: newObjectId(), segments: [full(), randomSegment(50)] }));
  for (const { id, segments } of objects) await storeObject(store, id, segments);
  assert.equal((await writing).acknowledged, history.length);
  for (const { id, segments } of objects) {
    for (const [index, segment] of segments.entries()) assert.deepEqual(await store.readSegment(id, index), segment);
    await store.remove(id);
  }
  await checkAfter(store, history.length);
});

/** Writes full segments until the storage refuses one; what was acknowledged must be there, and all goes on once there is room. */
async function fillUp(store: ObjectStore, makeRoom: () => Promise<void>): Promise<void> {
  const id = newObjectId();
  const segments: Uint8Array[] = [];
  const refused = await (async () => {
    for (; segments.length < 100; ) {
      const segment = full();
      try {
        await store.writeSegment(id, segments.length, segment);
      } catch (error) {
        return error as { code: string; message: string };
      }
      segments.push(segment);
    }
    throw new Error("nothing was refused");
  })();
  assert.equal(refused.code, "UNAVAILABLE_STORAGE");
  assert.match(refused.message, /the disk is full/);
  assert.ok(segments.length > 0);
  assert.deepEqual(await store.stat(id), { sealed: undefined, written: segments.length });
  assert.equal(await store.readSegment(id, segments.length), undefined);
  await assert.rejects(store.seal(id, segments.length + 1), { code: "CONFLICT_INCOMPLETE" });
  await makeRoom();
  segments.push(full());
  await store.writeSegment(id, segments.length - 1, segments.at(-1) as Uint8Array);
  await store.seal(id, segments.length);
  for (const [index, segment] of segments.entries()) assert.deepEqual(await store.readSegment(id, index), segment);
  assert.deepEqual(await store.check(), []);
}

/** A disk of few megabytes, or undefined where this user may not mount one. */
function mountSmallDisk(t: TestContext): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), "attestry-disk-"));
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]).status === 0;
  t.after(() => {
    if (isMounted) execFileSync("umount", ["-l", folder]);
    rmSync(folder, { recursive: true });
  });
  return isMounted ? folder : undefined;
}

const needsMount = "needs the right to mount a small tmpfs: run as root on Linux";

test("filesystem: a full disk refuses the segment that does not fit, loses none, and goes on when there is room", async (t) => {
  const disk = mountSmallDisk(t);
  if (disk === undefined) return t.skip(needsMount);
  const store = await openFsStore({ folder: join(disk, "objects") });
  t.after(() => store.close());
  const other = newObjectId();
  await storeObject(store, other, [full(), full()]);
  await fillUp(store, () => store.remove(other));
});

test("filesystem: a disk that became read-only refuses every change, gives what is there, and goes on afterwards", async (t) => {
  const disk = mountSmallDisk(t);
  if (disk === undefined) return t.skip(needsMount);
  const store = await openFsStore({ folder: join(disk, "objects") });
  t.after(() => store.close());
  const [whole, partial] = [newObjectId(), newObjectId()];
  const segment = full();
  await storeObject(store, whole, [segment]);
  await store.writeSegment(partial, 0, segment);
  execFileSync("mount", ["-o", "remount,ro", disk]);
  for (const refused of [
    () => store.writeSegment(partial, 0, segment),
    () => store.writeSegment(newObjectId(), 0, segment),
    () => store.seal(partial, 1),
    () => store.remove(whole),
    () => store.remove(partial),
  ]) {
    await assert.rejects(refused, { code: "UNAVAILABLE_STORAGE" });
  }
  for (const id of [whole, partial]) assert.deepEqual(await store.readSegment(id, 0), segment);
  assert.equal((await store.list(undefined, 10)).length, 2);
  execFileSync("mount", ["-o", "remount,rw", disk]);
  await store.seal(partial, 1);
  await store.remove(whole);
  assert.deepEqual(await store.list(undefined, 10), [partial]);
});

test("filesystem: a file that was cut short gives no part of a segment for a whole one", async (t) => {
  const { folder } = places(t);
  const store = await openFsStore({ folder });
  t.after(() => store.close());
  const id = newObjectId();
  const segments = [full(), full(), randomSegment(1000)];
  const path = join(folder, id.slice(0, 2), id);
  for (const [index, segment] of segments.entries()) await store.writeSegment(id, index, segment);
  for (const [length, left] of [
    [2 * segmentLength + 999, 2],
    [2 * segmentLength, 2],
    [2 * segmentLength - 1, 1],
    [0, 0],
  ] as const) {
    truncateSync(`${path}.part`, length);
    for (const [index, segment] of segments.entries()) {
      assert.deepEqual(await store.readSegment(id, index), index < left ? segment : undefined);
    }
    await assert.rejects(store.seal(id, 3), { code: "CONFLICT_INCOMPLETE" });
  }
  rmSync(`${path}.part`);
  await store.writeSegment(id, 1, segments[1] as Uint8Array);
  assert.deepEqual(await store.stat(id), { sealed: undefined, written: 1 });
  await storeObject(store, id, segments); // sent again
  for (const [index, segment] of segments.entries()) assert.deepEqual(await store.readSegment(id, index), segment);

  truncateSync(path, segmentLength);
  assert.deepEqual(await store.stat(id), { sealed: 1, written: 1 });
  assert.equal(await store.readSegment(id, 1), undefined);
  await assert.rejects(store.seal(id, 3), { code: "CONFLICT_EXISTS" });
  truncateSync(path, 0);
  assert.deepEqual(await store.check(), [`${id.slice(0, 2)}/${id} is empty`]);
});

test("filesystem: a whole object is one file of its segments and nothing else, for its owner alone", async (t) => {
  const { folder } = places(t);
  const umask = process.umask(0);
  t.after(() => void process.umask(umask));
  const store = await openFsStore({ folder });
  t.after(() => store.close());
  const id = newObjectId();
  const segments = [full(), randomSegment(1000)];
  const shard = join(folder, id.slice(0, 2));
  await store.writeSegment(id, 1, segments[1] as Uint8Array);
  for (const path of [folder, shard]) assert.equal(statSync(path).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(shard).sort(), [`${id}.map`, `${id}.part`]);
  for (const name of readdirSync(shard)) assert.equal(statSync(join(shard, name)).mode & 0o777, 0o600);
  await storeObject(store, id, segments);
  assert.deepEqual(readdirSync(shard), [id]);
  assert.deepEqual(new Uint8Array(readFileSync(join(shard, id))), Uint8Array.from(Buffer.concat(segments)));
});

test("filesystem: what does not belong into the folder, and what others could read, is found", async (t) => {
  const { folder } = places(t);
  const store = await openFsStore({ folder });
  t.after(() => store.close());
  const id = newObjectId();
  await storeObject(store, id, [full()]);
  const shard = id.slice(0, 2);
  chmodSync(join(folder, shard, id), 0o640);
  writeFileSync(join(folder, shard, "note.txt"), "hello", { mode: 0o600 });
  const strayed = `${shard === "zz" ? "yy" : "zz"}${id.slice(2)}`;
  writeFileSync(join(folder, shard, strayed), "hello", { mode: 0o600 });
  assert.deepEqual(
    new Set(await store.check()),
    new Set([
      `others can read or change ${shard}/${id}`,
      `${shard}/note.txt is no object's file`,
      `${shard}/${strayed} is no object's file`,
    ]),
  );
});

test("filesystem: an object with a short segment before its last is not made whole", async (t) => {
  const store = await openFsStore({ folder: places(t).folder });
  t.after(() => store.close());
  const id = newObjectId();
  await store.writeSegment(id, 0, randomSegment(segmentLength - 1));
  await store.writeSegment(id, 1, full());
  await assert.rejects(store.seal(id, 2), { code: "CONFLICT_INCOMPLETE" });
  await store.writeSegment(id, 0, full());
  await store.seal(id, 2);
});
