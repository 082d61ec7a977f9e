import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { type Certificate, parseCertificate } from "./certificate.ts";
import { certificateThumbprint } from "./pem.ts";
import { issue, type KeyKind, KeyUsageFlags, noon, pem } from "./test-certificates.ts";

/** One DER element with these contents. */
function tlv(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = concatBytes(...parts);
  const { length } = value;
  if (length < 0x80) return concatBytes(Uint8Array.of(tag, length), value);
  if (length < 0x100) return concatBytes(Uint8Array.of(tag, 0x81, length), value);
  if (length < 0x10000) return concatBytes(Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), value);
  return concatBytes(Uint8Array.of(tag, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff), value);
}

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const sequence = (...parts: readonly Uint8Array[]) => tlv(0x30, ...parts);
const utf8 = (text: string) => tlv(0x0c, encodeUtf8(text));
const utcTime = (text: string) => tlv(0x17, encodeUtf8(text));
const generalizedTime = (text: string) => tlv(0x18, encodeUtf8(text));
const attribute = (type: string, value: Uint8Array) => sequence(hex(type), value);
const commonName = (value: Uint8Array) => sequence(tlv(0x31, attribute("0603550403", value)));
const extension = (id: string, value: Uint8Array, critical: Uint8Array = new Uint8Array()) =>
  sequence(hex(id), critical, tlv(0x04, value));
const keyUsage = "0603551d0f";
const altName = "0603551d11";
const constraints = "0603551d13";

const ecdsaWithSha256 = hex("300a06082a8648ce3d040302");
const spki = hex(
  // the P-256 base point
  "3059301306072a8648ce3d020106082a8648ce3d030107034200" +
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296" +
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
);

const parts: Record<string, Uint8Array> = {
  version: tlv(0xa0, hex("020102")),
  serial: hex("020101"),
  algorithm: ecdsaWithSha256,
  issuer: commonName(utf8("Issuer")),
  validity: sequence(utcTime("260101000000Z"), utcTime("270101000000Z")),
  subject: commonName(utf8("Subject")),
  spki,
  extensions: tlv(0xa3, sequence(extension(keyUsage, hex("03020780"), hex("0101ff")))),
};

/** A certificate out of parts. Its signature is none, which parsing does not look at. */
function build(changed: typeof parts = {}, outer: Uint8Array = ecdsaWithSha256): Uint8Array {
  return sequence(sequence(...Object.values({ ...parts, ...changed })), outer, hex("03020000"));
}

const nested = (depth: number) => {
  let value: Uint8Array = hex("0500");
  for (let i = 0; i < depth; i++) value = sequence(value);
  return build({ spki: sequence(sequence(hex("06022a03"), value), hex("03020001")) });
};

const withExtensions = (...list: readonly Uint8Array[]) => build({ extensions: tlv(0xa3, sequence(...list)) });

function refused(der: Uint8Array, what: string): void {
  assert.throws(() => parseCertificate(der), { code: "MALFORMED_CERTIFICATE" }, what);
}

/** What node:crypto reads from the same bytes. */
function agreesWithNode(certificate: Certificate): void {
  const node = new X509Certificate(certificate.der);
  assert.equal(BigInt(`0x${certificate.serialNumber}`), BigInt(`0x${node.serialNumber}`));
  assert.equal(certificate.notBefore, node.validFromDate.getTime() / 1000);
  assert.equal(certificate.notAfter, node.validToDate.getTime() / 1000);
  assert.equal(certificateThumbprint(certificate.der).toHex(), node.fingerprint256.replaceAll(":", "").toLowerCase());
  if (certificate.publicKey === undefined) return; // such keys are not checked before use, and node may not read them
  const spki = node.publicKey.export({ format: "der", type: "spki" });
  assert.deepEqual(certificate.subjectKey.spki, Uint8Array.from(spki));
}

/** OpenSSL wants parts of a name to be strings, which X.501 does not. */
function nodeReads(der: Uint8Array): boolean {
  try {
    return new X509Certificate(der).publicKey !== undefined;
  } catch {
    return false;
  }
}

