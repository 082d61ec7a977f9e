import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { p256, p384 } from "@noble/curves/nist.js";
import { bytesToNumberBE, bytesToNumberLE, numberToBytesBE, numberToBytesLE } from "@noble/curves/utils.js";
import { sha512 } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { concatBytes, decodeHex, encodeUtf8 } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { publicKey, verifySignature } from "./index.ts";
import { provider as noble } from "./noble.ts";
import { provider as node } from "./node.ts";
import { type Algorithm, type PublicKey, publicKeyLength, signatureLength } from "./port.ts";

const providers = { node, noble };
const algorithms: readonly Algorithm[] = ["ES256", "ES384", "EdDSA", "ML-DSA-44"];

interface TestKey {
  readonly key: PublicKey;
  sign(data: Uint8Array): Uint8Array;
}

function generate(algorithm: Algorithm): TestKey {
  const { publicKey: open, privateKey } = generatePair(algorithm);
  const bytes = Uint8Array.from(open.export({ format: "der", type: "spki" })).slice(-publicKeyLength[algorithm]);
  const digest = { ES256: "sha256", ES384: "sha384", EdDSA: null, "ML-DSA-44": null }[algorithm];
  return {
    key: { algorithm, bytes },
    sign: (data) => Uint8Array.from(sign(digest, data, { key: privateKey, dsaEncoding: "ieee-p1363" })),
  };
}

function generatePair(algorithm: Algorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (algorithm) {
    case "ES256":
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case "ES384":
      return generateKeyPairSync("ec", { namedCurve: "P-384" });
    case "EdDSA":
      return generateKeyPairSync("ed25519");
    case "ML-DSA-44":
      return generateKeyPairSync("ml-dsa-44");
  }
}

const keys = Object.fromEntries(algorithms.map((algorithm) => [algorithm, generate(algorithm)])) as Record<
  Algorithm,
  TestKey
>;
const data = encodeUtf8("the deed");

function flipped(bytes: Uint8Array, at: number, mask: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  out[at] = (out[at] ?? 0) ^ mask;
  return out;
}

/** What both providers answer; fails if they differ. */
async function answer(key: PublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const [a, b] = await Promise.all([node, noble].map((provider) => provider.verifySignature(key, message, signature)));
  assert.equal(a, b, `node: ${a}, noble: ${b} for ${key.algorithm} ${key.bytes.toHex()} ${signature.toHex()}`);
  return a === true;
}

function valid(algorithm: Algorithm, bytes: Uint8Array): boolean {
  const [a, b] = [node, noble].map((provider) => provider.isValidPublicKey({ algorithm, bytes }));
  assert.equal(a, b, `node: ${a}, noble: ${b} for ${algorithm} ${bytes.toHex()}`);
  return a === true;
}

