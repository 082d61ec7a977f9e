/** One exchange with one witness: `POST …/add-checkpoint` of C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0). */
import {
  AttestryError,
  checkNote,
  decodeUtf8,
  encodeAddCheckpoint,
  encodeBase64,
  equalBytes,
  type NoteSignature,
  parseNote,
  parseSignatureLines,
  parseTreeSize,
  type VerifierKey,
} from "@attestry/core";
import type { CurrentHead } from "../log/store.ts";

export interface WitnessTarget {
  /** Submission prefix; `/add-checkpoint` is put after it. */
  readonly url: string;
  /** Its cosignature keys (types 04 and 06), all of one name. */
  readonly keys: readonly VerifierKey[];
}

export interface Cosigned {
  /** The signatures that are good, at least one. */
  readonly signatures: readonly NoteSignature[];
  /** When it cosigned, whole seconds of Unix time. */
  readonly time: number;
}

interface AskOptions {
  readonly consistencyPath: (size1: number, size2: number) => Promise<Uint8Array[]>;
  readonly signal: AbortSignal;
}

const longestAnswer = 64 * 1024;

/**
 * Asks for a cosignature of the head. A witness that has another size than `lastSize` says so, and is asked once more from there.
 * @throws UNAVAILABLE_SERVER when it does not answer, VERIFY_CONSISTENCY when it has a head that is not of this log's past
 */
export async function askWitness(
  target: WitnessTarget,
  head: CurrentHead,
  lastSize: number,
  options: AskOptions,
): Promise<Cosigned> {
  const first = await send(target, head, Math.min(lastSize, head.size), options);
  if (first.status !== 409) return readAnswer(target, head, first);
  // A 409 with no size is v1.0.0's answer to another root at the same size.
  const size = first.text === "" ? undefined : parseTreeSize(first.text.replace(/\n$/, ""), "MALFORMED_REQUEST");
  if (size === undefined || size > head.size) throw ahead(target, head, size);
  return readAnswer(target, head, await send(target, head, size, options));
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(target: WitnessTarget, head: CurrentHead, oldSize: number, options: AskOptions): Promise<Answer> {
  const path = await options.consistencyPath(oldSize, head.size);
  const body = encodeAddCheckpoint({ oldSize, path, checkpoint: parseNote(head.note) });
  try {
    const response = await fetch(`${target.url.replace(/\/$/, "")}/add-checkpoint`, {
      method: "POST",
      body: body as BodyInit,
      headers: { "content-type": "text/plain; charset=utf-8" },
      signal: options.signal,
      redirect: "error",
    });
    return { status: response.status, text: await readText(response) };
  } catch (cause) {
    if (cause instanceof AttestryError) throw cause;
    throw new AttestryError("UNAVAILABLE_SERVER", "The witness does not answer.", { cause });
  }
}

async function readText(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > longestAnswer) throw new AttestryError("MALFORMED_REQUEST", "The witness's answer is too long.");
    parts.push(part);
  }
  return decodeUtf8(Buffer.concat(parts));
}

async function readAnswer(target: WitnessTarget, head: CurrentHead, answer: Answer): Promise<Cosigned> {
  if (answer.status === 422) throw ahead(target, head, undefined);
  if (answer.status !== 200) {
    throw new AttestryError("UNAVAILABLE_SERVER", `The witness answered with status ${answer.status}.`);
  }
  const { text } = parseNote(head.note);
  const signatures = parseSignatureLines(answer.text).filter((line) => target.keys.some((key) => isBy(line, key)));
  // The witness's word is kept in proofs for decades: it is checked before it is.
  const { cosignatures } = await checkNote({ text, signatures }, target.keys);
  return { signatures, time: Math.max(0, ...cosignatures.map(({ timestamp }) => timestamp)) };
}

function isBy({ name, keyId }: NoteSignature, key: VerifierKey): boolean {
  return name === key.name && equalBytes(keyId, key.keyId);
}

/** The witness saw this log with a history that is not ours: the log was rewritten, restored from an old copy, or forked. */
function ahead(target: WitnessTarget, head: CurrentHead, size: number | undefined): AttestryError {
  const data = { witness: target.url, ourSize: head.size, ourRoot: encodeBase64(head.rootHash), witnessSize: size };
  const what =
    size === undefined ? "another history of this log" : `this log at size ${size}, and we are at ${head.size}`;
  return new AttestryError(
    "VERIFY_CONSISTENCY",
    `The witness has seen ${what}. Was the log restored from an old copy?`,
    { data },
  );
}
