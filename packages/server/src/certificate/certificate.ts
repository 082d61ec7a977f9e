/**
 * The printable certificate of an entry: a PDF that a clerk hands out and a court can read. It says in words what the entry's
 * proof file shows, and how to check that without believing the certificate.
 */
import { encodeHex, type LaterStatement, type QuotedCheckpoint, type Trust, thumbprintUri } from "@attestry/core";
import { encode } from "uqr";
import { type CertificateFacts, gatherFacts } from "./facts.ts";
import type { Opening } from "./opening.ts";
import { createSheet, type Row, type Sheet } from "./sheet.ts";
import { type CertificateLanguage, type CertificateWords, certificateWords, spellDate, spellTime } from "./words.ts";

export interface CertificateOptions {
  /** The entry's proof file, as the log itself has made it. */
  readonly proof: Uint8Array;
  /** In the log and its witnesses. */
  readonly trust: Trust;
  /** When the entry was registered, by the log's clock: whole seconds of Unix time. */
  readonly registeredAt: number;
  readonly language: CertificateLanguage;
  /** Where people reach the notary, without a slash at the end: `https://notary.example.gov`. */
  readonly base: string;
  /** Whole seconds of Unix time. */
  readonly now: number;
}

/** @throws FATAL_CORRUPT when the proof does not hold: then there is nothing to certify */
export async function createCertificate(options: CertificateOptions): Promise<Uint8Array> {
  const { language, base, now } = options;
  const facts = await gatherFacts(options.proof, options.trust, options.registeredAt);
  const words = certificateWords[language];
  const text: Text = { words, time: (at) => spellTime(at, language), date: (at) => spellDate(at, language) };
  const entry = `${base}/entry/${facts.index}${language === "en" ? "" : `?lang=${language}`}`;
  const title = words.documentTitle(facts.index);
  const at = new Date(now * 1000);
  const sheet = createSheet({ title, language, subject: encodeHex(facts.statement.digest), author: "Attestry", at });
  sheet.banner(words.title, words.subtitle, words.entry(facts.index));
  sheet.opening(openingOf(facts, text, entry, now));
  writeFacts(sheet, facts, text);
  sheet.section(words.steps.heading, (section) => {
    const proof = `${base}/v1/entries/${facts.index}/proof`;
    section.list(words.steps.list({ proof, entry }).map(printable), true);
    section.rows([
      { label: words.steps.verifierKey, value: printable(facts.verifierKey), mono: true },
      { label: words.steps.receiptKey, value: facts.receiptKey, mono: true },
    ]);
  });
  sheet.section(words.limits.heading, (section) => section.list(words.limits.list(text.time(now)), false));
  return sheet.finish(printable(words.footer(facts.origin, facts.index, text.time(now))), words.page);
}

interface Text {
  readonly words: CertificateWords;
  /** @param at whole seconds of Unix time */
  readonly time: (at: number) => string;
  readonly date: (at: number) => string;
}

function openingOf(facts: CertificateFacts, { words, time }: Text, link: string, now: number): Opening {
  const { relation } = facts.statement;
  const boxes: Opening["boxes"][number][] = facts.later.map(
    ({ kind, issuer, issuedAt, index, reason }: LaterStatement) => {
      const said = kind === "revokes" ? words.revoked : words.superseded;
      const tone = kind === "revokes" ? "bad" : "warn";
      return { tone, heading: said.heading, text: printable(said.text(issuer, time(issuedAt), index, reason)) };
    },
  );
  if (boxes.length === 0 && relation?.kind !== "revokes")
    boxes.push({ tone: "good", heading: words.inForce.heading, text: words.inForce.text(time(now)) });
  if (relation !== undefined) {
    const said = words[relation.kind];
    const about = said.text(encodeHex(relation.target), relation.reason);
    boxes.unshift({
      tone: relation.kind === "revokes" ? "bad" : "warn",
      heading: said.heading,
      text: printable(about),
    });
  }
  const qr = encode(link, { ecc: "M", border: 0 }).data;
  return { intro: words.intro, boxes, qr, qrAlt: words.qrAlt(link), caption: words.checkHere, link: printable(link) };
}

function writeFacts(sheet: Sheet, facts: CertificateFacts, text: Text): void {
  const { record, signer, time, log, anchors } = text.words;
  sheet.section(record.heading, (section) => {
    section.rows(recordRows(facts, text));
    section.paragraph(record.meaning);
  });
  sheet.section(signer.heading, (section) => section.rows(signerRows(facts, text)));
  sheet.section(time.heading, (section) => section.rows(timeRows(facts, text)));
  sheet.section(log.heading, (section) => section.rows(logRows(facts, text)));
  sheet.section(anchors.heading, (section) => {
    const rows = anchorRows(facts, text);
    section.paragraph(rows.length > 0 ? anchors.meaning : anchors.none);
    section.rows(rows);
  });
}

