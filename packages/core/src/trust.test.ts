import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { testLog, testSigner, testWitness } from "../test-kit/log.ts";
import {
  createVerifierKey,
  encodeVerifierKey,
  isAttestryError,
  keyThumbprint,
  parseTrustFile,
  signatureType,
  thumbprintUri,
} from "./index.ts";

const log = testLog("log.example.gov/1", 0).trust.logs[0];
const witness = testWitness("w1.example", 0).verifierKey;
const key = thumbprintUri(keyThumbprint(testSigner().publicKey));
const file = {
  logs: [{ origin: log?.origin, verifierKeys: log?.verifierKeys.map(({ text }) => text), receiptKeys: [key] }],
  witnesses: [witness.text],
  quorum: 1,
  issuers: [{ issuer: "https://clerk.example.gov", keys: [key] }],
  revokers: ["https://court.example.gov"],
};

const refuses = (change: object, place: string): void =>
  assert.throws(
    () => parseTrustFile(JSON.stringify({ ...file, ...change })),
    (error) => isAttestryError(error) && error.code === "MALFORMED_TRUST_FILE" && error.data["place"] === place,
    JSON.stringify(change),
  );

test("a trust file says whom to believe", () => {
  const trust = parseTrustFile(JSON.stringify(file));
  assert.equal(trust.logs[0]?.origin, "log.example.gov/1");
  assert.equal(trust.logs[0]?.verifierKeys.length, 2);
  assert.deepEqual(trust.witnesses[0]?.text, witness.text);
  assert.equal(trust.quorum, 1);
  assert.equal(trust.issuers[0]?.issuer, "https://clerk.example.gov");
  assert.equal(trust.acceptEnrolled, false);
});

test("a trust file that names no issuers leaves enrolment to the log; one with an empty list accepts none", () => {
  const { issuers, ...others } = file;
  assert.equal(parseTrustFile(JSON.stringify(others)).acceptEnrolled, true);
  assert.equal(parseTrustFile(JSON.stringify({ ...others, issuers: [] })).acceptEnrolled, false);
  assert.equal(issuers.length, 1);
});

test("a member that stands twice is refused by its name, since the last one would override what a reader saw first", () => {
  const text = JSON.stringify(file).replace(/}$/, ',"quorum":0}');
  assert.equal(JSON.parse(text).quorum, 0);
  assert.throws(() => parseTrustFile(text), { code: "MALFORMED_TRUST_FILE", message: /the member "quorum" twice/ });
});

test("witnesses that are named without a quorum are all asked for", () => {
  const { quorum, ...others } = file;
  assert.equal(parseTrustFile(JSON.stringify(others)).quorum, 1);
  assert.equal(quorum, 1);
});

test("a mistake is refused and its place named; nothing is skipped over", () => {
  refuses({ log: [] }, "the file");
  refuses({ quorum: 2 }, "quorum");
  refuses({ quorum: -1 }, "quorum");
  refuses({ quorum: "1" }, "quorum");
  refuses({ quorum: null }, "quorum");
  refuses({ witnesses: ["nonsense"] }, "witnesses[0]");
  refuses({ witnesses: [log?.verifierKeys[0]?.text] }, "witnesses");
  refuses({ logs: [{ ...file.logs[0], verifierKeys: [] }] }, "logs[0].verifierKeys");
  refuses({ logs: [{ ...file.logs[0], receiptKeys: ["abc"] }] }, "logs[0]");
  refuses({ logs: [{ ...file.logs[0], receiptKeys: [] }] }, "logs[0].receiptKeys");
  refuses({ logs: [{ ...file.logs[0], origin: "" }] }, "logs[0].origin");
  refuses({ issuers: [{ issuer: "x", keys: [key], key: 1 }] }, "issuers[0]");
  refuses({ issuers: {} }, "issuers");
  refuses({ issuerRoots: ["-----BEGIN CERTIFICATE-----"] }, "issuerRoots[0]");
  for (const text of ["", "[]", "null", "{", '"x"']) {
    assert.throws(
      () => parseTrustFile(text),
      (error) => isAttestryError(error) && error.code === "MALFORMED_TRUST_FILE",
    );
  }
});

test("a witness has a key of its own: neither one of another name, which would count twice, nor a log's", () => {
  const { publicKey } = witness;
  const alias = encodeVerifierKey("w2.example", publicKey, signatureType.ed25519Cosignature);
  refuses({ witnesses: [witness.text, alias] }, "witnesses[0]");
  refuses({ witnesses: [log?.verifierKeys[1]?.text] }, "witnesses[0]");
  const asWitness = encodeVerifierKey("w2.example", log?.verifierKeys[0]?.publicKey ?? publicKey, 4);
  refuses({ witnesses: [witness.text, asWitness] }, "witnesses[1]");
  const second = createVerifierKey(witness.name, testSigner("ML-DSA-44").publicKey, signatureType.mlDsaCosignature);
  const trust = parseTrustFile(JSON.stringify({ ...file, witnesses: [witness.text, second.text], quorum: undefined }));
  assert.equal(trust.quorum, 1, "two keys of one witness are one witness");
});

test("any text is a trust file or a refusal", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      try {
        parseTrustFile(text);
      } catch (error) {
        assert.ok(isAttestryError(error) && error.code === "MALFORMED_TRUST_FILE");
      }
    }),
    { numRuns: 3000 },
  );
});
