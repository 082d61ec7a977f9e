import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ErrorCode, encodeUtf8, equalBytes, isAttestryError, verifySignature } from "@attestry/core";
import {
  createFileSigner,
  createKeyFile,
  createThreadSigner,
  importKeyFile,
  listKeyFiles,
  openOrCreateSigner,
  threadKey,
} from "./file-signer.ts";

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "attestry-keys-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const refused = (code: ErrorCode) => (error: unknown) => isAttestryError(error) && error.code === code;

for (const algorithm of ["ES256", "ES384", "EdDSA", "ML-DSA-44"] as const) {
  for (const passphrase of [undefined, "schlüssel 🔑"]) {
    test(`an ${algorithm} key ${passphrase ? "with" : "without"} a passphrase is written for its owner alone and signs`, async (t) => {
      const path = join(await temporaryFolder(t), "keys", "a.pem");
      const publicKey = await createKeyFile(path, { algorithm, passphrase });
      assert.equal((await stat(path)).mode & 0o777, 0o600);
      const text = await readFile(path, "utf8");
      assert.equal(text.includes("ENCRYPTED"), passphrase !== undefined);
      const signer = await createFileSigner(path, { passphrase });
      assert.deepEqual(signer.publicKey, publicKey);
      const data = encodeUtf8("deed");
      const signature = await signer.sign(data);
      assert.equal(await verifySignature(publicKey, data, signature), true);
      assert.equal(await verifySignature(publicKey, encodeUtf8("Deed"), signature), false);
      const inThread = createThreadSigner(structuredClone(threadKey(signer)) as KeyObject);
      assert.deepEqual(inThread.publicKey, publicKey);
      assert.equal(await verifySignature(publicKey, data, await inThread.sign(data)), true);
      assert.deepEqual(await readdir(join(path, "..")), ["a.pem"]);
    });
  }
}

test("openssl opens an encrypted key of ours and finds the same public key", async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  await createKeyFile(path, { passphrase: "secret" });
  const found = execFileSync("openssl", ["pkey", "-in", path, "-passin", "pass:secret", "-pubout"], {
    encoding: "utf8",
  });
  assert.ok((await readFile(path, "utf8")).endsWith(found));
});

test("a wrong or missing passphrase is refused with no word on why it does not open", async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  await createKeyFile(path, { passphrase: "secret" });
  await assert.rejects(createFileSigner(path), refused("USAGE_PASSPHRASE"));
  await assert.rejects(createFileSigner(path, { passphrase: "Secret" }), refused("USAGE_PASSPHRASE"));
  await assert.rejects(createFileSigner(path, { passphrase: "" }), refused("USAGE_PASSPHRASE"));
  await assert.rejects(
    createFileSigner(path, { passphrase: "Secret" }),
    (error: Error) => !/secret|ossl|decrypt:/i.test(error.message) && error.cause === undefined,
  );
});

test("an empty passphrase is refused instead of protecting nothing", async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  await assert.rejects(createKeyFile(path, { passphrase: "" }), refused("USAGE_PASSPHRASE"));
  await assert.rejects(stat(path));
});

test("a key is never overwritten, and nothing is left behind", async (t) => {
  const folder = await temporaryFolder(t);
  const path = join(folder, "a.pem");
  const first = await createKeyFile(path);
  await assert.rejects(createKeyFile(path), refused("CONFLICT_EXISTS"));
  assert.ok(equalBytes((await createFileSigner(path)).publicKey.bytes, first.bytes));
  assert.deepEqual(await readdir(folder), ["a.pem"]);
});

test("of two that create the same key at once, one does and the other finds it", async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  const results = await Promise.allSettled([createKeyFile(path), createKeyFile(path)]);
  assert.deepEqual(results.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
});

test("a key that others can read or change is refused, as ssh does", {
  skip: process.platform === "win32",
}, async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  await createKeyFile(path);
  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    await chmod(path, mode);
    await assert.rejects(createFileSigner(path), refused("USAGE_FILE"), mode.toString(8));
  }
});

