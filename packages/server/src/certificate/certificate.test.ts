import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { KeyObject, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  emptyTrust,
  encodeCheckpoint,
  encodeEvmAnchor,
  encodeHex,
  encodeProofFile,
  encodeUtf8,
  keyThumbprint,
  leafHash,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  type Signer,
  type StatementClaims,
  sha256,
  signStatement,
  type Trust,
  thumbprintUri,
  withTreeEvidence,
} from "@attestry/core";
import { parseCertificate } from "@attestry/core/x509";
import { encodeImprint } from "../../../core/src/timestamp/request.ts";
import { issueAuthority, makeToken, stampedAt } from "../../../core/src/timestamp/test-tokens.ts";
import { issue, noon } from "../../../core/src/x509/test-certificates.ts";
import { testLedger } from "../../../core/test-kit/ledger.ts";
import { type TestLog, testLog, testSigner, testWitness } from "../../../core/test-kit/log.ts";
import { bytesOf, refusal, startTestServer, temporaryFolder } from "../testing.ts";
import { createCertificate, printable } from "./certificate.ts";
import { createPrinter } from "./printer.ts";

const time = stampedAt; // 2026-06-01, 12:00:00 UTC
const digest = sha256(encodeUtf8("deed 4711"));
const issuer = testSigner();
const issuerName = "https://clerk.kent.example.gov";

async function registered(log: TestLog, claims: Partial<StatementClaims> = {}): Promise<number> {
  const whole = { issuer: issuerName, subject: "Deed 2026-4711", issuedAt: time - 30, digest, ...claims };
  return log.append(await signStatement(whole, issuer));
}

function certify(
  proof: Uint8Array,
  trust: Trust,
  more: { language?: "en" | "es"; now?: number } = {},
): Promise<Uint8Array> {
  const { language = "en", now = time + 60 } = more;
  return createCertificate({ proof, trust, registeredAt: time, language, base: "https://notary.example.gov", now });
}

const poppler = spawnSync("pdftotext", ["-v"]).error === undefined;
const noPoppler = poppler ? false : "needs pdftotext and pdfinfo: apt-get install poppler-utils";

function run(program: string, ...given: readonly [Uint8Array, ...string[]]): string {
  const [input, ...options] = given;
  const { status, stdout, stderr } = spawnSync(program, [...options, "-", ...(program === "pdftotext" ? ["-"] : [])], {
    input,
  });
  assert.equal(status, 0, stderr.toString());
  return stdout.toString();
}

/** What a reader of the tags hears, each run of white space as one space. */
const textOf = (pdf: Uint8Array): string => run("pdftotext", pdf).replaceAll(/\s+/g, " ");

function assertInOrder(text: string, parts: readonly string[]): void {
  let from = 0;
  for (const part of parts) {
    const at = text.indexOf(part, from);
    assert.notEqual(at, -1, `"${part}" is not where it should be in: ${text}`);
    from = at + part.length;
  }
}

test("a certificate tells a court what the record is, who signed, when, and where it stands in the log", {
  skip: noPoppler,
}, async () => {
  const log = testLog("log.example.gov/1", time);
  await registered(log, { subject: "another" });
  const index = await registered(log, { contentType: "application/pdf" });
  const proof = await log.proof(index);
  const statement = parseProofFile(proof).statement;
  const { rootHash } = parseCheckpoint(
    parseNote(parseProofFile(proof).receipts[0]?.evidence.checkpoint ?? new Uint8Array()).text,
  );
  const text = textOf(await certify(proof, log.trust));
  assertInOrder(
    text,
    [
      "Certificate of Registration",
      "Entry 1",
      "In force",
      "On June 1, 2026 at 12:01:00 UTC the log held no later statement",
      "Deed 2026-4711",
      encodeHex(digest),
      "application/pdf",
      issuerName,
      thumbprintUri(keyThumbprint(issuer.publicKey)),
      "ES256",
      "June 1, 2026 at 11:59:30 UTC",
      "June 1, 2026 at 12:00:00 UTC",
      "by the log's own clock; no witness",
      "it may have been signed long before",
      "log.example.gov/1",
      encodeHex(leafHash(statement.entry)),
      "2 entries",
      encodeHex(rootHash),
      "No witness so far",
      "None covers this entry yet",
      "https://notary.example.gov/v1/entries/1/proof",
      "https://notary.example.gov/entry/1",
      "attestry verify FILE --offline",
      "What this certificate does not say",
      "902(13)",
    ].map((part) => part.replaceAll("’", "'")),
  );
});

