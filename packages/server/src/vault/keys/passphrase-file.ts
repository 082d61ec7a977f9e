/**
 * A passphrase that nobody chose: made once, kept in a file beside what it opens, for a notary on one machine that asks
 * nobody. Whoever reads the folder then reads the vault; a passphrase from elsewhere is better, and is given instead.
 */
import { randomBytes } from "node:crypto";
import { AttestryError, isAttestryError } from "@attestry/core";
import { readPrivateFile, writePrivateFile } from "../../keys/private-file.ts";

/**
 * The file's passphrase, its first line. When there is no file, one with 192 random bits is made, mode 0600.
 * @throws USAGE_PASSPHRASE when the file is empty, USAGE_FILE, UNAVAILABLE_STORAGE
 */
export async function openOrCreatePassphrase(path: string): Promise<string> {
  try {
    return await readPassphrase(path);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
  }
  await writePrivateFile(path, `${randomBytes(24).toString("base64url")}\n`).catch((error: unknown) => {
    if (!isAttestryError(error) || error.code !== "CONFLICT_EXISTS") throw error; // another process was quicker
  });
  return readPassphrase(path);
}

async function readPassphrase(path: string): Promise<string> {
  const [line = ""] = (await readPrivateFile(path)).split(/\r?\n/, 1);
  if (line === "") throw new AttestryError("USAGE_PASSPHRASE", `${path} has no passphrase in its first line.`);
  return line;
}
