import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBase64, encodeHex } from "../bytes.ts";
import { type AttestryError, isAttestryError } from "../errors.ts";
import { naiveLeaves, naiveTree } from "./naive.ts";
import { checkConsistency, checkInclusion, inclusionChecker, rootFromInclusion } from "./proof.ts";
import { proveConsistency, proveInclusion } from "./tree.ts";

const vectors = join(import.meta.dirname, "../../../../../shared/vectors/merkle");
const leaves = naiveLeaves(300);
const naive = naiveTree(leaves);
const leaf = (index: number) => leaves[index] as Uint8Array;

interface Vector {
  readonly size1: number;
  readonly size2: number;
  readonly root1: string;
  readonly root2: string;
  readonly leafIdx: number;
  readonly treeSize: number;
  readonly root: string;
  readonly leafHash: string;
  readonly proof: readonly string[] | null;
  readonly wantErr: boolean;
}

function checkVector(kind: "inclusion" | "consistency", vector: Vector): void {
  const path = (vector.proof ?? []).map((hash) => decodeBase64(hash));
  if (kind === "inclusion") {
    const { leafIdx: index, treeSize: size } = vector;
    checkInclusion({ index, size, leafHash: decodeBase64(vector.leafHash), path, root: decodeBase64(vector.root) });
  } else {
    const { size1, size2 } = vector;
    checkConsistency({ size1, root1: decodeBase64(vector.root1), size2, root2: decodeBase64(vector.root2), path });
  }
}

for (const [kind, code] of [
  ["inclusion", "VERIFY_INCLUSION"] as const,
  ["consistency", "VERIFY_CONSISTENCY"] as const,
]) {
  test(`${kind} proofs are judged as in transparency-dev's vectors`, (t) => {
    if (!existsSync(vectors)) return t.skip(`the vectors are not at ${vectors}`);
    const files = globSync(`${kind}/**/*.json`, { cwd: vectors });
    assert.equal(files.length, 98);
    for (const file of files) {
      const vector = JSON.parse(readFileSync(join(vectors, file), "utf8")) as Vector;
      if (vector.wantErr) assert.throws(() => checkVector(kind, vector), { code }, file);
      else assert.doesNotThrow(() => checkVector(kind, vector), file);
    }
  });
}

const inclusion = (index: number, size: number) => ({
  index,
  size,
  leafHash: leaf(index),
  path: proveInclusion(index, size, naive.read),
  root: naive.root(0, size),
});
const consistency = (size1: number, size2: number) => ({
  size1,
  root1: naive.root(0, size1),
  size2,
  root2: naive.root(0, size2),
  path: proveConsistency(size1, size2, naive.read),
});

const range = fc.integer({ min: 1, max: 300 }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)));
const flipAt = fc.tuple(fc.nat(), fc.nat(31), fc.integer({ min: 1, max: 255 }));

/** The hashes with one byte of one of them changed. */
function flip(hashes: readonly Uint8Array[], [which, at, mask]: [number, number, number]): Uint8Array[] {
  return hashes.map((hash, i) => (i === which % hashes.length ? hash.map((b, j) => (j === at ? b ^ mask : b)) : hash));
}

test("an inclusion proof with any byte changed fails", () => {
  fc.assert(
    fc.property(range, flipAt, ([index, size], where) => {
      const proof = inclusion(index, size);
      const [leafHash, root, ...path] = flip([proof.leafHash, proof.root, ...proof.path], where);
      assert.throws(
        () => checkInclusion({ ...proof, leafHash: leafHash as Uint8Array, root: root as Uint8Array, path }),
        {
          code: "VERIFY_INCLUSION",
        },
      );
    }),
    { numRuns: 1000 },
  );
});

test("a consistency proof with any byte changed fails", () => {
  fc.assert(
    fc.property(range, flipAt, ([smaller, size2], where) => {
      const proof = consistency(smaller + 1, size2);
      const [root1, root2, ...path] = flip([proof.root1, proof.root2, ...proof.path], where);
      assert.throws(
        () => checkConsistency({ ...proof, root1: root1 as Uint8Array, root2: root2 as Uint8Array, path }),
        {
          code: "VERIFY_CONSISTENCY",
        },
      );
    }),
    { numRuns: 1000 },
  );
});

test("an inclusion proof holds for no other index of its tree", () => {
  for (let size = 1; size <= 40; size++) {
    for (let index = 0; index < size; index++) {
      const proof = inclusion(index, size);
      for (let other = 0; other < size; other++) {
        if (other !== index)
          assert.throws(() => checkInclusion({ ...proof, index: other }), { code: "VERIFY_INCLUSION" });
      }
    }
  }
});

