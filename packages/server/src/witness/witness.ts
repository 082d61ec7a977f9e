/**
 * A witness: cosigns a log's checkpoint only when it continues the last one that it cosigned, so that no two people are shown
 * two histories. C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0), cosignatures as in C2SP tlog-cosignature.
 */
import {
  AttestryError,
  type Checkpoint,
  type ConsistencyProof,
  checkConsistency,
  checkNote,
  createVerifierKey,
  emptyRoot,
  encodeNote,
  equalBytes,
  isAttestryError,
  type Note,
  type NoteSignature,
  parseAddCheckpoint,
  parseCheckpoint,
  parseVerifierKey,
  type Signer,
  signatureType,
  signCosignature,
  type VerifierKey,
} from "@attestry/core";
import type { WitnessedHead, WitnessState } from "./state.ts";

/** The answers of `POST …/add-checkpoint`. `size`: what the witness has, for 409. */
export type AddCheckpointAnswer =
  | { readonly status: 200; readonly signatures: readonly NoteSignature[] }
  | { readonly status: 409; readonly size: number }
  | { readonly status: 400 | 403 | 404 | 422; readonly reason: string };

export interface Witness {
  /** Ed25519 (type 04), then ML-DSA-44 (type 06). */
  readonly verifierKeys: readonly VerifierKey[];
  /** The origins that it cosigns for. */
  readonly origins: readonly string[];
  /** @throws UNAVAILABLE_STORAGE when the new state could not be kept: then nothing was cosigned */
  addCheckpoint(body: Uint8Array): Promise<AddCheckpointAnswer>;
  /** The latest cosigned checkpoint of a log. */
  latest(origin: string): WitnessedHead | undefined;
}

export interface WitnessOptions {
  /** The key name in its signature lines: a schema-less URL that the witness's operator holds. */
  readonly name: string;
  readonly keys: { readonly ed25519: Signer; readonly mlDsa44: Signer };
  /** C2SP verifier keys of the logs. A log's name is its origin; a log with several keys needs one good signature. */
  readonly logs: readonly string[];
  readonly state: WitnessState;
  /** Whole seconds of Unix time. */
  readonly now?: () => number;
}

/** @throws MALFORMED_KEY for the name or a log's key */
export function createWitness(options: WitnessOptions): Witness {
  const { name, keys, state, now = () => Math.floor(Date.now() / 1000) } = options;
  const signers = [
    { key: createVerifierKey(name, keys.ed25519.publicKey, signatureType.ed25519Cosignature), signer: keys.ed25519 },
    { key: createVerifierKey(name, keys.mlDsa44.publicKey, signatureType.mlDsaCosignature), signer: keys.mlDsa44 },
  ];
  const logs = Map.groupBy(options.logs.map(parseVerifierKey), (key) => key.name);

  function cosign(text: string): Promise<NoteSignature[]> {
    const time = now();
    return Promise.all(
      signers.map(async ({ key, signer }) => {
        const signature = await signCosignature(text, key, signer, time);
        return { name: key.name, keyId: key.keyId, signature };
      }),
    );
  }

  return {
    verifierKeys: signers.map(({ key }) => key),
    origins: [...logs.keys()],
    latest: (origin) => state.read(origin),

    async addCheckpoint(body: Uint8Array): Promise<AddCheckpointAnswer> {
      const request = readRequest(body);
      if ("status" in request) return request;
      const { oldSize, path, note, checkpoint } = request;
      const { origin, size, rootHash } = checkpoint;
      const logKeys = logs.get(origin);
      if (logKeys === undefined) return { status: 404, reason: "The witness does not know this log's origin." };
      const refusal = await checkLogSignature(note, logKeys);
      if (refusal !== undefined) return refusal;
      if (oldSize > size) return { status: 400, reason: "The old size is more than the checkpoint's." };

      const known = state.read(origin);
      if (oldSize !== (known?.size ?? 0)) return { status: 409, size: known?.size ?? 0 };
      const step = { size1: oldSize, root1: known?.rootHash ?? emptyRoot, size2: size, root2: rootHash, path };
      if (!isContinued(step)) {
        // For the same size with another root v1.0.0 has 409, later texts 422: 409 would tell the log to try just the same again.
        return { status: 422, reason: "The proof does not show that the checkpoint continues the last one." };
      }
      // The signatures are made first, and let go only once the head that they are for is on stable storage.
      const signatures = await cosign(note.text);
      const ownLines = note.signatures.filter((line) => logKeys.some((key) => isBy(line, key)));
      const cosigned = encodeNote({ text: note.text, signatures: [...ownLines, ...signatures] });
      if (state.advance(origin, oldSize, { size, rootHash, note: cosigned })) return { status: 200, signatures };
      return { status: 409, size: state.read(origin)?.size ?? 0 };
    },
  };
}

type Refusal = Extract<AddCheckpointAnswer, { readonly reason: string }>;

interface Request {
  readonly oldSize: number;
  readonly path: readonly Uint8Array[];
  readonly note: Note;
  readonly checkpoint: Checkpoint;
}

function readRequest(body: Uint8Array): Request | Refusal {
  try {
    const { oldSize, path, checkpoint: note } = parseAddCheckpoint(body);
    return { oldSize, path, note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    if (isAttestryError(error)) return { status: 400, reason: error.message };
    throw error;
  }
}

async function checkLogSignature(note: Note, keys: readonly VerifierKey[]): Promise<Refusal | undefined> {
  try {
    await checkNote(note, keys);
    return undefined;
  } catch (error) {
    if (error instanceof AttestryError) return { status: 403, reason: error.message };
    throw error;
  }
}

function isBy({ name, keyId }: NoteSignature, key: VerifierKey): boolean {
  return name === key.name && equalBytes(keyId, key.keyId);
}

function isContinued(step: ConsistencyProof): boolean {
  try {
    checkConsistency(step);
    return true;
  } catch (error) {
    if (isAttestryError(error)) return false;
    throw error;
  }
}
