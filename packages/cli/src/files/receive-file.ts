/** Writes content that arrives to a file: the name appears once all of it is on the disk and has the hash that it should have. */
import { createHash, randomBytes } from "node:crypto";
import { link, open, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AttestryError, encodeHex } from "@attestry/core";
import { fileError } from "../errors.ts";

/**
 * @param hash SHA-256 that the content must have, hexadecimal
 * @throws CONFLICT_EXISTS when there is such a file, VERIFY_DIGEST, USAGE_FILE, UNAVAILABLE_STORAGE, and what the content throws;
 *   then nothing is left
 */
export async function receiveFile(
  path: string,
  content: AsyncIterable<Uint8Array>,
  hash: string,
  onBytes: (count: number) => void,
): Promise<void> {
  const temporary = join(dirname(path), `.attestry-${randomBytes(6).toString("hex")}.tmp`);
  try {
    const digest = await receive(temporary, content, onBytes);
    if (digest !== hash) {
      throw new AttestryError("VERIFY_DIGEST", `What the notary gave is not the content of that hash: ${digest}.`);
    }
    await link(temporary, path); // unlike rename, never replaces
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw fileError(error, path, "written");
    throw new AttestryError("CONFLICT_EXISTS", `${path} is there already, and is left as it is.`, { data: { path } });
  } finally {
    await unlink(temporary).catch(() => {});
  }
}

async function receive(
  path: string,
  content: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): Promise<string> {
  const file = await open(path, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    for await (const piece of content) {
      hash.update(piece);
      await file.writeFile(piece);
      onBytes(piece.length);
    }
    await file.sync();
    return encodeHex(hash.digest());
  } finally {
    await file.close();
  }
}
