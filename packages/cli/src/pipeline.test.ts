import assert from "node:assert/strict";
import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";
import {
  AttestryError,
  encodeHex,
  parseStatement,
  publicKey,
  type Relation,
  type Signer,
  verifySignature,
} from "@attestry/core";
import type { NotaryClient, Registration } from "@attestry/core/client";
import { createFileSigner, createKeyFile } from "@attestry/server/keys";
import type { FoundFile } from "./files/walk.ts";
import { notarizeFiles, type Outcome } from "./notarize.ts";

function createSigner(): Signer {
  const key: KeyObject = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
  const { x = "", y = "" } = createPrivateKey(key.export({ type: "pkcs8", format: "pem" })).export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  return {
    publicKey: publicKey("ES256", point),
    sign: async (data) => sign("sha256", data, { key, dsaEncoding: "ieee-p1363" }),
  };
}

const identity = { signer: createSigner(), issuer: "https://issuer.example" };

/** Notarises `count` files of one content at a notary that answers as `register` says; gives each file's outcomes. */
async function notarizeMany(
  t: TestContext,
  count: number,
  register: (statements: readonly Uint8Array[]) => Promise<Registration[]>,
): Promise<{ outcomes: Map<string, Outcome[]>; stopped: AttestryError | undefined; folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), "attestry-pipeline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "file");
  writeFileSync(path, "content");
  async function* source(): AsyncGenerator<FoundFile> {
    for (let at = 0; at < count; at++) yield { path, relative: `f${at}` };
  }
  const outcomes = new Map<string, Outcome[]>();
  const notary = { register } as NotaryClient;
  const stopped = await notarizeFiles(
    source(),
    { connection: Promise.resolve({ notary, identity }), out: join(folder, "out") },
    {
      onBytes() {},
      onOutcome: ({ relative }, outcome) => void outcomes.set(relative, [...(outcomes.get(relative) ?? []), outcome]),
    },
  );
  return { outcomes, stopped, folder };
}

const proof = Buffer.from("a proof");
const enterAll = async (statements: readonly Uint8Array[]): Promise<Registration[]> =>
  statements.map((_, index) => ({ index, isNew: true, proof }));

function tally(outcomes: Map<string, Outcome[]>): Record<string, number> {
  const all = [...outcomes.values()].flat();
  return Object.fromEntries(
    Object.entries(Object.groupBy(all, ({ status }) => status)).map(([name, some]) => [name, some.length]),
  );
}

test("every file comes to one outcome when all goes well, in requests of bounded size, two at a time and no more", async (t) => {
  let [under, most, largest] = [0, 0, 0];
  const second = Promise.withResolvers<void>();
  const { outcomes, stopped, folder } = await notarizeMany(t, 3000, async (statements) => {
    most = Math.max(most, ++under);
    largest = Math.max(largest, statements.length);
    if (under === 2) second.resolve();
    await second.promise; // the first is answered only once another is under way
    under--;
    return enterAll(statements);
  });
  assert.equal(stopped, undefined);
  assert.equal(outcomes.size, 3000);
  assert.deepEqual(tally(outcomes), { notarized: 3000 });
  assert.equal(readdirSync(join(folder, "out")).length, 3000);
  assert.deepEqual({ most, largest }, { most: 2, largest: 512 });
});

test("every file comes to one outcome when the run is stopped, those too that were never read", async (t) => {
  for (const good of [0, 1, 2, 3]) {
    let requests = 0;
    const { outcomes, stopped } = await notarizeMany(t, 6000, async (statements) => {
      if (++requests > good) throw new AttestryError("MALFORMED_REQUEST");
      return enterAll(statements);
    });
    assert.equal(stopped?.code, "MALFORMED_REQUEST");
    assert.equal(outcomes.size, 6000);
    assert.deepEqual(tally(outcomes), good === 0 ? { left: 6000 } : { notarized: good * 512, left: 6000 - good * 512 });
  }
});

test("a statement that is refused spoils none of the others; an issuer who is not enrolled stops the run", async (t) => {
  const refuse = (code: "POLICY_CLAIMS" | "POLICY_ISSUER_UNKNOWN") => async (statements: readonly Uint8Array[]) => {
    const [, ...rest] = await enterAll(statements);
    return [{ error: new AttestryError(code) }, ...rest];
  };
  const one = await notarizeMany(t, 1000, refuse("POLICY_CLAIMS"));
  assert.equal(one.stopped, undefined);
  assert.deepEqual(tally(one.outcomes), { failed: 2, notarized: 998 });
  const all = await notarizeMany(t, 5000, refuse("POLICY_ISSUER_UNKNOWN"));
  assert.equal(all.stopped?.code, "POLICY_ISSUER_UNKNOWN");
  assert.match(all.stopped?.message ?? "", /attestry issuer add --key [\w-]+ --name https:\/\/issuer\.example/);
  assert.equal(all.outcomes.size, 5000);
});

