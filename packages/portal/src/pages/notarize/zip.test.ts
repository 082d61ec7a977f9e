import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { createZip } from "./zip.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test("an archive holds every file as it is, found by its directory", () => {
  const files = [
    { name: "deed.pdf.proof", bytes: bytes("one") },
    { name: "ñandú 字.proof", bytes: Uint8Array.from({ length: 5000 }, (_, at) => at % 251) },
    { name: "empty", bytes: new Uint8Array() },
  ];
  assert.deepEqual(readZip(createZip(files)), files);
  assert.deepEqual(readZip(createZip([])), []);
});

test("files of one name get a number each, whatever their case", () => {
  const files = ["a.pdf.proof", "A.pdf.proof", "a.pdf.proof", "a (2).pdf.proof", ".x", ".x"].map((name) => ({
    name,
    bytes: bytes(name),
  }));
  assert.deepEqual(
    readZip(createZip(files)).map(({ name }) => name),
    ["a.pdf.proof", "A (2).pdf.proof", "a (3).pdf.proof", "a (2) (2).pdf.proof", ".x", ".x (2)"],
  );
});

test("others' programs open it", (t) => {
  if (spawnSync("unzip", ["-v"]).error) return t.skip("needs unzip: apt-get install unzip");
  const folder = mkdtempSync(join(tmpdir(), "attestry-zip-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(
    join(folder, "a.zip"),
    createZip([
      { name: "a.proof", bytes: bytes("one") },
      { name: "b", bytes: bytes("two") },
    ]),
  );
  const { status, stderr } = spawnSync("unzip", ["-q", "a.zip"], { cwd: folder });
  assert.equal(status, 0, stderr.toString());
  assert.equal(readFileSync(join(folder, "a.proof"), "utf8"), "one");
});

/** Reads the directory at the end, and each file where that says. */
function readZip(zip: Uint8Array): { name: string; bytes: Uint8Array }[] {
  const view = new DataView(zip.buffer, zip.byteOffset, zip.byteLength);
  const end = zip.length - 22;
  assert.equal(view.getUint32(end, true), 0x06054b50);
  let at = view.getUint32(end + 16, true);
  return Array.from({ length: view.getUint16(end + 10, true) }, () => {
    assert.equal(view.getUint32(at, true), 0x02014b50);
    const [crc, size, length] = [
      view.getUint32(at + 16, true),
      view.getUint32(at + 20, true),
      view.getUint16(at + 28, true),
    ];
    const local = view.getUint32(at + 42, true);
    assert.equal(view.getUint32(local, true), 0x04034b50);
    const name = new TextDecoder().decode(zip.subarray(at + 46, at + 46 + length));
    const from = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const content = zip.slice(from, from + size);
    assert.equal(crc32(content), crc);
    at += 46 + length;
    return { name, bytes: content };
  });
}
