/**
 * The checks of the vault's format: Tink opens what we sealed, we open what Tink seals, and the page on it is right.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAttestryError } from "@attestry/core";
import * as geometry from "../src/vault/format/geometry.ts";
import { createStream, newDataKey, parseHeader } from "../src/vault/format/stream.ts";
import { newObjectId } from "../src/vault/object-id.ts";
import { printed, run } from "./processes.ts";
import type { Report } from "./report.ts";
import { pinned, type Toolset } from "./tools.ts";

const { firstPlaintextLength: first, plaintextLength: full, segmentLength } = geometry;
const sizes = [
  0,
  1,
  first - 1,
  first,
  first + 1,
  first + full,
  first + full + 1,
  first + 2 * full,
  first + 3 * full + 7,
];

export async function checkVault(report: Report, python: Toolset, work: string): Promise<void> {
  const folder = join(work, "objects");
  mkdirSync(folder);
  for (const size of sizes) {
    const [id, key, plain] = [newObjectId(), newDataKey(), randomBytes(size)];
    writeFileSync(join(folder, `${id}.key`), key);
    writeFileSync(join(folder, `${id}.plain`), plain);
    writeFileSync(join(folder, `${id}.object`), sealObject(key, id, plain));
  }
  const tink = pinned("tink");
  await report.check(tink, "opens the vault's objects, and refuses them once changed", python, async (commandOf) =>
    printed(await run([...commandOf("tink_objects.py"), folder])),
  );
  await report.check(tink, "seals objects that the vault opens", python, async () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".tink"));
    if (files.length !== sizes.length) throw new Error(`Tink sealed ${files.length} objects of ${sizes.length}`);
    for (const file of files) checkTheirs(folder, file.replace(".tink", ""));
    return `${files.length} objects, refused under another name`;
  });
  const page = join(import.meta.dirname, "../../../docs/format/vault.md");
  await report.check(pinned("cryptography"), "the decrypter of docs/format/vault.md", python, async (commandOf) =>
    printed(await run([...commandOf("vault_example.py"), page])),
  );
}

function checkTheirs(folder: string, id: string): void {
  const read = (kind: string) => readFileSync(join(folder, `${id}.${kind}`));
  const [key, plain, object] = [read("key"), read("plain"), read("tink")];
  if (object.length !== geometry.ciphertextSize(plain.length)) throw new Error(`${id} has ${object.length} bytes`);
  if (!openObject(key, id, object).equals(plain)) throw new Error(`${id} is another plaintext`);
  try {
    openObject(key, newObjectId(), object);
  } catch (error) {
    if (isAttestryError(error) && error.code === "FATAL_CORRUPT") return;
    throw error;
  }
  throw new Error(`${id} opens under another name`);
}

function sealObject(key: Uint8Array, id: string, plain: Uint8Array): Buffer {
  const stream = createStream(key, id);
  const count = geometry.segmentCount(plain.length);
  const segments = Array.from({ length: count }, (_, index) => {
    const part = plain.subarray(geometry.segmentStart(index), geometry.segmentStart(index + 1));
    return stream.sealSegment(index, part, index === count - 1);
  });
  return Buffer.concat(segments);
}

function openObject(key: Uint8Array, id: string, object: Uint8Array): Buffer {
  const stream = createStream(key, id, parseHeader(object));
  const count = Math.ceil(object.length / segmentLength);
  const parts = Array.from({ length: count }, (_, index) => {
    const segment = object.subarray(index * segmentLength, (index + 1) * segmentLength);
    return stream.openSegment(index, segment, index === count - 1);
  });
  return Buffer.concat(parts);
}
