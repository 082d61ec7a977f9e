/**
 * Notarises files and stores them in the notary's vault, each read once: hashed while it is uploaded, then signed, committed, and its
 * proof written. An upload goes on after a dropped line, and after a restart of either side (the journal names it).
 */
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttestryError, decodeBase64, encodeBase64, encodeHex, equalBytes, isAttestryError } from "@attestry/core";
import type { UploadState, VaultClient } from "@attestry/core/client";
import { asAttestryError, fileError } from "./errors.ts";
import { mediaType } from "./files/media-type.ts";
import { openParts, type PartReader } from "./files/part-reader.ts";
import type { FoundFile } from "./files/walk.ts";
import { type Connection, type NotarizeEvents, type NotarizeOptions, type Outcome, writeProof } from "./notarize.ts";
import { readProof } from "./proof.ts";
import { endsTheRun, explainRefusal } from "./registration.ts";
import { proofPathFor, provesDigest, signDigest } from "./thumbprint.ts";
import type { Journal, JournalEntry } from "./uploads.ts";

export interface VaultConnection extends Connection {
  readonly vault: VaultClient;
}

export interface StoreOptions extends Omit<NotarizeOptions, "connection"> {
  readonly connection: Promise<VaultConnection>;
  readonly server: string;
  readonly journal: Journal;
  readonly recordClass?: string;
  readonly purpose: string;
}

/** Files that are uploaded at once: small ones wait for the disk at the other end, not for the line. */
const filesAtOnce = 3;
/** Seconds to wait before each new try: longer than a server needs to start, and than a lock lasts that a dead writer left. */
const patience = [0.25, 0.75, 2, 4, 8, 15, 15, 15, 15] as const;

/** As `notarizeFiles`: every file comes to one outcome; resolves with what stopped the run early, if anything did. */
export async function storeFiles(
  files: AsyncGenerator<FoundFile>,
  options: StoreOptions,
  events: NotarizeEvents,
): Promise<AttestryError | undefined> {
  const connection = await options.connection;
  let stopped: AttestryError | undefined;
  const work = async (): Promise<void> => {
    // the generator answers one after the other, so that several may ask it
    for (let found = await files.next(); !found.done; found = await files.next()) {
      const outcome: Outcome =
        stopped === undefined
          ? await storeFile(found.value, options, connection, events.onBytes)
          : { status: "left", error: stopped };
      if (outcome.status === "failed" && isSameForAll(outcome.error)) stopped ??= outcome.error;
      const isLeft = outcome.status === "failed" && outcome.error === stopped;
      events.onOutcome(found.value, isLeft ? { ...outcome, status: "left" } : outcome);
    }
  };
  await Promise.all(Array.from({ length: filesAtOnce }, work));
  return stopped;
}

function isSameForAll(error: AttestryError): boolean {
  return endsTheRun(error) || error.code === "POLICY_UNAUTHORISED" || error.code === "POLICY_FORBIDDEN";
}

async function storeFile(
  file: FoundFile,
  options: StoreOptions,
  connection: VaultConnection,
  onBytes: (count: number) => void,
): Promise<Outcome> {
  let parts: PartReader | undefined;
  try {
    parts = await openParts(file.path, onBytes);
    return await store({ file, parts, options, connection });
  } catch (error) {
    const named = isAttestryError(error) ? error : fileError(error, file.path, "read");
    return { status: "failed", error: explainRefusal(connection.identity, named) };
  } finally {
    await parts?.close();
  }
}

interface Storing {
  readonly file: FoundFile;
  readonly parts: PartReader;
  readonly options: StoreOptions;
  readonly connection: VaultConnection;
}

async function store(storing: Storing): Promise<Outcome> {
  const { file, parts, options, connection } = storing;
  const { journal, out, force, relation } = options;
  const known = await knownUpload(storing);
  const proofPath = proofPathFor(file, out);
  if (known?.stored !== undefined && force !== true && relation === undefined) {
    const digest = await parts.finish();
    if (encodeHex(digest) === known.stored && provesDigest(proofPath, digest))
      return { status: "already", proofPath, digest, object: known.id };
  }
  const { entry, digest } = await upload(storing, known?.stored === undefined ? known : undefined);
  const { statement, isProven } = await statementFor(storing, entry, digest);
  journal.save({ ...entry, statement: encodeBase64(statement) });
  const { vault, notary } = connection;
  const object = await patiently(() => vault.commit(entry.id, statement, options.purpose)).catch((error: unknown) => {
    if (isAttestryError(error) && !mayPass(error)) journal.save(entry); // another statement may be taken
    throw error;
  });
  const index = object.entryIndex;
  const { statement: _sent, ...sent } = entry;
  const stored = { ...sent, stored: encodeHex(digest) };
  if (isProven) {
    journal.save(stored);
    return { status: "notarized", proofPath, digest, index, object: entry.id };
  }
  const proof = await patiently(() => notary.proofFile(index));
  const outcome = writeProof(file, out, digest, { index, proof });
  if (outcome.status === "notarized") journal.save(stored);
  return outcome.status === "failed" ? outcome : { ...outcome, object: entry.id };
}