const kinds: readonly KeyKind[] = ["P-256", "P-384", "P-521", "Ed25519", "RSA 2048", "RSA-PSS with SHA-256"];
for (const kind of kinds) {
  test(`a certificate of ${kind} says what it was issued with`, async () => {
    const root = await issue({ subject: "CN=Root, O=Kent County", kind, ca: { pathLength: 3 } });
    const { der } = await issue({
      subject: "C=US, O=Kent County, OU=Deeds, CN=Registrar",
      kind,
      by: root,
      ca: { pathLength: 1 },
      usage: KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign,
      notBefore: noon("1999-12-31"),
      notAfter: noon("2051-02-28"),
      names: [
        { type: "dns", value: "deeds.kent.gov" },
        { type: "url", value: "https://kent.gov/deeds" },
        { type: "email", value: "deeds@kent.gov" },
        { type: "ip", value: "192.0.2.1" },
        { type: "dns", value: "kent.gov" },
      ],
    });
    const certificate = parseCertificate(der);
    assert.equal(certificate.subject, "CN=Registrar,OU=Deeds,O=Kent County,C=US");
    assert.equal(certificate.issuer, "O=Kent County,CN=Root");
    assert.equal(certificate.commonName, "Registrar");
    assert.equal(certificate.notBefore, noon("1999-12-31"));
    assert.equal(certificate.notAfter, noon("2051-02-28"));
    assert.deepEqual(certificate.keyUsage, ["digitalSignature", "keyCertSign"]);
    assert.equal(certificate.isCa, true);
    assert.equal(certificate.pathLength, 1);
    assert.deepEqual(certificate.subjectAltNames, {
      dns: ["deeds.kent.gov", "kent.gov"],
      uri: ["https://kent.gov/deeds"],
      email: ["deeds@kent.gov"],
    });
    const rsa = kind.startsWith("RSA") ? { modulus: 2048, exponent: 17 } : undefined;
    assert.deepEqual(certificate.subjectKey.rsa, rsa);
    agreesWithNode(certificate);
    const plain = parseCertificate((await issue({ subject: "CN=Leaf", usage: null })).der);
    assert.deepEqual([plain.isCa, plain.pathLength, plain.keyUsage], [false, undefined, undefined]);
  });
}

test("a certificate put together by hand parses, so that what is refused below is refused for its one fault", () => {
  const certificate = parseCertificate(build());
  assert.deepEqual(certificate.keyUsage, ["digitalSignature"]);
  assert.equal(certificate.serialNumber, "01");
  agreesWithNode(certificate);
  const versionOne = build({ version: new Uint8Array(), extensions: new Uint8Array() });
  assert.equal(parseCertificate(versionOne).keyUsage, undefined);
  assert.equal(parseCertificate(build({ extensions: new Uint8Array() })).isCa, false);
});

test("encodings that are not DER are refused", () => {
  assert.equal(parseCertificate(nested(8)).subjectKey.kind, "other");
  const der = build();
  refused(concatBytes(der, Uint8Array.of(0)), "a trailing byte");
  refused(concatBytes(der, hex("0500")), "a trailing element");
  refused(der.slice(0, -1), "a missing byte");
  refused(new Uint8Array(), "nothing");
  assert.equal(der[1], 0x81); // one octet of length
  const withLength = (prefix: string) => concatBytes(hex(prefix), der.subarray(2));
  assert.deepEqual(withLength("3081"), der);
  refused(concatBytes(hex("3080"), der.subarray(3), hex("0000")), "an indefinite length");
  for (const prefix of ["308200", "30830000", "3084000000", "308500000000"]) refused(withLength(prefix), prefix);
  refused(build({ serial: hex("02810101") }), "a long form for a short length");
  refused(build({ serial: hex("02020001") }), "an integer with a needless zero");
  refused(build({ serial: hex("0201ff") }), "a negative integer");
  refused(build({ serial: hex("0200") }), "an empty integer");
  refused(build({ serial: hex("1f0a0101") }), "a tag of several octets");
  refused(build({ subject: commonName(hex("000161")) }), "the reserved tag");
  refused(build({ subject: commonName(hex("2c030c0161")) }), "a string in pieces");
  refused(build({ subject: commonName(hex("050100")) }), "a null with contents");
  refused(build({ subject: commonName(hex("410161")) }), "a part of a name of no universal type");
  refused(
    build({ spki: sequence(sequence(hex("06022a03 300401020000")), hex("03020001")) }),
    "an unread boolean of two",
  );
  refused(
    build({ spki: sequence(sequence(hex("06022a03 02020001")), hex("03020001")) }),
    "an unread integer with a zero",
  );
  refused(build({ spki: sequence(sequence(hex("0500")), hex("03020001")) }), "an algorithm without a name");
  refused(nested(40), "data nested forty deep");
  refused(withExtensions(extension(keyUsage, hex("03020780"), hex("010101"))), "a boolean that is 01");
  refused(withExtensions(extension(keyUsage, hex("03020780"), hex("010100"))), "a default written out");
  refused(withExtensions(extension(constraints, hex("3003010100"))), "cA = false written out");
  refused(withExtensions(extension("0604551d800f", hex("03020780"))), "an object identifier with a needless octet");
  refused(withExtensions(extension("0603551d8f", hex("03020780"))), "an object identifier cut short");
  refused(withExtensions(extension("0600", hex("03020780"))), "an object identifier of nothing");
  refused(withExtensions(tlv(0x30, hex(keyUsage), hex("24040402 0303"))), "a string in pieces");
});

