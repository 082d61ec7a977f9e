/** Checkpoints, the text that a log signs: C2SP tlog-checkpoint v1.0.0 (https://c2sp.org/tlog-checkpoint@v1.0.0). */
import { decodeBase64, encodeBase64 } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { isAllSeen } from "../unseen.ts";

export interface Checkpoint {
  /** The log's identity; not empty. */
  readonly origin: string;
  /** Leaves in the tree. */
  readonly size: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** Lines that the log adds. ML-DSA-44 signatures do not cover them. */
  readonly extensions: readonly string[];
}

/** No checkpoint comes near this; each signature takes reading it again, so a longer one would cost whoever checks it dearly. */
const maxLength = 16_384;

/** The note text: origin, size, root hash and extensions, a line each. @throws MALFORMED_CHECKPOINT */
export function encodeCheckpoint({ origin, size, rootHash, extensions }: Checkpoint): string {
  if (!Number.isSafeInteger(size) || size < 0) throw refuse(`A tree size is a whole number, not ${size}.`);
  if (rootHash.length !== 32) throw refuse(`A root hash has 32 bytes, not ${rootHash.length}.`);
  const lines = [origin, String(size), encodeBase64(rootHash), ...extensions];
  checkLines(lines);
  const text = `${lines.join("\n")}\n`;
  checkLength(text);
  return text;
}

/** Reads a note's text, its last newline included. @throws MALFORMED_CHECKPOINT */
export function parseCheckpoint(text: string): Checkpoint {
  checkLength(text);
  if (!text.endsWith("\n")) throw refuse("The checkpoint does not end with a newline.");
  const lines = text.slice(0, -1).split("\n");
  checkLines(lines);
  const [origin, size, rootHash, ...extensions] = lines;
  if (origin === undefined || size === undefined || rootHash === undefined) {
    throw refuse("The checkpoint has fewer than three lines.");
  }
  const hash = decodeBase64(rootHash, "MALFORMED_CHECKPOINT");
  if (hash.length !== 32) throw refuse(`A root hash has 32 bytes, not ${hash.length}.`);
  return { origin, size: parseTreeSize(size, "MALFORMED_CHECKPOINT"), rootHash: hash, extensions };
}

/** ASCII decimal with no sign, space or leading zero, and not beyond 2^53 − 1. @throws the given code otherwise. */
export function parseTreeSize(text: string, code: ErrorCode): number {
  const size = Number(text);
  if (/^(?:0|[1-9][0-9]{0,15})$/.test(text) && Number.isSafeInteger(size)) return size;
  throw new AttestryError(code, "A tree size is a decimal number without leading zeros, at most 2^53 − 1.");
}

function checkLength(text: string): void {
  if (text.length > maxLength) throw refuse(`A checkpoint has at most ${maxLength} characters.`);
}

function checkLines(lines: readonly string[]): void {
  if (!lines.every((line) => /^[^\x00-\x1f]+$/.test(line)))
    throw refuse("A checkpoint has no empty line and no control character.");
  if (!isAllSeen(lines[0] ?? "")) throw refuse("A checkpoint's origin has no character that nobody sees.");
}

function refuse(message: string): AttestryError {
  return new AttestryError("MALFORMED_CHECKPOINT", message);
}
