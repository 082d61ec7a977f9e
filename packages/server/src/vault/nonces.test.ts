/** No key seals two different plaintexts under one nonce, whatever dies at whatever moment, and whatever bytes come afterwards. */
import assert from "node:assert/strict";
import crypto, { type CipherGCM, createHash, type Hash, type KeyObject } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { type TestContext, test } from "node:test";
import { AttestryError, equalBytes, isAttestryError } from "@attestry/core";
import fc from "fast-check";
import { firstPlaintextLength } from "./format/geometry.ts";
import {
  access,
  collect,
  inPieces,
  openTestVault,
  sampleContent,
  type TestVault,
  temporaryFolder,
} from "./testing/sample-vault.ts";
import { createVault, type Vault } from "./vault.ts";

type Part = (bytes?: Uint8Array) => Buffer;

/** Watches every encryption of this process. Gives how many (key, nonce) there were, and those that two plaintexts had. */
function watchNonces(t: TestContext): { count(): number; reused(): string[] } {
  const { createCipheriv } = crypto;
  const sealed = new Map<string, string>();
  const reused: string[] = [];
  const watched = (algorithm: "aes-256-gcm", key: KeyObject | Uint8Array, nonce: Uint8Array): CipherGCM => {
    const cipher = createCipheriv(algorithm, key, nonce);
    if (algorithm !== "aes-256-gcm") return cipher;
    const raw = key instanceof Uint8Array ? key : key.export();
    const name = `${Buffer.from(raw).toString("hex")} ${Buffer.from(nonce).toString("hex")}`;
    const plaintext: Hash = createHash("sha256");
    const [update, final] = [cipher.update, cipher.final] as unknown as [Part, Part];
    return Object.assign(cipher, {
      update(bytes: Uint8Array) {
        plaintext.update(bytes);
        return update.call(cipher, bytes);
      },
      final() {
        const digest = plaintext.digest("hex");
        if ((sealed.get(name) ?? digest) !== digest) reused.push(name);
        sealed.set(name, digest);
        return final.call(cipher);
      },
    });
  };
  Object.assign(crypto, { createCipheriv: watched });
  syncBuiltinESMExports();
  t.after(() => {
    Object.assign(crypto, { createCipheriv });
    syncBuiltinESMExports();
  });
  return { count: () => sealed.size, reused: () => reused };
}

interface Process {
  readonly vault: Vault;
  isDead(): boolean;
}

/** What happens in one process: it dies at the call of a storage with that number, which is done or not, as are those under way. */
interface Life {
  readonly calls: number;
  /** One bit for each call that was under way at the death: whether it was done. */
  readonly done: number;
  /** Bytes that its client sends, which nobody sent before or will again. */
  readonly bytes: number;
  /** Whether the storages refuse from then on instead, and the process lives on and is asked again when they are back. */
  readonly survives: boolean;
}

/** Another process over the same storages. */
async function startProcess(base: TestVault, { calls, done, survives }: Life): Promise<Process> {
  let left = calls;
  let bits = done;
  let dead = false;
  const toll = (): AttestryError => new AttestryError("UNAVAILABLE_STORAGE", "the process died");
  function mortal<T extends object>(part: T): T {
    const methods = Object.entries(part).map(([name, value]) => {
      if (typeof value !== "function" || name === "close" || name === "newMemory") return [name, value];
      const method = async (...args: unknown[]): Promise<unknown> => {
        if (dead) throw toll();
        left -= 1;
        if (left > 0 && !/^(write|seal|remove)/.test(name)) return value.apply(part, args);
        if (left === 0) {
          dead = !survives;
          bits >>>= 1;
          if (bits & 1) await value.apply(part, args);
          throw toll();
        }
        await new Promise((resolve) => setImmediate(resolve)); // others come meanwhile
        bits >>>= dead ? 1 : 0;
        if (dead && (bits & 1) === 0) throw toll();
        const result = await value.apply(part, args);
        if (dead) throw toll();
        return result;
      };
      return [name, method];
    });
    return { ...part, ...Object.fromEntries(methods) };
  }
  const { keys, notary, issuer, clock } = base;
  const [catalogue, objects] = [mortal(base.catalogue), mortal(base.objects)];
  const vault = await createVault({ catalogue, objects, keys, notary, issuer, clock: () => clock.now });
  return { vault, isDead: () => dead };
}