test("parts that RFC 5280 rules out are refused", () => {
  const bits = (value: string) => withExtensions(extension(keyUsage, hex(value)));
  refused(build({}, hex("300a06082a8648ce3d040303")), "two different signature algorithms");
  refused(build({ version: tlv(0xa0, hex("020101")) }), "version 2");
  refused(build({ version: tlv(0xa0, hex("020100")) }), "version 1 written out");
  refused(build({ version: new Uint8Array() }), "extensions in version 1");
  refused(build({ spki: concatBytes(spki, hex("810100")) }), "a unique identifier");
  refused(build({ spki: concatBytes(spki.slice(0, -1), Uint8Array.of(0xf4)) }), "a key that is not on its curve");
  refused(build({ issuer: sequence(tlv(0x31)) }), "an empty relative name");
  refused(build({ subject: commonName(hex("0c02c328")) }), "a name that is not UTF-8");
  refused(build({ subject: commonName(hex("1302c3a9")) }), "a PrintableString that is not ASCII");
  refused(bits("030100"), "a key usage of no bits");
  refused(bits("03020700"), "a key usage that ends with a bit not set");
  refused(bits("03020781"), "unused bits that are set");
  refused(bits("03020880"), "eight unused bits");
  refused(bits("030105"), "unused bits of nothing");
  refused(bits("0303060040"), "a tenth bit");
  refused(bits("0302078000"), "something after the key usage");
  refused(withExtensions(extension(constraints, hex("3003020100"))), "a path length without a CA");
  refused(withExtensions(extension(constraints, hex("30060101ff0201ff"))), "a negative path length");
  refused(withExtensions(extension(constraints, hex("300a0101ff02050100000000"))), "an absurd path length");
  refused(
    withExtensions(extension(constraints, hex("3000")), extension(constraints, hex("3000"))),
    "an extension twice",
  );
  refused(withExtensions(extension(altName, hex("3000"))), "no alternative names");
  for (const name of ["", "kent.gov\0.evil.example", "kent gov", "kent.gov\n", "ként.gov"]) {
    refused(withExtensions(extension(altName, sequence(tlv(0x82, encodeUtf8(name))))), JSON.stringify(name));
  }
});

test("times are of the calendar, and in the two forms of RFC 5280", () => {
  const notBefore = (time: Uint8Array) => build({ validity: sequence(time, utcTime("270101000000Z")) });
  const seconds = (time: Uint8Array) => parseCertificate(notBefore(time)).notBefore;
  assert.equal(seconds(utcTime("491231235959Z")), Date.UTC(2049, 11, 31, 23, 59, 59) / 1000);
  assert.equal(seconds(utcTime("500101000000Z")), Date.UTC(1950, 0, 1) / 1000);
  assert.equal(seconds(utcTime("240229000000Z")), Date.UTC(2024, 1, 29) / 1000);
  assert.equal(seconds(generalizedTime("99991231235959Z")), Date.UTC(9999, 11, 31, 23, 59, 59) / 1000);
  for (const bad of [
    "250229000000Z",
    "261301000000Z",
    "260101240000Z",
    "260101000060Z",
    "2601010000Z",
    "260101000000+0000",
  ]) {
    refused(notBefore(utcTime(bad)), bad);
  }
  for (const bad of ["260101000000Z", "20260101000000.5Z", "20260101000000", "202601010000Z"]) {
    refused(notBefore(generalizedTime(bad)), bad);
  }
  refused(notBefore(utf8("260101000000Z")), "a time of another type");
});

