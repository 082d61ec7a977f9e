import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { concatBytes, encodeUtf8 } from "../bytes.ts";
import { isAttestryError } from "../errors.ts";
import { parseCertificate } from "../x509/certificate.ts";
import { DerReader } from "../x509/der.ts";
import { extension, type Issued, issue, KeyUsageFlags, noon, pem } from "../x509/test-certificates.ts";
import { type CheckTimeStampOptions, checkTimeStamp, type TimeStamp } from "./check.ts";
import { derContext, derElement, derInteger, derNull, derOctets, derOid, derSequence, derSet } from "./der-writer.ts";
import { digestOf, encodeDigestAlgorithm } from "./digest.ts";
import type { TimeStampFault } from "./fault.ts";
import { encodeImprint } from "./request.ts";
import { noOpenssl, opensslFolder } from "./test-openssl.ts";
import {
  attributeType,
  certificateId,
  grant,
  imprint,
  infoExtension,
  issueAuthority,
  issuerSerial,
  makeToken,
  type Parts,
  purpose,
  purposes,
  rsaPkcs1,
  sha1Imprint,
  signingCertificate,
  stampedAt,
} from "./test-tokens.ts";
import { parseTimeStampToken } from "./token.ts";

const openssl = opensslFolder();
after(() => openssl.remove());

let root: Issued;
let authority: Issued;
let other: Issued;

before(async () => {
  root = await issue({ subject: "CN=Root", ca: {} });
  authority = await issueAuthority({ by: root });
  other = await issueAuthority({ by: root });
});

test("openssl is there to be compared with", (t) => {
  if (noOpenssl !== false) t.skip(noOpenssl);
});

/** Whether `openssl ts -verify` accepts the token at the time that it states; `undefined` where there is no openssl. */
function opensslAccepts(token: Uint8Array, roots: readonly Uint8Array[]): boolean | undefined {
  if (noOpenssl !== false) return undefined;
  openssl.write("reply.tsr", grant(token));
  openssl.write("roots.pem", pem(...roots));
  const digest = Buffer.from(imprint.digest).toString("hex");
  try {
    openssl.run(
      "ts",
      "-verify",
      "-digest",
      digest,
      "-in",
      "reply.tsr",
      "-CAfile",
      "roots.pem",
      "-attime",
      `${stampedAt}`,
    );
    return true;
  } catch {
    return false;
  }
}

type Options = Partial<CheckTimeStampOptions> & { readonly opensslToo?: false };

async function accepts(parts: Partial<Parts> = {}, { opensslToo, ...options }: Options = {}): Promise<TimeStamp> {
  const token = await makeToken({ authority, ...parts });
  const roots = options.roots ?? [root.der];
  const stamp = await checkTimeStamp({ token, imprint, roots, ...options });
  if (opensslToo !== false) assert.notEqual(opensslAccepts(token, roots), false, "openssl refuses it");
  return stamp;
}

function isFault(error: unknown, reason: TimeStampFault | "malformed"): true {
  assert.ok(isAttestryError(error), String(error));
  assert.equal(error.code, reason === "malformed" ? "MALFORMED_TIME_STAMP" : "VERIFY_TIME_STAMP", error.message);
  if (reason !== "malformed") assert.equal(error.data["reason"], reason, error.message);
  return true;
}

/** `opensslToo: false` where openssl is less strict. */
async function refuses(
  reason: TimeStampFault | "malformed",
  parts: Partial<Parts> = {},
  { opensslToo, ...options }: Options = {},
): Promise<void> {
  const token = await makeToken({ authority, ...parts });
  const roots = options.roots ?? [root.der];
  await assert.rejects(checkTimeStamp({ token, imprint, roots, ...options }), (error) => isFault(error, reason));
  if (opensslToo !== false) assert.notEqual(opensslAccepts(token, roots), true, "openssl accepts it");
}

