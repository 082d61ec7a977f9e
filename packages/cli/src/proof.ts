/** Proof files on disk, as the commands take them. */
import { readFileSync, statSync } from "node:fs";
import {
  AttestryError,
  type ErrorCode,
  isAttestryError,
  leafHash,
  maxProofFileLength,
  type ProofFile,
  parseProofFile,
  type Relation,
} from "@attestry/core";
import { fileError } from "./errors.ts";
import { quoted } from "./output.ts";

/** @throws USAGE_FILE, MALFORMED_PROOF_FILE when it is larger than any proof */
export function readProofBytes(path: string): Uint8Array {
  try {
    const { size } = statSync(path);
    if (size <= maxProofFileLength) return readFileSync(path);
  } catch (error) {
    throw fileError(error, path, "read");
  }
  throw noProofFile(path, "MALFORMED_PROOF_FILE", "It is larger than any proof file.");
}

/** The proof at that path, or the one beside that file. @throws USAGE_FILE, MALFORMED_* with the path named */
export function readProof(path: string): ProofFile {
  const found = proofPath(path);
  return parseProofAt(found, readProofBytes(found));
}

/** Of the proof beside that file, where there is one; else as given. */
export function proofPath(given: string): string {
  const beside = `${given}.proof`;
  return !given.endsWith(".proof") && isFile(beside) ? beside : given;
}

/** What was read from that path. @throws MALFORMED_* with the path named, and how to come by a proof */
export function parseProofAt(path: string, bytes: Uint8Array): ProofFile {
  try {
    return parseProofFile(bytes);
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    throw noProofFile(path, error.code, error.message, error);
  }
}

/** @param reason in the words of the format: for programs */
function noProofFile(path: string, code: ErrorCode, reason: string, cause?: unknown): AttestryError {
  return new AttestryError(code, `${path} is no proof file${remedy(path)}`, { data: { path, reason }, cause });
}

function remedy(path: string): string {
  if (!path.endsWith(".proof")) {
    const given = quoted(path);
    const find = `attestry find ${given} --save ${quoted(`${path}.proof`)}`;
    return `, and there is no ${path}.proof beside it. Notarise it (attestry notarize ${given}), or get its proof again: ${find}`;
  }
  const file = path.slice(0, -".proof".length);
  const find = `attestry find ${isFile(file) ? quoted(file) : "FILE"} --save ${quoted(path)}`;
  return `: it was cut short or damaged, or is something else. Get the proof again: ${find}`;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** What a later statement says to relate to that proof's entry. */
export function relationTo(proof: ProofFile, kind: Relation["kind"], reason: string): Relation {
  return { kind, target: leafHash(proof.statement.entry), reason };
}
