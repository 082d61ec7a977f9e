import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testLog, testSigner } from "../../test-kit/log.ts";
import {
  type CborKey,
  type CborMap,
  type CborValue,
  CborWriter,
  decodeCbor,
  defaultSubject,
  type ErrorCode,
  encodeCbor,
  encodeProofFile,
  encodeReceipt,
  encodeReceiptHeader,
  encodeSign1,
  encodeUtf8,
  isAttestryError,
  keyThumbprint,
  parseEvidence,
  parseProofFile,
  parseReceipt,
  parseSign1,
  parseStatement,
  receiptEncoder,
  type StatementClaims,
  sha256,
  signStatement,
} from "../index.ts";

const digest = sha256(encodeUtf8("deed"));
const claims: StatementClaims = {
  issuer: "https://clerk.example.gov",
  subject: "deed-1",
  issuedAt: 1_790_000_000,
  digest,
};
const signer = testSigner();

const has = (code: ErrorCode) => (error: unknown) => isAttestryError(error) && error.code === code;

/** A well-formed statement with its signed header changed; the signature no longer fits, which a parser does not look at. */
async function withHeader(change: (header: CborMap) => void): Promise<Uint8Array> {
  const sign1 = parseSign1(await signStatement(claims, signer));
  change(sign1.protectedHeader);
  return encodeSign1({ ...sign1, protectedBytes: encodeCbor(sign1.protectedHeader) });
}

test("what is signed is what is read back", async () => {
  const name = fc.string({ minLength: 1, maxLength: 100 }).filter((text) => text.trim().length > 0);
  const relation = fc.record(
    {
      kind: fc.constantFrom("supersedes" as const, "revokes" as const),
      target: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      reason: name,
    },
    { noNullPrototype: true },
  );
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
  const after = fc.record(
    { origin: name, size: fc.integer({ min: 1, max: 2 ** 53 - 1 }), rootHash: hash },
    { noNullPrototype: true },
  );
  const anyClaims = fc.record(
    {
      issuer: name,
      subject: name,
      issuedAt: fc.nat(2 ** 40),
      digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
      contentType: name,
      relation,
      after,
    },
    { requiredKeys: ["issuer", "subject", "issuedAt", "digest"] },
  );
  await fc.assert(
    fc.asyncProperty(anyClaims, async (given) => {
      const statement = parseStatement(await signStatement(given as StatementClaims, signer));
      const { issuer, subject, issuedAt, contentType, relation, after } = statement;
      const found = { issuer, subject, issuedAt, digest: statement.digest, contentType, relation, after };
      assert.deepEqual(found, { contentType: undefined, relation: undefined, after: undefined, ...given });
      assert.deepEqual(statement.key, { kind: "kid", thumbprint: keyThumbprint(signer.publicKey) });
      assert.deepEqual(parseEvidence(statement.unprotected), { coseKey: signer.publicKey });
      assert.deepEqual(parseStatement(statement.entry).entry, statement.entry);
    }),
    { numRuns: 300 },
  );
});

test("the entry is the statement with its unprotected header emptied, and nothing else changed", async () => {
  const signed = await signStatement(claims, signer);
  const { entry } = parseStatement(signed);
  assert.equal(parseSign1(entry).unprotected.size, 0);
  assert.deepEqual({ ...parseSign1(entry), unprotected: null }, { ...parseSign1(signed), unprotected: null });
});

test("a chain travels as x5chain, and its first certificate is named by x5t", async () => {
  const chain = [encodeUtf8("leaf"), encodeUtf8("ca")]; // bytes are not looked into here
  for (const certificates of [chain, chain.slice(0, 1)]) {
    const statement = parseStatement(await signStatement(claims, signer, { chain: certificates }));
    assert.deepEqual(statement.key, { kind: "x5t", thumbprint: sha256(encodeUtf8("leaf")) });
    assert.deepEqual(parseEvidence(statement.unprotected), { chain: certificates });
  }
});

test("a file without a record number is named by its hash (RFC 6920 §8.1)", () => {
  const uri = defaultSubject(sha256(encodeUtf8("Hello World!")));
  assert.equal(uri, "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk");
});

