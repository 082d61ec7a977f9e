import assert from "node:assert/strict";
import { test } from "node:test";
import type { VaultObject } from "@attestry/core/client";
import { fileName, receive } from "./receive.ts";

async function* content(...parts: number[]): AsyncGenerator<Uint8Array> {
  for (const length of parts) yield new Uint8Array(length).fill(length % 251);
}

test("a copy is all of what came, and no document of this origin", async () => {
  const lengths = [3_000_000, 7_000_000, 1, 9_000_000, 5];
  const blob = await receive(content(...lengths), new AbortController().signal, () => {});
  assert.equal(blob.type, "application/octet-stream");
  const whole = Buffer.concat(lengths.map((length) => Buffer.alloc(length, length % 251)));
  assert.ok(Buffer.from(await blob.arrayBuffer()).equals(whole));
  await assert.rejects(
    receive(content(1), AbortSignal.abort(new Error("enough")), () => {}),
    { message: "enough" },
  );
});

test("a copy's file name is made of letters and digits, and never runs anything", () => {
  const named = (subject: string, contentType?: string): string =>
    fileName({ subject, hash: "ab".repeat(32), ...(contentType && { contentType }) } as VaultObject);
  assert.equal(named("Case 26-1147", "video/mp4"), "Case-26-1147.mp4");
  assert.equal(named("Expediente Nº 7/ñ", "video/webm; codecs=vp9"), "Expediente-Nº-7-ñ.webm");
  assert.equal(named("../../.bashrc", "text/html"), "bashrc.bin");
  assert.equal(named("a.exe\u202Efdp", "application/x-msdownload"), "a-exe-fdp.bin");
  assert.equal(named("<img src=x onerror=alert(1)>", "image/svg+xml"), "img-src-x-onerror-alert-1.bin");
  assert.equal(named("ni:///sha-256;AAAA", "application/pdf"), `${"ab".repeat(8)}.pdf`);
  assert.equal(named("…"), `${"ab".repeat(8)}.bin`);
  assert.equal(named("constructor", "constructor"), "constructor.bin");
});
