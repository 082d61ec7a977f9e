import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { isAttestryError } from "../errors.ts";
import { certificateThumbprint, parsePemCertificates } from "./pem.ts";
import { pem } from "./test-certificates.ts";

const one = Uint8Array.of(0x30, 1, 2);
const two = new Uint8Array(100).fill(7);

function refused(text: string): void {
  assert.throws(() => parsePemCertificates(text), { code: "MALFORMED_CERTIFICATE" }, text);
}

test("every certificate of a file is given, in order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 4 }), (certificates) => {
      assert.deepEqual(parsePemCertificates(pem(...certificates)), certificates);
    }),
  );
});

test("text around the certificates, blank lines, Windows line ends and lines of any width are passed over", () => {
  assert.deepEqual(parsePemCertificates(`# Kent County\n\n${pem(one)}\nsubject=CN=Two\n${pem(two)}done`), [one, two]);
  assert.deepEqual(parsePemCertificates(pem(two).replaceAll("\n", "\r\n")), [two]);
  assert.deepEqual(parsePemCertificates(pem(two).trimEnd()), [two]);
  const body = two.toBase64();
  assert.deepEqual(parsePemCertificates(`-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`), [two]);
});

test("what is not a file of whole certificates is refused", () => {
  const text = pem(one, two);
  for (const bad of [
    "",
    "no certificate",
    text.slice(0, -10),
    text.slice(30),
    `${text}-----BEGIN CERTIFICATE-----\n`,
  ]) {
    refused(bad);
  }
  refused(`${text}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n`);
  refused("-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----");
  refused(pem(one).replace("BEGIN CERTIFICATE", "BEGIN TRUSTED CERTIFICATE"));
  refused(pem(one).replace("MAEC", "MAE"));
  refused(pem(one).replace("MAEC", "MA EC"));
  refused(pem(one).replace("MAEC", "MAF="));
  refused(pem(one).replace("MAEC", "MAED="));
});

test("any text gives certificates or MALFORMED_CERTIFICATE", () => {
  const piece = fc.oneof(
    fc.constantFrom("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", "\r", "MAEC", "-----"),
    fc.string({ maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        assert.ok(parsePemCertificates(pieces.join("")).length > 0);
      } catch (error) {
        assert.ok(isAttestryError(error) && error.code === "MALFORMED_CERTIFICATE", String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test("the thumbprint is SHA-256 of the DER", () => {
  assert.equal(certificateThumbprint(two).toHex(), createHash("sha256").update(two).digest("hex"));
});
