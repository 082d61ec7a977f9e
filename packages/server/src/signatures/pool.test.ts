import assert from "node:assert/strict";
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { performance } from "node:perf_hooks";
import { type TestContext, test } from "node:test";
import { type Algorithm, publicKey } from "@attestry/core";
import fc from "fast-check";
import { packChecks, type SignatureCheck, unpackChecks } from "./pack.ts";
import { createSignaturePool, type SignaturePool } from "./pool.ts";

interface Kind {
  readonly algorithm: Algorithm;
  readonly pair: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  readonly digest: string | null;
  /** Bytes of the raw key, which ends its SubjectPublicKeyInfo. */
  readonly length: number;
}

const kinds: readonly Kind[] = [
  { algorithm: "ES256", pair: generateKeyPairSync("ec", { namedCurve: "P-256" }), digest: "sha256", length: 65 },
  { algorithm: "ES384", pair: generateKeyPairSync("ec", { namedCurve: "P-384" }), digest: "sha384", length: 97 },
  { algorithm: "EdDSA", pair: generateKeyPairSync("ed25519"), digest: null, length: 32 },
  { algorithm: "ML-DSA-44", pair: generateKeyPairSync("ml-dsa-44"), digest: null, length: 1312 },
];

function sample(at: number): SignatureCheck {
  const { algorithm, pair, digest, length } = kinds[at % kinds.length] as Kind;
  const spki = pair.publicKey.export({ format: "der", type: "spki" });
  const data = new Uint8Array(randomBytes(50 + at));
  const signature = new Uint8Array(sign(digest, data, { key: pair.privateKey, dsaEncoding: "ieee-p1363" }));
  return { key: publicKey(algorithm, new Uint8Array(spki.subarray(-length))), data, signature };
}

const samples = Array.from({ length: 400 }, (_, at) => sample(at));
const isGood = (at: number): boolean => at % 3 !== 1;
/** Every third one is over other data. */
const mixed = samples.map((check, at) => (isGood(at) ? check : { ...check, data: check.data.toReversed() }));
const expected = mixed.map((_, at) => isGood(at));

function createPool(t: TestContext, threads?: number): SignaturePool {
  const pool = createSignaturePool(threads);
  t.after(() => pool.close());
  return pool;
}

const verifyAll = (pool: SignaturePool, checks: readonly SignatureCheck[]): Promise<boolean[]> =>
  Promise.all(checks.map(({ key, data, signature }) => pool.verify(key, data, signature)));

test("checks arrive at a thread as they left", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });
  const check = fc.record(
    { key: fc.constantFrom(...samples.slice(0, 4).map(({ key }) => key)), data: bytes, signature: bytes },
    { noNullPrototype: true },
  );
  fc.assert(fc.property(fc.array(check), (checks) => assert.deepEqual(unpackChecks(packChecks(checks)), checks)));
});

test("each check gets its own verdict, alone, in a crowd, and in the next crowd", async (t) => {
  const pool = createPool(t, 3);
  for (const [at, check] of mixed.slice(0, 8).entries()) {
    assert.deepEqual(await verifyAll(pool, [check]), [isGood(at)]);
  }
  assert.deepEqual(await verifyAll(pool, mixed), expected);
  assert.deepEqual(await verifyAll(pool, mixed), expected);
});

test("a crowd leaves the event loop free", async (t) => {
  const pool = createPool(t);
  const all = Array.from({ length: 3000 }, (_, at) => mixed[at % mixed.length] as SignatureCheck);
  let pending = true;
  const verdicts = verifyAll(pool, all).finally(() => {
    pending = false;
  });
  const start = performance.eventLoopUtilization();
  while (pending) await new Promise((resolve) => setTimeout(resolve, 1));
  const { active, idle } = performance.eventLoopUtilization(start);
  assert.ok(idle > active, `the main thread was busy for ${active} ms and idle for ${idle} ms`);
  assert.deepEqual(
    await verdicts,
    all.map((_, at) => isGood(at % mixed.length)),
  );
});

test("a pool that is closed under work leaves nothing unanswered, and answers afterwards too", async (t) => {
  const pool = createPool(t, 2);
  const verdicts = verifyAll(pool, [...mixed, ...mixed, ...mixed]);
  await new Promise((resolve) => setImmediate(resolve)); // the threads have started and have work
  await pool.close();
  assert.deepEqual(await verdicts, [...expected, ...expected, ...expected]);
  assert.deepEqual(await verifyAll(pool, mixed), expected);
});

test("threads that cannot be started leave the checks to the calling thread", async (t) => {
  const pool = createPool(t, 0);
  assert.deepEqual(await verifyAll(pool, mixed), expected);
});
