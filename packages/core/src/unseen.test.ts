import assert from "node:assert/strict";
import { test } from "node:test";
import { testWitness } from "../test-kit/log.ts";
import {
  checkClaims,
  createVerifierKey,
  encodeCheckpoint,
  encodeReceipt,
  encodeReceiptHeader,
  parseCheckpoint,
  parseNote,
  parseReceipt,
  signatureType,
} from "./index.ts";
import { derOid, derSequence, derSet, derText } from "./timestamp/der-writer.ts";
import { isAllSeen } from "./unseen.ts";
import { DerReader } from "./x509/der.ts";
import { parseDistinguishedName } from "./x509/distinguished-name.ts";

const unseen = [
  ..."\u0000\u0085\u00ad\u034f\u061c\u115f\u17b4\u180b\u200b\u200d\u202e\u2028\u2029\u2060\u2065\u2800\u3164\ue000",
  ..."\ufe0f\ufeff\uffa0\ufff0\u{1d173}\u{e0020}\u{e0100}\u{10fffd}",
  "\ud800",
];

test("what nobody sees is found in a name, and names of all scripts are seen", () => {
  for (const character of unseen) assert.ok(!isAllSeen(`log.example.gov${character}/2026`), JSON.stringify(character));
  for (const name of [
    "",
    "log.example.gov/2026",
    "go.sum database tree",
    "rekor.sigstore.dev - 1193050959916656506",
    "CN=Müller & Søn,O=Łódź,C=PL",
    "Grundbuchamt Köln (Nord)",
    "東京法務局",
    "서울중앙지방법원",
    "Κτηματολόγιο",
    "משרד המשפטים",
    "وزارة العدل",
    "निबंधन विभाग",
    "สำนักงานที่ดิน",
    "e\u0301tude",
    "\u{1f511}",
    "⠃⠗",
  ])
    assert.ok(isAllSeen(name), name);
});

test("no name that people are shown may hold what nobody sees", () => {
  const { publicKey } = testWitness("w1.example", 0).verifierKey;
  const rootHash = new Uint8Array(32);
  const [head, signature] = [{ size: 1, index: 0, path: [] }, new Uint8Array(64)];
  const receiptOf = (origin: string): Uint8Array => {
    const protectedBytes = encodeReceiptHeader({ origin, keyThumbprint: rootHash, time: 1 });
    return encodeReceipt({ protectedBytes, signature, ...head });
  };
  const claims = { issuer: "https://clerk.example.gov", subject: "deed", issuedAt: 1, digest: rootHash };
  parseReceipt(receiptOf("log.example.gov/1"));
  for (const character of unseen.filter((one) => one.isWellFormed())) {
    const name = `log.example.gov${character}/1`;
    assert.throws(() => createVerifierKey(name, publicKey, signatureType.ed25519), { code: "MALFORMED_KEY" });
    const text = `${name}\n1\n${rootHash.toBase64()}\n`;
    assert.throws(() => parseCheckpoint(text), { code: "MALFORMED_CHECKPOINT" });
    const checkpoint = { origin: name, size: 1, rootHash, extensions: [] };
    assert.throws(() => encodeCheckpoint(checkpoint), { code: "MALFORMED_CHECKPOINT" });
    assert.throws(() => parseReceipt(receiptOf(name)), { code: "MALFORMED_RECEIPT" });
    const isVariant = /\p{Variation_Selector}/u.test(character);
    for (const part of ["issuer", "contentType", ...(isVariant ? [] : ["subject"])])
      assert.throws(() => checkClaims({ ...claims, [part]: name }), { code: "MALFORMED_STATEMENT" });
  }
});

test("a record and a reason may name people as Japanese registers write them, and an issuer's name is never told apart so", () => {
  const claims = { issuer: "https://clerk.example.gov", issuedAt: 1, digest: new Uint8Array(32) };
  const relation = { kind: "supersedes", target: claims.digest } as const;
  const name = "葛\u{e0100}城市";
  checkClaims({ ...claims, subject: name, relation: { ...relation, reason: name } });
  assert.throws(() => checkClaims({ ...claims, subject: "deed", issuer: name }), { code: "MALFORMED_STATEMENT" });
});

test("a certificate's name is written with what nobody sees in numbers", () => {
  const textOf = (name: string): string => {
    const dn = derSequence(derSet(derSequence(derOid("2.5.4.3"), derText(name))));
    return parseDistinguishedName(new DerReader(dn).element()).text;
  };
  assert.equal(textOf("Kent\ufe0f County\u2800"), "CN=Kent\\EF\\B8\\8F County\\E2\\A0\\80");
  for (const character of unseen.filter((one) => one.isWellFormed())) assert.ok(isAllSeen(textOf(`Kent${character}`)));
});

test("a note may be signed by others under any name that signed notes allow", () => {
  const line = `\u2014 witness\ufe0f.example ${new Uint8Array(68).toBase64()}\n`;
  assert.equal(parseNote(`text\n\n${line}`).signatures[0]?.name, "witness\ufe0f.example");
});