test("keys of other kinds are refused, and texts that hold none", async (t) => {
  const folder = await temporaryFolder(t);
  const others = [
    generateKeyPairSync("ec", { namedCurve: "P-521" }),
    generateKeyPairSync("ec", { namedCurve: "secp256k1" }),
    generateKeyPairSync("rsa", { modulusLength: 2048 }),
    generateKeyPairSync("ed448"),
    generateKeyPairSync("x25519"),
    generateKeyPairSync("ml-dsa-65"),
  ];
  for (const { privateKey } of others) {
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    await assert.rejects(
      importKeyFile(join(folder, "b.pem"), pem),
      refused("MALFORMED_KEY"),
      privateKey.asymmetricKeyType,
    );
  }
  const { publicKey } = generateKeyPairSync("ed25519");
  const texts = [
    "",
    "hello",
    publicKey.export({ type: "spki", format: "pem" }) as string,
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
  ];
  for (const text of texts) await assert.rejects(importKeyFile(join(folder, "b.pem"), text), refused("MALFORMED_KEY"));
  assert.deepEqual(await readdir(folder), []);
});

test("a missing file, a folder and a damaged key each say so", async (t) => {
  const folder = await temporaryFolder(t);
  await assert.rejects(createFileSigner(join(folder, "none.pem")), refused("NOT_FOUND"));
  await chmod(folder, 0o700);
  await assert.rejects(createFileSigner(folder), refused("USAGE_FILE"));
  const path = join(folder, "a.pem");
  await createKeyFile(path, { passphrase: "x" });
  const text = await readFile(path, "utf8");
  await writeFile(path, text.slice(0, 120));
  await assert.rejects(createFileSigner(path, { passphrase: "x" }), isAttestryError);
});

test("SEC 1 keys and keys that others encrypted are imported", async (t) => {
  const folder = await temporaryFolder(t);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const sec1 = privateKey.export({ type: "sec1", format: "pem" }) as string;
  const a = await importKeyFile(join(folder, "a.pem"), sec1, { passphrase: "ours" });
  const pem = privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "theirs",
  }) as string;
  const b = await importKeyFile(join(folder, "b.pem"), pem, { openWith: "theirs" });
  assert.deepEqual(a, b);
  assert.deepEqual((await createFileSigner(join(folder, "a.pem"), { passphrase: "ours" })).publicKey, a);
  await assert.rejects(importKeyFile(join(folder, "c.pem"), pem, { openWith: "ours" }), refused("USAGE_PASSPHRASE"));
});

test("a folder's keys are listed without opening any", async (t) => {
  const folder = await temporaryFolder(t);
  const a = await createKeyFile(join(folder, "a.pem"), { passphrase: "x" });
  const b = await createKeyFile(join(folder, "b.pem"), { algorithm: "EdDSA" });
  await writeFile(join(folder, "c.pem"), "not a key");
  await writeFile(join(folder, "readme.txt"), "not a key");
  assert.deepEqual(await listKeyFiles(folder), [
    { path: join(folder, "a.pem"), encrypted: true, publicKey: a },
    { path: join(folder, "b.pem"), encrypted: false, publicKey: b },
    { path: join(folder, "c.pem"), encrypted: false, publicKey: undefined },
  ]);
  assert.deepEqual(await listKeyFiles(join(folder, "none")), []);
});

test("a signer is opened when its file is there and created when it is not", async (t) => {
  const path = join(await temporaryFolder(t), "a.pem");
  const first = await openOrCreateSigner(path, { algorithm: "EdDSA", passphrase: "x" });
  const second = await openOrCreateSigner(path, { passphrase: "x" });
  assert.deepEqual(second.publicKey, first.publicKey);
  await assert.rejects(openOrCreateSigner(path, { passphrase: "y" }), refused("USAGE_PASSPHRASE"));
});
