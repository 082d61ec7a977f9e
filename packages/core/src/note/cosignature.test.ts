import assert from "node:assert/strict";
import { test } from "node:test";
import { ed25519 } from "@noble/curves/ed25519.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { encodeBase64, encodeHex } from "../bytes.ts";
import { checkCosignature, signCosignature } from "./cosignature.ts";
import { checkNote, signNote } from "./note.ts";
import { ed25519Signer, mlDsaSigner, postQuantumSigner } from "./testing.ts";
import { createVerifierKey } from "./vkey.ts";

const root = new Uint8Array(32).fill(9);
const text = `example.com/behind-the-sofa\n20852163\n${encodeBase64(root)}\n`;
const time = 1_679_315_147;

const ed = ed25519Signer(1);
const edKey = createVerifierKey("witness.example/w1", ed.publicKey, 4);
const pq = mlDsaSigner(1);
const pqKey = createVerifierKey("witness.example/w1", pq.publicKey, 6);

const uint64 = (n: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(n));
  return bytes;
};

test("an Ed25519 cosignature is the time, then the signature over header, time and checkpoint", async () => {
  const signature = await signCosignature(text, edKey, ed, time);
  assert.equal(signature.length, 72);
  assert.equal(encodeHex(signature.subarray(0, 8)), "00000000641850cb");
  const message = Buffer.from(`cosignature/v1\ntime 1679315147\n${text}`);
  assert.ok(ed25519.verify(signature.subarray(8), message, ed.publicKey.bytes));
  assert.equal(await checkCosignature(text, edKey, signature), time);
});

test("an ML-DSA-44 cosignature is the time, then the signature over name, time, origin, size and root", async () => {
  const signature = await signCosignature(text, pqKey, pq, time);
  assert.equal(signature.length, 8 + 2420);
  const message = Buffer.concat([
    Buffer.from("subtree/v1\n\0", "latin1"),
    Buffer.from([18]),
    Buffer.from("witness.example/w1"),
    uint64(time),
    Buffer.from([27]),
    Buffer.from("example.com/behind-the-sofa"),
    uint64(0),
    uint64(20_852_163),
    root,
  ]);
  assert.ok(ml_dsa44.verify(signature.subarray(8), message, pq.publicKey.bytes));
  assert.equal(await checkCosignature(text, pqKey, signature), time);
});

test("a cosignature with its time, checkpoint or key changed fails", async () => {
  for (const [key, signer] of [[edKey, ed] as const, [pqKey, pq] as const]) {
    const signature = await signCosignature(text, key, signer, time);
    const refused = { code: "VERIFY_SIGNATURE", data: { name: key.name, keyId: encodeHex(key.keyId) } };
    for (const at of [0, 7, 8, 40, signature.length - 1]) {
      const changed = signature.map((b, i) => (i === at ? b ^ 1 : b));
      await assert.rejects(checkCosignature(text, key, changed), refused, `byte ${at}`);
    }
    for (const length of [0, 7, 8, 64, signature.length - 1]) {
      await assert.rejects(checkCosignature(text, key, signature.slice(0, length)), refused, `${length} bytes`);
    }
    for (const other of [text.replace("sofa", "soft"), text.replace("163\n", "164\n"), text.replace("CQkJ", "CQkK")]) {
      assert.notEqual(other, text);
      await assert.rejects(checkCosignature(other, key, signature), refused);
    }
  }
});

test("an ML-DSA-44 cosignature commits to the name of who made it", async () => {
  const other = createVerifierKey("witness.example/w2", pq.publicKey, 6);
  const signature = await signCosignature(text, pqKey, pq, time);
  await assert.rejects(checkCosignature(text, other, signature), { code: "VERIFY_SIGNATURE" });
});

test("Ed25519 covers extension lines and ML-DSA-44 does not", async () => {
  const extended = `${text}more\n`;
  const [edSignature, pqSignature] = [
    await signCosignature(text, edKey, ed, time),
    await signCosignature(text, pqKey, pq, time),
  ];
  await assert.rejects(checkCosignature(extended, edKey, edSignature), { code: "VERIFY_SIGNATURE" });
  assert.equal(await checkCosignature(extended, pqKey, pqSignature), time);
});

test("a time that a number cannot hold exactly is refused", async () => {
  const signature = await signCosignature(text, edKey, ed, time);
  for (const start of ["0020000000000000", "7fffffffffffffff", "ffffffffffffffff"]) {
    const late = Buffer.concat([Buffer.from(start, "hex"), signature.subarray(8)]);
    await assert.rejects(checkCosignature(text, edKey, late), { code: "VERIFY_SIGNATURE" });
  }
});

test("a log's own ML-DSA-44 signature with no time verifies and states none", async () => {
  const log = postQuantumSigner("example.com/behind-the-sofa", 1, 0);
  const note = await signNote(text, [log]);
  assert.deepEqual(await checkNote(note, [log.verifierKey]), { verified: [log.verifierKey], cosignatures: [] });
});

test("only checkpoints are cosigned", async () => {
  for (const [key, signer] of [[edKey, ed] as const, [pqKey, pq] as const]) {
    const signature = await signCosignature(text, key, signer, time);
    await assert.rejects(signCosignature("some text\n", key, signer, time), { code: "MALFORMED_CHECKPOINT" });
    await assert.rejects(checkCosignature("some text\n", key, signature), { code: "MALFORMED_CHECKPOINT" });
  }
});

test("ML-DSA-44 cosigns origins of up to 255 bytes", async () => {
  const withOrigin = (origin: string) => text.replace("example.com/behind-the-sofa", origin);
  const longest = withOrigin(`${"é".repeat(127)}a`);
  assert.equal(await checkCosignature(longest, pqKey, await signCosignature(longest, pqKey, pq, time)), time);
  await assert.rejects(signCosignature(withOrigin("é".repeat(128)), pqKey, pq, time), { code: "MALFORMED_CHECKPOINT" });
});