test("a certificate of a statement that quotes a checkpoint says since when it can have been signed", {
  skip: noPoppler,
}, async () => {
  const log = testLog("log.example.gov/1", time);
  await registered(log);
  const checkpointAfter = await log.checkpoint();
  const { origin, size, rootHash } = parseCheckpoint(parseNote(checkpointAfter).text);
  const index = await registered(log, { after: { origin, size, rootHash } });
  const proof = await log.proof(index, { evidence: { coseKey: issuer.publicKey, checkpointAfter } });
  const parts = ["Signed no earlier than", "June 1, 2026 at 12:00:00 UTC", "log.example.gov/1 at 1 entry"];
  assertInOrder(textOf(await certify(proof, log.trust)), parts);
  const bare = await log.proof(index, { evidence: { coseKey: issuer.publicKey } });
  assertInOrder(textOf(await certify(bare, log.trust)), ["Signed no earlier than", "Nothing shown here"]);
  const spanish = textOf(await certify(proof, log.trust, { language: "es" }));
  assertInOrder(spanish, ["No se firmó antes del", "1 de junio de 2026", "con 1 asiento,"]);
});

test("a certificate lists witnesses, ledgers and authorities with their times, and the issuer's certificate", {
  skip: noPoppler,
}, async () => {
  const root = await issue({ subject: "CN=County Root", ca: {} });
  const leaf = await issue({ subject: "CN=Registrar of Deeds", by: root, names: [{ type: "url", value: issuerName }] });
  const { publicKey } = parseCertificate(leaf.der);
  assert.ok(publicKey);
  const key = { key: KeyObject.from(leaf.keys.privateKey), dsaEncoding: "ieee-p1363" } as const;
  const signer: Signer = { publicKey, sign: async (data) => new Uint8Array(sign("sha256", data, key)) };
  const log = testLog("log.example.gov/1", time);
  const claims = { issuer: issuerName, subject: "Deed 1", issuedAt: time, digest };
  const index = log.append(await signStatement(claims, signer, { chain: [leaf.der, root.der] }));
  const witness = testWitness("witness.example.org/w1", time + 2);
  const proof = await withEvidence(await log.proof(index, { witnesses: [witness] }));
  const trust = { ...log.trust, witnesses: [witness.verifierKey], quorum: 1 };
  const text = textOf(await certify(proof, trust));
  assertInOrder(text, [
    "CN=Registrar of Deeds",
    "Issued by CN=County Root",
    "Existed no later than",
    "June 1, 2026 at 12:00:02 UTC",
    "cosigned by witness.example.org/w1",
    "witness.example.org/w1, June 1, 2026 at 12:00:02 UTC",
    "Chain 1337, contract 0xacacac",
    "block 4711",
    "Block hash 0x",
    "June 1, 2026 at 12:00:00 UTC, by CN=",
  ]);
});

/** With an anchor and a time stamp of its checkpoint. */
async function withEvidence(proof: Uint8Array): Promise<Uint8Array> {
  const { receipts, ...parts } = parseProofFile(proof);
  const [receipt] = receipts;
  assert.ok(receipt?.evidence.checkpoint);
  const checkpoint = parseCheckpoint(parseNote(receipt.evidence.checkpoint).text);
  const anchors = [encodeEvmAnchor(await testLedger().anchor(checkpoint))];
  const imprint = { algorithm: "SHA-256", digest: sha256(encodeUtf8(encodeCheckpoint(checkpoint))) } as const;
  const token = await makeToken({ authority: await issueAuthority(), imprint: encodeImprint(imprint) });
  return encodeProofFile({ ...parts, receipts: [withTreeEvidence(receipt, { anchors, timeStamps: [token] })] });
}

