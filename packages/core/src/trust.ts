/**
 * What a verifier relies on, as a trust file states it (JSON; docs/format/README.md). A verdict names the part of it that
 * each check rested on; what the file does not name is not trusted.
 */
import type { TrustedLedger } from "./anchor/evm-anchor.ts";
import { equalBytes } from "./bytes.ts";
import { parseThumbprintUri } from "./cose/key.ts";
import { AttestryError } from "./errors.ts";
import { repeatedMember } from "./json.ts";
import { parseVerifierKey, signatureType, type VerifierKey } from "./note/vkey.ts";
import { parsePemCertificates } from "./x509/pem.ts";

/** A log that may vouch for entries. A checkpoint must bear a good signature of every one of `verifierKeys`. */
export interface TrustedLog {
  /** The first line of its checkpoints. */
  readonly origin: string;
  readonly verifierKeys: readonly VerifierKey[];
  /** RFC 9679 thumbprints (32 bytes each) of the keys that may sign its receipts. */
  readonly receiptKeys: readonly Uint8Array[];
  /** What this trust rests on, in words that end a sentence: "the trust file". */
  readonly basis: string;
}

export interface TrustedIssuer {
  /** CWT `iss` of the statements. */
  readonly issuer: string;
  /** RFC 9679 thumbprints (32 bytes each) of its keys. */
  readonly keys: readonly Uint8Array[];
}

export interface Trust {
  /** Two entries with one origin are two generations of its keys. */
  readonly logs: readonly TrustedLog[];
  /** Cosignature keys of the witnesses that count. */
  readonly witnesses: readonly VerifierKey[];
  /** How many different witnesses must have cosigned; 0 asks for none. */
  readonly quorum: number;
  readonly issuers: readonly TrustedIssuer[];
  /** DER certificates that issuers' chains may lead to. */
  readonly issuerRoots: readonly Uint8Array[];
  /**
   * Whether an issuer that is not named above is accepted because the log enrolled it. True only when the trust file names
   * no issuers and no roots, and so leaves enrolment to the log.
   */
  readonly acceptEnrolled: boolean;
  /** Issuers, by `iss`, whose statements may supersede and revoke those of others. */
  readonly revokers: readonly string[];
  /** Contracts on ledgers that may vouch for checkpoints. */
  readonly ledgers: readonly TrustedLedger[];
  /** DER certificates that time stamp authorities' chains may lead to. */
  readonly timeStampRoots: readonly Uint8Array[];
}

/** Trust in nothing: the starting point of a verifier without a trust file, which then adds the logs that it has pinned. */
export const emptyTrust: Trust = {
  logs: [],
  witnesses: [],
  quorum: 0,
  issuers: [],
  issuerRoots: [],
  acceptEnrolled: true,
  revokers: [],
  ledgers: [],
  timeStampRoots: [],
};

const code = "MALFORMED_TRUST_FILE";

/** Reads a trust file strictly: an unknown member is refused, since a misspelt one would silently mean less trust than written. @throws MALFORMED_TRUST_FILE */
export function parseTrustFile(text: string): Trust {
  const file = asObject(parseJson(text), "the file", [
    "logs",
    "witnesses",
    "quorum",
    "issuers",
    "issuerRoots",
    "revokers",
    "ledgers",
    "timeStampRoots",
  ]);
  const logs = asList(file["logs"], "logs").map(parseLog);
  const witnesses = asTexts(file["witnesses"], "witnesses").map((vkey, at) => parseKey(vkey, `witnesses[${at}]`));
  if (witnesses.some((key) => key.type === signatureType.ed25519))
    refuse("witnesses", "a witness key is of type 04 or 06");
  checkWitnessKeys(witnesses, logs);
  const quorum = parseQuorum(file["quorum"], witnesses);
  const issuers = asList(file["issuers"], "issuers").map(parseIssuer);
  const acceptEnrolled = file["issuers"] === undefined && file["issuerRoots"] === undefined;
  return {
    logs,
    witnesses,
    quorum,
    issuers,
    issuerRoots: parseRoots(file["issuerRoots"], "issuerRoots"),
    acceptEnrolled,
    revokers: asTexts(file["revokers"], "revokers"),
    ledgers: asList(file["ledgers"], "ledgers").map(parseLedger),
    timeStampRoots: parseRoots(file["timeStampRoots"], "timeStampRoots"),
  };
}

/**
 * tlog-cosignature asks for a key of its own for each witness. One key under two names would make a quorum of one, and a log that
 * vouched for itself would look like a witness.
 */
function checkWitnessKeys(witnesses: readonly VerifierKey[], logs: readonly TrustedLog[]): void {
  for (const [at, { name, publicKey }] of witnesses.entries()) {
    const isSame = (other: VerifierKey): boolean => equalBytes(other.publicKey.bytes, publicKey.bytes);
    if (witnesses.some((other) => other.name !== name && isSame(other)))
      refuse(`witnesses[${at}]`, "its key stands under another name as well");
    if (logs.some(({ verifierKeys }) => verifierKeys.some(isSame)))
      refuse(`witnesses[${at}]`, "its key is a log's own");
  }
}

function parseRoots(value: unknown, place: string): Uint8Array[] {
  return asTexts(value, place).flatMap((pem, at) => attempt(`${place}[${at}]`, () => parsePemCertificates(pem)));
}

