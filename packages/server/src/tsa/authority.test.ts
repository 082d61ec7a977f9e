import assert from "node:assert/strict";
import { after, test } from "node:test";
import { concatBytes, isAttestryError } from "@attestry/core";
import {
  checkTimeStamp,
  DerReader,
  type DigestName,
  derContext,
  derElement,
  derInteger,
  derOctets,
  derOid,
  derSequence,
  digestOf,
  encodeImprint,
  encodeTimeStampRequest,
  parseTimeStampResponse,
  parseTimeStampToken,
} from "@attestry/core/timestamp";
import fc from "fast-check";
import { noOpenssl, opensslFolder } from "../../../core/src/timestamp/test-openssl.ts";
import { pem } from "../../../core/src/x509/test-certificates.ts";
import { createTimeStampAuthority } from "./authority.ts";
import { createAuthorityCertificates } from "./certificates.ts";
import { day, now, testAuthority, testSigner } from "./testing.ts";

const data = new TextEncoder().encode("a deed\n");
const openssl = opensslFolder();
after(() => openssl.remove());

const imprintOf = (algorithm: DigestName) => ({ algorithm, digest: digestOf(algorithm, data) });
const imprint = imprintOf("SHA-256");

async function failureOf(answer: Promise<Uint8Array> | Uint8Array): Promise<unknown> {
  const der = await answer;
  try {
    parseTimeStampResponse(der);
  } catch (error) {
    assert.ok(isAttestryError(error) && error.code === "POLICY_TIME_STAMP", String(error));
    return error.data["failure"];
  }
  return undefined;
}

test("openssl, as the client, makes requests of every kind and verifies what our authority answers", {
  skip: noOpenssl,
}, async () => {
  const { authority, certificates } = await testAuthority();
  openssl.write("root.pem", pem(certificates.root));
  openssl.write("leaf.pem", pem(certificates.leaf));
  openssl.write("data", data);
  for (const digest of ["-sha256", "-sha384", "-sha512"]) {
    for (const cert of [["-cert"], []]) {
      for (const more of [[], ["-no_nonce"], ["-tspolicy", "1.2.3.4"]]) {
        openssl.run("ts", "-query", "-data", "data", digest, ...cert, ...more, "-out", "query.tsq");
        openssl.write("reply.tsr", await authority.respond(openssl.read("query.tsq")));
        const verify = ["ts", "-verify", "-queryfile", "query.tsq", "-in", "reply.tsr", "-CAfile", "root.pem"];
        if (cert.length > 0) openssl.run(...verify);
        else assert.throws(() => openssl.run(...verify)); // the certificates were not asked for
        openssl.run(...verify, "-untrusted", "leaf.pem");
        openssl.run(
          "ts",
          "-verify",
          "-data",
          "data",
          "-in",
          "reply.tsr",
          "-CAfile",
          "root.pem",
          "-untrusted",
          "leaf.pem",
        );
      }
    }
  }
  const text = openssl.run("ts", "-reply", "-in", "reply.tsr", "-text");
  for (const line of ["Status: Granted", "Version: 1", "Policy OID: 1.2.3.4", "Accuracy: 0x01 seconds", "Ordering: no"])
    assert.ok(text.includes(line), text);
});

test("openssl, as the client, refuses an answer to another request", { skip: noOpenssl }, async () => {
  const { authority, certificates } = await testAuthority();
  openssl.write("root.pem", pem(certificates.root));
  openssl.write("data", data);
  for (const name of ["one", "two"])
    openssl.run("ts", "-query", "-data", "data", "-sha256", "-cert", "-out", `${name}.tsq`);
  openssl.write("one.tsr", await authority.respond(openssl.read("one.tsq")));
  const verify = (query: string) =>
    openssl.run("ts", "-verify", "-queryfile", query, "-in", "one.tsr", "-CAfile", "root.pem");
  verify("one.tsq");
  assert.throws(() => verify("two.tsq"), /nonce/);
});