for (const [name, provider] of Object.entries(providers)) {
  test(`${name}: SHA-256 gives the answers of FIPS 180-4, as plain Uint8Arrays`, () => {
    const known = {
      "": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      abc: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    };
    for (const [text, hex] of Object.entries(known))
      assert.deepEqual(provider.sha256(encodeUtf8(text)), decodeHex(hex));
    const million = provider.createSha256();
    for (let i = 0; i < 1000; i++) million.update(new Uint8Array(1000).fill(0x61));
    const hex = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    assert.deepEqual(million.digest(), decodeHex(hex));
  });

  test(`${name}: hashing in pieces gives what hashing at once gives`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 }), (pieces) => {
        const state = provider.createSha256();
        for (const piece of pieces) state.update(piece);
        assert.deepEqual(state.digest(), provider.sha256(concatBytes(...pieces)));
      }),
    );
  });

  for (const algorithm of algorithms) {
    test(`${name}: ${algorithm} signatures of node:crypto hold, over no data and over much`, async () => {
      const { key, sign } = keys[algorithm];
      for (const size of [0, 1, 70_000]) {
        const message = new Uint8Array(size).fill(7);
        assert.equal(await provider.verifySignature(key, message, sign(message)), true);
      }
    });

    test(`${name}: ${algorithm} fails for any changed byte of signature, data or key`, async () => {
      const { key, sign } = keys[algorithm];
      const signature = sign(data);
      const total = signature.length + data.length + key.bytes.length;
      const changed = (position: number, mask: number): Promise<boolean> => {
        const inData = position - signature.length;
        const inKey = inData - data.length;
        if (inData < 0) return provider.verifySignature(key, data, flipped(signature, position, mask));
        if (inKey < 0) return provider.verifySignature(key, flipped(data, inData, mask), signature);
        return provider.verifySignature({ algorithm, bytes: flipped(key.bytes, inKey, mask) }, data, signature);
      };
      if (name === "node")
        for (let i = 0; i < total; i++) assert.equal(await changed(i, 1 << (i % 8)), false, `byte ${i}`);
      const position = fc.nat({ max: total - 1 });
      const mask = fc.integer({ min: 1, max: 255 });
      await fc.assert(fc.asyncProperty(position, mask, async (at, by) => assert.equal(await changed(at, by), false)));
    });

    test(`${name}: ${algorithm} answers false, and never throws, for a key or signature of the wrong length`, async () => {
      const { key, sign } = keys[algorithm];
      const signature = sign(data);
      const size = signatureLength[algorithm];
      const lengths = [0, 1, 31, 32, 33, 63, 65, 70, 97, 1312, size - 1, size + 1].filter((length) => length !== size);
      for (const length of lengths) {
        const other = concatBytes(signature, new Uint8Array(1312)).slice(0, length);
        assert.equal(await provider.verifySignature(key, data, other), false, `a signature of ${length}`);
      }
      for (const length of lengths.filter((length) => length !== key.bytes.length)) {
        const bytes = concatBytes(key.bytes, new Uint8Array(1312)).slice(0, length);
        assert.equal(
          await provider.verifySignature({ algorithm, bytes }, data, signature),
          false,
          `a key of ${length}`,
        );
        assert.equal(provider.isValidPublicKey({ algorithm, bytes }), false, `a key of ${length}`);
      }
      assert.equal(provider.isValidPublicKey(key), true);
    });

    test(`${name}: ${algorithm} answers false, and never throws, for random keys and signatures`, async () => {
      const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
      await fc.assert(
        fc.asyncProperty(
          bytes(publicKeyLength[algorithm]),
          bytes(signatureLength[algorithm]),
          async (key, signature) => {
            assert.equal(await provider.verifySignature({ algorithm, bytes: key }, data, signature), false);
            assert.equal(await provider.verifySignature(keys[algorithm].key, data, signature), false);
          },
        ),
        { numRuns: 30 },
      );
    });
  }
}

test("the providers agree on signatures and keys that are right, nearly right, or of another key", async () => {
  const others = Object.fromEntries(algorithms.map((a) => [a, generate(a)])) as Record<Algorithm, TestKey>;
  const arbitrary = fc.record({
    algorithm: fc.constantFrom(...algorithms),
    message: fc.uint8Array({ maxLength: 64 }),
    otherKey: fc.boolean(),
    change: fc.option(fc.record({ key: fc.boolean(), at: fc.nat(), mask: fc.integer({ min: 1, max: 255 }) })),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ algorithm, message, otherKey, change }) => {
      let signature = keys[algorithm].sign(message);
      let { bytes } = (otherKey ? others : keys)[algorithm].key;
      if (change?.key === true) bytes = flipped(bytes, change.at % bytes.length, change.mask);
      else if (change) signature = flipped(signature, change.at % signature.length, change.mask);
      assert.equal(await answer({ algorithm, bytes }, message, signature), !otherKey && change === null);
      valid(algorithm, bytes);
    }),
  );
});

