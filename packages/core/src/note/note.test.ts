import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeUtf8, encodeBase64, encodeHex, encodeUtf8 } from "../bytes.ts";
import {
  checkNote,
  encodeNote,
  encodeSignatureLines,
  maxSignatures,
  type Note,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
  signNote,
} from "./note.ts";
import { logSigner, postQuantumSigner, witnessSigner } from "./testing.ts";
import { isKeyName } from "./vkey.ts";

const text = `example.com/log\n5\n${encodeBase64(new Uint8Array(32).fill(9))}\n`;
const log = logSigner("example.com/log", 1);
const logPq = postQuantumSigner("example.com/log", 2, 1_700_000_000);
const witness = witnessSigner("witness.example/w1", 3, 1_700_000_001);
const stranger = logSigner("example.com/stranger", 4);
const keys = [log.verifierKey, logPq.verifierKey, witness.verifierKey];

const only = (note: Note): NoteSignature => note.signatures[0] as NoteSignature;
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((b, i) => (i === at % bytes.length ? b ^ 1 : b));

const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }).filter(isKeyName);
const lines = fc.string({ unit: "grapheme", maxLength: 30 }).filter((line) => !/[\x00-\x1f]/.test(line));
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const notes = fc
  .tuple(
    fc.array(lines, { minLength: 1, maxLength: 4 }),
    fc.array(fc.tuple(names, bytes(4, 4), bytes(1, 80)), { minLength: 1, maxLength: 3 }),
  )
  .map(([all, signatures]) => ({
    text: `${all.join("\n")}\n`,
    signatures: signatures.map(([name, keyId, signature]) => ({ name, keyId, signature })),
  }));

test("a note reads back as it was, as text and as bytes, empty lines in its text included", () => {
  fc.assert(
    fc.property(notes, (note) => {
      const encoded = encodeNote(note);
      assert.deepEqual(parseNote(encoded), note);
      assert.deepEqual(parseNote(encodeUtf8(encoded)), note);
      assert.deepEqual(parseSignatureLines(encodeSignatureLines(note.signatures)), note.signatures);
    }),
  );
});

test("each kind of key verifies what it signed, and a cosignature gives its time", async () => {
  const note = parseNote(encodeNote(await signNote(text, [log, logPq, witness])));
  assert.deepEqual(await checkNote(note, keys), {
    verified: keys,
    cosignatures: [
      { key: logPq.verifierKey, timestamp: 1_700_000_000 },
      { key: witness.verifierKey, timestamp: 1_700_000_001 },
    ],
  });
});

test("signatures of unknown keys are ignored, and never make a note valid", async () => {
  const note = await signNote(text, [stranger, log]);
  assert.deepEqual((await checkNote(note, keys)).verified, [log.verifierKey]);
  await assert.rejects(checkNote(await signNote(text, [stranger]), keys), { code: "VERIFY_UNTRUSTED" });
  await assert.rejects(checkNote(note, []), { code: "VERIFY_UNTRUSTED" });
});

test("a key that shares only its name or only its ID with a known one is unknown", async () => {
  const good = await signNote(text, [log]);
  const rotated = await signNote(text, [logSigner("example.com/log", 9)]);
  const renamed = { ...only(rotated), name: "example.com/other", keyId: log.verifierKey.keyId };
  const note = { text, signatures: [only(rotated), renamed, only(good)] };
  assert.deepEqual((await checkNote(note, keys)).verified, [log.verifierKey]);
  await assert.rejects(checkNote({ text, signatures: [only(rotated), renamed] }, keys), { code: "VERIFY_UNTRUSTED" });
});

test("a known key's signature that does not match refuses the whole note", async () => {
  const good = await signNote(text, [log, logPq, witness]);
  for (const [at, bad] of good.signatures.entries()) {
    for (const signature of [
      flipped(bad.signature, 3),
      flipped(bad.signature, 40),
      bad.signature.subarray(1),
      Uint8Array.of(0),
    ]) {
      const signatures = good.signatures.map((one, i) => (i === at ? { ...one, signature } : one));
      await assert.rejects(checkNote({ text, signatures }, keys), {
        code: "VERIFY_SIGNATURE",
        data: { name: bad.name, keyId: encodeHex(bad.keyId) },
      });
    }
  }
  await assert.rejects(checkNote({ ...good, text: text.replace("\n5\n", "\n6\n") }, keys), {
    code: "VERIFY_SIGNATURE",
  });
});