test("openssl finds the certificates of a first run in order, by its strict rules", { skip: noOpenssl }, async () => {
  const { certificates } = await testAuthority();
  openssl.write("root.pem", pem(certificates.root));
  openssl.write("leaf.pem", pem(certificates.leaf));
  openssl.run("verify", "-x509_strict", "-purpose", "timestampsign", "-CAfile", "root.pem", "leaf.pem");
  const text = openssl.run("x509", "-in", "leaf.pem", "-noout", "-text");
  assert.match(text, /Extended Key Usage: critical\s+Time Stamping\n/);
  assert.match(text, /Subject: CN = log\.example time stamps\n/);
});

test("a token holds for the time of the clock, with the nonce, and no serial number comes twice", async () => {
  const { authority, certificates } = await testAuthority({ now: () => now() + 100 });
  const serials = new Set<string>();
  for (const algorithm of ["SHA-256", "SHA-384", "SHA-512"] as const) {
    const asked = { imprint: imprintOf(algorithm), nonce: Uint8Array.of(0x80, 1) };
    const { token } = parseTimeStampResponse(await authority.respond(encodeTimeStampRequest(asked)));
    const stamp = await checkTimeStamp({ token, ...asked, roots: [certificates.root] });
    assert.ok(Math.abs(stamp.time - now() - 100) < 30);
    assert.equal(stamp.accuracy, 1);
    assert.equal(stamp.authority, "CN=log.example time stamps");
    serials.add(stamp.serial);
  }
  assert.equal(serials.size, 3);
  const bare = parseTimeStampResponse(await authority.respond(encodeTimeStampRequest({ imprint, certReq: false })));
  assert.deepEqual(parseTimeStampToken(bare.token).certificates, []);
});

test("each kind of bad request is refused with its own failure", async () => {
  const { authority, logged } = await testAuthority();
  const sha1 = derSequence(derOid("1.3.14.3.2.26"), derElement(0x05));
  const request = (...parts: readonly Uint8Array[]) => derSequence(derInteger(1), ...parts);
  const good = encodeImprint(imprint);
  const short = derSequence(derSequence(derOid("2.16.840.1.101.3.4.2.1")), derOctets(new Uint8Array(31)));
  const whole = encodeTimeStampRequest({ imprint });
  const cases: readonly (readonly [unknown, Uint8Array])[] = [
    [undefined, request(good)],
    [undefined, request(good, Uint8Array.of(1, 1, 0))],
    [undefined, request(good, Uint8Array.of(2, 1, 0x80))],
    ["badAlg", request(derSequence(sha1, derOctets(new Uint8Array(20))))],
    ["badAlg", request(derSequence(derSequence(derOid("1.2.3")), derOctets(new Uint8Array(32))))],
    ["badRequest", derSequence(derInteger(2), good)],
    ["unacceptedPolicy", encodeTimeStampRequest({ imprint, policy: "1.2.3.5" })],
    ["unacceptedExtension", request(good, derContext(0, derSequence(derOid("1.2.3"), derOctets(new Uint8Array()))))],
    ["badDataFormat", new Uint8Array()],
    ["badDataFormat", request(short)],
    ["badDataFormat", request(good, Uint8Array.of(2, 2, 0, 1))],
    ["badDataFormat", concatBytes(whole, Uint8Array.of(0))],
    ["badDataFormat", whole.subarray(0, -1)],
  ];
  for (const [failure, bytes] of cases)
    assert.equal(await failureOf(authority.respond(bytes)), failure, Buffer.from(bytes).toString("hex"));
  assert.deepEqual(logged, []);
});

