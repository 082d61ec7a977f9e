import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { addressOf, encodeTestHeader, testLedger, validatorKey } from "../../test-kit/ledger.ts";
import { decodeCbor, encodeCbor } from "../cose/cbor.ts";
import { sha256 } from "../crypto/index.ts";
import { isAttestryError } from "../errors.ts";
import { blockHash } from "./bft.ts";
import {
  type AnchorFinding,
  anchorStorageSlot,
  checkEvmAnchor,
  type EvmAnchor,
  encodeEvmAnchor,
  parseEvmAnchor,
  type TrustedLedger,
} from "./evm-anchor.ts";
import { parseHeader } from "./header.ts";
import { realAnchors } from "./real-anchors.ts";
import { encodeRlp } from "./rlp.ts";

const time = 1_790_000_000;
const checkpoint = { origin: "example.org/log", size: 70_000, rootHash: sha256(Uint8Array.of(1)) };
const qbft = testLedger("qbft");
const anchor = await qbft.anchor(checkpoint, time);
const hash = blockHash(parseHeader(anchor.header));

/** The same contract with less or other trust. */
function trusting(trust: Partial<TrustedLedger> = {}): TrustedLedger {
  const { kind, name, chainId, contract, basis } = qbft.trusted;
  return { kind, name, chainId, contract, basis, ...trust };
}
const sealed = qbft.trusted;
const pinned = trusting({ blockHashes: [new Uint8Array(32), hash] });
const unproven = trusting();

async function refuses(run: () => unknown, code: string, what?: string): Promise<void> {
  await assert.rejects(
    async () => run(),
    (error) => isAttestryError(error) && error.code === code,
    what,
  );
}

for (const consensus of ["qbft", "ibft", "istanbul"] as const) {
  test(`an anchor in a sealed ${consensus.toUpperCase()} block holds with no trust but the validators`, async () => {
    const ledger = testLedger(consensus);
    const bytes = encodeEvmAnchor(await ledger.anchor(checkpoint, time));
    const found = await checkEvmAnchor(parseEvmAnchor(bytes), checkpoint, [ledger.trusted]);
    assert.deepEqual([found.time, found.blockNumber, found.finality], [time, 4711, "sealed"]);
    assert.equal(found.ledger, ledger.trusted);
    const { consensus: _, ...told } = ledger.trusted;
    assert.equal((await checkEvmAnchor(parseEvmAnchor(bytes), checkpoint, [told])).finality, "sealed");
    const other = consensus === "qbft" ? "ibft" : "qbft";
    const wrong = { ...ledger.trusted, consensus: other } as const;
    await refuses(() => checkEvmAnchor(parseEvmAnchor(bytes), checkpoint, [wrong]), "VERIFY_ANCHOR_SEALS");
  });
}

for (const { consensus, chainId, contract, proof } of realAnchors) {
  test(`an anchor in a block that real nodes sealed holds under their addresses: GoQuorum, ${consensus}`, async () => {
    const validators = [0, 1, 2, 3].map((n) => addressOf(validatorKey(n)));
    const at = { chainId, contract: Uint8Array.fromHex(contract) };
    const ledger: TrustedLedger = { kind: "evm", name: "real", ...at, validators, basis: "the test" };
    const real = parseEvmAnchor(Uint8Array.fromHex(proof));
    const { origin, size } = real;
    assert.deepEqual([origin, size], ["example.com/log", 5]);
    assert.equal((await checkEvmAnchor(real, real, [{ ...ledger, consensus }])).finality, "sealed");
    assert.equal((await checkEvmAnchor(real, real, [ledger])).finality, "sealed", "told from the header");
    const wrong = consensus === "qbft" ? "istanbul" : "qbft";
    await refuses(() => checkEvmAnchor(real, real, [{ ...ledger, consensus: wrong }]), "VERIFY_ANCHOR_SEALS");
    const [first = new Uint8Array(), ...others] = validators;
    const strangers = [...others, first.with(0, 1)];
    await refuses(() => checkEvmAnchor(real, real, [{ ...ledger, validators: strangers }]), "VERIFY_ANCHOR_SEALS");
    for (let at = 0; at < real.header.length; at += 7) {
      const header = real.header.with(at, (real.header[at] ?? 0) ^ 1);
      await assert.rejects(
        checkEvmAnchor({ ...real, header }, real, [ledger]),
        (error) => isAttestryError(error) && /^VERIFY_ANCHOR_(?:HEADER|SEALS)$/.test(error.code),
        `byte ${at}`,
      );
    }
  });
}