test("a token that holds gives its time, the authority's name, its policy and serial number", async () => {
  assert.deepEqual(await accepts(), {
    time: stampedAt,
    accuracy: undefined,
    authority: "CN=Time",
    policy: "1.2.3.4",
    serial: "1234",
  });
});

test("a fraction of a second is cut off, and accuracy is in seconds", async () => {
  const accuracy = derSequence(
    derInteger(2),
    derElement(0x80, Uint8Array.of(5)),
    derElement(0x81, Uint8Array.of(3, 0x20)),
  );
  const stamp = await accepts({ time: "20260601120000.999Z", infoRest: [accuracy] });
  assert.equal(stamp.time, stampedAt);
  assert.equal(stamp.accuracy, 2.0058);
});

test("times and accuracies have one form", async () => {
  for (const time of [
    "20260601120000",
    "20260601120000.5+0000",
    "20260601120000.50Z",
    "20260601120000.Z",
    "202606011200Z",
  ])
    await refuses("malformed", { time }, { opensslToo: false });
  for (const time of ["20260631120000Z", "20260601240000Z", "20260601120060Z", "20260601120000,5Z"])
    await refuses("malformed", { time }, { opensslToo: false });
  for (const micros of [[0], [3, 0xe8], [0, 5], [0x80], [], [0, 0, 1]]) {
    const accuracy = derSequence(derElement(0x81, Uint8Array.from(micros)));
    await refuses("malformed", { infoRest: [accuracy] }, { opensslToo: false });
  }
});

test("a stamp of other data, or of another digest of it, is refused", async () => {
  await refuses("imprint", { imprint: encodeImprint({ ...imprint, digest: new Uint8Array(32) }) });
  await refuses("imprint", { imprint: encodeImprint({ algorithm: "SHA-384", digest: new Uint8Array(48) }) });
  await refuses("malformed", {
    imprint: derSequence(derSequence(derOid("2.16.840.1.101.3.4.2.1")), derOctets(new Uint8Array(31))),
  });
});

test("the nonce that was sent must come back", async () => {
  const infoRest = [derInteger(0xcafe)];
  await accepts({ infoRest }, { nonce: Uint8Array.of(0, 0xca, 0xfe) });
  await accepts({ infoRest });
  await refuses("nonce", { infoRest }, { nonce: Uint8Array.of(0xca, 0xff), opensslToo: false });
  await refuses("nonce", {}, { nonce: Uint8Array.of(0), opensslToo: false });
});

test("a stamp of a later time than can be is refused", async () => {
  await accepts({}, { at: stampedAt });
  await refuses("time", {}, { at: stampedAt - 1, opensslToo: false });
  await refuses("time", {}, { at: Number.NaN, opensslToo: false });
});

test("the chain must have been valid at the stamp's time, whatever came after", async () => {
  const [start, end] = [noon("2026-05-01"), noon("2026-06-01")];
  const short = await issueAuthority({ by: root, notBefore: start, notAfter: end });
  await accepts({ authority: short, time: "20260520120000Z" }, { opensslToo: false });
  await accepts({ authority: short }, { opensslToo: false }); // openssl leaves the last second out
  await accepts({ authority: short, time: "20260501120000Z" }, { opensslToo: false });
  await refuses("expired", { authority: short, time: "20260601120001Z" }, { opensslToo: false });
  await refuses("not_yet_valid", { authority: short, time: "20260501115959Z" }, { opensslToo: false });
  const shortRoot = await issue({ subject: "CN=Short", ca: {}, notBefore: start, notAfter: end });
  const under = await issueAuthority({ by: shortRoot });
  await accepts({ authority: under }, { roots: [shortRoot.der], opensslToo: false });
  await refuses(
    "expired",
    { authority: under, time: "20260602120000Z" },
    { roots: [shortRoot.der], opensslToo: false },
  );
});