test("names are written as RFC 4514 has it", () => {
  const subject = (...sets: readonly Uint8Array[]) => parseCertificate(build({ subject: sequence(...sets) })).subject;
  const one = (value: Uint8Array) => parseCertificate(build({ subject: commonName(value) }));
  assert.equal(subject(), "");
  const [cn, ou] = [attribute("0603550403", utf8("A")), attribute("060355040b", utf8("B"))];
  assert.equal(subject(tlv(0x31, ou), tlv(0x31, cn)), "CN=A,OU=B");
  assert.equal(subject(tlv(0x31, cn, ou)), "CN=A+OU=B");
  assert.equal(subject(tlv(0x31, attribute("06032a0304", utf8("x")))), "1.2.3.4=#0c0178");
  assert.equal(one(utf8('a,b+c"d\\e<f>g;h=i')).subject, 'CN=a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h=i');
  assert.equal(one(utf8(" # ")).subject, "CN=\\ #\\ ");
  assert.equal(one(utf8("#")).subject, "CN=\\#");
  assert.equal(one(utf8("Lu\u010di\u0107")).subject, "CN=Lu\u010di\u0107");
  assert.equal(one(utf8("a\0b\u202ec")).subject, "CN=a\\00b\\E2\\80\\AEc");
  assert.equal(one(hex("1e04 00e9 0041")).commonName, "éA"); // BMPString
  assert.equal(one(hex("1402e941")).commonName, "éA"); // TeletexString
  assert.equal(one(hex("0500")).subject, "CN=#0500");
  assert.equal(one(hex("0500")).commonName, undefined);
});

test("openssl writes the same names", (t) => {
  if (spawnSync("openssl", ["version"]).error !== undefined) return t.skip("no openssl here");
  const types = ["0603550403", "060355040a", "060355040b", "0603550406", "0603550407", "06092a864886f70d010901"];
  const text = fc
    .string({ minLength: 1, maxLength: 12, unit: fc.constantFrom(..."ab ,+\"\\<>;#=/'é漢") })
    .filter((text) => text !== "#"); // which openssl does not escape
  const names = fc.array(fc.record({ type: fc.constantFrom(...types), text }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(names, (list) => {
      const subject = sequence(...list.map(({ type, text }) => tlv(0x31, attribute(type, utf8(text)))));
      const der = build({ subject });
      const args = ["x509", "-noout", "-subject", "-nameopt", "RFC2253,utf8,-esc_msb"];
      const { stdout } = spawnSync("openssl", args, { input: pem(der), encoding: "utf8" });
      assert.equal(stdout, `subject=${parseCertificate(der).subject}\n`);
    }),
    { numRuns: 40 },
  );
});

test("bytes of any kind, and certificates cut, stretched and changed, give a certificate or MALFORMED_CERTIFICATE", async () => {
  const names = [{ type: "url", value: "https://kent.gov" }] as const;
  const samples = await Promise.all(
    kinds.map((kind) => issue({ subject: "CN=Sample", kind, ca: { pathLength: 1 }, names })),
  );
  const edited = fc
    .record({
      der: fc.constantFrom(build(), ...samples.map((sample) => sample.der)),
      from: fc.nat({ max: 700 }),
      remove: fc.nat({ max: 3 }),
      insert: fc.uint8Array({ maxLength: 3 }),
    })
    .map(({ der, from, remove, insert }) => {
      const at = from % der.length;
      return concatBytes(der.subarray(0, at), insert, der.subarray(at + remove));
    });
  let parsed = 0;
  const check = (der: Uint8Array) => {
    try {
      const certificate = parseCertificate(der);
      parsed++;
      if (nodeReads(der)) agreesWithNode(certificate);
    } catch (error) {
      assert.ok(isAttestryError(error) && error.code === "MALFORMED_CERTIFICATE", String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), check), { numRuns: 2000 });
  fc.assert(fc.property(edited, check), { numRuns: 8000 });
  assert.ok(parsed > 1000, `only ${parsed} parsed`); // changed serial numbers, dates, signatures
});

test("parts of a megabyte are read or refused at once, and with no other error", () => {
  const long = (tag: number, byte: number) => tlv(tag, new Uint8Array(1_000_000).fill(byte));
  const oid = new Uint8Array(1_000_000).fill(0xff, 0, -1);
  refused(build({ spki: sequence(sequence(tlv(0x06, oid)), hex("03020001")) }), "object identifier");
  refused(build({ validity: sequence(long(0x17, 0x30), utcTime("270101000000Z")) }), "time");
  for (const type of [0x0c, 0x13, 0x14]) {
    assert.equal(parseCertificate(build({ subject: commonName(long(type, 0x61)) })).commonName?.length, 1_000_000);
  }
  const [uri] = parseCertificate(withExtensions(extension(altName, sequence(long(0x86, 0x61))))).subjectAltNames.uri;
  assert.equal(uri?.length, 1_000_000);
});