test("an anchor holds for a pinned block, and without validators or blocks its block is unproven", async () => {
  const finality = async (...ledgers: TrustedLedger[]): Promise<AnchorFinding["finality"]> =>
    (await checkEvmAnchor(anchor, checkpoint, ledgers)).finality;
  assert.equal(await finality(pinned), "pinned");
  assert.equal(await finality(unproven), "unproven");
  assert.equal(await finality(trusting({ validators: [], blockHashes: [] })), "unproven");
  assert.deepEqual((await checkEvmAnchor(anchor, checkpoint, [pinned])).blockHash, hash);
  const others = trusting({ blockHashes: [new Uint8Array(32), keccak_256(anchor.header)] });
  await refuses(() => finality(others), "VERIFY_ANCHOR_HEADER", "other blocks are pinned");
});

test("of several generations of a ledger's validators, one must have sealed the block", async () => {
  const former = trusting({ validators: [5, 6, 7, 8].map(validatorKey).map(addressOf) });
  const fewer = trusting({ validators: (sealed.validators ?? []).slice(0, 3) });
  const found = await checkEvmAnchor(anchor, checkpoint, [former, fewer, sealed]);
  assert.equal(found.ledger, sealed);
  assert.equal((await checkEvmAnchor(anchor, checkpoint, [unproven, pinned])).finality, "pinned");
  await refuses(() => checkEvmAnchor(anchor, checkpoint, [former]), "VERIFY_ANCHOR_HEADER");
  await refuses(() => checkEvmAnchor(anchor, checkpoint, [fewer]), "VERIFY_ANCHOR_SEALS");
  await refuses(() => checkEvmAnchor(anchor, checkpoint, [unproven, fewer]), "VERIFY_ANCHOR_SEALS");
});

test("a block of another kind than the validators' is refused", async () => {
  const { stateRoot } = parseHeader(anchor.header);
  const plain = { ...anchor, header: encodeTestHeader({ stateRoot, mixHash: new Uint8Array(32) }) };
  const { consensus: _, ...told } = sealed;
  await refuses(() => checkEvmAnchor(plain, checkpoint, [told]), "VERIFY_ANCHOR_SEALS");
  await refuses(() => checkEvmAnchor(plain, checkpoint, [sealed]), "VERIFY_ANCHOR_SEALS");
  const itsHash = keccak_256(plain.header);
  const found = await checkEvmAnchor(plain, checkpoint, [trusting({ blockHashes: [itsHash] })]);
  assert.deepEqual([found.finality, found.blockHash], ["pinned", itsHash]);
});

test("each kind of damage has its own code", async () => {
  const other = { origin: "example.org/other", size: 70_001, rootHash: sha256(Uint8Array.of(2)) };
  const otherAnchor = await qbft.anchor(other, time + 1);
  const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(9);
  const flip = (data: Uint8Array, at: number): Uint8Array => data.with(at, (data[at] ?? 0) ^ 1);
  const header = anchor.header;
  const sealsAt = header.length - 3 * 67;
  const check = (changed: Partial<EvmAnchor>, ledgers = [sealed]) =>
    checkEvmAnchor({ ...anchor, ...changed }, checkpoint, ledgers);

  for (const [what, changed] of Object.entries({ origin: other.origin, size: other.size, rootHash: other.rootHash })) {
    await refuses(() => check({ [what]: changed }), "VERIFY_ANCHOR_CHECKPOINT", what);
    await refuses(
      () => checkEvmAnchor(anchor, { ...checkpoint, [what]: changed }, [sealed]),
      "VERIFY_ANCHOR_CHECKPOINT",
      what,
    );
  }
  await refuses(() => check({ chainId: 1 }), "VERIFY_ANCHOR_LEDGER");
  await refuses(() => check({ contract: bytes(20) }), "VERIFY_ANCHOR_LEDGER");
  await refuses(() => check({}, []), "VERIFY_ANCHOR_LEDGER");
  await refuses(() => check({ header: bytes(10) }, []), "VERIFY_ANCHOR_LEDGER", "before the header is read");

  await refuses(() => check({ header: bytes(600) }), "VERIFY_ANCHOR_HEADER");
  await refuses(() => check({ header: flip(header, 10) }), "VERIFY_ANCHOR_HEADER");
  await refuses(() => check({ header: flip(header, 10) }, [pinned]), "VERIFY_ANCHOR_HEADER");
  await refuses(() => check({ header: flip(header, sealsAt) }), "VERIFY_ANCHOR_SEALS");

  const accounts = anchor.accountProof;
  await refuses(() => check({ accountProof: [] }), "VERIFY_ANCHOR_ACCOUNT");
  await refuses(() => check({ accountProof: accounts.slice(1) }), "VERIFY_ANCHOR_ACCOUNT");
  await refuses(() => check({ accountProof: otherAnchor.accountProof }), "VERIFY_ANCHOR_ACCOUNT");
  await refuses(() => check({ header: flip(header, 100) }, [unproven]), "VERIFY_ANCHOR_ACCOUNT", "the state root");

  const storage = anchor.storageProof;
  await refuses(() => check({ storageProof: [] }), "VERIFY_ANCHOR_STORAGE");
  await refuses(() => check({ storageProof: storage.slice(0, -1) }), "VERIFY_ANCHOR_STORAGE");
  await refuses(() => check({ storageProof: [...storage, ...storage] }), "VERIFY_ANCHOR_STORAGE");
  await refuses(() => check({ storageProof: accounts }), "VERIFY_ANCHOR_STORAGE");

  // Everything holds, and the contract says something else: another root, or nothing, for that origin and size.
  for (const claim of [{ rootHash: other.rootHash }, { size: 70_001 }, { origin: other.origin }]) {
    const lie = { ...anchor, ...claim };
    await refuses(() => checkEvmAnchor(lie, { ...checkpoint, ...claim }, [sealed]), "VERIFY_ANCHOR_STORAGE");
  }
  const elsewhere = { contract: bytes(20) };
  await refuses(() => check(elsewhere, [{ ...sealed, ...elsewhere }]), "VERIFY_ANCHOR_ACCOUNT");
});

