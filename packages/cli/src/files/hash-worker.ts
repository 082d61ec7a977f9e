/**
 * The thread that `hash-pool.ts` starts: hashes the files of one group after the other, states what it found when it is given a
 * key, and posts what came of them.
 */
import type { KeyObject } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import type { QuotedCheckpoint } from "@attestry/core";
import type { StatementOptions } from "../thumbprint.ts";
import { readAndHash } from "./read-and-hash.ts";
import type { FoundFile } from "./walk.ts";

/** What a thread makes statements with. All of it can be posted to a thread. */
export interface Stationery {
  readonly key: KeyObject;
  readonly issuer: string;
  readonly chain?: readonly Uint8Array[];
  readonly after?: QuotedCheckpoint;
  readonly options: StatementOptions;
}

/** What a thread posts for a group; between groups it posts plain numbers, the bytes read since it last did. */
export interface GroupResult {
  /** 32 bytes a file. */
  readonly digests: Uint8Array;
  readonly sizes: Float64Array;
  readonly failures: readonly { readonly place: number; readonly code: string; readonly message: string }[];
  /** One after the other, when there was stationery. */
  readonly statements?: Uint8Array;
  /** Bytes of each file's statement; 0 for one that has its proof already, or was not hashed. */
  readonly statementLengths?: Uint32Array;
  /** Milliseconds of work: without the time in which it was waited for stationery. */
  readonly took: number;
}

/** Whether statements are to be made; `stationery` then comes once, groups before it or after. */
export interface WorkerData {
  readonly states: boolean;
}

/** `undefined` as stationery: nothing is to be stated after all. */
export type WorkerMessage =
  | { readonly files: readonly FoundFile[] }
  | { readonly stationery: Stationery | undefined }
  /** Ending by itself, a thread leaves its compiled code in the cache for the next time. */
  | { readonly end: true };

type State = (file: FoundFile, digest: Uint8Array) => Promise<Uint8Array | undefined>;

const { states } = workerData as WorkerData;
/** Loaded where it is needed, and while the first files are waited for: it takes longer than the rest of the thread. */
const modules = states ? Promise.all([import("@attestry/server/keys"), import("../thumbprint.ts")]) : undefined;
/** Hashing begins before it is known what to state with. */
const stating = Promise.withResolvers<State | undefined>();
if (!states) stating.resolve(undefined);

parentPort?.on("message", async (message: WorkerMessage) => {
  if ("end" in message) parentPort?.close();
  else if ("stationery" in message) stating.resolve(message.stationery && openStationery(message.stationery));
  else post(await handleGroup(message.files));
});

function post(result: GroupResult): void {
  parentPort?.postMessage(result, result.statements === undefined ? [] : [result.statements.buffer as ArrayBuffer]);
}

async function openStationery({ key, issuer, chain, after, options }: Stationery): Promise<State | undefined> {
  if (modules === undefined) return undefined;
  const [{ createThreadSigner }, { stateFile }] = await modules;
  const identity = { signer: createThreadSigner(key), issuer, ...(chain && { chain }) };
  return (file, digest) => stateFile(file, digest, { identity, ...(after && { after }) }, options);
}

async function handleGroup(files: readonly FoundFile[]): Promise<GroupResult> {
  const started = performance.now();
  const hashed = await hashGroup(files);
  const hashing = performance.now() - started;
  const state = await stating.promise;
  const resumed = performance.now();
  const stated = state === undefined ? {} : await stateGroup(files, hashed, state);
  return { ...hashed, ...stated, took: hashing + performance.now() - resumed };
}

type Hashed = Pick<GroupResult, "digests" | "sizes" | "failures">;

async function hashGroup(files: readonly FoundFile[]): Promise<Hashed> {
  const digests = new Uint8Array(files.length * 32);
  const sizes = new Float64Array(files.length);
  const failures: GroupResult["failures"][number][] = [];
  for (const [place, { path }] of files.entries()) {
    try {
      const { digest, size } = await readAndHash(path, (count) => parentPort?.postMessage(count));
      digests.set(digest, place * 32);
      sizes[place] = size;
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      failures.push({ place, code, message });
    }
  }
  return { digests, sizes, failures };
}

async function stateGroup(
  files: readonly FoundFile[],
  { digests, failures }: Hashed,
  state: State,
): Promise<Pick<GroupResult, "statements" | "statementLengths">> {
  const failed = new Set(failures.map(({ place }) => place));
  const statementLengths = new Uint32Array(files.length);
  const made: Uint8Array[] = [];
  for (const [place, file] of files.entries()) {
    if (failed.has(place)) continue;
    const statement = await state(file, digests.subarray(place * 32, place * 32 + 32));
    if (statement === undefined) continue;
    statementLengths[place] = statement.length;
    made.push(statement);
  }
  return { statements: join(made), statementLengths };
}

/** In memory of their own, which can be handed to another thread. */
function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
