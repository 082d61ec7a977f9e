import assert from "node:assert/strict";
import { test } from "node:test";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { addressOf, encodeTestHeader, sealHeader, validatorKey } from "../../test-kit/ledger.ts";
import { encodeUtf8 } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { bftKind, blockHash, checkSeals } from "./bft.ts";
import { type BftExtraData, type BftKind, bftKinds, encodeExtraData, parseExtraData } from "./extra-data.ts";
import { headerHash, parseHeader } from "./header.ts";
import { realBlocks } from "./real-blocks.ts";
import { encodeRlp, type RlpItem } from "./rlp.ts";

const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);

const refuses = (run: () => unknown, code: string, what?: string): void =>
  assert.throws(run, (error) => isAttestryError(error) && error.code === code, what);

const account = (n: number): Uint8Array => new Uint8Array(20).fill(n, 19);
const word = (n: number): string => n.toString(16).padStart(64, "0");
const word32 = (n: number): Uint8Array => hex(word(n));

/** What Besu's tests `QbftExtraDataCodecTest` and `IbftExtraDataRLPEncoderTest` encode. */
const besu: BftExtraData = {
  vanity: Uint8Array.from({ length: 32 }, (_, i) => i + 1),
  validators: [account(1), account(2)],
  vote: { recipient: account(1), add: true },
  round: 0x00fedcba,
  seals: [hex(`${word(1)}${word(10)}00`), hex(`${word(10)}${word(1)}00`)],
};
const besuHead = `a0${besu.vanity.toHex()}ea94${account(1).toHex()}94${account(2).toHex()}`;
const besuSeals = `f886b841${word(1)}${word(10)}00b841${word(10)}${word(1)}00`;

test("extra data is written and read as Besu's own tests say", () => {
  const qbft = `f8f0${besuHead}d794${account(1).toHex()}81ff83fedcba${besuSeals}`;
  const ibft = `f8f1${besuHead}d794${account(1).toHex()}81ff8400fedcba${besuSeals}`;
  assert.equal(encodeExtraData(besu, "qbft").toHex(), qbft);
  assert.equal(encodeExtraData(besu, "ibft").toHex(), ibft);
  assert.deepEqual(parseExtraData(hex(qbft), "qbft"), besu);
  assert.deepEqual(parseExtraData(hex(ibft), "ibft"), besu);
});

test("without seals and without round, extra data is what Besu's own tests say", () => {
  const vote: RlpItem = [account(1), hex("ff")];
  const head: RlpItem[] = [besu.vanity, besu.validators, vote];
  assert.deepEqual(encodeExtraData(besu, "qbft", "sealed"), encodeRlp([...head, hex("fedcba"), []]));
  assert.deepEqual(encodeExtraData(besu, "qbft", "hashed"), encodeRlp([...head, hex(""), []]));
  assert.deepEqual(encodeExtraData(besu, "ibft", "sealed"), encodeRlp([...head, hex("00fedcba")]));
  assert.deepEqual(encodeExtraData(besu, "ibft", "hashed"), encodeRlp(head));
});

test("no vote and a vote to drop are written as each protocol does", () => {
  const { vote: _, ...noVote } = { ...besu, validators: [], seals: [], round: 1 };
  const drop = { ...noVote, vote: { recipient: account(1), add: false } };
  const encoded = (data: BftExtraData, kind: BftKind): string => encodeExtraData(data, kind).toHex();
  const vanity = `a0${besu.vanity.toHex()}c0`;
  assert.equal(encoded(noVote, "qbft"), `e5${vanity}c001c0`);
  assert.equal(encoded(noVote, "ibft"), `e9${vanity}808400000001c0`);
  assert.equal(encoded(drop, "qbft"), `f83b${vanity}d694${account(1).toHex()}8001c0`);
  assert.equal(encoded(drop, "ibft"), `f83f${vanity}d694${account(1).toHex()}008400000001c0`);
});