test("the certificate must be critically for time stamps, and for nothing else", async () => {
  const wrong = [
    [],
    [purposes(false, purpose.timeStamping)],
    [purposes(true, purpose.timeStamping, purpose.codeSigning)],
    [purposes(true, purpose.codeSigning)],
    [purposes(true, "2.5.29.37.0")],
  ];
  for (const extensions of wrong)
    await refuses("purpose", { authority: await issueAuthority({ by: root, extensions }) });
  for (const second of [purpose.documentSigning, purpose.timeStamping]) {
    const extensions = [purposes(true, purpose.timeStamping, second)];
    await refuses("purpose", { authority: await issueAuthority({ by: root, extensions }) }, { opensslToo: false });
  }
});

test("the certificate's key must be for signing alone, where its uses are named", async () => {
  const { digitalSignature, nonRepudiation, keyEncipherment } = KeyUsageFlags;
  for (const usage of [null, nonRepudiation, digitalSignature | nonRepudiation])
    await accepts({ authority: await issueAuthority({ by: root, usage }) });
  for (const usage of [keyEncipherment, digitalSignature | keyEncipherment])
    await refuses("key_usage", { authority: await issueAuthority({ by: root, usage }) });
});

test("the signer must name its certificate, in either version of the attribute", async () => {
  const { signingCertificate: v1, signingCertificateV2: v2 } = attributeType;
  const id = (...rest: Parameters<typeof certificateId>) => signingCertificate(certificateId(...rest));
  await accepts({ attributes: { [v2]: null, [v1]: id(authority.der, "SHA-1") } });
  await accepts({ attributes: { [v1]: id(authority.der, "SHA-1") } });
  await accepts({ attributes: { [v2]: id(authority.der, "SHA-512") } });
  await accepts({ attributes: { [v2]: id(authority.der, "SHA-256", issuerSerial(authority.der)) } });
  await refuses("signing_certificate", { attributes: { [v2]: null } });
  await refuses("signing_certificate", { attributes: { [v2]: signingCertificate() } });
  await refuses("signing_certificate", { attributes: { [v2]: id(other.der) } });
  await refuses("signing_certificate", {
    attributes: { [v2]: id(authority.der, "SHA-256", issuerSerial(authority.der, 1)) },
  });
  await refuses("signing_certificate", { attributes: { [v1]: id(other.der, "SHA-1") } });
  const swapped = signingCertificate(certificateId(root.der), certificateId(authority.der));
  await refuses("signing_certificate", { attributes: { [v2]: swapped }, certificates: [authority.der, root.der] });
});

test("further certificates that the signer names are those that its chain may be made of", async () => {
  const between = await issue({ subject: "CN=Between", by: root, ca: {} });
  const leaf = await issueAuthority({ by: between });
  const certificates = [leaf.der, between.der];
  const named = (...ders: Uint8Array[]) => ({
    [attributeType.signingCertificateV2]: signingCertificate(...ders.map((der) => certificateId(der))),
  });
  await accepts({ authority: leaf, certificates, attributes: named(leaf.der, between.der) });
  await refuses("untrusted_root", { authority: leaf, certificates, attributes: named(leaf.der, other.der) });
});

test("the chain must lead to a trusted root, through CAs that may issue it", async () => {
  const stranger = await issue({ subject: "CN=Stranger", ca: {} });
  const namesake = await issue({ subject: "CN=Root", ca: {} });
  await refuses("untrusted_root", {}, { roots: [] });
  await refuses("untrusted_root", {}, { roots: [stranger.der] });
  await refuses("bad_signature", {}, { roots: [namesake.der] });
  await accepts({}, { roots: [stranger.der, namesake.der, root.der] });
  await accepts({}, { roots: [authority.der], opensslToo: false }); // openssl wants -partial_chain
  const notCa = await issue({ subject: "CN=Clerk", by: root, usage: KeyUsageFlags.keyCertSign });
  await refuses("not_a_ca", await below(notCa));
  const noSigning = await issue({ subject: "CN=Clerk", by: root, ca: {}, usage: KeyUsageFlags.digitalSignature });
  await refuses("key_usage", await below(noSigning));
  const narrow = await issue({ subject: "CN=Narrow", ca: { pathLength: 0 } });
  const between = await issue({ subject: "CN=Between", by: narrow, ca: {} });
  await refuses("path_length", await below(between), { roots: [narrow.der] });
  await accepts({ authority: await issueAuthority({ by: narrow }) }, { roots: [narrow.der] });
});