for (const [algorithm, curve, digest] of [
  ["ES256", p256, "sha256"],
  ["ES384", p384, "sha384"],
] as const) {
  const { Point } = curve;
  const { Fn, Fp } = Point;
  const size = signatureLength[algorithm] / 2;
  const n = Fn.ORDER;
  const e = Fn.create(BigInt(`0x${createHash(digest).update(data).digest("hex")}`));
  const { key, sign } = keys[algorithm];
  const signature = (r: bigint, s: bigint) => concatBytes(numberToBytesBE(r, size), numberToBytesBE(s, size));
  const keyOf = (point: InstanceType<typeof Point>): PublicKey => ({ algorithm, bytes: point.toBytes(false) });
  const liftX = (x: bigint) => Point.fromBytes(concatBytes(Uint8Array.of(2), numberToBytesBE(x, size)));

  /** The smallest x from `start` on that has a point. */
  function pointFrom(start: bigint): InstanceType<typeof Point> {
    for (let x = start; ; x++) {
      try {
        return liftX(x);
      } catch {
        // no point there; the next
      }
    }
  }

  test(`${algorithm}: r and s must lie between 1 and n − 1`, async () => {
    const good = sign(data);
    const r = bytesToNumberBE(good.slice(0, size));
    const s = bytesToNumberBE(good.slice(size));
    const top = 2n ** BigInt(size * 8) - 1n;
    assert.equal(await answer(key, data, signature(r, s)), true);
    for (const odd of [0n, 1n, n - 1n, n, n + 1n, Fp.ORDER, top]) {
      assert.equal(await answer(key, data, signature(odd, s)), false, `r = ${odd}`);
      assert.equal(await answer(key, data, signature(r, odd)), false, `s = ${odd}`);
      assert.equal(await answer(key, data, signature(odd, odd)), false, `r = s = ${odd}`);
    }
  });

  test(`${algorithm}: high s is accepted like low s`, async () => {
    const good = sign(data);
    const s = bytesToNumberBE(good.slice(size));
    assert.equal(await answer(key, data, concatBytes(good.slice(0, size), numberToBytesBE(n - s, size))), true);
  });

  test(`${algorithm}: r is compared with x modulo n, and is not itself allowed to exceed n`, async () => {
    const R = pointFrom(n + 1n); // n < x < p
    const { x } = R.toAffine();
    assert.ok(x < Fp.ORDER);
    const r = x - n;
    const s = 12345n;
    // Q = (s R − e G) / r makes (r, s) a signature without anyone knowing a private key.
    const Q = R.multiplyUnsafe(s).subtract(Point.BASE.multiplyUnsafe(e)).multiplyUnsafe(Fn.inv(r));
    assert.equal(await answer(keyOf(Q), data, signature(r, s)), true);
    assert.equal(await answer(keyOf(Q), data, signature(x, s)), false);
  });

  test(`${algorithm}: a signature whose point is at infinity fails`, async () => {
    const r = 54321n;
    const Q = Point.BASE.multiplyUnsafe(Fn.neg(Fn.mul(e, Fn.inv(r)))); // e G + r Q = 0
    assert.equal(await answer(keyOf(Q), data, signature(r, 999n)), false);
  });

  test(`${algorithm}: a signature whose two summands are the same point holds`, async () => {
    const t = 31337n;
    const r = Fn.create(Point.BASE.multiply(t).toAffine().x);
    const s = Fn.mul(Fn.mul(2n, e), Fn.inv(t));
    const Q = Point.BASE.multiply(Fn.mul(e, Fn.inv(r))); // e G = r Q, and their sum over s is t G
    assert.equal(await answer(keyOf(Q), data, signature(r, s)), true);
  });

  test(`${algorithm}: keys that are not canonical points of the curve are refused`, () => {
    const { bytes } = key;
    const [x, y] = [bytes.slice(1, 1 + size), bytes.slice(1 + size)];
    const point = (a: Uint8Array | bigint, b: Uint8Array | bigint, prefix = 4) =>
      concatBytes(Uint8Array.of(prefix), ...[a, b].map((v) => (typeof v === "bigint" ? numberToBytesBE(v, size) : v)));
    assert.equal(valid(algorithm, bytes), true);
    assert.equal(
      valid(algorithm, point(x, Fp.ORDER - bytesToNumberBE(y))),
      true,
      "the negated point is another valid key",
    );
    const hybrid = 6 + ((y.at(-1) ?? 0) & 1); // SEC 1 §2.3.3 as X9.62 has it
    const small = pointFrom(1n).toAffine();
    const refused = {
      "the origin": point(0n, 0n),
      "x and y exchanged": point(y, x),
      "y changed": point(x, flipped(y, size - 1, 1)),
      "the hybrid form": point(x, y, hybrid),
      "the hybrid form of the other sign": point(x, y, hybrid ^ 1),
      "an unknown form": point(x, y, 5),
      "x + p for x": point(small.x + Fp.ORDER, small.y),
      "y = p": point(x, Fp.ORDER),
      "all ones": new Uint8Array(bytes.length).fill(0xff),
      "all zeros": new Uint8Array(bytes.length),
      "the compressed form": Point.fromBytes(bytes).toBytes(true),
      "a trailing byte": concatBytes(bytes, Uint8Array.of(0)),
    };
    for (const [what, bad] of Object.entries(refused)) {
      assert.equal(valid(algorithm, bad), false, what);
      assert.throws(() => publicKey(algorithm, bad), { code: "MALFORMED_KEY" }, what);
    }
  });
}

const { Point } = ed25519;
const L = Point.Fn.ORDER;
const p25519 = Point.Fp.ORDER;
type EdwardsPoint = InstanceType<typeof Point>;
const edKey = (point: EdwardsPoint): PublicKey => ({ algorithm: "EdDSA", bytes: point.toBytes() });

/** A signature over `data` with nonce point `R` (= r B, plus torsion if wanted) for the private scalar a of `A`. */
function edSign(R: EdwardsPoint, r: bigint, A: EdwardsPoint, a: bigint): Uint8Array {
  const k = bytesToNumberLE(sha512(concatBytes(R.toBytes(), A.toBytes(), data))) % L;
  return concatBytes(R.toBytes(), numberToBytesLE((r + k * a) % L, 32));
}

