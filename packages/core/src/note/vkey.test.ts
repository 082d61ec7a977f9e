import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { encodeBase64, encodeHex } from "../bytes.ts";
import { publicKey } from "../crypto/index.ts";
import { ed25519Signer, mlDsaSigner } from "./testing.ts";
import { createVerifierKey, encodeVerifierKey, isKeyName, parseVerifierKey, type SignatureType } from "./vkey.ts";

const ed = ed25519Signer(1).publicKey;
const mlDsa = mlDsaSigner(1).publicKey;

test("a verifier key reads back as it was, for every type and name", () => {
  const name = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter(isKeyName);
  const kind = fc.constantFrom([1, ed] as const, [4, ed] as const, [6, mlDsa] as const);
  fc.assert(
    fc.property(name, kind, (name, [type, key]) => {
      const text = encodeVerifierKey(name, key, type);
      const parsed = parseVerifierKey(text);
      assert.deepEqual(parsed, createVerifierKey(name, key, type));
      assert.equal(parsed.text, text);
      assert.deepEqual([parsed.name, parsed.type, parsed.publicKey.algorithm], [name, type, key.algorithm]);
    }),
  );
});

test("the key ID is the hash of name, newline, type and key, so one key has another ID for each use", () => {
  const id = (type: number, name: string, bytes: Uint8Array) =>
    createHash("sha256").update(`${name}\n`).update(Uint8Array.of(type)).update(bytes).digest("hex").slice(0, 8);
  for (const [type, key] of [[1, ed] as const, [4, ed] as const, [6, mlDsa] as const]) {
    assert.equal(
      encodeHex(createVerifierKey("example.com/löğ", key, type).keyId),
      id(type, "example.com/löğ", key.bytes),
    );
  }
  assert.notDeepEqual(createVerifierKey("a", ed, 1).keyId, createVerifierKey("a", ed, 4).keyId);
});

test("the key of Tessera's log is read", () => {
  const text = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";
  const key = parseVerifierKey(text);
  assert.equal(key.name, "example.com/log/testdata");
  assert.equal(encodeHex(key.keyId), "33d7b496");
  assert.equal(encodeVerifierKey(key.name, key.publicKey, key.type), text);
});

const good = encodeVerifierKey("example.com/log", ed, 1);
const [name = "", id = "", ...base64] = good.split("+");
const material = base64.join("+");
const refused: Record<string, string> = {
  nothing: "",
  "no key ID": `${name}+${material}`,
  "no key": `${name}+${id}`,
  "an empty key": `${name}+${id}+`,
  "no name": `+${id}+${material}`,
  "a key ID of another name": good.replace("example.com", "example.org"),
  "a key ID in capitals": `${name}+${id.toUpperCase()}+${material}`,
  "a short key ID": `${name}+${id.slice(1)}+${material}`,
  "a trailing newline": `${good}\n`,
  "a leading space": ` ${good}`,
  base64url: `${name}+${id}+${material.replaceAll("+", "-").replaceAll("/", "_")}-_`,
  "base64 without its padding": encodeVerifierKey("example.com/pq", mlDsa, 6).replace(/=+$/, ""),
  "a short Ed25519 key": `${name}+${id}+${encodeBase64(new Uint8Array(32).fill(1))}`,
  "a type that is not supported": `${name}+${id}+${encodeBase64(Uint8Array.of(2, ...ed.bytes))}`,
  "type 0": `${name}+${id}+${encodeBase64(Uint8Array.of(0, ...ed.bytes))}`,
  "an ML-DSA-44 key under the type of Ed25519": `${name}+${id}+${encodeBase64(Uint8Array.of(1, ...mlDsa.bytes))}`,
  "an Ed25519 key of small order": `${name}+${id}+${encodeBase64(Uint8Array.of(1, 1, ...new Uint8Array(31)))}`,
};
for (const [what, text] of Object.entries(refused)) {
  test(`a verifier key is refused with ${what}`, () => {
    assert.throws(() => parseVerifierKey(text), { code: "MALFORMED_KEY" });
  });
}

test("names that could not stand in a signature line are refused", () => {
  const bad = [
    "",
    " ",
    "a b",
    "a+b",
    "+",
    "a\tb",
    "a\nb",
    "a\u0000",
    "a\u001f",
    "a\u0085",
    "a\u00a0b",
    "a\u2003b",
    "a\u2028",
    "a\u3000",
    "\ud800",
  ];
  for (const name of bad) {
    assert.ok(!isKeyName(name));
    assert.throws(() => createVerifierKey(name, ed, 1), { code: "MALFORMED_KEY" }, JSON.stringify(name));
  }
  for (const name of ["a", "example.com/log", "é", "日本", "\u{1f511}", "a\u2014b", "a=b"]) assert.ok(isKeyName(name));
});

test("a key does not go with a type of another algorithm", () => {
  for (const [key, type] of [[ed, 6] as const, [mlDsa, 1] as const, [mlDsa, 4] as const]) {
    assert.throws(() => createVerifierKey("a", key, type as SignatureType), { code: "MALFORMED_KEY" });
  }
});

test("an ML-DSA-44 key's name fits the length byte that its signatures cover", () => {
  assert.equal(createVerifierKey(`${"é".repeat(127)}a`, mlDsa, 6).name.length, 128);
  assert.throws(() => createVerifierKey("é".repeat(128), mlDsa, 6), { code: "MALFORMED_KEY" });
  assert.equal(createVerifierKey("é".repeat(128), ed, 1).name.length, 128);
});

test("any text is a verifier key that is written as it was read, or is refused", () => {
  const near = fc
    .tuple(fc.nat(good.length), fc.string({ maxLength: 3 }))
    .map(([at, s]) => good.slice(0, at) + s + good.slice(at + 1));
  fc.assert(
    fc.property(fc.oneof(fc.string(), near), (text) => {
      try {
        assert.equal(parseVerifierKey(text).text, text);
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "MALFORMED_KEY");
      }
    }),
  );
  assert.throws(() => publicKey("EdDSA", new Uint8Array(31)), { code: "MALFORMED_KEY" });
});