async function below(ca: Issued): Promise<Partial<Parts>> {
  const leaf = await issueAuthority({ by: ca });
  return { authority: leaf, certificates: [ca.der, leaf.der] };
}

test("a chain is refused for constraints, algorithms and keys that are not looked into", async () => {
  const constraints = extension("2.5.29.30", false, derSequence(derContext(0, derSequence(derElement(0x82)))));
  const constrained = await issue({ subject: "CN=Narrow", ca: {}, extensions: [constraints] });
  const roots = [constrained.der];
  const leaf = await issueAuthority({ by: constrained });
  await refuses("name_constraints", { authority: leaf }, { roots, opensslToo: false });
  const withSha224 = Buffer.from(authority.der)
    .toString("hex")
    .replaceAll("06082a8648ce3d040302", "06082a8648ce3d040301");
  const unknown = { ...authority, der: Uint8Array.fromHex(withSha224) };
  await refuses("unsupported_algorithm", { authority: unknown });
  const rsa = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const number = (...bytes: readonly number[]) => Uint8Array.from(bytes).toBase64({ alphabet: "base64url" });
  const modulus = (length: number) => number(...new Array<number>(length).fill(0xff));
  for (const [slowKey, found] of [
    [{ e: number(1, 0, 1), n: modulus(1125) }, /has 9000 bits/],
    [{ e: number(2, 0, 0, 0, 1), n: modulus(256) }, /an exponent of 34 bits/],
  ] as const) {
    const publicKey = await crypto.subtle.importKey("jwk", { kty: "RSA", ...slowKey }, rsa, true, ["verify"]);
    const slow = await issue({ subject: "CN=Root", ca: {}, keys: { ...root.keys, publicKey } });
    await refuses("unsupported_algorithm", {}, { roots: [slow.der] });
    const token = await makeToken({ authority });
    await assert.rejects(checkTimeStamp({ token, imprint, roots: [slow.der] }), { message: found });
  }
});

test("certificates come in any order, with or without the root, and with other ways to other roots", async () => {
  const between = await issue({ subject: "CN=Between", by: root, ca: {} });
  const leaf = await issueAuthority({ by: between });
  for (const certificates of [
    [leaf, between],
    [between, leaf],
    [root, between, leaf],
  ])
    await accepts({ authority: leaf, certificates: certificates.map(({ der }) => der) });
  const newRoot = await issue({ subject: "CN=New", ca: {} });
  const cross = await issue({ subject: "CN=Between", keys: between.keys, by: newRoot, ca: {} });
  const certificates = [leaf.der, between.der, cross.der, root.der, newRoot.der];
  for (const trusted of [root, newRoot])
    await accepts({ authority: leaf, certificates }, { roots: [trusted.der], opensslToo: false }); // openssl tries one way
});

test("a certificate that nothing vouches for is refused, even if nothing needs it", async () => {
  const stranger = await issue({ subject: "CN=Stranger", ca: {} });
  const adrift = await issue({ subject: "CN=Adrift", by: stranger });
  const certificates = [authority.der, adrift.der];
  await refuses("stray_certificate", { certificates }, { opensslToo: false });
  await accepts({ certificates }, { roots: [root.der, stranger.der] });
  await accepts({ certificates: [...certificates, stranger.der] });
});

test("a set of CAs that all issued each other is judged quickly", async () => {
  const keys = root.keys;
  const ring = await Promise.all(Array.from({ length: 15 }, () => issue({ subject: "CN=Ring", keys, ca: {} })));
  const [first] = ring;
  const leaf = await issueAuthority({ by: first as Issued });
  const started = performance.now();
  await refuses("path_length", { authority: leaf, certificates: [leaf, ...ring].map(({ der }) => der) });
  assert.ok(performance.now() - started < 60_000); // trying every order of them would take years
});

