import assert from "node:assert/strict";
import { test } from "node:test";
import { createMPT, type MerklePatriciaTrie, verifyMerkleProof } from "@ethereumjs/mpt";
import { keccak_256 } from "@noble/hashes/sha3.js";
import fc from "fast-check";
import { trieProof } from "../../test-kit/ledger.ts";
import { isAttestryError } from "../errors.ts";
import { checkTrieProof, type TrieProof } from "./mpt.ts";
import { encodeRlp, type RlpItem } from "./rlp.ts";

const code = "VERIFY_ANCHOR_STORAGE";
const hex = (text: string): Uint8Array => Uint8Array.fromHex(text);
const check = (proof: TrieProof): Uint8Array | undefined => checkTrieProof(proof, code);
const refuses = (proof: TrieProof, what?: string): void =>
  assert.throws(
    () => check(proof),
    (error) => isAttestryError(error) && error.code === code,
    what,
  );

/** What the proof shows: the value, "absent", or "refused". */
function outcome(proof: TrieProof): string {
  try {
    return check(proof)?.toHex() ?? "absent";
  } catch (error) {
    assert.ok(isAttestryError(error) && error.code === code, String(error));
    return "refused";
  }
}

type Entries = readonly (readonly [key: Uint8Array, value: Uint8Array])[];

async function trieOf(entries: Entries): Promise<MerklePatriciaTrie> {
  const trie = await createMPT();
  for (const [key, value] of entries) await trie.put(key, value);
  return trie;
}

// Few different bytes make long common paths: extensions, branches with values, and nodes that stand in their parents.
const denseByte = fc.constantFrom(0x00, 0x01, 0x10, 0x11, 0xff);
const anyKey = fc.oneof(
  fc.array(denseByte, { minLength: 1, maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
  fc.nat({ max: 500 }).map((n) => keccak_256(Uint8Array.of(n >> 8, n & 255))),
);
const anyValue = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 3 }),
  fc.uint8Array({ minLength: 28, maxLength: 120 }),
);
const anyEntries = fc.array(fc.tuple(anyKey, anyValue), { minLength: 1, maxLength: 40 });

test("agrees with another implementation on what a trie holds and what it does not", async () => {
  const seen = { present: 0, absent: 0 };
  await fc.assert(
    fc.asyncProperty(anyEntries, fc.array(anyKey, { maxLength: 10 }), async (entries, others) => {
      const trie = await trieOf(entries);
      for (const key of [...entries.map(([key]) => key), ...others]) {
        const theirs = await trie.get(key);
        seen[theirs === null ? "absent" : "present"] += 1;
        const proof = await trieProof(trie, key);
        assert.deepEqual(check({ root: trie.root(), key, proof }), theirs ?? undefined);
        assert.deepEqual(await verifyMerkleProof(key, proof, { root: trie.root() }), theirs);
      }
    }),
    { numRuns: 150 },
  );
  assert.ok(seen.present > 500 && seen.absent > 100);
});

test("a proof with any byte changed, a node missing, added, doubled or moved is refused", async () => {
  await fc.assert(
    fc.asyncProperty(anyEntries, fc.nat(), fc.nat(), async (entries, which, at) => {
      const trie = await trieOf(entries);
      const key = entries[which % entries.length]?.[0] ?? new Uint8Array();
      const proof = await trieProof(trie, key);
      const root = trie.root();
      const n = at % proof.length;
      const node = proof[n] ?? new Uint8Array();
      for (const flip of [0x01, 0x80, 0xff]) {
        const changed = Uint8Array.from(node);
        changed[at % node.length] = (node[at % node.length] ?? 0) ^ flip;
        refuses({ root, key, proof: proof.with(n, changed) }, "a byte");
      }
      refuses({ root, key, proof: proof.with(n, node.slice(0, -1)) }, "a shortened node");
      refuses({ root, key, proof: proof.toSpliced(n, 1) }, "a node missing");
      refuses({ root, key, proof: proof.toSpliced(n, 0, node) }, "a node doubled");
      refuses({ root, key, proof: [...proof, new Uint8Array()] }, "an empty node added");
      refuses({ root, key, proof: [...proof, hex("80")] }, "an empty trie added");
      refuses({ root: keccak_256(root), key, proof }, "another root");
      if (proof.length > 1) refuses({ root, key, proof: proof.toReversed() }, "nodes reversed");
    }),
    { numRuns: 100 },
  );
});