function parseLedger(value: unknown, at: number): TrustedLedger {
  const place = `ledgers[${at}]`;
  const ledger = asObject(value, place, [
    "kind",
    "name",
    "chainId",
    "contract",
    "validators",
    "consensus",
    "blockHashes",
  ]);
  const { kind, chainId, consensus } = ledger;
  if (kind !== "evm") refuse(`${place}.kind`, 'the kind of ledger is "evm"');
  if (typeof chainId !== "number" || !Number.isSafeInteger(chainId) || chainId < 1)
    refuse(`${place}.chainId`, "it is a chain id");
  if (consensus !== undefined && consensus !== "qbft" && consensus !== "ibft" && consensus !== "istanbul")
    refuse(`${place}.consensus`, 'it is "qbft", "ibft" or "istanbul"');
  const hexes = (member: string, length: number): Uint8Array[] =>
    asTexts(ledger[member], `${place}.${member}`).map((hex) => parseHex(hex, `${place}.${member}`, length));
  return {
    kind,
    name: asString(ledger["name"], `${place}.name`),
    chainId,
    contract: parseHex(asString(ledger["contract"], `${place}.contract`), `${place}.contract`, 20),
    ...(ledger["validators"] === undefined ? {} : { validators: hexes("validators", 20) }),
    ...(consensus === undefined ? {} : { consensus }),
    ...(ledger["blockHashes"] === undefined ? {} : { blockHashes: hexes("blockHashes", 32) }),
    basis: "the trust file",
  };
}

/** 0x and hexadecimal; an address may be in the mixed case of EIP-55, which is not checked. */
function parseHex(hex: string, place: string, length: number): Uint8Array {
  if (!/^0x[0-9a-fA-F]+$/.test(hex) || hex.length !== 2 + 2 * length)
    refuse(place, `it is 0x and ${length} bytes in hexadecimal`);
  return Uint8Array.fromHex(hex.slice(2));
}

function parseQuorum(value: unknown, witnesses: readonly VerifierKey[]): number {
  const names = new Set(witnesses.map((key) => key.name));
  const quorum = value === undefined ? names.size : value; // witnesses that are named without a quorum are all asked for
  if (typeof quorum !== "number" || !Number.isSafeInteger(quorum) || quorum < 0 || quorum > names.size) {
    refuse("quorum", `it is a whole number from 0 to the number of witnesses, ${names.size}`);
  }
  return quorum;
}

function parseLog(value: unknown, at: number): TrustedLog {
  const place = `logs[${at}]`;
  const log = asObject(value, place, ["origin", "verifierKeys", "receiptKeys"]);
  const verifierKeys = asTexts(log["verifierKeys"], `${place}.verifierKeys`).map((vkey) => parseKey(vkey, place));
  const receiptKeys = asTexts(log["receiptKeys"], `${place}.receiptKeys`).map((uri) => parseThumbprint(uri, place));
  if (verifierKeys.length === 0) refuse(`${place}.verifierKeys`, "a log has at least one");
  if (receiptKeys.length === 0) refuse(`${place}.receiptKeys`, "a log has at least one");
  return { origin: asString(log["origin"], `${place}.origin`), verifierKeys, receiptKeys, basis: "the trust file" };
}

function parseIssuer(value: unknown, at: number): TrustedIssuer {
  const place = `issuers[${at}]`;
  const issuer = asObject(value, place, ["issuer", "keys"]);
  const keys = asTexts(issuer["keys"], `${place}.keys`).map((uri) => parseThumbprint(uri, place));
  return { issuer: asString(issuer["issuer"], `${place}.issuer`), keys };
}

function parseKey(vkey: string, place: string): VerifierKey {
  return attempt(place, () => parseVerifierKey(vkey));
}

function parseThumbprint(uri: string, place: string): Uint8Array {
  const thumbprint = attempt(place, () => parseThumbprintUri(uri));
  return thumbprint ?? refuse(place, "a key is named by its thumbprint: urn:ietf:params:oauth:ckt:sha-256:…");
}

function attempt<T>(place: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    return refuse(place, cause instanceof Error ? cause.message : "it cannot be read", cause);
  }
}

function parseJson(text: string): unknown {
  const value: unknown = attempt("the file", () => JSON.parse(text));
  const repeated = repeatedMember(text);
  if (repeated !== undefined) refuse("the file", `an object in it has the member "${repeated}" twice`);
  return value;
}

function asObject(value: unknown, place: string, members: readonly string[]): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) refuse(place, "it is not an object");
  const unknown = Object.keys(value).find((member) => !members.includes(member));
  if (unknown !== undefined) refuse(place, `"${unknown}" is no member that it takes; ${members.join(", ")} are`);
  return value as Record<string, unknown>;
}

function asList(value: unknown, place: string): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : refuse(place, "it is not a list");
}

function asTexts(value: unknown, place: string): string[] {
  return asList(value, place).map((item, at) => asString(item, `${place}[${at}]`));
}

function asString(value: unknown, place: string): string {
  return typeof value === "string" && value.length > 0 ? value : refuse(place, "it is not text");
}

function refuse(place: string, what: string, cause?: unknown): never {
  throw new AttestryError(code, `The trust file cannot be used: ${place}: ${what}.`, { data: { place }, cause });
}
