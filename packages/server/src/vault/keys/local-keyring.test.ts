import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { inspect } from "node:util";
import { encodeCbor, isAttestryError } from "@attestry/core";
import { writePrivateFile } from "../../keys/private-file.ts";
import { newDataKey } from "../format/stream.ts";
import { testKeyWrapper } from "./key-wrapper.contract.ts";
import { combineWrappers, encodeWrapped, type KeyWrapper, parseWrapped, wrapperIdOf } from "./key-wrapper.ts";
import { newLock, parseKeyring, sealKeyring, unlock } from "./keyring-file.ts";
import { createKeyring, type Keyring, openKeyring } from "./local-keyring.ts";
import { openOrCreatePassphrase } from "./passphrase-file.ts";

async function temporaryFolder(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "attestry-keyring-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A keyring of one key whose passphrase is five times as fast to try, for the time that the tests take. */
async function writeKeyring(path: string, passphrase: string): Promise<void> {
  const lock = { ...newLock(), cost: { N: 16_384, r: 8, p: 1 } };
  const name = { id: `local:${randomBytes(8).toString("hex")}`, created: "2026-11-22T14:00:00Z" };
  await writePrivateFile(path, sealKeyring([name], randomBytes(32), lock, await unlock(lock, passphrase)));
}

async function newKeyring(t: TestContext): Promise<{ path: string; keyring: Keyring }> {
  const path = join(await temporaryFolder(t), "vault.keyring");
  await writeKeyring(path, "secret");
  return { path, keyring: await openKeyring(path, "secret") };
}

testKeyWrapper("local keyring", async (t) => {
  const path = join(await temporaryFolder(t), "keys", "vault.keyring");
  await writeKeyring(path, "schlüssel 🔑");
  return {
    open: () => openKeyring(path, "schlüssel 🔑"),
    async rotate(): Promise<void> {
      await (await openKeyring(path, "schlüssel 🔑")).addKey();
    },
  };
});

test("a keyring's file is its owner's alone and names its keys, and nothing is left beside it", async (t) => {
  const path = join(await temporaryFolder(t), "vault.keyring");
  const keyring = await createKeyring(path, "secret");
  await keyring.addKey();
  const text = await readFile(path, "utf8");
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(join(path, "..")), ["vault.keyring"]);
  assert.deepEqual(parseKeyring(text, path).names, keyring.keys);
  assert.deepEqual(parseKeyring(text, path).lock.cost, { N: 16_384, r: 8, p: 5 });
  assert.deepEqual((await openKeyring(path, "secret")).keys, keyring.keys);
  assert.match(keyring.keys[0]?.created ?? "", /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  await assert.rejects(createKeyring(path, "secret"), { code: "CONFLICT_EXISTS" });
  await chmod(path, 0o640);
  await assert.rejects(openKeyring(path, "secret"), { code: "USAGE_FILE" });
});

test("the newest key wraps as soon as it is there", async (t) => {
  const { keyring } = await newKeyring(t);
  const [first] = keyring.keys;
  const added = await keyring.addKey();
  assert.deepEqual(keyring.keys, [first, added]);
  assert.equal(keyring.id, added.id);
  assert.equal(wrapperIdOf(await keyring.wrap(newDataKey(), "x")), added.id);
});

test("a wrong passphrase is refused, and an empty one at once", async (t) => {
  const { path, keyring } = await newKeyring(t);
  for (const passphrase of ["Secret", "secret ", "secret\n", ""]) {
    await assert.rejects(openKeyring(path, passphrase), (error: Error) => {
      assert.ok(isAttestryError(error) && error.code === "USAGE_PASSPHRASE" && error.cause === undefined);
      return !/secret|auth|state/i.test(error.message);
    });
  }
  await assert.rejects(createKeyring(`${path}2`, ""), { code: "USAGE_PASSPHRASE" });
  await assert.rejects(keyring.changePassphrase(""), { code: "USAGE_PASSPHRASE" });
  assert.equal((await openKeyring(path, "secret")).id, keyring.id);
  await assert.rejects(openKeyring(`${path}3`, "secret"), { code: "NOT_FOUND" });
});

test("any byte of the file changed, cut or added is called damage, and the error says what to do", async (t) => {
  const { path } = await newKeyring(t);
  const text = await readFile(path, "latin1");
  const version = text.indexOf("1\n"); // another digit there is another version
  for (let at = 0; at < text.length; at += 1) {
    const other = String.fromCharCode(text.charCodeAt(at) ^ (1 << (at % 7)));
    const changed = text.slice(0, at) + other + text.slice(at + 1);
    const code = at === version ? "FATAL_VERSION" : "FATAL_CORRUPT";
    assert.throws(() => parseKeyring(changed, path), { code }, `byte ${at}`);
    assert.throws(() => parseKeyring(text.slice(0, at), path), { code: "FATAL_CORRUPT" }, `cut at ${at}`);
  }
  for (const other of [`${text}\n`, `${text} `, `\n${text}`, text.replaceAll("\n", "\r\n"), text + text]) {
    assert.throws(() => parseKeyring(other, path), { code: "FATAL_CORRUPT" });
  }
  await writeFile(path, text.slice(0, -10));
  await assert.rejects(
    openKeyring(path, "secret"),
    (error: Error) => error.message.includes(path) && error.message.includes("backup"),
  );
});

test("a file of a newer version is not called damage", async (t) => {
  const { path } = await newKeyring(t);
  const text = (await readFile(path, "utf8")).replace("keyring 1", "keyring 2");
  await writeFile(path, text);
  await assert.rejects(openKeyring(path, "secret"), { code: "FATAL_VERSION" });
});

test("whoever changes the list of keys and mends the check sum is stopped by the seal", async (t) => {
  const { path, keyring } = await newKeyring(t);
  await keyring.addKey();
  const { names, lock, sealed } = parseKeyring(await readFile(path, "utf8"), path);
  const swapped = sealKeyring([...names].reverse(), new Uint8Array(64), lock, await unlock(lock, "other"));
  const mended = (text: string) => {
    const hashed = text.slice(0, text.indexOf("sha256 "));
    return `${hashed}sha256 ${createHash("sha256").update(hashed).digest("hex")}\n`;
  };
  const withOurSeal = swapped.replace(/^sealed .*$/m, `sealed ${Buffer.from(sealed).toString("base64")}`);
  await writeFile(path, mended(withOurSeal));
  await assert.rejects(openKeyring(path, "secret"), { code: "USAGE_PASSPHRASE" });
});

test("a cost that would take all memory, or none, is refused before it is tried", async (t) => {
  const { path } = await newKeyring(t);
  const { names, lock } = parseKeyring(await readFile(path, "utf8"), path);
  const lockKey = await unlock(newLock(), "secret");
  const costs = [
    { N: 2 ** 19, r: 8, p: 1 },
    { N: 2 ** 40, r: 8, p: 1 },
    { N: 16_385, r: 8, p: 1 },
    { N: 8192, r: 8, p: 1 },
    { N: 16_384, r: 8, p: 17 },
    { N: 16_384, r: 8, p: 0 },
    { N: 16_384, r: 9, p: 1 },
    { N: 1.5, r: 8, p: 1 },
  ];
  for (const cost of costs) {
    const text = sealKeyring(names, new Uint8Array(32), { ...lock, cost }, lockKey);
    assert.throws(() => parseKeyring(text, path), { code: "FATAL_CORRUPT" }, JSON.stringify(cost));
  }
  const cost = { N: 32_768, r: 8, p: 1 };
  const text = sealKeyring(names, new Uint8Array(32), { ...lock, cost }, await unlock({ ...lock, cost }, "secret"));
  await writeFile(path, text);
  assert.equal((await openKeyring(path, "secret")).id, names[0]?.id);
});

test("a keyring with a change of passphrase has the same keys, and the old passphrase opens it no more", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const wrapped = await keyring.wrap(newDataKey(), "x");
  const dataKey = await keyring.unwrap(wrapped, "x");
  const salt = parseKeyring(await readFile(path, "utf8"), path).lock.salt;
  await keyring.changePassphrase("better");
  await keyring.addKey();
  await assert.rejects(openKeyring(path, "secret"), { code: "USAGE_PASSPHRASE" });
  const opened = await openKeyring(path, "better");
  assert.deepEqual(opened.keys, keyring.keys);
  assert.deepEqual(await opened.unwrap(wrapped, "x"), dataKey);
  assert.notDeepEqual(parseKeyring(await readFile(path, "utf8"), path).lock.salt, salt);
});

