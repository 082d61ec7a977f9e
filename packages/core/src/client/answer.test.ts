import assert from "node:assert/strict";
import { test } from "node:test";
import { testLog, testSigner } from "../../test-kit/log.ts";
import {
  type CborValue,
  type ErrorCode,
  encodeCbor,
  encodeProofFile,
  encodeReceipt,
  encodeUtf8,
  type PublicKey,
  parseEvidence,
  parseProofFile,
  parseStatement,
  type Receipt,
  sha256,
  signStatement,
  verify,
} from "../index.ts";
import { type LogKeys, readAnswer } from "./answer.ts";

const time = 1_790_000_000;
const log = testLog("log.example.gov/1", time);
const issuers = [testSigner(), testSigner()];
const statementOf = (name: string, signer = issuers[0] ?? testSigner()): Promise<Uint8Array> =>
  signStatement(
    { issuer: "https://clerk.example.gov", subject: name, issuedAt: time, digest: sha256(encodeUtf8(name)) },
    signer,
  );

/** Statements of two issuers in turn, in a tree with others before and between them. */
const statements: Uint8Array[] = [];
const indexes: number[] = [];
for (let at = 0; at < 40; at++) {
  log.append(await statementOf(`other ${at}`));
  const statement = await statementOf(`deed ${at}`, issuers[at % 2]);
  statements.push(statement);
  indexes.push(log.append(statement));
}
const receipts = await Promise.all(
  indexes.map(async (index) => parseProofFile(await log.proof(index)).receipts[0] as Receipt),
);
const [first] = receipts as [Receipt];
const checkpoint = first.evidence.checkpoint as Uint8Array;
const keys: LogKeys = {
  receiptKey: first.evidence.receiptKey as PublicKey,
  verifierKeys: first.evidence.verifierKeys ?? [],
};

interface Entry {
  readonly index: number;
  readonly receipt: Receipt;
  readonly checkpoint?: number;
}

const entries: readonly Entry[] = receipts.map((receipt, at) => ({
  index: indexes[at] as number,
  receipt: { ...receipt, signature: first.signature }, // one of the same root: a notary signs it once
}));

function encodeAnswer(given: readonly Entry[], checkpoints: readonly Uint8Array[] = [checkpoint]): Uint8Array {
  const all = given.map(({ index, receipt, checkpoint: place = 0 }) => {
    const { evidence: _, ...bare } = receipt;
    return new Map<string, CborValue>([
      ["index", index],
      ["isNew", true],
      ["receipt", encodeReceipt(bare)],
      ["checkpoint", place],
    ]);
  });
  return encodeCbor(
    new Map<string, CborValue>([
      ["checkpoints", [...checkpoints]],
      ["entries", all],
    ]),
  );
}

test("the proofs of a batch are those that are put together each for itself, and verify", async () => {
  const registrations = await readAnswer(encodeAnswer(entries), statements, keys, undefined);
  for (const [at, registration] of registrations.entries()) {
    assert.ok("proof" in registration);
    const statement = parseStatement(statements[at] as Uint8Array);
    const receipt = encodeReceipt({ ...(entries[at] as Entry).receipt, ...keys, checkpoint });
    const expected = encodeProofFile({
      statement,
      evidence: parseEvidence(statement.unprotected),
      receipts: [receipt],
    });
    assert.deepEqual(registration, { index: indexes[at], isNew: true, proof: expected });
    const { verdict } = await verify({ proof: registration.proof, digest: statement.digest, trust: log.trust });
    assert.equal(verdict, "verified");
  }
});

test("a notary that answers with what does not hold is found out, wherever in the batch it is", async () => {
  const forged = await testSigner().sign(encodeUtf8("root"));
  const strange = testLog("log.example.gov/1", time);
  strange.append(await statementOf("strange"));
  const flip = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte));
  const lies: Record<string, [ErrorCode, (entry: Entry, other: Entry) => Entry]> = {
    "another entry's receipt": ["VERIFY_INCLUSION", (_, other) => other],
    "another entry's index": ["MALFORMED_RECEIPT", (entry, other) => ({ ...entry, index: other.index })],
    "a path that leads elsewhere from its leaf": [
      "VERIFY_INCLUSION",
      ({ receipt, ...entry }) => {
        const [sibling, ...path] = receipt.path as [Uint8Array, ...Uint8Array[]];
        return { ...entry, receipt: { ...receipt, path: [flip(sibling), ...path] } };
      },
    ],
    "a path that leads elsewhere below the root": [
      "VERIFY_INCLUSION",
      ({ receipt, ...entry }) => {
        const path = receipt.path.with(-1, flip(receipt.path.at(-1) as Uint8Array));
        return { ...entry, receipt: { ...receipt, path } };
      },
    ],
    "another signature": [
      "VERIFY_SIGNATURE",
      (entry) => ({ ...entry, receipt: { ...entry.receipt, signature: forged } }),
    ],
    "another tree size": [
      "VERIFY_CHECKPOINT",
      (entry) => ({ ...entry, receipt: { ...entry.receipt, size: entry.receipt.size - 1 } }),
    ],
    "a checkpoint that the log's keys have not signed": ["VERIFY_UNTRUSTED", (entry) => ({ ...entry, checkpoint: 1 })],
  };
  const unsigned = await strange.checkpoint();
  for (const [name, [code, lie]] of Object.entries(lies)) {
    for (const place of [0, 1, 20, 39]) {
      const other = entries[(place + 7) % entries.length] as Entry;
      const told = entries.with(place, lie(entries[place] as Entry, other));
      const answer = encodeAnswer(told, [checkpoint, unsigned]);
      await assert.rejects(readAnswer(answer, statements, keys, undefined), { code }, `${name} at ${place}`);
    }
  }
});

test("a receipt key other than the one that the notary shows is refused", async () => {
  const others = { ...keys, receiptKey: testSigner().publicKey };
  await assert.rejects(readAnswer(encodeAnswer(entries), statements, others, undefined), {
    code: "VERIFY_KEY_MISMATCH",
  });
});