test("a statement that lacks or bends a required header or claim is refused", async () => {
  const claim = (key: number, value: CborValue | undefined) => (header: CborMap) => {
    const cwt = header.get(15) as CborMap;
    if (value === undefined) cwt.delete(key);
    else cwt.set(key, value);
  };
  const set = (label: number | string, value: CborValue) => (header: CborMap) => void header.set(label, value);
  const drop = (label: number) => (header: CborMap) => void header.delete(label);
  const refused: [string, (header: CborMap) => void, ErrorCode][] = [
    ["no claims", drop(15), "MALFORMED_STATEMENT"],
    ["no issuer", claim(1, undefined), "MALFORMED_STATEMENT"],
    ["no subject", claim(2, undefined), "MALFORMED_STATEMENT"],
    ["no time", claim(6, undefined), "MALFORMED_STATEMENT"],
    ["a time before 1970", claim(6, -1), "MALFORMED_STATEMENT"],
    ["an issuer that is not text", claim(1, 7), "MALFORMED_STATEMENT"],
    ["a time of expiry, which would be passed over", claim(4, 2_000_000_000), "MALFORMED_STATEMENT"],
    ["a time before which it does not hold", claim(5, 2_000_000_000), "MALFORMED_STATEMENT"],
    ["an empty issuer", claim(1, ""), "MALFORMED_STATEMENT"],
    ["a long subject", claim(2, "x".repeat(513)), "MALFORMED_STATEMENT"],
    ["a subject that turns the reading direction", claim(2, "deed \u202e4711"), "MALFORMED_STATEMENT"],
    ["a subject with a line break", claim(2, "deed\n4711"), "MALFORMED_STATEMENT"],
    [
      "a claim under a text key",
      (header) =>
        header.set(
          15,
          new Map<CborKey, CborValue>([
            ["1", "x"],
            [2, "x"],
            [6, 1],
          ]),
        ),
      "MALFORMED_STATEMENT",
    ],
    ["no hash envelope", drop(258), "MALFORMED_STATEMENT"],
    ["another hash", set(258, -43), "MALFORMED_STATEMENT"],
    ["a content type of the hash", set(3, "application/pdf"), "MALFORMED_STATEMENT"],
    ["no key", drop(4), "MALFORMED_STATEMENT"],
    ["a key and a certificate", set(34, [-16, digest]), "MALFORMED_STATEMENT"],
    ["a key under a text label", (header) => header.delete(4) && header.set("4", digest), "MALFORMED_STATEMENT"],
    ["an x5t of three", (header) => header.delete(4) && header.set(34, [-16, digest, 1]), "MALFORMED_STATEMENT"],
    ["a short kid", set(4, encodeUtf8("k")), "MALFORMED_STATEMENT"],
    ["critical headers", set(2, [258]), "MALFORMED_STATEMENT"],
    ["no algorithm", drop(1), "VERIFY_ALGORITHM"],
    ["HMAC", set(1, 5), "VERIFY_ALGORITHM"],
    ["ES512", set(1, -36), "VERIFY_ALGORITHM"],
    ["an algorithm by name", set(1, "ES256"), "VERIFY_ALGORITHM"],
    ["a relation of another kind", set("attestry/relation", ["likes", digest, "x"]), "MALFORMED_STATEMENT"],
    ["a relation without a reason", set("attestry/relation", ["revokes", digest]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint of four parts", set("attestry/after", ["log", 1, digest, 1]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint of no root hash", set("attestry/after", ["log", 1, encodeUtf8("x")]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint of the empty tree", set("attestry/after", ["log", 0, digest]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint of no log", set("attestry/after", ["", 1, digest]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint of a long name", set("attestry/after", ["x".repeat(513), 1, digest]), "MALFORMED_STATEMENT"],
    ["a quoted checkpoint by name", set("attestry/after", "log"), "MALFORMED_STATEMENT"],
    ["a relation to no leaf hash", set("attestry/relation", ["revokes", encodeUtf8("x"), "x"]), "MALFORMED_STATEMENT"],
  ];
  for (const [what, change, code] of refused) {
    const bytes = await withHeader(change);
    assert.throws(() => parseStatement(bytes), has(code), what);
  }
});

test("a quoted checkpoint that no parser would read is not signed", async () => {
  const good = { origin: "log", size: 1, rootHash: digest };
  const changes = [{ origin: "" }, { origin: "a\nb" }, { size: 0 }, { size: 1.5 }, { rootHash: digest.subarray(1) }];
  for (const change of changes)
    await assert.rejects(
      signStatement({ ...claims, after: { ...good, ...change } }, signer),
      has("MALFORMED_STATEMENT"),
    );
});

test("the note of a quoted checkpoint is read back; it is refused when too long, no bytes, or beside a statement that quotes none", async () => {
  const after = { origin: "log", size: 1, rootHash: digest };
  const bytes = (note: CborValue, more: Partial<StatementClaims> = { after }): Promise<Uint8Array> =>
    signStatement({ ...claims, ...more }, signer).then((signed) => {
      const sign1 = parseSign1(signed);
      return encodeSign1({ ...sign1, unprotected: sign1.unprotected.set("c2sp.org/checkpoint-after", note) });
    });
  const longest = new Uint8Array(65_535);
  const proof = await bytes(longest);
  assert.deepEqual(parseProofFile(proof).evidence.checkpointAfter, longest);
  assert.deepEqual(encodeProofFile({ ...parseProofFile(proof), receipts: [] }), proof);
  const refused = async (made: Promise<Uint8Array>, code: ErrorCode): Promise<void> => {
    const file = await made;
    assert.throws(() => parseProofFile(file), has(code));
  };
  await refused(bytes(new Uint8Array(65_536)), "MALFORMED_STATEMENT");
  await refused(bytes("note"), "MALFORMED_STATEMENT");
  await refused(bytes(longest, {}), "MALFORMED_PROOF_FILE");
});

test("half a surrogate pair, which would be signed as another character, is refused", async () => {
  await assert.rejects(signStatement({ ...claims, subject: "deed \ud800" }, signer), has("MALFORMED_STATEMENT"));
});

test("structures that are not a tagged COSE_Sign1 of four parts are refused", async () => {
  const { protectedBytes, payload, signature } = parseSign1(await signStatement(claims, signer));
  const bad: CborValue[] = [[protectedBytes, new Map(), payload, signature], 1, "text", null];
  for (const value of bad) assert.throws(() => parseStatement(encodeCbor(value)), has("MALFORMED_STATEMENT"));
  const tagged = (hex: string) => () => parseStatement(Uint8Array.fromHex(hex));
  for (const hex of ["d28440a0f640", "d18440a04040", "d28340a040", "d2a0", "d28440a040f6", "d2844180a04040"]) {
    assert.throws(tagged(hex), has("MALFORMED_STATEMENT"), hex);
  }
});

test("a label in both headers is refused, since the unsigned one could shadow the signed one", async () => {
  const sign1 = parseSign1(await signStatement(claims, signer));
  sign1.unprotected.set(15, new Map());
  assert.throws(() => parseStatement(encodeSign1(sign1)), has("MALFORMED_STATEMENT"));
});

test("a weak or broken key beside a statement is refused", async () => {
  const sign1 = parseSign1(await signStatement(claims, signer));
  const withKey = (key: CborMap) => {
    sign1.unprotected.set(14, new Map([[8, new Map([[1, key]])]]));
    return () => parseProofFile(encodeSign1(sign1));
  };
  const point = signer.publicKey.bytes;
  const ec = (y: Uint8Array): CborMap => new Map<number, CborValue>([[1, 2], [-1, 1], [-2, point.subarray(1, 33)], [-3, y]]); // biome-ignore format: a table
  assert.throws(withKey(ec(new Uint8Array(32))), has("MALFORMED_KEY"));
  assert.throws(withKey(new Map<number, CborValue>([[1, 1], [-1, 6], [-2, new Uint8Array(32)]])), has("MALFORMED_KEY")); // biome-ignore format: a table
  assert.throws(withKey(ec(point.subarray(33)).set(3, -35)), has("MALFORMED_KEY"));
  assert.doesNotThrow(withKey(ec(point.subarray(33)).set(3, -7)));
});

test("an entry that would not fit an entry bundle is refused", async () => {
  const bytes = await withHeader((header) => void header.set("x", new Uint8Array(66_000)));
  assert.throws(() => parseStatement(bytes), has("POLICY_TOO_LARGE"));
});

test("receipts and proof files encode back to the bytes that they were read from", async () => {
  const log = testLog("log.example.gov/1", 1_790_000_000);
  for (let size = 1; size <= 9; size++) {
    const index = log.append(await signStatement({ ...claims, subject: `deed-${size}` }, signer));
    const bytes = await log.proof(index);
    const proof = parseProofFile(bytes);
    const receipts = proof.receipts.map((receipt) => encodeReceipt({ ...receipt, ...receipt.evidence }));
    assert.deepEqual(encodeProofFile({ ...proof, receipts }), bytes);
  }
});

test("a receipt that attaches its payload, has another tree, no proof, two proofs or a long path is refused", () => {
  const protectedBytes = encodeReceiptHeader({ origin: "log", keyThumbprint: digest, time: 1 });
  const inclusion = (path: Uint8Array[]) => encodeCbor([5, 1, path]);
  const receipt = (vdp: CborValue, payload: Uint8Array | null = null, header = protectedBytes) =>
    encodeSign1({ protectedBytes: header, unprotected: new Map([[396, vdp]]), payload, signature: new Uint8Array(64) });
  const good = new Map([[-1, [inclusion([digest])]]]);
  assert.doesNotThrow(() => parseReceipt(receipt(good)));
  const otherTree = encodeCbor((decodeCbor(protectedBytes) as CborMap).set(395, 2));
  const refused = [
    receipt(good, digest),
    receipt(good, null, otherTree),
    receipt(new Map()),
    receipt(new Map([[-1, []]])),
    receipt(new Map([[-1, [inclusion([digest]), inclusion([digest])]]])),
    receipt(new Map([[-1, [inclusion(Array(65).fill(digest))]]])),
    receipt(new Map([[-1, [inclusion([new Uint8Array(31)])]]])),
    receipt(new Map([[-1, [encodeCbor([0, 0, []])]]])),
    receipt(new Map([[-1, [encodeCbor([5, -1, []])]]])),
    receipt(new Map([[-1, [encodeCbor([5, 1, [], 0])]]])),
  ];
  for (const bytes of refused) assert.throws(() => parseReceipt(bytes), has("MALFORMED_RECEIPT"));
});

test("a receipt carries at most 16 anchors and 16 time stamps, each of which takes time to check", () => {
  const protectedBytes = encodeReceiptHeader({ origin: "log", keyThumbprint: digest, time: 1 });
  const parts = { protectedBytes, signature: new Uint8Array(64), size: 1, index: 0, path: [] };
  for (const kind of ["anchors", "timeStamps"] as const) {
    const withSome = (count: number) => encodeReceipt({ ...parts, [kind]: Array(count).fill(digest) });
    assert.equal(parseReceipt(withSome(16)).evidence[kind]?.length, 16);
    assert.throws(() => parseReceipt(withSome(17)), has("MALFORMED_RECEIPT"));
  }
});

test("every parser answers any bytes with a value or one of its own errors", async () => {
  const log = testLog("log.example.gov/1", 1_790_000_000);
  const proof = await log.proof(log.append(await signStatement(claims, signer)));
  const mutated = fc
    .array(fc.tuple(fc.nat(proof.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 })
    .map((edits) => {
      const bytes = Uint8Array.from(proof);
      for (const [at, value] of edits) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 200 })), (bytes) => {
      for (const parse of [parseStatement, parseReceipt, parseProofFile, parseSign1]) {
        try {
          parse(bytes);
        } catch (error) {
          assert.ok(isAttestryError(error), String(error));
        }
      }
    }),
    { numRuns: 20_000 },
  );
});

test("receipts that share what they can are those that are encoded each for itself", () => {
  const number = fc.oneof(fc.maxSafeNat(), fc.nat(300), fc.constantFrom(23, 24, 255, 256, 65_535, 65_536, 2 ** 32));
  const entry = fc.record({
    index: number,
    path: fc.array(fc.constantFrom(digest, sha256(digest)), { maxLength: 64 }),
  });
  const bytes = fc.uint8Array({ maxLength: 300 });
  const beside = fc.record(
    { checkpoint: bytes, receiptKey: fc.constant(signer.publicKey), anchors: fc.array(bytes) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(number, fc.array(entry), bytes, beside, (size, entries, protectedBytes, evidence) => {
      const shared = { protectedBytes, signature: new Uint8Array(64), size, ...evidence };
      const encoder = receiptEncoder(shared);
      const writer = new CborWriter(1);
      writer.head(4, entries.length);
      for (const { index, path } of entries) encoder.write(writer, index, path);
      const expected = entries.map(({ index, path }) => encodeReceipt({ ...shared, index, path }));
      assert.deepEqual(decodeCbor(writer.written()), expected);
      assert.deepEqual(
        entries.map(({ index, path }) => encoder.encode(index, path)),
        expected,
      );
    }),
  );
});
