import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { encodeVerifierKey, keyThumbprint, publicKey, signatureType, thumbprintUri } from "@attestry/core";
import { type LogKeys, openPins } from "./pins.ts";

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), "attestry-pins-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  return root;
}

function logKeys(origin: string): LogKeys {
  const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const key = publicKey("EdDSA", Buffer.from(x, "base64url"));
  return {
    origin,
    verifierKeys: [encodeVerifierKey(origin, key, signatureType.ed25519)],
    receiptKey: thumbprintUri(keyThumbprint(key)),
  };
}

test("a log's keys are remembered across runs, for this user alone", (t) => {
  const data = join(folder(t), "new", "data");
  const keys = logKeys("log.example/a");
  assert.equal(openPins(data).matches(keys), undefined);
  openPins(data).add(keys, "the notary at http://127.0.0.1:1");
  const pins = openPins(data);
  assert.equal(pins.matches(keys), true);
  assert.equal(pins.find("log.example/a")?.source, "the notary at http://127.0.0.1:1");
  assert.equal(pins.find("log.example/b"), undefined);
  assert.equal(statSync(pins.path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(data), ["known-logs.json"]);
});

test("a pinned key is never replaced", (t) => {
  const data = folder(t);
  const [first, other] = [logKeys("log.example/a"), logKeys("log.example/a")];
  const pins = openPins(data);
  pins.add(first, "first");
  const text = readFileSync(pins.path, "utf8");
  pins.add(other, "an impostor");
  assert.equal(readFileSync(pins.path, "utf8"), text);
  assert.equal(openPins(data).matches(other), false);
  assert.equal(openPins(data).matches({ ...first, receiptKey: other.receiptKey }), false);
  assert.equal(
    openPins(data).matches({ ...first, verifierKeys: [...first.verifierKeys, ...other.verifierKeys] }),
    false,
  );
});

test("a pin that another process made meanwhile is kept", (t) => {
  const data = folder(t);
  const mine = openPins(data);
  openPins(data).add(logKeys("log.example/a"), "another");
  mine.add(logKeys("log.example/b"), "me");
  assert.deepEqual(
    ["log.example/a", "log.example/b"].map((origin) => openPins(data).find(origin)?.source),
    ["another", "me"],
  );
});

test("a damaged file is an error that names it, for starting anew would silently trust anyone", (t) => {
  const data = folder(t);
  const path = join(data, "known-logs.json");
  const pin = { ...logKeys("log.example/a"), firstSeen: "2026-11-22T10:00:00.000Z", source: "x" };
  for (const text of [
    "",
    "{",
    "[]",
    "{}",
    '{"logs":[{}]}',
    '{"logs":[null]}',
    JSON.stringify({ logs: [{ ...pin, verifierKeys: ["x"] }] }),
  ]) {
    writeFileSync(path, text);
    assert.throws(() => openPins(data), { code: "USAGE_FILE", message: /known-logs\.json.* is damaged/ }, text);
  }
  writeFileSync(path, JSON.stringify({ logs: [pin] }));
  assert.equal(openPins(data).matches(pin), true);
});

test("keys that are none are not pinned", (t) => {
  const data = folder(t);
  const keys = logKeys("log.example/a");
  for (const bad of [
    { ...keys, verifierKeys: [] },
    { ...keys, verifierKeys: ["x+y+z"] },
    { ...keys, receiptKey: "urn:x" },
  ]) {
    assert.throws(() => openPins(data).add(bad, "x"), { code: "MALFORMED_KEY" });
  }
  assert.deepEqual(readdirSync(data), []);
});
