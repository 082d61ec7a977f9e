import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { DerReader } from "../x509/der.ts";
import {
  derBits,
  derCertificateTime,
  derElement,
  derInteger,
  derOid,
  derSequence,
  derSet,
  derText,
  derTime,
} from "./der-writer.ts";
import { encodeTimeStampRequest } from "./request.ts";
import { failureBits, parseTimeStampResponse } from "./response.ts";

const token = derSequence(derInteger(1));

function code(bytes: Uint8Array): string {
  try {
    parseTimeStampResponse(bytes);
  } catch (error) {
    assert.ok(isAttestryError(error), String(error));
    return error.code;
  }
  return "none";
}

const status = (...parts: readonly Uint8Array[]): Uint8Array => derSequence(...parts);
const answer = (...parts: readonly Uint8Array[]): Uint8Array => derSequence(...parts);

test("a grant gives its token, with modifications or without", () => {
  assert.deepEqual(parseTimeStampResponse(answer(status(derInteger(0)), token)), { status: "granted", token });
  const modified = answer(status(derInteger(1), derSequence(derText("other policy"))), token);
  assert.deepEqual(parseTimeStampResponse(modified), { status: "grantedWithMods", token });
});

test("a refusal says which failure it is and gives the authority's words, without their control characters", () => {
  for (const [failure, bit] of Object.entries(failureBits)) {
    const bytes = new Uint8Array((bit >> 3) + 1);
    bytes[bit >> 3] = 0x80 >> (bit & 7);
    const words = derSequence(derText("not\u0007 today"), derText("sorry"));
    const refused = answer(status(derInteger(2), words, derBits(bytes, 7 - (bit & 7))));
    assert.throws(
      () => parseTimeStampResponse(refused),
      (error) => {
        assert.ok(isAttestryError(error) && error.code === "POLICY_TIME_STAMP");
        assert.deepEqual(error.data, { status: "rejection", failure, text: "not  today sorry" });
        return true;
      },
    );
  }
  assert.equal(code(answer(status(derInteger(3)))), "POLICY_TIME_STAMP");
  assert.equal(code(answer(status(derInteger(2), derBits(Uint8Array.of(0x40), 6)))), "POLICY_TIME_STAMP");
});

test("an answer that is neither a token nor a refusal is malformed", () => {
  const failure = derBits(Uint8Array.of(0x80), 7);
  const wrong = [
    new Uint8Array(),
    answer(),
    answer(status()),
    answer(status(derInteger(0))),
    answer(status(derInteger(6))),
    answer(status(derInteger(2)), token),
    answer(status(derInteger(0), failure), token),
    answer(status(derInteger(0)), token, token),
    answer(status(derInteger(0), derInteger(0)), token),
    answer(status(derInteger(2), derSequence(derElement(0x0c, Uint8Array.of(0xff))))),
    concatBytes(answer(status(derInteger(0)), token), Uint8Array.of(0)),
  ];
  for (const bytes of wrong) assert.equal(code(bytes), "MALFORMED_TIME_STAMP", Buffer.from(bytes).toString("hex"));
  fc.assert(fc.property(fc.uint8Array(), (bytes) => code(bytes) === "MALFORMED_TIME_STAMP"));
});

test("a request is refused before it is sent when its parts are none", () => {
  const refused = (error: unknown) => isAttestryError(error) && error.code === "USAGE";
  const imprint = { algorithm: "SHA-256", digest: new Uint8Array(32) } as const;
  assert.throws(() => encodeTimeStampRequest({ imprint: { ...imprint, digest: new Uint8Array(20) } }), refused);
  for (const policy of ["", "1", "3.1", "1.40", "1.2.", "1.02", "a.b", "1.2.-3"])
    assert.throws(() => encodeTimeStampRequest({ imprint, policy }), refused, policy);
});

test("what the writer writes, the strict reader reads as the same value", () => {
  const bytes = fc.uint8Array({ maxLength: 70_000, size: "max" });
  fc.assert(
    fc.property(bytes, (value) => Buffer.compare(new DerReader(derElement(4, value)).element(4).value, value) === 0),
  );
  const number = fc.bigInt({ min: 0n, max: 2n ** 160n });
  const integer = fc.property(number, fc.nat(3), (value, zeros) => {
    const digits = value.toString(16);
    const big = Uint8Array.fromHex("00".repeat(zeros) + digits.padStart(digits.length + (digits.length % 2), "0"));
    const read = new DerReader(derInteger(big)).unsigned();
    assert.equal(BigInt(`0x${read.toHex()}`), value);
  });
  fc.assert(integer);
  fc.assert(fc.property(fc.nat(), (value) => new DerReader(derInteger(value)).smallUnsigned() === value));
  const arcs = fc.array(fc.bigInt({ min: 0n, max: 2n ** 70n }), { minLength: 1, maxLength: 8 });
  const oid = fc.property(fc.nat(2), fc.nat(39), arcs, (first, second, rest) => {
    const text = [first, second, ...rest].join(".");
    assert.equal(new DerReader(derOid(text)).oid(), text);
  });
  fc.assert(oid);
});

test("sets are sorted, and times of certificates change their form in 2050", () => {
  assert.deepEqual(derSet(derInteger(2), derInteger(1)), derSet(derInteger(1), derInteger(2)));
  const text = (der: Uint8Array) => `${der[0]} ${Buffer.from(der.subarray(2)).toString()}`;
  const second = (iso: string) => Date.parse(iso) / 1000;
  assert.equal(text(derCertificateTime(second("2049-12-31T23:59:59Z"))), "23 491231235959Z");
  assert.equal(text(derCertificateTime(second("2050-01-01T00:00:00Z"))), "24 20500101000000Z");
  assert.equal(text(derTime(second("2026-11-22T10:00:05Z"))), "24 20261122100005Z");
  for (const seconds of [0.5, Number.NaN, 1e12]) assert.throws(() => derTime(seconds), isAttestryError);
});