test("a proof never shows of another key what is not so", async () => {
  await fc.assert(
    fc.asyncProperty(anyEntries, anyKey, fc.nat(), async (entries, other, which) => {
      const trie = await trieOf(entries);
      const proof = await trieProof(trie, entries[which % entries.length]?.[0] ?? new Uint8Array());
      const shown = outcome({ root: trie.root(), key: other, proof });
      const truth = (await trie.get(other))?.toHex() ?? "absent";
      assert.ok(shown === "refused" || shown === truth, `${shown} is not ${truth}`);
    }),
    { numRuns: 300 },
  );
});

test("arbitrary nodes under a root that is their hash give an answer or the given code, and no other error", () => {
  const node = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 2, maxLength: 2 }).map(encodeRlp),
    fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 17, maxLength: 17 }).map(encodeRlp),
  );
  const seen = new Set<string>();
  fc.assert(
    fc.property(node, anyKey, (bytes, key) => {
      const shown = outcome({ root: keccak_256(bytes), key, proof: [bytes] });
      seen.add(shown === "refused" || shown === "absent" ? shown : "a value");
    }),
    { numRuns: 5000 },
  );
  assert.ok(seen.has("refused") && seen.has("absent"));
});

test("the empty trie holds nothing, and its proof needs no node", () => {
  const root = keccak_256(hex("80"));
  assert.equal(check({ root, key: hex("12"), proof: [] }), undefined);
  refuses({ root: new Uint8Array(32), key: hex("12"), proof: [] });
});

// A trie made by hand: keys 1234 and 1235 share an extension (1, 2, 3), and 1236 adds what stands in the branch itself.
const leaf = (path: string, value: string): RlpItem => [hex(path), hex(value)];
const long = "ab".repeat(40);
const none = new Uint8Array();

function branch(children: Record<number, RlpItem>, value: RlpItem = none): RlpItem[] {
  return [...Array.from({ length: 16 }, (_, i) => children[i] ?? none), value];
}

function proofOf(key: string, ...nodes: RlpItem[]): TrieProof {
  const proof = nodes.map(encodeRlp);
  return { root: keccak_256(proof[0] ?? none), key: hex(key), proof };
}

test("extensions, branches, their values and the nodes that stand in them are followed", () => {
  const longLeaf = leaf("20", long); // even path, no nibbles left
  const inner = branch({ 4: keccak_256(encodeRlp(longLeaf)), 5: leaf("20", "cc") });
  const root: RlpItem = [hex("1123"), keccak_256(encodeRlp(inner))];
  assert.equal(outcome(proofOf("1234", root, inner, longLeaf)), long);
  assert.equal(outcome(proofOf("1235", root, inner)), "cc");
  assert.equal(outcome(proofOf("1236", root, inner)), "absent");
  assert.equal(outcome(proofOf("1334", root)), "absent");
  assert.equal(outcome(proofOf("1235", root, inner, longLeaf)), "refused");
  assert.equal(outcome(proofOf("1334", root, inner)), "refused");

  const withValue = branch({ 1: leaf("31", "cc") }, hex(long));
  assert.equal(outcome(proofOf("", withValue)), long);
  assert.equal(outcome(proofOf("11", withValue)), "cc");
  assert.equal(outcome(proofOf("1111", withValue)), "absent");
  assert.equal(outcome(proofOf("", branch({ 1: leaf("31", "cc"), 2: leaf("31", "cd") }))), "absent");
});

test("nodes that no trie has are refused", () => {
  const shortLeaf = leaf("20", "cc");
  const longBranch = branch({}, hex(long));
  const toBranch = (path: string): TrieProof =>
    proofOf("12", [hex(path), keccak_256(encodeRlp(longBranch))], longBranch);
  assert.equal(outcome(toBranch("0012")), long);
  const strange: Record<string, TrieProof> = {
    "three items": proofOf("12", [hex("2012"), hex("cc"), hex("cc")]),
    "a path of nothing": proofOf("12", [none, hex("cc")]),
    "a path with an unknown flag": toBranch("4012"),
    "a path whose padding is not zero": toBranch("0112"),
    "a path that is a list": proofOf("12", [[], hex("cc")]),
    "a value that is a list": proofOf("12", [hex("2012"), []]),
    "an extension of nothing": { ...toBranch("00"), key: hex("") },
    "a hash of 31 bytes": proofOf("12", [hex("0012"), new Uint8Array(31)]),
    "a short node behind its hash": proofOf("12", [hex("0012"), keccak_256(encodeRlp(shortLeaf))], shortLeaf),
    "a long node in its parent": proofOf("12", [hex("0012"), leaf("20", long)]),
    "a branch's value that is a list": proofOf("", branch({}, [])),
    "a string for a node": proofOf("12", hex("cc")),
  };
  for (const [what, proof] of Object.entries(strange)) refuses(proof, what);
});
