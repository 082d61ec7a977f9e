/** Proof files on disk, as the commands take them. */
import { readFileSync, statSync } from "node:fs";
import {
  AttestryError,
  isAttestryError,
  leafHash,
  maxProofFileLength,
  type ProofFile,
  parseProofFile,
  type Relation,
} from "@attestry/core";
import { fileError } from "./errors.ts";

/** @throws USAGE_FILE, MALFORMED_PROOF_FILE when it is larger than any proof */
export function readProofBytes(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size <= maxProofFileLength) return readFileSync(path);
  } catch (error) {
    throw fileError(error, path, "read");
  }
  throw new AttestryError("MALFORMED_PROOF_FILE", `${path} is no proof file: it is larger than any.`, {
    data: { path },
  });
}

/** The proof at that path, or the one beside that file. @throws USAGE_FILE, MALFORMED_* with the path named */
export function readProof(path: string): ProofFile {
  const beside = `${path}.proof`;
  const found = !path.endsWith(".proof") && statSync(beside, { throwIfNoEntry: false })?.isFile() ? beside : path;
  const bytes = readProofBytes(found);
  try {
    return parseProofFile(bytes);
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    throw new AttestryError(error.code, `${found} is no proof file: ${error.message}`, {
      data: { path: found },
      cause: error,
    });
  }
}

/** What a later statement says to relate to that proof's entry. */
export function relationTo(proof: ProofFile, kind: Relation["kind"], reason: string): Relation {
  return { kind, target: leafHash(proof.statement.entry), reason };
}