test("the signer's certificate must have come along, and may be named by its key", async () => {
  await refuses("signer", { certificates: [other.der] });
  await refuses("signer", { certificates: [] });
  const keyId = new Uint8Array(parseSubjectKeyId(authority.der));
  await accepts({ signerVersion: 3, signerId: derElement(0x80, keyId) }, { opensslToo: false }); // openssl's PKCS #7 lacks it
  await refuses("signer", { signerVersion: 3, signerId: derElement(0x80, keyId.toReversed()) });
  await refuses("malformed", { signerVersion: 1, signerId: derElement(0x80, keyId) });
  await refuses("malformed", { signerVersion: 3 }, { opensslToo: false });
});

/** The subject key identifier is there in the certificates of these tests: 04 14 after its object identifier. */
function parseSubjectKeyId(der: Uint8Array): Uint8Array {
  const at = Buffer.from(der).indexOf(Buffer.from("0603551d0e04160414", "hex"));
  assert.ok(at > 0);
  return der.slice(at + 9, at + 29);
}

test("there is exactly one signer", async () => {
  await refuses("malformed", { signers: () => [] });
  await refuses("malformed", { signers: (signer) => [signer, signer] });
});

test("SHA-1 is refused wherever it decides something", async () => {
  const sha1 = derSequence(derOid("1.3.14.3.2.26"), derElement(0x05));
  await refuses("weak_algorithm", { imprint: sha1Imprint });
  await refuses("weak_algorithm", { digestAlgorithm: sha1 });
  await refuses(
    "weak_algorithm",
    { signatureAlgorithm: derSequence(derOid("1.2.840.10045.4.1")) },
    { opensslToo: false },
  );
  const v2 = derSequence(sha1, derOctets(digestOf("SHA-1", authority.der)));
  const attributes = { [attributeType.signingCertificateV2]: signingCertificate(v2) };
  await refuses("weak_algorithm", { attributes }, { opensslToo: false });
  const old = await issue({ subject: "CN=Old", kind: "P-256 with SHA-1", ca: {} });
  await refuses(
    "weak_algorithm",
    { authority: await issueAuthority({ by: old }) },
    { roots: [old.der], opensslToo: false },
  );
});

test("digests and signatures that nobody knows are refused, and those that do not fit together", async () => {
  await refuses("unsupported_algorithm", { digestAlgorithm: derSequence(derOid("1.2.3")) });
  const unknownImprint = derSequence(derSequence(derOid("1.2.3")), derOctets(imprint.digest));
  await refuses("unsupported_algorithm", { imprint: unknownImprint }, { opensslToo: false });
  await refuses("unsupported_algorithm", { signatureAlgorithm: derSequence(derOid("1.2.3")) }, { opensslToo: false });
  const ecdsaWithSha384 = derSequence(derOid("1.2.840.10045.4.3.3"));
  await refuses("unsupported_algorithm", { signatureAlgorithm: ecdsaWithSha384 }, { opensslToo: false });
  const edwards = await issueAuthority({ by: root, kind: "Ed25519" });
  await refuses("unsupported_algorithm", { authority: edwards }, { opensslToo: false });
});