test("a revocation or a replacement stands above everything else", { skip: noPoppler }, async () => {
  const log = testLog("log.example.gov/1", time);
  const index = await registered(log);
  const target = leafHash(parseProofFile(await log.proof(index)).statement.entry);
  const relation = { kind: "revokes", target, reason: "recorded in the wrong county" } as const;
  const revocation = await registered(log, { relation });
  const later = await log.proof(revocation);
  const revoked = textOf(await certify(await log.proof(index, { later: [later] }), log.trust));
  assertInOrder(revoked, [
    "Revoked",
    issuerName,
    "in entry 1 of the log",
    "“recorded in the wrong county”",
    "The record",
  ]);
  assert.ok(!revoked.includes("In force"));
  const itself = textOf(await certify(later, log.trust));
  assertInOrder(itself, ["This entry revokes an earlier one", "wrong county", "The record"]);
  assert.ok(!itself.includes("In force"));
  const replacing = await registered(log, { relation: { ...relation, kind: "supersedes" } });
  const replaced = textOf(await certify(await log.proof(index, { later: [await log.proof(replacing)] }), log.trust));
  assertInOrder(replaced, ["Replaced", "The record"]);
});

test("a certificate in Spanish says so to whoever reads it out, and leads to the Spanish page", {
  skip: noPoppler,
}, async () => {
  const log = testLog("log.example.gov/1", time);
  const pdf = await certify(await log.proof(await registered(log)), log.trust, { language: "es" });
  assertInOrder(textOf(pdf), [
    "Certificado de registro",
    "Vigente",
    "1 de junio de 2026",
    "El documento",
    "Quién firmó",
    "/entry/0?lang=es",
  ]);
  assert.match(Buffer.from(pdf).toString("latin1"), /\/Lang \(es\)/);
});