test("whatever comes, an answer that clients can read goes out", async () => {
  const { authority, certificates } = await testAuthority();
  const whole = encodeTimeStampRequest({ imprint, nonce: Uint8Array.of(1, 2, 3), policy: "1.2.3.4" });
  const changed = fc.tuple(fc.nat(whole.length - 1), fc.nat(255)).map(([at, value]) => whole.with(at, value));
  const law = fc.asyncProperty(fc.oneof(fc.uint8Array(), changed), async (bytes) => {
    const answer = await authority.respond(bytes);
    if ((await failureOf(answer)) !== undefined) return;
    const { token } = parseTimeStampResponse(answer);
    const { info } = parseTimeStampToken(token);
    const full = { token, imprint: info.imprint, roots: [certificates.root] };
    await checkTimeStamp(full).catch((error: unknown) =>
      assert.equal((error as Error).message, "The signer's certificate did not come along."),
    );
  });
  await fc.assert(law, { numRuns: 500 });
});

test("what goes wrong inside is a system failure that tells the client nothing and the log everything", async () => {
  const broken = { ...testSigner(), sign: () => Promise.reject(new Error("the token was pulled from slot 3")) };
  const faults = [
    { signer: broken },
    { now: () => now() + 400 * day },
    { now: () => now() - 2 * day },
    { now: () => Number.NaN },
  ];
  for (const fault of faults) {
    const { authority, logged } = await testAuthority(fault);
    const answer = await authority.respond(encodeTimeStampRequest({ imprint }));
    assert.equal(await failureOf(answer), "systemFailure");
    assert.ok(!Buffer.from(answer).includes("slot"));
    assert.equal(logged.length, 1);
  }
});

test("an authority is not made of a key or certificate that clients would refuse", async () => {
  const { signer, certificates } = await testAuthority();
  const chain = [certificates.leaf];
  const create = (changed: object) => () =>
    createTimeStampAuthority({ signer, chain, policy: "1.2.3.4", now, logger: { error: () => {} }, ...changed });
  const refused = (code: string) => (error: unknown) => isAttestryError(error) && error.code === code;
  create({})();
  assert.throws(create({ signer: testSigner("Ed25519") }), refused("MALFORMED_KEY"));
  assert.throws(create({ signer: testSigner("P-384") }), refused("MALFORMED_KEY"));
  assert.throws(create({ signer: testSigner() }), refused("VERIFY_KEY_MISMATCH"));
  assert.throws(create({ chain: [] }), refused("MALFORMED_CERTIFICATE"));
  assert.throws(create({ policy: "mine" }), refused("USAGE"));
  const root = testSigner();
  const own = { root, name: "x", notBefore: 0, notAfter: day };
  const { root: notForTime } = await createAuthorityCertificates({ ...own, authority: testSigner().publicKey });
  assert.throws(create({ signer: root, chain: [notForTime] }), refused("VERIFY_TIME_STAMP"));
  const certify = (changed: object) => createAuthorityCertificates({ ...own, authority: root.publicKey, ...changed });
  await assert.rejects(certify({ authority: testSigner("Ed25519").publicKey }), refused("MALFORMED_KEY"));
  await assert.rejects(certify({ root: testSigner("P-384") }), refused("MALFORMED_KEY"));
  for (const name of ["", "x".repeat(49)]) await assert.rejects(certify({ name }), refused("USAGE"));
});

test("requests keep the bytes of imprint and nonce, as clients compare them", async () => {
  const { authority } = await testAuthority();
  const withoutNull = derSequence(derSequence(derOid("2.16.840.1.101.3.4.2.1")), derOctets(imprint.digest));
  const negative = Uint8Array.of(2, 2, 0xff, 0);
  const { token } = parseTimeStampResponse(await authority.respond(derSequence(derInteger(1), withoutNull, negative)));
  const { content, info } = parseTimeStampToken(token);
  assert.deepEqual(info.nonce, Uint8Array.of(0xff, 0));
  const reader = new DerReader(content).inside();
  reader.unsigned();
  reader.oid();
  assert.deepEqual(reader.element().whole, withoutNull);
});