function recordRows({ statement }: CertificateFacts, { words: { record } }: Text): Row[] {
  const unnamed = statement.subject.startsWith("ni:///"); // RFC 6920: a subject that is the hash once more
  return [
    { label: record.subject, value: unnamed ? record.noSubject : printable(statement.subject) },
    { label: record.hash, value: encodeHex(statement.digest), mono: true },
    { label: record.mediaType, value: printable(statement.contentType ?? record.notStated) },
  ];
}

/** What the names of algorithms stand for. */
const algorithms = {
  ES256: "ES256: ECDSA, P-256, SHA-256",
  ES384: "ES384: ECDSA, P-384, SHA-384",
  EdDSA: "EdDSA: Ed25519",
} as const;

function signerRows({ statement, certificate }: CertificateFacts, { words: { signer }, date }: Text): Row[] {
  const { key, issuer, algorithm } = statement;
  const shown = key.kind === "kid" ? thumbprintUri(key.thumbprint) : `x5t sha-256 ${encodeHex(key.thumbprint)}`;
  const rows: Row[] = [
    { label: signer.issuer, value: printable(issuer), mono: shown === issuer },
    ...(shown === issuer ? [] : [{ label: signer.key, value: shown, mono: true }]),
    { label: signer.algorithm, value: algorithms[algorithm] },
  ];
  if (certificate === undefined) return [...rows, { label: signer.knownBy, value: signer.byKey }];
  const { subject, notBefore, notAfter } = certificate;
  const value = printable(signer.certified(subject, certificate.issuer, date(notBefore), date(notAfter)));
  return [...rows, { label: signer.certificate, value }, { label: signer.knownBy, value: signer.byCertificate }];
}

const quoted = ({ origin, size }: QuotedCheckpoint) => ({ origin: printable(origin), size });

function timeRows(facts: CertificateFacts, { words: { time: said }, time }: Text): Row[] {
  const { statement, registeredAt, notAfter, notBefore } = facts;
  const basis = notAfter.source === "log" ? said.byLog : said.byWitnesses(printable(notAfter.names.join(", ")));
  return [
    { label: said.stated, value: time(statement.issuedAt), note: said.statedBy },
    { label: said.registered, value: time(registeredAt), note: said.registeredBy },
    { label: said.notAfter, value: time(notAfter.time), note: basis },
    notBefore === undefined || statement.after === undefined
      ? { label: said.signedAfter, value: said.noLowerBound }
      : { label: said.signedAfter, value: time(notBefore.time), note: said.byQuoted(quoted(statement.after)) },
  ];
}

function logRows(facts: CertificateFacts, { words: { log }, time }: Text): Row[] {
  const witnesses = facts.cosignatures.map((one) => log.witness(one.name, time(one.time))).join("\n");
  return [
    { label: log.origin, value: printable(facts.origin) },
    { label: log.index, value: String(facts.index) },
    { label: log.leafHash, value: encodeHex(facts.leafHash), mono: true },
    { label: log.treeSize, value: log.entries(facts.treeSize) },
    { label: log.rootHash, value: encodeHex(facts.rootHash), mono: true },
    { label: log.signedBy, value: log.signedByLog },
    { label: log.witnesses, value: witnesses === "" ? log.noWitness : printable(witnesses) },
  ];
}

function anchorRows({ anchors, timeStamps }: CertificateFacts, { words: { anchors: said }, time }: Text): Row[] {
  return [
    ...anchors.map(({ chainId, contract, block, blockHash, time: at }) => ({
      label: said.ledger,
      value: said.anchor(chainId, `0x${encodeHex(contract)}`, block, time(at)),
      note: said.blockHash(`0x${encodeHex(blockHash)}`),
    })),
    ...timeStamps.map(({ authority, time: at }) => ({
      label: said.stampedBy,
      value: said.timeStamp(printable(authority), time(at)),
    })),
  ];
}

/** Characters that the embedded fonts have: those of Western and Central European languages. */
const known = /[\n\u0020-\u007e\u00a0-\u0131\u0134-\u0148\u014a-\u017e–—‘’“”…•]/u;

/** Text with every other character as its code point, since an archived page must not show empty boxes. */
export function printable(text: string): string {
  return [...text.normalize("NFC")].map((one) => (known.test(one) ? one : codePoint(one))).join("");
}

function codePoint(character: string): string {
  return `[U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
}