test("authorities sign with ECDSA and RSA of every usual kind", async () => {
  for (const kind of ["P-384", "P-521"] as const) {
    const certified = await issueAuthority({ by: root, kind });
    for (const digest of ["SHA-256", "SHA-384", "SHA-512"] as const) await accepts({ authority: certified, digest });
  }
  const certified = await issueAuthority({ by: root, kind: "RSA 2048" });
  await accepts({ authority: certified });
  await accepts({ authority: certified, signatureAlgorithm: rsaPkcs1.unnamed });
  await refuses(
    "unsupported_algorithm",
    { authority: certified, signatureAlgorithm: rsaPkcs1["SHA-512"] },
    { opensslToo: false },
  );
  const pss = await issueAuthority({ by: root, kind: "RSA-PSS with SHA-256" });
  const issuedWithPss = await issue({ subject: "CN=A", kind: "RSA-PSS with SHA-256", ca: {} });
  const { signatureAlgorithm } = parseCertificate(issuedWithPss.der).raw;
  await accepts({ authority: pss, signatureAlgorithm }, { opensslToo: false });
  const small = await issueAuthority({ by: root, kind: "RSA 1024" });
  await refuses("weak_algorithm", { authority: small }, { opensslToo: false });
});

test("the signature must be the authority's own, over attributes that name this content", async () => {
  const { contentType, messageDigest } = attributeType;
  await refuses("bad_signature", { authority: { ...authority, keys: other.keys } });
  for (const value of [null, derOctets(new Uint8Array(32)), derOctets(new Uint8Array()), derOid("1.2.3")])
    await refuses("message_digest", { attributes: { [messageDigest]: value } });
  for (const value of [null, derOid("1.2.840.113549.1.7.1")])
    await refuses("message_digest", { attributes: { [contentType]: value } }, { opensslToo: false });
  await refuses("malformed", { attributes: { [contentType]: derInteger(1) } }, { opensslToo: false });
  await refuses("malformed", { infoType: "1.2.840.113549.1.7.1" });
});

test("signed attributes are a sorted set without repetitions, each with one value; others may be there", async () => {
  const signingTime = { "1.2.840.113549.1.9.5": derElement(0x17, encodeUtf8("260601120000Z")) };
  await accepts({ attributes: signingTime });
  await refuses("malformed", { arrange: (attributes) => derSorted(attributes).toReversed() }, { opensslToo: false });
  await refuses("malformed", { arrange: (attributes) => twice(derSorted(attributes)) }, { opensslToo: false });
  const again = derSequence(derOid(attributeType.messageDigest), derSet(derOctets(new Uint8Array(32))));
  await refuses("malformed", { arrange: (made) => derSorted([again, ...made]) }, { opensslToo: false });
  const values = [derOctets(new Uint8Array(32)), derOctets(new Uint8Array(32).fill(1))];
  const two = derSequence(derOid(attributeType.messageDigest), derSet(...values));
  const arrange = (attributes: readonly Uint8Array[]) =>
    derSorted([two, ...attributes.filter((one) => one[4] !== 9 || one[12] !== 4)]);
  await refuses("malformed", { attributes: { [attributeType.messageDigest]: null }, arrange }, { opensslToo: false });
});

const derSorted = (elements: readonly Uint8Array[]): Uint8Array[] => elements.toSorted(Buffer.compare);
const twice = ([first, ...rest]: readonly Uint8Array[]): Uint8Array[] =>
  first === undefined ? [] : [first, first, ...rest];

test("what no signature covers is refused, or has one form", async () => {
  await refuses(
    "malformed",
    { unsigned: derContext(1, derSequence(derOid("1.2.3"), derSet(derInteger(1)))) },
    { opensslToo: false },
  );
  await refuses("malformed", { revocation: derContext(1, derSequence()) });
  await refuses("malformed", { version: 1 }, { opensslToo: false });
  await refuses("malformed", { digestAlgorithms: encodeDigestAlgorithm("SHA-512") }, { opensslToo: false });
  const certificates = [authority.der, ...Array.from({ length: 16 }, () => root.der)];
  await accepts({ certificates: certificates.slice(1).with(0, authority.der) });
  await refuses("malformed", { certificates }, { opensslToo: false });
});