test("a certificate is tagged and archival: headings, a table, a described figure, every font embedded", async (t) => {
  const log = testLog("log.example.gov/1", time);
  const pdf = await certify(await log.proof(await registered(log)), log.trust);
  const raw = Buffer.from(pdf).toString("latin1");
  assert.match(raw, /\/Lang \(en\)/);
  assert.match(raw, /\/DisplayDocTitle true/);
  assert.match(raw, /\/Marked true/);
  assert.match(raw, /<pdfaid:part>2<\/pdfaid:part>\s*<pdfaid:conformance>A</);
  assert.match(raw, /<pdfuaid:part>1<\/pdfuaid:part>/);
  assert.match(raw, /\/Contents \(Check this record: https:\/\/notary/);
  assert.match(raw, /\/S \/GTS_PDFA1/);
  const descriptors = raw.match(/\/Type \/FontDescriptor/g)?.length;
  assert.equal(descriptors, 3);
  assert.equal(raw.match(/\/FontFile2 /g)?.length, descriptors);
  assert.doesNotMatch(raw, /Helvetica|\/JavaScript|\/Launch|\/EmbeddedFile/);
  for (const tag of ["Document", "Sect", "H1", "H2", "Table", "TR", "TH", "TD", "L", "LI", "Figure", "Link"])
    assert.match(raw, new RegExp(`/S /${tag}\\b`), tag);
  assert.match(raw, /\/Alt \(QR code that leads to https:\/\/notary\.example\.gov\/entry\/0\)/);
  if (spawnSync("qpdf", ["--version"]).error) return t.skip("its syntax is checked with qpdf: apt-get install qpdf");
  const path = join(temporaryFolder(t), "certificate.pdf");
  writeFileSync(path, pdf);
  const { status, stdout, stderr } = spawnSync("qpdf", ["--check", path]);
  assert.equal(status, 0, `${stdout}${stderr}`);
});

test("nothing is certified that does not hold", async () => {
  const log = testLog("log.example.gov/1", time);
  const proof = await log.proof(await registered(log));
  const { statement, evidence, receipts } = parseProofFile(proof);
  const [receipt] = receipts;
  assert.ok(receipt);
  const wrong = withTreeEvidence({ ...receipt, path: [new Uint8Array(32)], size: 2 }, {});
  const broken = encodeProofFile({ statement, evidence, receipts: [wrong] });
  await assert.rejects(certify(broken, log.trust), refusal("FATAL_CORRUPT"));
  const claims = { issuer: issuerName, subject: "Deed 2026-4711", issuedAt: time, digest };
  const forged = await signStatement(claims, { ...issuer, sign: async () => new Uint8Array(64).fill(1) });
  await assert.rejects(certify(await log.proof(log.append(forged)), log.trust), refusal("FATAL_CORRUPT"));
  await assert.rejects(certify(proof, emptyTrust), refusal("FATAL_CORRUPT"));
  await assert.rejects(
    certify(encodeProofFile({ statement, evidence, receipts: [] }), log.trust),
    refusal("FATAL_CORRUPT"),
  );
});

test("the longest claims in any script make a certificate that can be read", { skip: noPoppler }, async () => {
  const log = testLog("log.example.gov/1", time);
  const index = await registered(log, {
    subject: "W".repeat(512),
    issuer: "字".repeat(512),
    contentType: "é".repeat(512),
  });
  const pdf = await certify(await log.proof(index), log.trust);
  assert.match(run("pdfinfo", pdf), /Pages:\s+[23]\n/);
  const text = textOf(pdf).replaceAll(" ", "");
  assert.ok(text.includes("[U+5B57]".repeat(100)));
  assert.ok(text.includes("W".repeat(60)) && text.includes("é".repeat(60)));
});

interface Fontkit {
  openSync(path: string): { hasGlyphForCodePoint(codePoint: number): boolean };
}

test("every character that is printed as it is has a glyph in the fonts that print it", () => {
  const fontkit = createRequire(import.meta.resolve("pdfkit"))("fontkit") as Fontkit;
  for (const face of ["Regular", "Bold"]) {
    const font = fontkit.openSync(
      fileURLToPath(import.meta.resolve(`@uswds/uswds/fonts/public-sans/PublicSans-${face}.ttf`)),
    );
    for (let code = 0x20; code < 0x2100; code++) {
      const printed = printable(String.fromCodePoint(code)) === String.fromCodePoint(code);
      if (printed) assert.ok(font.hasGlyphForCodePoint(code), `U+${code.toString(16)} in ${face}`);
    }
  }
});

test("a character that the fonts do not have is printed as its code point", () => {
  assert.equal(printable("Añó Žižek – “x”"), "Añó Žižek – “x”");
  assert.equal(printable("a\u0301"), "á");
  assert.equal(printable("Жa😀"), "[U+0416]a[U+1F600]");
});

test("over HTTP an entry's certificate is a PDF that leads to the public address", async (t) => {
  const server = await startTestServer(t, { publicUrl: "https://notary.example.gov" });
  await server.batch([await server.issuer.statement()]);
  const response = await server.fetch("/v1/entries/0/certificate.pdf?lang=es");
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/pdf");
  assert.match(response.headers.get("content-disposition") ?? "", /certificate-0\.pdf/);
  const pdf = Buffer.from(await bytesOf(response)).toString("latin1");
  assert.ok(pdf.startsWith("%PDF-1.7"));
  assert.match(pdf, /\/URI \(https:\/\/notary\.example\.gov\/entry\/0\?lang=es\)/);
  assert.equal((await server.fetch("/v1/entries/1/certificate.pdf")).status, 404);
  assert.equal((await server.fetch("/v1/entries/0/certificate.pdf?lang=fr")).status, 400);
});

test("without a public address a certificate leads where the client asked, and a Host that is no address is refused", async (t) => {
  const server = await startTestServer(t);
  await server.batch([await server.issuer.statement()]);
  const pdf = Buffer.from(await bytesOf(await server.fetch("/v1/entries/0/certificate.pdf"))).toString("latin1");
  assert.ok(pdf.includes(`/URI (${server.url}/entry/0)`));
  const asHost = (host: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const path = "/v1/entries/0/certificate.pdf";
      httpRequest(`${server.url}${path}`, { headers: { host } }, (answer) => resolve(answer.resume().statusCode))
        .on("error", reject)
        .end();
    });
  for (const host of ["a/b", "user@a", "a?b", "a".repeat(300)]) assert.equal(await asHost(host), 400, host);
});

test("certificates wait for each other, and no more than a few at once", async () => {
  const log = testLog("log.example.gov/1", noon("2026-06-01"));
  const proof = await log.proof(await registered(log));
  const options = {
    proof,
    trust: log.trust,
    registeredAt: time,
    language: "en",
    base: "https://n.example",
    now: time,
  } as const;
  const printer = createPrinter(2);
  const printed = [printer.print(options), printer.print({ ...options, trust: emptyTrust })];
  await assert.rejects(printer.print(options), refusal("PUSHBACK"));
  assert.ok((await printed[0])?.length);
  await assert.rejects(printed[1] ?? Promise.resolve(), refusal("FATAL_CORRUPT"));
  const refused = assert.rejects(printer.print(options), refusal("UNAVAILABLE_STOPPING"));
  await printer.close();
  await refused;
});