/** The eight points of small order: the multiples of one of order 8. */
const torsion = Array.from({ length: 8 }, (_, i) =>
  Point.fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05").multiplyUnsafe(BigInt(i)),
);

test("EdDSA: the first example of RFC 8032 §7.1 holds", async () => {
  const bytes = decodeHex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const signature = decodeHex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  );
  assert.equal(await answer({ algorithm: "EdDSA", bytes }, new Uint8Array(), signature), true);
});

test("EdDSA: S must be below the group order", async () => {
  const { key, sign } = keys.EdDSA;
  const good = sign(data);
  const s = bytesToNumberLE(good.slice(32));
  const withS = (value: bigint) => concatBytes(good.slice(0, 32), numberToBytesLE(value, 32));
  assert.equal(await answer(key, data, withS(s)), true);
  for (const bad of [s + L, s + 2n * L, L, 2n ** 256n - 1n, 0n])
    assert.equal(await answer(key, data, withS(bad)), false);
});

test("EdDSA: a signature that only holds times the cofactor fails everywhere alike", async () => {
  const [a, r] = [12345n, 67890n];
  const A = Point.BASE.multiply(a);
  const R = Point.BASE.multiply(r);
  for (const [i, T] of torsion.entries()) {
    assert.equal(await answer(edKey(A), data, edSign(R.add(T), r, A, a)), i === 0, `torsion ${i} in R`);
    await answer(edKey(A.add(T)), data, edSign(R, r, A.add(T), a)); // by k modulo 8; both must say the same
  }
});

test("EdDSA: a nonce point of small order, or one encoded past the field, is refused everywhere alike", async () => {
  const a = 12345n;
  const A = Point.BASE.multiply(a);
  for (const R of torsion) assert.equal(await answer(edKey(A), data, edSign(R, 0n, A, a)), false);
  const overlong = numberToBytesLE(p25519 + 1n, 32); // y = 1, not canonical
  const k = bytesToNumberLE(sha512(concatBytes(overlong, A.toBytes(), data))) % L;
  assert.equal(await answer(edKey(A), data, concatBytes(overlong, numberToBytesLE((k * a) % L, 32))), false);
});

test("EdDSA: keys of small order are refused, and vouch for nothing", async () => {
  assert.equal(new Set(torsion.map((point) => point.toHex())).size, 8);
  const anything = concatBytes(Point.ZERO.toBytes(), new Uint8Array(32)); // R = 0, S = 0
  for (const point of torsion) {
    for (const y of [point.toAffine().y, point.toAffine().y + p25519].filter((value) => value < 2n ** 255n)) {
      for (const sign of [0, 0x80]) {
        const bytes = flipped(numberToBytesLE(y, 32), 31, sign);
        assert.equal(valid("EdDSA", bytes), false, bytes.toHex());
        assert.equal(await answer({ algorithm: "EdDSA", bytes }, data, anything), false);
        assert.throws(() => publicKey("EdDSA", bytes), { code: "MALFORMED_KEY" });
      }
    }
  }
});

test("EdDSA: keys with y not below p, or with no point on the curve, are refused", () => {
  for (let y = p25519; y < 2n ** 255n; y++) assert.equal(valid("EdDSA", numberToBytesLE(y, 32)), false, `y = ${y}`);
  const isPoint = (bytes: Uint8Array) => {
    try {
      return Point.fromBytes(bytes) !== undefined;
    } catch {
      return false;
    }
  };
  for (let y = 2n; y < 200n; y++) {
    const bytes = numberToBytesLE(y, 32);
    assert.equal(valid("EdDSA", bytes), isPoint(bytes), `y = ${y}`);
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
      assert.equal(valid("EdDSA", bytes), isPoint(bytes));
    }),
    { examples: [[new Uint8Array(32).fill(2)]] },
  );
});

test("publicKey gives a copy of a good key, and otherwise throws MALFORMED_KEY", async () => {
  for (const algorithm of algorithms) {
    const { key, sign } = keys[algorithm];
    const bytes = Uint8Array.from(key.bytes);
    const parsed = publicKey(algorithm, bytes);
    bytes.fill(0);
    assert.deepEqual(parsed, key);
    assert.equal(await verifySignature(parsed, data, sign(data)), true);
    assert.equal(await verifySignature(parsed, data, sign(data).slice(1)), false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (garbage) => {
        try {
          assert.equal(publicKey(algorithm, garbage).bytes.length, publicKeyLength[algorithm]);
        } catch (error) {
          assert.ok(isAttestryError(error) && error.code === "MALFORMED_KEY");
        }
      }),
    );
  }
});