const unlessUnavailable = (error: unknown): undefined => {
  if (isAttestryError(error) && /^(UNAVAILABLE_STORAGE|CONFLICT_LOCKED)$/.test(error.code)) return undefined;
  throw error;
};

/** What was sent of an upload, and how much of it was acknowledged. */
interface Sent {
  content: Uint8Array;
  counted: number;
}

/** Asks where the upload stands and sends bytes from there, twice. */
async function live({ vault, isDead }: Process, id: string, sent: Sent, bytes: Uint8Array): Promise<void> {
  for (let round = 0; round < 2 && !isDead(); round++) {
    const upload = await vault.upload(id).catch(unlessUnavailable);
    if (upload === undefined) continue;
    const { offset } = upload;
    checkOffset(offset, sent);
    sent.content = Buffer.concat([sent.content.subarray(0, offset), bytes]);
    const appended = await vault.append(id, offset, inPieces(bytes)).catch(unlessUnavailable);
    sent.counted = appended?.offset ?? offset;
  }
}

function checkOffset(offset: number, { content, counted }: Sent): void {
  assert.ok(counted <= offset && offset <= content.length, `${counted} bytes counted, ${offset} are there`);
}

const life = fc.record<Life>({
  calls: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 3, max: 30 }) }, fc.constant(1000)),
  done: fc.nat(),
  bytes: fc.oneof(fc.integer({ min: 1, max: 3_200_000 }), fc.constantFrom(1_048_520, 2_097_080, 2_097_081)),
  survives: fc.boolean(),
});

test("whatever dies whenever, no key seals two plaintexts under one nonce, and nothing that counted is lost", async (t) => {
  const nonces = watchNonces(t);
  const base = await openTestVault(t, { folder: temporaryFolder(t) });
  let seed = 1;
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: 1, maxLength: 4 }), async (lives) => {
      const { id } = await base.begin({ who: "clerk" });
      const sent: Sent = { content: new Uint8Array(), counted: 0 };
      for (const one of lives) {
        const process = await startProcess(base, one).catch(unlessUnavailable);
        if (process !== undefined) await live(process, id, sent, sampleContent(one.bytes, seed++));
        base.clock.now += 61_000; // the lock of who died is over
        assert.deepEqual(nonces.reused(), []);
      }
      const { offset } = await base.upload(id);
      checkOffset(offset, sent);
      const rest = sampleContent(100, seed++);
      await base.append(id, offset, [rest], { isLast: true });
      const content = Buffer.concat([sent.content.subarray(0, offset), rest]);
      const object = await base.commit(id, await base.statementOf(content), access);
      assert.ok(equalBytes(await collect((await base.read(object.id, access)).content), content));
      assert.deepEqual(nonces.reused(), []);
      base.clock.now += 1000;
    }),
    { numRuns: 25 },
  );
  await base.sweep();
  const places = (await base.catalogue.listObjects(undefined, 100)).map(({ place }) => place).sort();
  assert.deepEqual(await base.objects.list(undefined, 100), places, "nothing is left of copies");
  t.diagnostic(`${nonces.count()} nonces`);
});

test("what the storage lost of an upload is not sealed again under the same key", async (t) => {
  const nonces = watchNonces(t);
  let vault = await openTestVault(t);
  const { id } = await vault.begin({ who: "clerk" });
  await vault.append(id, 0, inPieces(sampleContent(3_500_000)));
  const first = (await vault.objects.readSegment(id, 0)) ?? assert.fail();
  await vault.objects.remove(id);
  await vault.objects.writeSegment(id, 0, first);
  vault = await vault.reopen();
  const { offset } = await vault.upload(id);
  assert.equal(offset, firstPlaintextLength);
  await vault.append(id, offset, inPieces(sampleContent(3_500_000, 2)), { isLast: true });
  assert.deepEqual(nonces.reused(), []);
  assert.ok(nonces.count() > 0);
});
