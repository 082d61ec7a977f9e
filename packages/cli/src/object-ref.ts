/** How a person names an object of the vault: by a file with its content, that file's proof, the content's hash, or the object's id. */
import { statSync } from "node:fs";
import { AttestryError, encodeHex } from "@attestry/core";
import { hashFile } from "./files/hash-file.ts";
import { readProof } from "./proof.ts";

/** The id, or the hash in hexadecimal. @throws USAGE, USAGE_FILE, MALFORMED_PROOF_FILE */
export async function objectRef(what: string): Promise<string> {
  if (statSync(what, { throwIfNoEntry: false })?.isFile()) {
    return encodeHex(what.endsWith(".proof") ? readProof(what).statement.digest : (await hashFile(what)).digest);
  }
  const text = what.toLowerCase().replace(/^sha256:/, "");
  if (/^([a-z2-7]{26}|[0-9a-f]{64})$/.test(text)) return text;
  throw new AttestryError(
    "USAGE",
    `"${what}" is no file, no proof, no SHA-256 hash (64 hexadecimal digits) and no object's id (26 letters and digits).`,
  );
}