test("any byte of text or signature changed fails", async () => {
  const note = await signNote(text, [log, witness]);
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom(0, 1), async (at, which) => {
      const signatures = note.signatures.map((one, i) =>
        i === which ? { ...one, signature: flipped(one.signature, at) } : one,
      );
      await assert.rejects(checkNote({ text, signatures }, keys), { code: "VERIFY_SIGNATURE" });
      const changed = decodeUtf8(flipped(encodeUtf8(text), at));
      await assert.rejects(checkNote({ ...note, text: changed }, [log.verifierKey]), { code: "VERIFY_SIGNATURE" });
    }),
  );
});

test("a signature that stands twice counts once, and both lines are checked", async () => {
  const { signatures } = await signNote(text, [witness]);
  const [one] = signatures as [NoteSignature];
  assert.deepEqual((await checkNote({ text, signatures: [one, one] }, keys)).verified, [witness.verifierKey]);
  const bad = { ...one, signature: flipped(one.signature, 20) };
  for (const pair of [
    [one, bad],
    [bad, one],
  ]) {
    await assert.rejects(checkNote({ text, signatures: pair }, keys), { code: "VERIFY_SIGNATURE" });
  }
});

test("two times under one key are both given", async () => {
  const later = await signNote(text, [witnessSigner("witness.example/w1", 3, 1_700_000_009)]);
  const note = { text, signatures: [...(await signNote(text, [witness])).signatures, ...later.signatures] };
  const { verified, cosignatures } = await checkNote(note, keys);
  assert.deepEqual(verified, [witness.verifierKey]);
  assert.deepEqual(
    cosignatures.map(({ timestamp }) => timestamp),
    [1_700_000_001, 1_700_000_009],
  );
});

test("a witness's lines below a checkpoint make a note again", async () => {
  const checkpoint = encodeNote(await signNote(text, [log]));
  const answer = encodeSignatureLines((await signNote(text, [witness])).signatures);
  const { verified } = await checkNote(parseNote(checkpoint + answer), keys);
  assert.deepEqual(verified, [log.verifierKey, witness.verifierKey]);
});

test("signature lines alone are refused when they are none, or cut short", async () => {
  const answer = encodeSignatureLines((await signNote(text, [witness])).signatures);
  for (const bad of [
    "",
    "\n",
    answer.slice(0, -1),
    answer.slice(0, -2),
    `\n${answer}`,
    `${answer}\n`,
    answer + answer.slice(0, 40),
  ]) {
    assert.throws(() => parseSignatureLines(bad), { code: "MALFORMED_NOTE" }, JSON.stringify(bad));
  }
});

test("64 signatures are accepted and 65 are not", async () => {
  const [one] = (await signNote(text, [log])).signatures as [NoteSignature];
  const signatures = (count: number) => Array<NoteSignature>(count).fill(one);
  const line = encodeSignatureLines([one]);
  assert.equal(parseNote(encodeNote({ text, signatures: signatures(maxSignatures) })).signatures.length, 64);
  assert.throws(() => encodeNote({ text, signatures: signatures(65) }), { code: "MALFORMED_NOTE" });
  assert.throws(() => parseNote(`${text}\n${line.repeat(65)}`), { code: "MALFORMED_NOTE" });
});