test("a time stamp of another version or with an unknown critical extension is refused", async () => {
  await refuses("malformed", { infoVersion: 2 });
  await accepts({ infoRest: [infoExtension(false)] }, { opensslToo: false });
  await refuses("critical_extension", { infoRest: [infoExtension(true)] }, { opensslToo: false });
  const extensions = [purposes(true, purpose.timeStamping), extension("1.2.3.4", true, Uint8Array.of(5, 0))];
  await refuses("critical_extension", { authority: await issueAuthority({ by: root, extensions }) });
});

test("nothing follows where a part of a signed attribute should end", async () => {
  const more = derInteger(1);
  const hash = derOctets(imprint.digest);
  const name = derElement(0xa4, parseCertificate(authority.der).raw.issuer);
  const serial = derInteger(Uint8Array.fromHex(parseCertificate(authority.der).serialNumber));
  const good = derOctets(digestOf("SHA-256", authority.der));
  const id = (...parts: readonly Uint8Array[]) => signingCertificate(derSequence(good, ...parts));
  const crowdedName = derElement(0xa4, parseCertificate(authority.der).raw.issuer, more);
  const crowded = [
    derSequence(derSequence(certificateId(authority.der)), more),
    id(derSequence(derSequence(name), serial), more),
    id(derSequence(derSequence(crowdedName), serial)),
    id(derSequence(derSequence(name, name), serial)),
    id(derSequence(derSequence(name), serial, more)),
  ];
  await accepts({ attributes: { [attributeType.signingCertificateV2]: id(derSequence(derSequence(name), serial)) } });
  for (const value of crowded)
    await refuses("malformed", { attributes: { [attributeType.signingCertificateV2]: value } }, { opensslToo: false });
  const attribute = derSequence(derOid("1.2.3"), derSet(hash), more);
  await refuses("malformed", { arrange: (made) => derSorted([...made, attribute]) }, { opensslToo: false });
});

test("ordering may be stated, and only if it is true", async () => {
  await accepts({ infoRest: [Uint8Array.of(1, 1, 0xff)] });
  await refuses("malformed", { infoRest: [Uint8Array.of(1, 1, 0)] }, { opensslToo: false });
});

test("nothing follows where a part of the time stamp should end", async () => {
  const more = derInteger(1);
  const algorithm = derSequence(derOid("2.16.840.1.101.3.4.2.1"));
  const name = derElement(0x82, encodeUtf8("time.example"));
  const crowded: readonly Partial<Parts>[] = [
    { afterInfo: more },
    { infoRest: [derElement(0x85)] },
    { imprint: derSequence(algorithm, derOctets(imprint.digest), more) },
    { infoRest: [derSequence(more, more)] },
    { infoRest: [derContext(0, name, name)] },
    { infoRest: [derContext(1, derSequence(derOid("1.2.3"), derOctets(new Uint8Array()), more))] },
  ];
  for (const parts of crowded) await refuses("malformed", parts, { opensslToo: false });
});

test("the name that an authority gives itself must be one of its certificate's", async () => {
  const names = (value: Uint8Array) => ({ infoRest: [derContext(0, value)] });
  const common = (text: Uint8Array) => derElement(0xa4, derSequence(derSet(derSequence(derOid("2.5.4.3"), text))));
  await accepts(names(common(derElement(0x0c, encodeUtf8("Time")))));
  await accepts(names(common(derElement(0x13, encodeUtf8("Time")))));
  await refuses("authority_name", names(common(derElement(0x0c, encodeUtf8("Tide")))), { opensslToo: false });
  await refuses("authority_name", names(derElement(0x82, encodeUtf8("time.example"))), { opensslToo: false });
  const crowded = derElement(0xa4, common(derElement(0x0c, encodeUtf8("Time"))).subarray(2), derInteger(1));
  await refuses("malformed", names(crowded), { opensslToo: false });
  const named = await issueAuthority({ by: root, names: [{ type: "dns", value: "time.example" }] });
  await accepts({ authority: named, ...names(derElement(0x82, encodeUtf8("time.example"))) });
  await refuses(
    "authority_name",
    { authority: named, ...names(derElement(0x82, encodeUtf8("tide.example"))) },
    { opensslToo: false },
  );
});