test("a proof with a hash too many or too few is refused", () => {
  for (let size2 = 1; size2 <= 40; size2++) {
    for (let size1 = 0; size1 <= size2; size1++) {
      const proof = consistency(size1, size2);
      const longer = [leaf(0), ...proof.path];
      for (const path of [
        longer,
        [...proof.path, leaf(0)],
        ...(proof.path.length > 0 ? [proof.path.slice(1), proof.path.slice(0, -1)] : []),
      ]) {
        assert.throws(() => checkConsistency({ ...proof, path }), { code: "VERIFY_CONSISTENCY" });
      }
    }
    for (let index = 0; index < size2; index++) {
      const proof = inclusion(index, size2);
      for (const path of [
        [...proof.path, leaf(0)],
        ...(proof.path.length > 0 ? [proof.path.slice(1), proof.path.slice(0, -1)] : []),
      ]) {
        assert.throws(() => rootFromInclusion({ ...proof, path }), { code: "VERIFY_INCLUSION" });
      }
    }
  }
});

test("sizes that are no whole numbers, or do not fit a number, are refused", () => {
  const one = inclusion(0, 1);
  const grown = consistency(1, 1);
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
    assert.throws(() => checkInclusion({ ...one, size: bad }), { code: "VERIFY_INCLUSION" });
    assert.throws(() => checkInclusion({ ...one, index: bad }), { code: "VERIFY_INCLUSION" });
    assert.throws(() => checkConsistency({ ...grown, size1: bad }), { code: "VERIFY_CONSISTENCY" });
    assert.throws(() => checkConsistency({ ...grown, size2: bad }), { code: "VERIFY_CONSISTENCY" });
    assert.throws(() => checkConsistency({ ...grown, size1: bad, size2: bad }), { code: "VERIFY_CONSISTENCY" });
  }
});

test("hashes that do not have 32 bytes are refused", () => {
  const short = new Uint8Array(31);
  const proof = inclusion(2, 5);
  const grown = consistency(2, 5);
  for (const bad of [{ leafHash: short }, { path: [short, ...proof.path.slice(1)] }, { root: short }]) {
    assert.throws(() => checkInclusion({ ...proof, ...bad }), { code: "VERIFY_INCLUSION" });
  }
  for (const bad of [{ root1: short }, { root2: short }, { path: [short, ...grown.path.slice(1)] }]) {
    assert.throws(() => checkConsistency({ ...grown, ...bad }), { code: "VERIFY_CONSISTENCY" });
  }
});

test("the empty tree begins every tree, under its own root only", () => {
  checkConsistency(consistency(0, 5));
  checkConsistency(consistency(0, 0));
  assert.throws(() => checkConsistency({ ...consistency(0, 5), root1: leaf(0) }), { code: "VERIFY_CONSISTENCY" });
});

test("a failed inclusion proof shows what was expected and what was found", () => {
  const proof = inclusion(2, 5);
  const error = refusal(() => checkInclusion({ ...proof, root: leaf(0) }));
  assert.deepEqual(error.data, {
    index: 2,
    size: 5,
    leafHash: encodeHex(proof.leafHash),
    path: proof.path.map(encodeHex),
    expected: encodeHex(leaf(0)),
    found: encodeHex(proof.root),
  });
});

test("a failed consistency proof carries both tree heads and the path, in every way of failing", () => {
  const proof = consistency(3, 5);
  for (const bad of [{ root2: leaf(0) }, { path: [] }, { size1: 5 }, { size1: 6 }, { size1: 0 }]) {
    const shown = { ...proof, ...bad };
    const error = refusal(() => checkConsistency(shown));
    assert.deepEqual(error.data, {
      size1: shown.size1,
      root1: encodeHex(shown.root1),
      size2: 5,
      root2: encodeHex(shown.root2),
      path: shown.path.map(encodeHex),
    });
  }
});

function refusal(act: () => void): AttestryError {
  try {
    act();
  } catch (error) {
    if (isAttestryError(error)) return error;
  }
  return assert.fail("nothing was refused");
}

test("of many proofs of one tree each is judged as it is alone, whichever were judged before", () => {
  const asked = fc.array(
    fc.record({
      index: fc.nat(),
      other: fc.nat(),
      change: fc.option(flipAt, { freq: 2 }),
      cut: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), asked, (size, questions) => {
      const root = naive.root(0, size);
      const check = inclusionChecker(size, root);
      for (const { index, other, change, cut } of questions) {
        const { leafHash, path } = inclusion(index % size, size);
        const [leafHashGiven = leafHash, ...pathGiven] =
          change === null ? [leafHash, ...path] : flip([leafHash, ...path], change);
        const proof = {
          index: cut === 1 ? other % size : index % size,
          leafHash: leafHashGiven,
          path: cut === 2 ? pathGiven.slice(1) : cut === 3 ? [...pathGiven, leaf(0)] : pathGiven,
        };
        const judge = (run: () => void): string => {
          try {
            run();
            return "holds";
          } catch (error) {
            assert.ok(isAttestryError(error));
            return error.code;
          }
        };
        assert.equal(
          judge(() => check(proof)),
          judge(() => checkInclusion({ ...proof, size, root })),
        );
      }
    }),
    { numRuns: 1000 },
  );
});