test("keys that nothing needs are retired, never the newest, and what they wrapped says which key is missing", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const [a] = keyring.keys;
  const wrapped = await keyring.wrap(newDataKey(), "x");
  const b = await keyring.addKey();
  const c = await keyring.addKey();
  assert.deepEqual(await keyring.retire(new Set([a?.id ?? ""])), [b]);
  assert.deepEqual(keyring.keys, [a, c]);
  await keyring.unwrap(wrapped, "x");
  assert.deepEqual(await keyring.retire(new Set()), [a]);
  assert.deepEqual(await keyring.retire(new Set()), []);
  for (const one of [keyring, await openKeyring(path, "secret")]) {
    assert.deepEqual(one.keys, [c]);
    await assert.rejects(one.unwrap(wrapped, "x"), { code: "UNAVAILABLE_KEYS" });
  }
});

test("a change that cannot be written changes nothing, and the next one goes through", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const [before, text] = [keyring.keys, await readFile(path, "utf8")];
  await chmod(path, 0o644);
  await assert.rejects(keyring.addKey(), { code: "USAGE_FILE" });
  await assert.rejects(keyring.changePassphrase("better"), { code: "USAGE_FILE" });
  assert.deepEqual(keyring.keys, before);
  assert.equal(await readFile(path, "utf8"), text);
  await chmod(path, 0o600);
  const added = await keyring.addKey();
  assert.deepEqual((await openKeyring(path, "secret")).keys, [...before, added]);
});

