/**
 * A notary's HTTP API, typed. What the server answers is read strictly and believed in nothing: a registration's receipt is checked
 * (`answer.ts`), and to be verified like any other.
 */
import { decodeUtf8, encodeBase64Url, encodeHex, encodeUtf8 } from "../bytes.ts";
import { encodeCbor } from "../cose/cbor.ts";
import { encodeCoseKey, keyThumbprint, parseKeySet, thumbprintUri } from "../cose/key.ts";
import type { PublicKey } from "../crypto/index.ts";
import { AttestryError } from "../errors.ts";
import { maxProofFileLength } from "../statement/proof-file.ts";
import { maxNoteLength, type QuotedCheckpoint } from "../statement/statement.ts";
import { type Registration, readAnswer, readCheckpoint, type ShownCheckpoint } from "./answer.ts";
import { createSend, type HttpOptions, type Send } from "./http.ts";
import { createKeyring, type ShownKeys } from "./keyring.ts";
import type {
  AnchorSummary,
  EnrolledIssuer,
  EntryPage,
  EntrySummary,
  HistorySpan,
  NotaryStatus,
  StatusHistory,
} from "./resources.ts";

export interface EntryQuery {
  /** SHA-256 of the file. */
  readonly digest?: Uint8Array;
  readonly issuer?: string;
  readonly subject?: string;
  /** Leaf hash of the earlier entry that the entries sought supersede or revoke. */
  readonly relatesTo?: Uint8Array;
  readonly from?: Date;
  readonly to?: Date;
  /** At most this many; the server has a bound of its own. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

export interface NotaryClientOptions extends HttpOptions {
  /**
   * Told of what names the log's keys before the client relies on them: at first, and again when an answer bears the signature of
   * another key. What it throws refuses them, and is what the call that needed them throws.
   */
  readonly checkKeys?: (status: NotaryStatus) => void;
}

/**
 * The log's keys are asked for once, and again, once a minute at most, when an answer is signed with a key that is not among them: a
 * client that runs on takes a log's new keys, and with `checkKeys` only those that pass it. Another log in its place it refuses.
 */
export interface NotaryClient {
  status(): Promise<NotaryStatus>;
  /** The key that signs the log's receipts, as the notary shows it. */
  receiptKey(): Promise<PublicKey>;
  /**
   * The log's newest checkpoint, for statements to quote (`StatementClaims.after`); undefined for an empty log. The proofs of
   * statements that quote it, and that this client registers, carry it.
   * @throws VERIFY_CHECKPOINT, VERIFY_SIGNATURE, VERIFY_UNTRUSTED when it is not signed with the keys that the notary shows
   */
  newestCheckpoint(): Promise<QuotedCheckpoint | undefined>;
  /**
   * Registers signed statements and gives each one's proof file, in the same order. A statement that is refused does not spoil
   * the others. Sending the same statements again is safe: they keep their first entries.
   * @throws MALFORMED_*, VERIFY_* when a receipt is not of its statement, or its tree not signed with the keys that the notary shows
   */
  register(statements: readonly Uint8Array[]): Promise<Registration[]>;
  /**
   * A page of entries; one with none is the last: the server's own pages may be empty and go on, and "there is none" must not be
   * said before all was looked through.
   * @throws UNAVAILABLE_SERVER when the server goes on and on and finds nothing
   */
  find(query: EntryQuery): Promise<EntryPage>;
  entry(index: number): Promise<EntrySummary>;
  /** The entry's proof file with all that has been added since. */
  proofFile(index: number): Promise<Uint8Array>;
  /** Anchors and time stamps, the newest first. */
  anchors(limit?: number): Promise<readonly AnchorSummary[]>;
  /** How the notary has been over time. */
  history(span: HistorySpan): Promise<StatusHistory>;
  listIssuers(): Promise<readonly EnrolledIssuer[]>;
  addIssuer(
    issuer:
      | { readonly issuer?: string; readonly key: PublicKey }
      | { readonly issuer?: string; readonly certificateRoot: string },
  ): Promise<EnrolledIssuer>;
  revokeIssuer(id: string, reason: string): Promise<EnrolledIssuer>;
}

/**
 * @throws USAGE for an address that is none
 * @example
 * const notary = createNotaryClient({ url: "http://127.0.0.1:8080" });
 * const [registration] = await notary.register([await signStatement(claims, signer)]);
 */
