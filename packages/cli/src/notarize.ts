/**
 * Notarises files as a pipeline: hashed on all cores, signed, registered a batch at a time with two batches under way, and
 * each proof written as soon as its batch is acknowledged. Stops for good reason only, and then names what has no proof.
 */
import type { AttestryError } from "@attestry/core";
import type { NotaryClient } from "@attestry/core/client";
import { asAttestryError } from "./errors.ts";
import { type HashOutcome, hashFiles } from "./files/hash-pool.ts";
import type { Stationery } from "./files/hash-worker.ts";
import type { FoundFile } from "./files/walk.ts";
import { keepCopy, writeFileWhole } from "./files/write-file.ts";
import { loadKeys } from "./identity.ts";
import { endsTheRun, registerAs } from "./registration.ts";
import { proofPathFor, type StatementOptions, type Stating, stateFile } from "./thumbprint.ts";

/** Where to register, and as whom. */
export interface Connection extends Stating {
  readonly notary: NotaryClient;
}

export interface NotarizeOptions extends StatementOptions {
  /** Hashing begins while the connection is still being made. */
  readonly connection: Promise<Connection>;
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
  for await (const outcomes of hashFiles(tracked(files, open), events.onBytes, openStationery(options))) {
    const signed = await Promise.all(outcomes.map((outcome) => sign(outcome, options, settle)));
    await batches.add(signed.filter((one) => one !== undefined));
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

/** The signed statement of a file, or none when nothing is left to do: it could not be hashed, or it has its proof. */
async function sign(outcome: HashOutcome, options: NotarizeOptions, settle: Settle): Promise<Signed | undefined> {
  const { file, digest, error } = outcome;
  if (digest === undefined) {
    settle(file, { status: "failed", error: asAttestryError(error) });
    return undefined;
  }
  const { statement = await stateFile(file, digest, await options.connection, options) } = outcome;
  if (statement) return { file, digest, statement };
  settle(file, { status: "already", proofPath: proofPathFor(file, options.out), digest });
  return undefined;
}

/** For the threads that hash; undefined when the key cannot be used there. */
async function openStationery(options: NotarizeOptions): Promise<Stationery | undefined> {
  const { identity, after } = await options.connection;
  const { signer, issuer, chain } = identity;
  const key = (await loadKeys()).threadKey(signer);
  if (key === undefined) return undefined;
  const { connection: _, ...more } = options;
  return { key, issuer, ...(chain && { chain }), ...(after && { after }), options: more };
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