/** What the journal has of this very file. What it has of an earlier state of it is given up. */
async function knownUpload({ file, parts, options, connection }: Storing): Promise<JournalEntry | undefined> {
  const known = options.journal.find(file.path);
  if (known === undefined || (known.size === parts.size && known.mtime === parts.mtime)) return known;
  options.journal.remove(file.path);
  if (known.stored === undefined) await connection.vault.cancelUpload(known.id).catch(() => {}); // else it is swept
  return undefined;
}

interface Uploaded {
  readonly entry: JournalEntry;
  readonly digest: Uint8Array;
}

/** Brings all of the file to the vault, and sees that what arrived is what was read. */
async function upload(storing: Storing, known: JournalEntry | undefined): Promise<Uploaded> {
  const { file, parts, options, connection } = storing;
  const { vault } = connection;
  const begun = known === undefined ? undefined : await standing(vault, known);
  if (begun === "committed") return { entry: known as JournalEntry, digest: await parts.finish() };
  const entry = begun === undefined ? await begin(storing) : (known as JournalEntry);
  try {
    const { hash } = await send(vault, entry.id, parts, begun?.offset ?? 0, begun?.hash);
    const digest = await parts.finish();
    if (equalBytes(hash, digest)) return { entry, digest };
    const path = file.path;
    if (begun === undefined) throw new AttestryError("VERIFY_DIGEST", "The notary has other content than was sent.");
    const message = `${path} changed since its upload began. What was sent is given up; run the command again.`;
    throw new AttestryError("CONFLICT_FILE_CHANGED", message, { data: { path } });
  } catch (error) {
    const isOver = !isAttestryError(error) || !mayPass(error);
    if (isOver) {
      await vault.cancelUpload(entry.id).catch(() => {}); // else it is swept
      options.journal.remove(file.path);
    }
    throw error;
  }
}

/** Where an upload stands; "committed" when it may be an object already; undefined when it is gone. */
async function standing(vault: VaultClient, known: JournalEntry): Promise<UploadState | "committed" | undefined> {
  try {
    return await patiently(() => vault.upload(known.id));
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
    return known.statement === undefined ? undefined : "committed";
  }
}

async function begin({ file, parts, options, connection }: Storing): Promise<JournalEntry> {
  const { server, journal, recordClass, contentType = mediaType(file.path) } = options;
  const { size, mtime } = parts;
  const wanted = { size, ...(contentType && { contentType }), ...(recordClass && { recordClass }) };
  const id = await patiently(() => connection.vault.beginUpload(wanted));
  const entry: JournalEntry = { server, path: resolve(file.path), size, mtime, id };
  journal.save(entry);
  return entry;
}

/** Sends what is missing. After a failure the vault says where it stands; as long as it gets on, it is tried again. */
async function send(
  vault: VaultClient,
  id: string,
  parts: PartReader,
  from: number,
  known: Uint8Array | undefined,
): Promise<{ readonly hash: Uint8Array }> {
  let hash = known;
  let at = from;
  for (let tries = 0; hash === undefined; ) {
    const part = await parts.part(at);
    let state: UploadState;
    try {
      state = await vault.append(id, at, part);
      if (state.offset < at + part.length) throw new AttestryError("MALFORMED_REQUEST", "The notary took a part only.");
    } catch (error) {
      if (!isAttestryError(error) || !(mayPass(error) || error.code === "CONFLICT_UPLOAD")) throw error;
      const wait = patience[tries++];
      if (wait === undefined) throw error;
      parts.renew();
      await sleep(wait * 1000);
      state = await patiently(() => vault.upload(id));
    }
    if (state.offset > at) tries = 0;
    ({ offset: at, hash } = state);
  }
  return { hash };
}

/** The statement that was sent before, the one of a proof that is there, or a new one. */
async function statementFor(
  { file, options, connection }: Storing,
  entry: JournalEntry,
  digest: Uint8Array,
): Promise<{ readonly statement: Uint8Array; readonly isProven: boolean }> {
  if (entry.statement !== undefined) {
    return { statement: decodeBase64(entry.statement, "MALFORMED_STATEMENT"), isProven: false };
  }
  const proofPath = proofPathFor(file, options.out);
  const renew = options.force === true || options.relation !== undefined || options.subject !== undefined;
  if (!renew && provesDigest(proofPath, digest)) {
    const { statement } = readProof(proofPath);
    if (statement.issuer === connection.identity.issuer) return { statement: statement.entry, isProven: true };
  }
  const contentType = options.contentType ?? mediaType(file.path);
  const claims = { ...options, ...(contentType && { contentType }) };
  return { statement: await signDigest(digest, connection, claims), isProven: false };
}

/** Whether the same may succeed later. A lock is what a writer left behind whose line was cut. */
function mayPass({ facts, code }: AttestryError): boolean {
  return facts.retry || code === "CONFLICT_LOCKED";
}

async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await run();
    } catch (thrown) {
      const error = asAttestryError(thrown);
      const wait = patience[tries];
      if (!mayPass(error) || wait === undefined) throw error;
      await sleep(Math.max(wait, Math.min(15, Number(error.data["retryAfter"] ?? 0))) * 1000);
    }
  }
}
