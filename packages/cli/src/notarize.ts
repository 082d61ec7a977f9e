/**
 * Notarises files as a pipeline: hashed on all cores, signed, registered a batch at a time with two batches under way, and
 * each proof written as soon as its batch is acknowledged. Stops for good reason only, and then names what has no proof.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AttestryError,
  defaultSubject,
  equalBytes,
  parseProofFile,
  type QuotedCheckpoint,
  type Relation,
  type StatementClaims,
  signStatement,
} from "@attestry/core";
import type { NotaryClient } from "@attestry/core/client";
import { asAttestryError } from "./errors.ts";
import { type HashOutcome, hashFiles } from "./files/hash-pool.ts";
import { mediaType } from "./files/media-type.ts";
import type { FoundFile } from "./files/walk.ts";
import { keepCopy, writeFileWhole } from "./files/write-file.ts";
import type { Identity } from "./identity.ts";
import { endsTheRun, registerAs } from "./registration.ts";

/** Where to register, and as whom. */
export interface Connection {
  readonly notary: NotaryClient;
  readonly identity: Identity;
  /** The checkpoint that the statements quote, all of one run the same. */
  readonly after?: QuotedCheckpoint;
}

export interface NotarizeOptions {
  /** Hashing begins while the connection is still being made. */
  readonly connection: Promise<Connection>;
  /** Folder for the proofs, laid out like the files; beside each file when left out. */
  readonly out?: string;
  /** CWT `sub`; by default each file's hash names it. */
  readonly subject?: string;
  readonly contentType?: string;
  readonly relation?: Relation;
  /** Notarise again what has a proof of this very content; the earlier proof is kept. */
  readonly force?: boolean;
}

/** What became of a file. */
export type Outcome =
  /** Its proof is written; an earlier one of that name was kept as `kept`. */
  | { status: "notarized"; proofPath: string; digest: Uint8Array; index: number; kept?: string; object?: string }
  /** It has a proof of this content. `object`: and is in the vault under that id. */
  | { status: "already"; proofPath: string; digest: Uint8Array; object?: string }
  /** It has none, for a reason of its own. */
  | { status: "failed"; error: AttestryError }
  /** It has none, since the run was stopped by what is no fault of the file. */
  | { status: "left"; error: AttestryError };

export interface NotarizeEvents {
  /** Bytes, as they are read. */
  onBytes(count: number): void;
  onOutcome(file: FoundFile, outcome: Outcome): void;
}

type Settle = NotarizeEvents["onOutcome"];

interface Signed {
  readonly file: FoundFile;
  readonly digest: Uint8Array;
  readonly statement: Uint8Array;
}

// A request of 512 raw-key statements is about 200 kB; with long certificate chains the byte bound comes first.
const batchCount = 512;
const batchBytes = 1024 * 1024;
const batchesUnderWay = 2;

/**
 * Every file comes to exactly one outcome. Resolves with what stopped the run early, if anything did.
 * @throws what the connection failed with
 */
export async function notarizeFiles(
  files: AsyncIterable<FoundFile>,
  options: NotarizeOptions,
  events: NotarizeEvents,
): Promise<AttestryError | undefined> {
  const running = runPipeline(files, options, events);
  running.catch(() => {}); // it is awaited below, unless the connection fails first
  await options.connection;
  return running;
}

async function runPipeline(
  files: AsyncIterable<FoundFile>,
  options: NotarizeOptions,
  events: NotarizeEvents,
): Promise<AttestryError | undefined> {
  const open = new Set<FoundFile>();
  const settle: Settle = (file, outcome) => {
    open.delete(file);
    events.onOutcome(file, outcome);
  };
  const batches = createBatches(options, settle);
  for await (const outcomes of hashFiles(tracked(files, open), events.onBytes)) {
    const fresh = outcomes.filter((outcome) => !settleEarly(outcome, options, settle));
    await batches.add(await Promise.all(fresh.map((outcome) => sign(outcome, options))));
    if (batches.stopped() !== undefined) break;
  }
  await batches.finish();
  const error = batches.stopped();
  if (error === undefined) return undefined;
  for (const file of [...open]) settle(file, { status: "left", error });
  for await (const file of files) settle(file, { status: "left", error });
  return error;
}