test("a connection that fails is told at once, however long hashing would take", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "attestry-pipeline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  async function* never(): AsyncGenerator<FoundFile> {
    await new Promise((resolve) => setTimeout(resolve, 60_000).unref());
  }
  const connection = Promise.reject(new AttestryError("UNAVAILABLE_SERVER"));
  const running = notarizeFiles(never(), { connection }, { onBytes() {}, onOutcome() {} });
  await assert.rejects(running, { code: "UNAVAILABLE_SERVER" });
});

test("few files and many, signed in threads or not, are stated alike: what was asked for, signed by the key", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "attestry-pipeline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  await createKeyFile(join(folder, "key.pem"));
  const fromFile = await createFileSigner(join(folder, "key.pem"));
  const files = Array.from({ length: 300 }, (_, at) => `f${at}.${at % 2 === 0 ? "pdf" : "unknown"}`);
  for (const name of files) writeFileSync(join(folder, name), `content of ${name}`);
  const after = { origin: "log.example/1", size: 7, rootHash: new Uint8Array(32).fill(7) };
  const relation: Relation = { kind: "supersedes", target: new Uint8Array(32).fill(9), reason: "corrected" };
  const asked = [{}, { subject: "case 7", contentType: "text/plain", relation }] as const;
  for (const [signer, count] of [
    [fromFile, 5],
    [fromFile, 300],
    [identity.signer, 300],
  ] as const) {
    for (const options of asked) {
      const stated: Uint8Array[] = [];
      const register = async (statements: readonly Uint8Array[]): Promise<Registration[]> => {
        stated.push(...statements);
        return enterAll(statements);
      };
      async function* source(): AsyncGenerator<FoundFile> {
        for (const relative of files.slice(0, count)) yield { path: join(folder, relative), relative };
      }
      const notary = { register } as NotaryClient;
      const connection = Promise.resolve({ notary, identity: { signer, issuer: identity.issuer }, after });
      const out = join(folder, `out-${count}`);
      await notarizeFiles(source(), { connection, out, force: true, ...options }, { onBytes() {}, onOutcome() {} });
      assert.equal(stated.length, count);
      const types = stated.map((bytes) => parseStatement(bytes).contentType);
      const byExtension = files.slice(0, count).map((_, at) => (at % 2 === 0 ? "application/pdf" : undefined));
      assert.deepEqual(types, "contentType" in options ? byExtension.map(() => "text/plain") : byExtension);
      for (const [at, bytes] of stated.entries()) {
        const { issuer, subject, digest, after: quoted, relation: stands, ...one } = parseStatement(bytes);
        assert.equal(encodeHex(digest), createHash("sha256").update(`content of ${files[at]}`).digest("hex"));
        assert.deepEqual([issuer, quoted], [identity.issuer, after]);
        assert.deepEqual(stands, "relation" in options ? relation : undefined);
        assert.equal(subject.startsWith("subject" in options ? "case 7" : "ni:///sha-256;"), true);
        assert.equal(await verifySignature(signer.publicKey, one.toBeSigned, one.signature), true);
      }
    }
  }
});

test("a connection that fails while threads wait for it ends them", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "attestry-pipeline-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "file");
  writeFileSync(path, "content");
  const { promise: connection, reject } = Promise.withResolvers<never>();
  async function* source(): AsyncGenerator<FoundFile> {
    for (let at = 0; at < 500; at++) {
      yield { path, relative: `f${at}` };
      if (at === 64) reject(new AttestryError("UNAVAILABLE_SERVER"));
    }
  }
  const threads: Worker[] = [];
  const note = (thread: Worker): void => void threads.push(thread);
  process.on("worker", note);
  t.after(() => process.off("worker", note));
  const running = notarizeFiles(source(), { connection }, { onBytes() {}, onOutcome() {} });
  await assert.rejects(running, { code: "UNAVAILABLE_SERVER" });
  const ended = -1; // the id of a thread that is no more
  do await new Promise((resolve) => setImmediate(resolve));
  while (threads.some(({ threadId }) => threadId !== ended));
  assert.ok(threads.length > 0);
});
