/** The hash of one file or of standard input, with errors that name the file. */
import { createHash } from "node:crypto";
import { fileError } from "../errors.ts";
import { type HashedFile, readAndHash } from "./read-and-hash.ts";

/**
 * Hashes a file; `onBytes` is told the bytes of a large one as they are read.
 * @throws USAGE_FILE when it cannot be read, CONFLICT_FILE_CHANGED when something wrote to it meanwhile
 */
export async function hashFile(path: string, onBytes: (count: number) => void = () => {}): Promise<HashedFile> {
  try {
    return await readAndHash(path, onBytes);
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
