/** What a log sends to a witness: C2SP tlog-witness v1.0.0 (https://c2sp.org/tlog-witness@v1.0.0), `POST …/add-checkpoint`. */
import { decodeBase64, decodeUtf8, encodeBase64, encodeUtf8 } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { parseTreeSize } from "./checkpoint.ts";
import { encodeNote, type Note, parseNote } from "./note.ts";

/** The most hashes that a consistency proof may have here. */
const maxHashes = 63;

export interface AddCheckpoint {
  /** The size of the tree that the witness last cosigned for this log; 0 for none. */
  readonly oldSize: number;
  /** The consistency proof from there to the checkpoint; empty when `oldSize` is 0. */
  readonly path: readonly Uint8Array[];
  readonly checkpoint: Note;
}

/** The request's body. @throws MALFORMED_REQUEST for what could not be parsed again, MALFORMED_NOTE for the checkpoint. */
export function encodeAddCheckpoint({ oldSize, path, checkpoint }: AddCheckpoint): Uint8Array {
  checkPath(path);
  const lines = [`old ${parseTreeSize(String(oldSize), "MALFORMED_REQUEST")}`, ...path.map(encodeBase64)];
  return encodeUtf8(`${lines.join("\n")}\n\n${encodeNote(checkpoint)}`);
}

/**
 * Reads a request's body. That the note is a checkpoint, and that its size is not below the old one, is not looked at: a
 * witness has answers of its own for those.
 * @throws MALFORMED_REQUEST, or MALFORMED_NOTE when what follows the empty line is not a note.
 */
export function parseAddCheckpoint(body: Uint8Array): AddCheckpoint {
  const text = decodeUtf8(body, "MALFORMED_REQUEST");
  const blank = text.indexOf("\n\n");
  const [old = "", ...hashes] = text.slice(0, Math.max(0, blank)).split("\n", maxHashes + 2);
  if (!old.startsWith("old ")) throw refuse("The request does not begin with an old size line.");
  const path = hashes.map((line) => decodeBase64(line, "MALFORMED_REQUEST"));
  checkPath(path);
  return {
    oldSize: parseTreeSize(old.slice("old ".length), "MALFORMED_REQUEST"),
    path,
    checkpoint: parseNote(text.slice(blank + 2)),
  };
}

function checkPath(path: readonly Uint8Array[]): void {
  if (path.length > maxHashes) throw refuse(`A consistency proof has at most ${maxHashes} hashes.`);
  if (path.some((hash) => hash.length !== 32)) throw refuse("A hash of the consistency proof does not have 32 bytes.");
}

function refuse(message: string): AttestryError {
  return new AttestryError("MALFORMED_REQUEST", message);
}
