/** The hash of one file or of standard input, with errors that name the file. */
import { createHash } from "node:crypto";
import { fileError } from "../errors.ts";
import { type HashedFile, hashInTurns } from "./read-and-hash.ts";

/**
 * Hashes a file without holding up the event loop for long; `onBytes` is told the bytes read since it was last called.
 * @throws USAGE_FILE when it cannot be read, CONFLICT_FILE_CHANGED when something wrote to it meanwhile
 */
export async function hashFile(path: string, onBytes?: (count: number) => void): Promise<HashedFile> {
  try {
    const turns = hashInTurns(path);
    for (;;) {
      const turn = turns.next();
      if (turn.done) return turn.value;
      onBytes?.(turn.value);
      await new Promise(setImmediate);
    }
  } catch (error) {
    throw fileError(error, path, "read");
  }
}

/** Standard input to its end. */
export async function hashStandardInput(onBytes?: (count: number) => void): Promise<HashedFile> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    hash.update(piece);
    size += piece.length;
    onBytes?.(piece.length);
  }
  return { digest: hash.digest(), size };
}