const anyData: fc.Arbitrary<BftExtraData> = fc
  .record({
    vanity: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    validators: fc.array(fc.uint8Array({ minLength: 20, maxLength: 20 }), { maxLength: 5 }),
    vote: fc.option(
      fc.record(
        { recipient: fc.uint8Array({ minLength: 20, maxLength: 20 }), add: fc.boolean() },
        { noNullPrototype: true },
      ),
    ),
    round: fc.oneof(fc.nat({ max: 300 }), fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    proposerSeal: fc.uint8Array({ minLength: 65, maxLength: 65 }),
    seals: fc.array(fc.uint8Array({ minLength: 65, maxLength: 65 }), { maxLength: 5 }),
  })
  .map(({ vote, ...data }) => (vote === null ? data : { ...data, vote }));

const besuOf = ({ proposerSeal: _, ...data }: BftExtraData): BftExtraData => data;
const istanbulOf = ({ vote: _, ...data }: BftExtraData): BftExtraData => ({ ...data, round: 0 });

test("extra data decodes to what was encoded; damaged, it is refused or encodes back to itself", () => {
  fc.assert(
    fc.property(
      anyData,
      fc.constantFrom(...bftKinds),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (data, kind, at, flip) => {
        const bytes = encodeExtraData(data, kind);
        assert.deepEqual(parseExtraData(bytes, kind), kind === "istanbul" ? istanbulOf(data) : besuOf(data));
        bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ flip;
        try {
          assert.deepEqual(encodeExtraData(parseExtraData(bytes, kind), kind), bytes);
        } catch (error) {
          assert.ok(isAttestryError(error) && error.code === "VERIFY_ANCHOR_SEALS", String(error));
        }
      },
    ),
    { numRuns: 3000 },
  );
});

test("extra data in any other form is refused", () => {
  const { vanity, validators } = besu;
  const strange: [string, BftKind, RlpItem][] = [
    ["QBFT's round with leading zeros", "qbft", [vanity, validators, [], hex("00fedcba"), []]],
    ["QBFT's round of five bytes", "qbft", [vanity, validators, [], hex("0100000000"), []]],
    ["QBFT's absent vote as a string", "qbft", [vanity, validators, hex(""), hex(""), []]],
    ["QBFT's drop as a zero", "qbft", [vanity, validators, [account(1), hex("00")], hex(""), []]],
    ["IBFT's round without leading zeros", "ibft", [vanity, validators, hex(""), hex("fedcba"), []]],
    ["IBFT's absent vote as a list", "ibft", [vanity, validators, [], hex("00000000"), []]],
    ["an unknown vote", "ibft", [vanity, validators, [account(1), hex("aa")], hex("00000000"), []]],
    ["a vote for nobody", "qbft", [vanity, validators, [hex("01"), hex("ff")], hex(""), []]],
    ["a vanity of 31 bytes", "qbft", [vanity.subarray(1), validators, [], hex(""), []]],
    ["a validator of 19 bytes", "qbft", [vanity, [new Uint8Array(19)], [], hex(""), []]],
    ["a seal of 64 bytes", "qbft", [vanity, validators, [], hex(""), [new Uint8Array(64)]]],
    ["six items", "qbft", [vanity, validators, [], hex(""), [], hex("")]],
    ["four items", "ibft", [vanity, validators, hex(""), hex("00000000")]],
    ["a string", "qbft", vanity],
  ];
  for (const [what, kind, item] of strange) {
    refuses(() => parseExtraData(encodeRlp(item), kind), "VERIFY_ANCHOR_SEALS", what);
  }
  const istanbul: [string, RlpItem][] = [
    ["a proposer's seal of 64 bytes", [validators, new Uint8Array(64), []]],
    ["no proposer's seal", [validators, []]],
    ["a list for a proposer's seal", [validators, [vanity], []]],
    ["four items", [validators, hex(""), [], hex("")]],
  ];
  for (const [what, item] of istanbul) {
    const bytes = Uint8Array.from([...vanity, ...encodeRlp(item)]);
    refuses(() => parseExtraData(bytes, "istanbul"), "VERIFY_ANCHOR_SEALS", what);
  }
  refuses(() => parseExtraData(vanity, "istanbul"), "VERIFY_ANCHOR_SEALS");
  refuses(() => parseExtraData(hex(""), "qbft"), "VERIFY_ANCHOR_SEALS");
});

for (const { source, kind, header, number, validators, hash, sealedHash } of realBlocks) {
  test(`a real ${kind.toUpperCase()} block, number ${number}, proves itself (${source})`, () => {
    const parsed = parseHeader(hex(header));
    const data = parseExtraData(parsed.extraData, kind);
    assert.equal(parsed.number, number);
    assert.equal(bftKind(parsed), kind);
    assert.equal(data.validators.length, validators);
    checkSeals(parsed, data.validators, kind);
    if (hash !== undefined) assert.equal(blockHash(parsed).toHex(), hash);
    const sealed = headerHash(parsed, encodeExtraData(data, kind, "sealed"));
    if (sealedHash !== undefined) assert.equal(sealed.toHex(), sealedHash);
    refuses(
      () => checkSeals(parsed, data.validators.with(0, account(1)), kind),
      validators === 1 ? "VERIFY_ANCHOR_HEADER" : "VERIFY_ANCHOR_SEALS",
    );
  });
}

test("a changed byte anywhere in a real block's header is refused", () => {
  for (const { kind, header, validators } of realBlocks) {
    const original = hex(header);
    const trusted = parseExtraData(parseHeader(original).extraData, kind).validators;
    // Each try recovers a key for every seal, so where there are several, not every byte is tried.
    for (let at = 0; at < original.length; at += validators === 1 ? 1 : 11) {
      const bytes = Uint8Array.from(original);
      bytes[at] = (bytes[at] ?? 0) ^ 0x04;
      assert.throws(
        () => checkSeals(parseHeader(bytes), trusted, kind),
        (error) => isAttestryError(error) && /^VERIFY_ANCHOR_(?:HEADER|SEALS)$/.test(error.code),
        `byte ${at}`,
      );
    }
  }
});

const keys = [0, 1, 2, 3].map(validatorKey);
const addresses = keys.map(addressOf);
const stranger = validatorKey(9);

for (const kind of bftKinds) {
  const sealedBy = (sealers: readonly Uint8Array[], extra: Partial<BftExtraData> = {}): Uint8Array =>
    sealHeader({}, kind, { validators: addresses, ...extra }, sealers);
  const check = (header: Uint8Array, validators: readonly Uint8Array[] = addresses): void =>
    checkSeals(parseHeader(header), validators, kind);
  const refusesSeals = (header: Uint8Array, what?: string): void =>
    refuses(() => check(header), "VERIFY_ANCHOR_SEALS", what);

  test(`${kind.toUpperCase()}: three of four validators' seals suffice, two do not`, () => {
    check(sealedBy(keys));
    check(sealedBy(keys.slice(1)));
    check(sealedBy(keys.slice(0, 3).toReversed()));
    refusesSeals(sealedBy(keys.slice(0, 2)));
    refusesSeals(sealedBy([]));
  });

  test(`${kind.toUpperCase()}: a seal that stands twice or is a stranger's does not count, and spoils the block as on the chain`, () => {
    const [a, b, c] = keys as [Uint8Array, Uint8Array, Uint8Array];
    refusesSeals(sealedBy([a, b, b]));
    refusesSeals(sealedBy([a, b, stranger]));
    refusesSeals(sealedBy([a, b, c, stranger]));
    refusesSeals(sealedBy([a, b, c, c]));
    refusesSeals(sealedBy([...keys, stranger]));
  });

  test(`${kind.toUpperCase()}: seals of another round, block or chain are of another header`, () => {
    const { seals } = parseExtraData(parseHeader(sealedBy(keys.slice(0, 3))).extraData, kind);
    const withSeals = (header: object, extra: Partial<BftExtraData>): Uint8Array =>
      sealHeader(header, kind, { validators: addresses, seals, ...extra }, []);
    check(withSeals({}, {}));
    const own = {
      round: withSeals({}, { round: 1 }),
      vote: withSeals({}, { vote: { recipient: account(7), add: true } }),
    };
    const others = {
      ...(kind === "istanbul" ? { "proposer's seal": withSeals({}, { proposerSeal: new Uint8Array(65) }) } : own),
      vanity: withSeals({}, { vanity: new Uint8Array(32).fill(1) }),
      validators: withSeals({}, { validators: addresses.toReversed() }),
      time: withSeals({ time: 1 }, {}),
      number: withSeals({ number: 1 }, {}),
      "state root": withSeals({ stateRoot: new Uint8Array(32) }, {}),
    };
    for (const [what, header] of Object.entries(others)) refuses(() => check(header), "VERIFY_ANCHOR_HEADER", what);
    refuses(() => check(sealedBy(keys), [9, 10, 11, 12].map(validatorKey).map(addressOf)), "VERIFY_ANCHOR_HEADER");
  });

  test(`${kind.toUpperCase()}: the block's own list of validators must be the trusted one, or left to a contract`, () => {
    const header = sealedBy(keys.slice(0, 3));
    check(header, addresses.toReversed());
    check(header, [...addresses, ...addresses]);
    const fifth = addressOf(validatorKey(4));
    check(sealedBy(keys.slice(0, 3), { validators: [] }));
    refusesSeals(sealedBy(keys.slice(0, 3), { validators: [...addresses, fifth] }), "one more on the chain");
    refusesSeals(sealedBy(keys.slice(0, 3), { validators: addresses.slice(0, 3) }), "one less on the chain");
    refusesSeals(sealedBy(keys.slice(0, 3), { validators: addresses.with(3, fifth) }), "another one on the chain");
    refuses(() => check(header, []), "VERIFY_ANCHOR_SEALS", "nobody trusted");
    refuses(() => check(sealedBy([], { validators: [] }), []), "VERIFY_ANCHOR_SEALS", "nobody trusted, nobody sealed");
  });

  test(`${kind.toUpperCase()}: a damaged seal among good ones is refused`, () => {
    const { seals } = parseExtraData(parseHeader(sealedBy(keys)).extraData, kind);
    const spoilt: Record<string, (seal: Uint8Array) => Uint8Array> = {
      "the other recovery bit": (seal) => seal.with(64, 1 - (seal[64] ?? 0)),
      "a recovery bit of Ethereum's transactions": (seal) => seal.with(64, 27),
      "r of zero": (seal) => seal.with(64, 0).fill(0, 0, 32),
      "s of zero": (seal) => seal.with(64, 0).fill(0, 32, 64),
      "r beyond the group": (seal) => seal.with(64, 0).fill(0xff, 0, 32),
      "all zeros": () => new Uint8Array(65),
    };
    for (const [what, spoil] of Object.entries(spoilt)) {
      const damaged = seals.with(0, spoil(seals[0] ?? new Uint8Array(65)));
      refusesSeals(sealHeader({}, kind, { validators: addresses, seals: damaged }, []), what);
    }
  });

  test(`${kind.toUpperCase()}: a block's hash leaves out its seals and its round, and nothing else`, () => {
    const hashOf = (header: Uint8Array): string => blockHash(parseHeader(header)).toHex();
    const hash = hashOf(sealedBy(keys));
    assert.equal(hashOf(sealedBy(keys.slice(1), { round: 3 })), hash);
    assert.notEqual(hashOf(sealedBy(keys, { validators: addresses.slice(1) })), hash);
    assert.notEqual(hashOf(sealedBy(keys, { vanity: new Uint8Array(32).fill(1) })), hash);
    assert.notEqual(hashOf(sealHeader({ time: 1 }, kind, { validators: addresses }, keys)), hash);
    const first = sealHeader({ number: 0 }, kind, { validators: addresses }, keys);
    assert.equal(hashOf(first), keccak_256(first).toHex());
  });
}

test("the quorum is two thirds of the validators, rounded up, as Besu's own tests say", () => {
  const quorums = { 1: 1, 2: 2, 3: 2, 4: 3, 5: 4, 6: 4, 7: 5, 8: 6, 9: 6, 10: 7, 15: 10, 20: 14 };
  for (const [count, quorum] of Object.entries(quorums)) {
    const all = Array.from({ length: Number(count) }, (_, n) => validatorKey(n));
    const validators = all.map(addressOf);
    const sealed = (seals: number): (() => void) => {
      const header = parseHeader(sealHeader({}, "qbft", { validators }, all.slice(0, seals)));
      return () => checkSeals(header, validators, "qbft");
    };
    sealed(quorum)();
    refuses(sealed(quorum - 1), "VERIFY_ANCHOR_SEALS", `${quorum - 1} of ${count}`);
  }
});

test("a seal's recovery bit is 0 or 1, as on the chain, even where 2 would give a validator's key", () => {
  const sealedHash = headerHash(parseHeader(sealHeader({}, "qbft", { validators: [] }, [])));
  const refused: Uint8Array[] = [];
  for (let r = 1; refused.length < 3; r++) {
    try {
      const signature = secp256k1.Signature.fromBytes(hex(word(r) + word(1))).addRecoveryBit(2);
      const validator = keccak_256(signature.recoverPublicKey(sealedHash).toBytes(false).subarray(1)).slice(12);
      const seal = Uint8Array.from([...word32(r), ...word32(1), 2]);
      const header = parseHeader(sealHeader({}, "qbft", { validators: [], seals: [seal] }, []));
      refuses(() => checkSeals(header, [validator], "qbft"), "VERIFY_ANCHOR_HEADER");
      refused.push(seal);
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error; // else r + n is no point's coordinate
    }
  }
});

test("a thousand seals are refused before any is recovered", () => {
  const seals = Array.from({ length: 1000 }, (_, n) => Uint8Array.from([...keccak_256(word32(n)), ...word32(1), 0]));
  const header = parseHeader(sealHeader({}, "qbft", { validators: addresses, seals }, []));
  const start = process.cpuUsage();
  refuses(() => checkSeals(header, addresses, "qbft"), "VERIFY_ANCHOR_SEALS");
  assert.ok(process.cpuUsage(start).user < 300_000);
});

test("a header of no BFT chain is told from one", () => {
  const extraData = encodeExtraData(besu, "qbft");
  const qbft = parseHeader(encodeTestHeader({ extraData }));
  assert.equal(bftKind(qbft), "qbft");
  const proofOfStake = encodeTestHeader({ extraData, mixHash: new Uint8Array(32).fill(5) });
  assert.equal(bftKind(parseHeader(proofOfStake)), undefined);
  assert.deepEqual(blockHash(parseHeader(proofOfStake)), keccak_256(proofOfStake));
  assert.equal(bftKind(parseHeader(encodeTestHeader({ extraData: encodeUtf8("Geth") }))), undefined);
});