test("a root hash that begins with zeros is stored shorter, and holds", async () => {
  for (const rootHash of [checkpoint.rootHash.with(0, 0), new Uint8Array(32).fill(1, 31)]) {
    const shorter = { ...checkpoint, rootHash };
    const found = await checkEvmAnchor(await qbft.anchor(shorter), shorter, [sealed]);
    assert.equal(found.finality, "sealed");
  }
});

/** An anchor in a made-up block whose tries hold one account and one word, which anyone can make. */
async function madeUp(account: (storageRoot: Uint8Array) => Uint8Array, word: Uint8Array): Promise<EvmAnchor> {
  const leaf = (key: Uint8Array, value: Uint8Array): Uint8Array =>
    encodeRlp([Uint8Array.from([0x20, ...keccak_256(key)]), value]);
  const storage = leaf(await anchorStorageSlot(checkpoint.origin, checkpoint.size), word);
  const state = leaf(anchor.contract, account(keccak_256(storage)));
  const header = encodeTestHeader({ stateRoot: keccak_256(state) });
  return { ...anchor, header, accountProof: [state], storageProof: [storage] };
}

test("an account or a stored word of another form is refused", async () => {
  const none = new Uint8Array();
  const account = (root: Uint8Array): Uint8Array => encodeRlp([none, none, root, new Uint8Array(32)]);
  const word = encodeRlp(checkpoint.rootHash);
  const check = async (made: Promise<EvmAnchor>) => checkEvmAnchor(await made, checkpoint, [unproven]);
  assert.equal((await check(madeUp(account, word))).finality, "unproven");
  const accounts: ((root: Uint8Array) => Uint8Array)[] = [
    (root) => encodeRlp([none, none, root]),
    (root) => encodeRlp([none, none, root, none, none]),
    (root) => encodeRlp([none, none, root.subarray(1), none]),
    (root) => encodeRlp([none, none, [root], none]),
    (root) => encodeRlp(root),
    () => Uint8Array.of(0xff),
  ];
  for (const strange of accounts) await refuses(() => check(madeUp(strange, word)), "VERIFY_ANCHOR_ACCOUNT");
  const words = [
    checkpoint.rootHash,
    encodeRlp([checkpoint.rootHash]),
    encodeRlp(new Uint8Array(33).fill(1)),
    encodeRlp(Uint8Array.of(0, 1)),
    Uint8Array.of(0x80),
  ];
  for (const strange of words) await refuses(() => check(madeUp(account, strange)), "VERIFY_ANCHOR_STORAGE");
});

const single = testLedger("qbft", 1);
const encoded = encodeEvmAnchor(await single.anchor(checkpoint, time));

test("an anchor decodes to what was encoded", () => {
  assert.deepEqual(parseEvmAnchor(encodeEvmAnchor(anchor)), anchor);
  assert.deepEqual(encodeEvmAnchor(parseEvmAnchor(encoded)), encoded);
});

test("with its validators trusted, an anchor with any one byte changed is refused", async () => {
  const codes = new Map<string, number>();
  for (let at = 0; at < encoded.length; at++) {
    const bytes = encoded.with(at, (encoded[at] ?? 0) ^ (1 << (at % 8)));
    await assert.rejects(
      async () => checkEvmAnchor(parseEvmAnchor(bytes), checkpoint, [single.trusted]),
      (error) => isAttestryError(error) && codes.set(error.code, 1 + (codes.get(error.code) ?? 0)) !== undefined,
      `byte ${at}`,
    );
  }
  for (const code of ["MALFORMED_ANCHOR", "VERIFY_ANCHOR_CHECKPOINT", "VERIFY_ANCHOR_LEDGER"])
    assert.ok(codes.has(code));
  for (const code of ["HEADER", "SEALS", "ACCOUNT", "STORAGE"]) assert.ok(codes.has(`VERIFY_ANCHOR_${code}`), code);
});