export function createNotaryClient(options: NotaryClientOptions): NotaryClient {
  const send = createSend(options);
  const keyring = createKeyring(() => fetchLogKeys(send), options.checkKeys);
  let shown: ShownCheckpoint | undefined;
  return {
    status: () => fetchStatus(send),
    receiptKey: async () => (await keyring.keys()).receiptKey,
    async newestCheckpoint() {
      const note = await send({ path: "/log/checkpoint", limit: maxNoteLength });
      // Checked, since a proof that carried one that does not hold would itself not hold.
      const newest = await keyring.read((keys) => readCheckpoint(note, keys));
      shown = newest.checkpoint.size === 0 ? undefined : newest;
      return shown?.checkpoint;
    },
    async register(statements) {
      await keyring.keys(); // without them nothing is to be entered
      const quoted = shown;
      const body = encodeCbor([...statements]);
      const answer = await send({ path: "/v1/entries", method: "POST", body, contentType: "application/cbor" });
      return keyring.read((keys) => readAnswer(answer, statements, keys, quoted));
    },
    find: (query) => findEntries(send, query),
    entry: (index) => getJson<EntrySummary>(send, `/v1/entries/${index}`, ["index", "leafHash", "hash"]),
    proofFile: (index) => send({ path: `/v1/entries/${index}/proof`, limit: maxProofFileLength }),
    anchors: async (limit = 100) =>
      (await getJson<{ anchors: AnchorSummary[] }>(send, `/v1/anchors?limit=${limit}`, ["anchors"])).anchors,
    history: (span) => getJson<StatusHistory>(send, `/v1/history?span=${span}`, ["sizes", "latency", "anchors"]),
    listIssuers: async () => (await getJson<{ issuers: EnrolledIssuer[] }>(send, "/v1/issuers", ["issuers"])).issuers,
    addIssuer: (issuer) =>
      postJson<EnrolledIssuer>(
        send,
        "/v1/issuers",
        "key" in issuer ? { issuer: issuer.issuer, key: encodeBase64Url(encodeCoseKey(issuer.key)) } : issuer,
      ),
    revokeIssuer: (id, reason) =>
      postJson<EnrolledIssuer>(send, `/v1/issuers/${encodeURIComponent(id)}/revoke`, { reason }),
  };
}

/** Each page that the server gives looks at a thousand entries. */
const maxEmptyPages = 1000;

async function findEntries(send: Send, query: EntryQuery): Promise<EntryPage> {
  let cursor = query.cursor;
  for (let pages = 0; pages < maxEmptyPages; pages++) {
    const from = cursor === undefined ? query : { ...query, cursor };
    const page = await getJson<EntryPage>(send, `/v1/entries?${encodeQuery(from)}`, ["entries"]);
    if (page.entries.length > 0 || page.next === undefined) return page;
    cursor = page.next;
  }
  throw new AttestryError("UNAVAILABLE_SERVER", "The notary did not get to the end of what there is to look through.");
}

async function fetchLogKeys(send: Send): Promise<ShownKeys> {
  const [status, keySet] = await Promise.all([fetchStatus(send), send({ path: "/.well-known/scitt-keys" })]);
  // A key set may hold earlier keys as well; the status names the one that signs now.
  const receiptKey = parseKeySet(keySet).find((key) => thumbprintUri(keyThumbprint(key)) === status.receiptKey);
  if (receiptKey === undefined) throw new AttestryError("MALFORMED_KEY", "The notary does not show its receipt key.");
  return { status, keys: { receiptKey, verifierKeys: status.verifierKeys } };
}

async function fetchStatus(send: Send): Promise<NotaryStatus> {
  const status = await getJson<NotaryStatus>(send, "/v1/status", ["origin", "verifierKeys", "treeSize"]);
  const wellFormed =
    typeof status.origin === "string" && Array.isArray(status.verifierKeys) && Number.isSafeInteger(status.treeSize);
  if (!wellFormed) throw new AttestryError("UNAVAILABLE_SERVER", notOfANotary);
  return status;
}

function encodeQuery(query: EntryQuery): string {
  const parameters = new URLSearchParams();
  if (query.digest) parameters.set("hash", encodeHex(query.digest));
  if (query.issuer) parameters.set("issuer", query.issuer);
  if (query.subject) parameters.set("subject", query.subject);
  if (query.relatesTo) parameters.set("relatesTo", encodeHex(query.relatesTo));
  if (query.from) parameters.set("from", query.from.toISOString());
  if (query.to) parameters.set("to", query.to.toISOString());
  if (query.limit) parameters.set("limit", String(query.limit));
  if (query.cursor) parameters.set("cursor", query.cursor);
  return parameters.toString();
}

const notOfANotary = "The server's answer is not that of a notary: is this the address of one?";

/** Asks for a JSON object that has these members. @throws as `Send`, UNAVAILABLE_SERVER when the answer is none: it was no notary's */
export async function getJson<T>(send: Send, path: string, members: readonly string[]): Promise<T> {
  return readJson<T>(await send({ path }), members);
}

/** @throws as `getJson` */
export async function postJson<T>(send: Send, path: string, body: unknown): Promise<T> {
  const bytes = encodeUtf8(JSON.stringify(body));
  return readJson<T>(await send({ path, method: "POST", body: bytes, contentType: "application/json" }), []);
}

/** The server's own answers are not evidence, so only their outline is checked here. */
function readJson<T>(bytes: Uint8Array, members: readonly string[]): T {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(bytes));
  } catch (cause) {
    const message = "The server's answer is not JSON: is this the address of a notary?";
    throw new AttestryError("UNAVAILABLE_SERVER", message, { cause });
  }
  const whole = typeof value === "object" && value !== null && members.every((member) => Object.hasOwn(value, member));
  if (!whole) throw new AttestryError("UNAVAILABLE_SERVER", notOfANotary);
  return value as T;
}