/** The same files, each noted in `open` when it is handed out; leaving off early does not end the walk behind it. */
function tracked(files: AsyncIterable<FoundFile>, open: Set<FoundFile>): AsyncIterable<FoundFile> {
  const iterator = files[Symbol.asyncIterator]();
  const next = async (): Promise<IteratorResult<FoundFile>> => {
    const result = await iterator.next();
    if (!result.done) open.add(result.value);
    return result;
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

/** Whether nothing is left to do: it could not be hashed, or it has its proof. */
function settleEarly({ file, digest, error }: HashOutcome, options: NotarizeOptions, settle: Settle): boolean {
  const proofPath = proofPathFor(file, options.out);
  const renew = options.force || options.relation !== undefined;
  if (digest === undefined) settle(file, { status: "failed", error: asAttestryError(error) });
  else if (!renew && provesDigest(proofPath, digest)) settle(file, { status: "already", proofPath, digest });
  else return false;
  return true;
}

async function sign({ file, digest }: HashOutcome, options: NotarizeOptions): Promise<Signed> {
  if (digest === undefined) throw new AttestryError("FATAL_INTERNAL");
  const contentType = options.contentType ?? mediaType(file.path);
  return {
    file,
    digest,
    statement: await signDigest(digest, await options.connection, { ...options, ...(contentType && { contentType }) }),
  };
}

/** A signed statement about content of that hash, as of now. @throws MALFORMED_STATEMENT when a claim is out of bounds */
export function signDigest(
  digest: Uint8Array,
  { identity: { signer, issuer, chain }, after }: Pick<Connection, "identity" | "after">,
  options: Pick<NotarizeOptions, "subject" | "contentType" | "relation">,
): Promise<Uint8Array> {
  const claims: StatementClaims = {
    issuer,
    subject: options.subject ?? defaultSubject(digest),
    issuedAt: Math.floor(Date.now() / 1000),
    digest,
    ...(options.contentType === undefined ? {} : { contentType: options.contentType }),
    ...(options.relation === undefined ? {} : { relation: options.relation }),
    ...(after === undefined ? {} : { after }),
  };
  return signStatement(claims, signer, chain === undefined ? {} : { chain });
}

interface Batches {
  add(signed: readonly Signed[]): Promise<void>;
  finish(): Promise<void>;
  stopped(): AttestryError | undefined;
}

function createBatches(options: NotarizeOptions, settle: Settle): Batches {
  const underWay = new Set<Promise<void>>();
  let gathered: Signed[] = [];
  let bytes = 0;
  let stopped: AttestryError | undefined;

  const register = async (batch: readonly Signed[]): Promise<void> => {
    try {
      const statements = batch.map(({ statement }) => statement);
      const { notary, identity } = await options.connection;
      const results = await registerAs(identity, notary, statements);
      for (const [at, result] of results.entries()) {
        const { file, digest } = batch[at] as Signed;
        if (!("error" in result)) settle(file, writeProof(file, options.out, digest, result));
        else if (endsTheRun(result.error)) stopped ??= result.error;
        else settle(file, { status: "failed", error: result.error });
      }
    } catch (error) {
      stopped ??= asAttestryError(error); // the batch's files stay open, and are named with the rest
    }
  };
  const dispatch = async (): Promise<void> => {
    const batch = gathered;
    gathered = [];
    bytes = 0;
    while (underWay.size >= batchesUnderWay) await Promise.race(underWay);
    if (stopped !== undefined) return;
    const running: Promise<void> = register(batch).finally(() => underWay.delete(running));
    underWay.add(running);
  };

  return {
    async add(signed) {
      for (const one of signed) {
        gathered.push(one);
        bytes += one.statement.length;
        if (gathered.length >= batchCount || bytes >= batchBytes) await dispatch();
      }
    },
    async finish() {
      if (gathered.length > 0) await dispatch();
      await Promise.all(underWay);
    },
    stopped: () => stopped,
  };
}

/** Writes the proof to its place, and keeps an earlier one. */
export function writeProof(
  file: FoundFile,
  out: string | undefined,
  digest: Uint8Array,
  { index, proof }: { readonly index: number; readonly proof: Uint8Array },
): Extract<Outcome, { status: "notarized" | "failed" }> {
  const proofPath = proofPathFor(file, out);
  try {
    const kept = keepCopy(proofPath);
    writeFileWhole(proofPath, proof);
    return { status: "notarized", proofPath, digest, index, ...(kept === undefined ? {} : { kept }) };
  } catch (error) {
    return { status: "failed", error: asAttestryError(error) };
  }
}

export function proofPathFor(file: FoundFile, out?: string): string {
  return `${out === undefined ? file.path : join(out, file.relative)}.proof`;
}

/** Whether a file is a proof of that content, as far as reading it tells: its signatures are `verify`'s to check. */
export function provesDigest(proofPath: string, digest: Uint8Array): boolean {
  if (!existsSync(proofPath)) return false; // the usual case, and an error for it would take long to make
  try {
    const { statement, receipts } = parseProofFile(readFileSync(proofPath));
    return receipts.length > 0 && equalBytes(statement.digest, digest);
  } catch {
    return false;
  }
}