const line = `\u2014 example.com/log ${encodeBase64(new Uint8Array(68).fill(7))}\n`;
const withBytes = (bytes: Uint8Array) => `\u2014 example.com/log ${encodeBase64(bytes)}\n`;
const refused: Record<string, string> = {
  nothing: "",
  "no signatures": "text\n",
  "an empty line but no signatures": "text\n\n",
  "no empty line": `text\n${line}`,
  "no text": `\n${line}`,
  "no newline after the text": `text\n\n${line.trimEnd()}`,
  "an empty line after the signatures": `text\n\n${line}\n`,
  "a carriage return": `text\r\n\r\n${line}`,
  "a tab in the text": `te\txt\n\n${line}`,
  "a NUL in the text": `te\u0000xt\n\n${line}`,
  "half a surrogate pair": `te\ud800xt\n\n${line}`,
  "a hyphen for the dash": `text\n\n${line.replace("\u2014", "-")}`,
  "an en dash": `text\n\n${line.replace("\u2014", "\u2013")}`,
  "a horizontal bar": `text\n\n${line.replace("\u2014", "\u2015")}`,
  "no space after the dash": `text\n\n${line.replace("\u2014 ", "\u2014")}`,
  "two spaces after the dash": `text\n\n${line.replace("\u2014 ", "\u2014  ")}`,
  "a no-break space after the dash": `text\n\n${line.replace("\u2014 ", "\u2014\u00a0")}`,
  "a space at the end of the line": `text\n\n${line.replace("\n", " \n")}`,
  "a name with a plus sign": `text\n\n${line.replace("example", "ex+ample")}`,
  "a name with a space": `text\n\n${line.replace("example", "ex ample")}`,
  "a name with a Unicode space": `text\n\n${line.replace("example", "ex\u2003ample")}`,
  "a name with a no-break space": `text\n\n${line.replace("example", "ex\u00a0ample")}`,
  "no name": `text\n\n${line.replace("example.com/log ", "")}`,
  "no base64": "text\n\n\u2014 example.com/log \n",
  "a key ID alone": `text\n\n${withBytes(new Uint8Array(4))}`,
  "half a key ID": `text\n\n${withBytes(new Uint8Array(2))}`,
  "base64 without padding": `text\n\n${line.replace(/=+\n/, "\n")}`,
  base64url: `text\n\n${withBytes(new Uint8Array(68).fill(0xff)).replace(/\/(?=\/)/g, "_")}`,
  "base64 with stray bits": `text\n\n${withBytes(new Uint8Array(5)).replace("A=", "B=")}`,
  "a line between the signatures": `text\n\n${line}comment\n${line}`,
};
for (const [what, note] of Object.entries(refused)) {
  test(`a note is refused with ${what}`, () => {
    assert.throws(() => parseNote(note), { code: "MALFORMED_NOTE" });
    if (note.isWellFormed()) assert.throws(() => parseNote(encodeUtf8(note)), { code: "MALFORMED_NOTE" });
  });
}

test("every control character but the newline is refused, in the text and in a name", () => {
  for (let code = 0; code < 0x20; code++) {
    if (code === 0x0a) continue;
    const control = String.fromCharCode(code);
    assert.throws(() => parseNote(`te${control}xt\n\n${line}`), { code: "MALFORMED_NOTE" });
    assert.throws(() => parseNote(`text\n\n${line.replace("example", `ex${control}`)}`), { code: "MALFORMED_NOTE" });
  }
});

test("bytes that are not UTF-8 are refused", () => {
  for (const bad of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x80]]) {
    const bytes = Uint8Array.of(...bad, ...encodeUtf8(`text\n\n${line}`));
    assert.throws(() => parseNote(bytes), { code: "MALFORMED_NOTE" });
  }
});

test("what could not be read again is neither signed nor written", async () => {
  const signature = { name: "a", keyId: new Uint8Array(4), signature: Uint8Array.of(1) };
  for (const bad of ["", "no newline", "a\tb\n", "a\rb\n", "\ud800\n"]) {
    assert.throws(() => encodeNote({ text: bad, signatures: [signature] }), { code: "MALFORMED_NOTE" });
    await assert.rejects(signNote(bad, [log]), { code: "MALFORMED_NOTE" });
  }
  for (const bad of [{ name: "a b" }, { name: "" }, { keyId: new Uint8Array(3) }, { signature: new Uint8Array() }]) {
    assert.throws(() => encodeNote({ text: "a\n", signatures: [{ ...signature, ...bad }] }), {
      code: "MALFORMED_NOTE",
    });
  }
  assert.throws(() => encodeNote({ text: "a\n", signatures: [] }), { code: "MALFORMED_NOTE" });
});

test("any text is a note that is written as it was read, or is refused", () => {
  const good = `text\n\n${line}`;
  const near = fc
    .tuple(fc.nat(good.length), fc.string({ maxLength: 2 }))
    .map(([at, s]) => good.slice(0, at) + s + good.slice(at + 1));
  const soup = fc.string({ unit: fc.constantFrom("\n", "\n\n", "\u2014 ", "a ", "AAAAAAAA", "="), maxLength: 12 });
  fc.assert(
    fc.property(fc.oneof(fc.string(), near, soup), (note) => {
      try {
        assert.equal(encodeNote(parseNote(note)), note);
      } catch (error) {
        assert.equal((error as { code?: unknown }).code, "MALFORMED_NOTE");
      }
    }),
    { numRuns: 2000 },
  );
});