test("with its block pinned, an anchor with one byte changed is refused or says the same", async () => {
  const good = await checkEvmAnchor(parseEvmAnchor(encoded), checkpoint, [trusting({ blockHashes: [await pin()] })]);
  const same: number[] = [];
  for (let at = 0; at < encoded.length; at++) {
    const bytes = encoded.with(at, (encoded[at] ?? 0) ^ (1 << (at % 8)));
    try {
      assert.deepEqual(await checkEvmAnchor(parseEvmAnchor(bytes), checkpoint, [good.ledger]), good);
      same.push(at);
    } catch (error) {
      assert.ok(isAttestryError(error), String(error));
    }
  }
  // A BFT block's hash leaves out its seals and its round, and only these.
  assert.ok(same.length > 0 && same.length <= 66, `${same.length} bytes`);
});

async function pin(): Promise<Uint8Array> {
  return (await checkEvmAnchor(parseEvmAnchor(encoded), checkpoint, [unproven])).blockHash;
}

test("arbitrary and damaged bytes are refused with one code, and what is read encodes back to itself", () => {
  const damaged = fc
    .tuple(fc.nat(), fc.uint8Array({ maxLength: 8 }), fc.nat({ max: 8 }))
    .map(([at, insert, remove]) => {
      const bytes = [...encoded];
      bytes.splice(at % bytes.length, remove, ...insert);
      return Uint8Array.from(bytes);
    });
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 100 })), (bytes) => {
      let read: EvmAnchor;
      try {
        read = parseEvmAnchor(bytes);
      } catch (error) {
        assert.ok(isAttestryError(error) && error.code === "MALFORMED_ANCHOR", String(error));
        return;
      }
      assert.deepEqual(encodeEvmAnchor(read), bytes);
    }),
    { numRuns: 5000 },
  );
});

test("an anchor of another shape, or larger than any real one, is refused, to read and to write", async () => {
  const map = decodeCbor(encoded);
  assert.ok(map instanceof Map);
  const withMember = (key: string, value: unknown): Uint8Array => encodeCbor(new Map([...map, [key, value as string]]));
  for (const key of map.keys()) {
    const without = new Map([...map].filter(([other]) => other !== key));
    await refuses(() => parseEvmAnchor(encodeCbor(without)), "MALFORMED_ANCHOR", `without ${key}`);
    await refuses(() => parseEvmAnchor(withMember(String(key), null)), "MALFORMED_ANCHOR", `${key} null`);
  }
  await refuses(() => parseEvmAnchor(withMember("note", "x")), "MALFORMED_ANCHOR");
  await refuses(() => parseEvmAnchor(withMember("kind", "fabric")), "MALFORMED_ANCHOR");
  await refuses(() => parseEvmAnchor(encodeCbor([])), "MALFORMED_ANCHOR");

  const node = (length: number): Uint8Array => new Uint8Array(length);
  const beyond: Record<string, Partial<EvmAnchor>> = {
    "65 nodes": { accountProof: Array.from({ length: 65 }, () => node(1)) },
    "a long node": { storageProof: [node(1025)] },
    "a long header": { header: node(32_769) },
    "no chain": { chainId: 0 },
    "an empty tree": { size: 0 },
    "a short address": { contract: node(19) },
    "a long root hash": { rootHash: node(33) },
  };
  for (const [what, changed] of Object.entries(beyond)) {
    await refuses(() => encodeEvmAnchor({ ...anchor, ...changed }), "MALFORMED_ANCHOR", what);
  }
  const most = { accountProof: Array.from({ length: 64 }, () => node(1024)), header: node(32_768) };
  assert.deepEqual(parseEvmAnchor(encodeEvmAnchor({ ...anchor, ...most })), { ...anchor, ...most });
});

test("the contract's slot is where Solidity puts it", async () => {
  // As viem's keccak256 and encodeAbiParameters give it, from the base 0x0296561a…635a00.
  const slot = await anchorStorageSlot("example.org/log", 2 ** 40 + 7);
  assert.equal(slot.toHex(), "9d86538c8d841f8296aff995272c96684480cce0384f7486b06049a2818a1eb1");
  assert.notDeepEqual(await anchorStorageSlot("example.org/log", 1), await anchorStorageSlot("example.org/log", 2));
  assert.notDeepEqual(await anchorStorageSlot("example.org/log", 1), await anchorStorageSlot("example.org/Log", 1));
});
