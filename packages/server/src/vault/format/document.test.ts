/** What docs/format/vault.md says of its example is computed again. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { decodeHex, encodeHex, encodeUtf8 } from "@attestry/core";
import { openSeal, parseKeyring, unlock } from "../keys/keyring-file.ts";
import { openKeyring } from "../keys/local-keyring.ts";
import { parseObjectId } from "../object-id.ts";
import {
  firstPlaintextLength,
  headerLength,
  maxSegments,
  plaintextLength,
  segmentLength,
  tagLength,
} from "./geometry.ts";
import { createStream, parseHeader } from "./stream.ts";
import { openTail } from "./tail.ts";

const page = readFileSync(join(import.meta.dirname, "../../../../../docs/format/vault.md"), "utf8");
const example = page.slice(page.indexOf("## Example"));
const keyring = /^```keyring\n(.*?)^```/ms.exec(example)?.[1] ?? "";
const passphrase = "open sesame";

function row(name: string): string {
  const value = new RegExp(`^\\| ${name} \\| \`([^\`]+)\``, "m").exec(example)?.[1];
  assert.ok(value !== undefined, `the page has no row "${name}"`);
  return value;
}

const bytes = (name: string) => decodeHex(row(name));
const id = row("name of the object");
const content = encodeUtf8(`${row("content")}\n`);

test("the page's numbers are the format's", () => {
  const text = page.replaceAll(",", "");
  for (const number of [segmentLength, firstPlaintextLength, plaintextLength]) assert.ok(text.includes(` ${number} `));
  assert.deepEqual([headerLength, tagLength, maxSegments], [1 + 32 + 7, 16, 2 ** 32]);
});

test("the page's keyring opens with its passphrase and unwraps its wrapped key", async (t) => {
  const file = parseKeyring(keyring, "the example");
  const lockKey = await unlock(file.lock, passphrase);
  assert.equal(lockKey.export().toString("hex"), row("passphrase key"));
  assert.equal(encodeHex(openSeal(file, lockKey)), row("key-encryption key"));

  const folder = mkdtempSync(join(tmpdir(), "attestry-example-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "vault.keyring");
  writeFileSync(path, keyring, { mode: 0o600 });
  const wrapper = await openKeyring(path, passphrase);
  assert.equal(encodeHex(await wrapper.unwrap(bytes("wrapped key"), parseObjectId(id))), row("data key"));
});

test("the page's object opens, and the same content seals to the same bytes", () => {
  const object = bytes("object");
  const stream = createStream(bytes("data key"), id, parseHeader(object));
  assert.deepEqual(new Uint8Array(stream.openSegment(0, object, true)), content);
  assert.equal(encodeHex(stream.sealSegment(0, content, true)), row("object"));
});

test("the page's segment key, nonce and tail key are those that open", async () => {
  const aes = async (name: string, nonce: Uint8Array, sealed: Uint8Array, additionalData: Uint8Array) => {
    const key = await crypto.subtle.importKey("raw", new Uint8Array(bytes(name)), "AES-GCM", false, ["decrypt"]);
    const how = { name: "AES-GCM", iv: new Uint8Array(nonce), additionalData: new Uint8Array(additionalData) };
    return new Uint8Array(await crypto.subtle.decrypt(how, key, new Uint8Array(sealed)));
  };
  const object = bytes("object");
  const opened = await aes(
    "segment key",
    bytes("nonce of segment 0"),
    object.subarray(headerLength),
    new Uint8Array(0),
  );
  assert.deepEqual(opened, content);
  const tail = bytes("tail at offset 0");
  const text = encodeUtf8(row("content of the tail"));
  assert.deepEqual(await aes("tail key", tail.subarray(0, 12), tail.subarray(12), new Uint8Array(8)), text);
  assert.deepEqual(new Uint8Array(openTail(bytes("data key"), id, 0, tail)), text);
});