test("no byte of a token can change, go, come or be cut off unnoticed", async () => {
  const between = await issue({ subject: "CN=Between", by: root, ca: {} });
  const leaf = await issueAuthority({ by: between });
  const certificates = [leaf.der, between.der, root.der];
  const token = await makeToken({
    authority: leaf,
    certificates,
    infoRest: [derSequence(derInteger(1)), derInteger(77)],
  });
  const check = (bytes: Uint8Array) => checkTimeStamp({ token: bytes, imprint, roots: [root.der] });
  await check(token);
  const refused = async (bytes: Uint8Array, what: string) => {
    await assert.rejects(check(bytes), (error) => isAttestryError(error) && /TIME_STAMP/.test(error.code), what);
  };
  for (let i = 0; i < token.length; i++) {
    const byte = token[i] ?? 0;
    for (const changed of [byte ^ 1, byte ^ 0x80, (byte * 5 + i) & 0xff].filter((value) => value !== byte))
      await refused(token.with(i, changed), `byte ${i} to ${changed}`);
  }
  const place = fc.nat(token.length - 1);
  const insertion = fc.asyncProperty(place, fc.uint8Array({ minLength: 1, maxLength: 4 }), async (at, bytes) =>
    refused(concatBytes(token.subarray(0, at), bytes, token.subarray(at)), `${bytes} at ${at}`),
  );
  const deletion = fc.asyncProperty(place, fc.nat(4), async (at, length) =>
    refused(concatBytes(token.subarray(0, at), token.subarray(at + length + 1)), `${length + 1} gone at ${at}`),
  );
  const cut = fc.asyncProperty(place, async (at) => refused(token.subarray(0, at), `cut at ${at}`));
  await fc.assert(insertion, { numRuns: 300 });
  await fc.assert(deletion, { numRuns: 300 });
  await fc.assert(cut, { numRuns: 300 });
  await refused(concatBytes(token, Uint8Array.of(0)), "a byte after the end");
});

test("no part of a token can take one element more", async () => {
  const token = await makeToken({
    authority,
    infoRest: [derSequence(derInteger(1)), derInteger(77), infoExtension(false)],
  });
  let count = 0;
  for (const crowded of withOneMore(token)) {
    const checking = checkTimeStamp({ token: crowded, imprint, roots: [root.der] });
    await assert.rejects(checking, isAttestryError, Buffer.from(crowded).toString("hex"));
    count++;
  }
  assert.ok(count > 40, `${count}`);
});

/** The elements with a NULL put at the end of one constructed element, for each of these at any depth. */
function* withOneMore(elements: Uint8Array): Generator<Uint8Array> {
  const reader = new DerReader(elements);
  for (let start = 0; !reader.atEnd; ) {
    const { tag, value, whole } = reader.element();
    const [before, behind] = [elements.subarray(0, start), elements.subarray(start + whole.length)];
    start += whole.length;
    if ((tag & 0x20) === 0) continue;
    yield concatBytes(before, derElement(tag, value, derNull), behind);
    for (const inside of withOneMore(value)) yield concatBytes(before, derElement(tag, inside), behind);
  }
}

test("bytes that are no token are refused as such, and roots that are none by their own code", async () => {
  const law = fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    assert.throws(
      () => parseTimeStampToken(bytes),
      (error) => isFault(error, "malformed"),
    );
  });
  fc.assert(law, { numRuns: 500 });
  await accepts({ infoRest: [derInteger(new Uint8Array(60_000).fill(1))] }, { opensslToo: false });
  await refuses("malformed", { infoRest: [derInteger(new Uint8Array(65_000).fill(1))] }, { opensslToo: false });
  const token = await makeToken({ authority });
  const checking = checkTimeStamp({ token, imprint, roots: [Uint8Array.of(1)] });
  await assert.rejects(checking, (error) => isAttestryError(error) && error.code === "MALFORMED_CERTIFICATE");
});
