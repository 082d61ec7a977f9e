import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { keyThumbprint, leafHash, parseStatement } from "@attestry/core";
import { lookUpKeys } from "../look-up.ts";
import { createIssuer, refusal } from "../testing.ts";
import { type CheckedStatement, checkStatement, createKnownKeys } from "./check.ts";
import { type Checked, packChecked, packWork, settle, unpackChecked, unpackWork } from "./pack.ts";
import { type CheckOutcome, type CheckPool, createCheckPool } from "./pool.ts";

const issuers = [createIssuer("P-256"), createIssuer("P-384"), createIssuer("ed25519"), createIssuer("P-256")];
const [stranger] = issuers.slice(-1); // whose key nobody is told
const keys = issuers.slice(0, 3).map(({ signer: { publicKey } }) => [keyThumbprint(publicKey), publicKey] as const);

/** In turn: good, by a stranger, with a signature that is not its own, and no statement at all. */
async function makeSamples(count: number): Promise<Uint8Array[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const issuer = at % 4 === 1 ? stranger : issuers[at % 3];
      const bytes = (await issuer?.statement({ subject: `record ${at}` })) ?? new Uint8Array();
      if (at % 4 === 2) bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
      return at % 4 === 3 ? bytes.subarray(1) : bytes;
    }),
  );
}

const samples = await makeSamples(400);

function createPool(t: TestContext, threads?: number): CheckPool {
  const pool = createCheckPool(threads);
  t.after(() => pool.close());
  for (const [thumbprint, key] of keys) pool.learn(thumbprint, key);
  return pool;
}

/** That each was answered with its own: so many samples, over and over, from the first one on. */
function assertChecked(found: readonly CheckOutcome[], length = samples.length, first = 0): void {
  assert.equal(found.length, length);
  for (const [i, one] of found.entries()) {
    const at = (first + i) % samples.length;
    if (at % 4 === 3) assert.ok("error" in one && refusal("MALFORMED_STATEMENT")(one.error));
    else assertStatement(one as CheckedStatement, samples[at] as Uint8Array, [true, undefined, false][at % 4]);
  }
}

function assertStatement(one: CheckedStatement, bytes: Uint8Array, isSigned: boolean | undefined): void {
  const statement = parseStatement(bytes);
  const { entry, issuer, issuedAt, algorithm, key } = statement;
  const expected = { entry, leafHash: leafHash(entry), issuedAt, keys: lookUpKeys(statement), issuer, algorithm, key };
  assert.deepEqual(one, { ...expected, isSigned });
}

test("what goes to a thread and what comes back arrives as it left", async () => {
  assert.deepEqual(unpackWork(packWork({ keys, statements: samples })), { keys, statements: samples });
  const known = createKnownKeys();
  for (const [thumbprint, key] of keys) known.add(thumbprint, key);
  const checked = await Promise.all(samples.map((bytes) => settle(checkStatement(bytes, known))));
  assertChecked(checked);
  const arrived = unpackChecked(packChecked(checked));
  assertChecked(arrived);
  const errors = (all: readonly Checked[]): unknown[] =>
    all.map((one) => "error" in one && [one.error.code, one.error.message]);
  assert.deepEqual(errors(arrived), errors(checked));
});

test("a key of another algorithm than the statement's proves nothing", async () => {
  const known = createKnownKeys();
  const [thumbprint] = keys[0] ?? [new Uint8Array()];
  known.add(thumbprint, keys[1]?.[1] as (typeof keys)[number][1]);
  assert.equal((await checkStatement(samples[0] as Uint8Array, known)).isSigned, undefined);
});

test("the oldest of too many keys is forgotten", () => {
  const known = createKnownKeys();
  const key = keys[0]?.[1] as (typeof keys)[number][1];
  const name = (at: number): Uint8Array => Uint8Array.of(at >> 8, at & 255);
  for (let at = 0; at <= 10_000; at++) known.add(name(at), key);
  assert.deepEqual([known.get(name(0)), known.get(name(1)), known.list().length], [undefined, key, 10_000]);
});

test("each statement gets its own answer, alone, in a crowd, and in the next crowd", async (t) => {
  const pool = createPool(t, 3);
  for (const [at, statement] of samples.slice(0, 8).entries()) assertChecked(await pool.check([statement]), 1, at);
  assertChecked(await pool.check(samples));
  assertChecked(await pool.check(samples));
});

test("nothing to check is answered", async (t) => {
  assert.deepEqual(await createPool(t).check([]), []);
});

test("threads that are at work learn a key that is told later", async (t) => {
  const pool = createPool(t, 2);
  await pool.check(samples);
  const statements = samples.filter((_, at) => at % 4 === 1);
  const key = stranger?.signer.publicKey as (typeof keys)[number][1];
  pool.learn(keyThumbprint(key), key);
  const found = (await pool.check(statements)) as CheckedStatement[];
  assert.ok(found.every(({ isSigned }) => isSigned === true));
});

test("a crowd leaves the event loop free", async (t) => {
  const pool = createPool(t);
  const all = Array.from({ length: 3000 }, (_, at) => samples[at % samples.length] as Uint8Array);
  // Processor time: on a busy machine a thread that has work waits for its turn, and is no more idle for that.
  const spent = ({ user, system }: NodeJS.CpuUsage): number => Math.round((user + system) / 1000);
  const [own, whole] = [process.threadCpuUsage(), process.cpuUsage()];
  const found = await pool.check(all);
  const [main, every] = [spent(process.threadCpuUsage(own)), spent(process.cpuUsage(whole))];
  assert.ok(2 * main < every, `the main thread worked for ${main} ms of ${every} ms`);
  assertChecked(found, all.length);
});

test("a pool that is closed under work leaves nothing unanswered, and answers afterwards too", async (t) => {
  const pool = createPool(t, 2);
  const answers = Promise.all([pool.check(samples), pool.check(samples), pool.check(samples)]);
  await new Promise((resolve) => setImmediate(resolve)); // the threads have started and have work
  await pool.close();
  for (const answer of await answers) assertChecked(answer);
  assertChecked(await pool.check(samples));
});

test("threads that cannot be started leave the checks to the calling thread", async (t) => {
  assertChecked(await createPool(t, 0).check(samples));
});