test("a write that fails leaves the old file and nothing beside it", async (t) => {
  const { path } = await newKeyring(t);
  const [folder, text] = [join(path, ".."), await readFile(path, "utf8")];
  const longName = join(folder, "k".repeat(250)); // too long for a temporary name beside it
  await writeFile(longName, text, { mode: 0o600 });
  const keyring = await openKeyring(longName, "secret");
  await assert.rejects(keyring.addKey(), { code: "USAGE_FILE" });
  assert.equal(keyring.keys.length, 1);
  assert.equal(await readFile(longName, "utf8"), text);
  assert.equal((await readdir(folder)).length, 2);
});

test("changes at the same time all happen, and none is lost", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const added = await Promise.all([keyring.addKey(), keyring.addKey(), keyring.addKey()]);
  assert.deepEqual(keyring.keys.slice(1), added);
  assert.deepEqual((await openKeyring(path, "secret")).keys, keyring.keys);
});

test("a key that another process added is not overwritten", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const other = await openKeyring(path, "secret");
  const added = await other.addKey();
  await assert.rejects(keyring.addKey(), { code: "CONFLICT_FILE_CHANGED" });
  await assert.rejects(
    keyring.retire(new Set()).then(() => keyring.changePassphrase("x")),
    {
      code: "CONFLICT_FILE_CHANGED",
    },
  );
  assert.equal((await openKeyring(path, "secret")).id, added.id);
});

test("neither the file nor what the process shows of a keyring holds a key or the passphrase", async (t) => {
  const { path, keyring } = await newKeyring(t);
  const dataKey = newDataKey();
  const wrapped = await keyring.wrap(dataKey, "x");
  const shown = [
    inspect(keyring, { depth: 9, showHidden: true }),
    JSON.stringify(keyring),
    await readFile(path, "utf8"),
  ];
  for (const text of [...shown, Buffer.from(wrapped).toString("latin1")]) {
    assert.ok(!text.includes("secret") && !text.includes(Buffer.from(dataKey).toString("latin1")));
  }
});

test("wrappers are combined: the first wraps, each unwraps what it wrapped", async (t) => {
  const { keyring } = await newKeyring(t);
  const other: KeyWrapper = {
    id: "test:1",
    wrap: async (dataKey) => encodeWrapped({ id: "test:1", body: dataKey }),
    unwrap: async () => new Uint8Array(32).fill(7),
  };
  const both = combineWrappers(other, keyring);
  const [dataKey, old] = [newDataKey(), await keyring.wrap(new Uint8Array(32).fill(5), "x")];
  assert.equal(both.id, "test:1");
  assert.equal(wrapperIdOf(await both.wrap(dataKey, "x")), "test:1");
  assert.deepEqual(await both.unwrap(await both.wrap(dataKey, "x"), "x"), new Uint8Array(32).fill(7));
  assert.deepEqual(await both.unwrap(old, "x"), new Uint8Array(32).fill(5));
  const elsewhere = encodeWrapped({ id: "azure:1", body: dataKey });
  await assert.rejects(both.unwrap(elsewhere, "x"), { code: "UNAVAILABLE_KEYS" });
  await keyring.addKey();
  const turned = combineWrappers(keyring, other);
  assert.equal(turned.id, keyring.id);
  await keyring.addKey();
  assert.equal(turned.id, keyring.id);
});

test("bytes that are not a wrapped key are damage, not a failure of the reader", () => {
  const values = [
    [],
    ["local:1"],
    ["local:1", new Uint8Array(60), 1],
    [1, new Uint8Array(60)],
    ["local:1", "x"],
    "x",
    7,
  ];
  for (const bytes of [...values.map((value) => encodeCbor(value)), Uint8Array.of(0xff), new Uint8Array(0)]) {
    assert.throws(() => parseWrapped(bytes), { code: "FATAL_CORRUPT" }, Buffer.from(bytes).toString("hex"));
  }
});

test("a passphrase that nobody chose is made once, for its owner alone", async (t) => {
  const path = join(await temporaryFolder(t), "keys", "vault.passphrase");
  const all = await Promise.all([openOrCreatePassphrase(path), openOrCreatePassphrase(path)]);
  assert.match(all[0], /^[\w-]{32}$/);
  assert.deepEqual(all, [all[0], await openOrCreatePassphrase(path)]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await writeFile(path, "somebody's own\r\nnot this\n");
  assert.equal(await openOrCreatePassphrase(path), "somebody's own");
  await writeFile(path, "\n");
  await assert.rejects(openOrCreatePassphrase(path), { code: "USAGE_PASSPHRASE" });
});
