/** Signatures on a checkpoint, checked under given keys. */
import { checkNote, equalBytes, isAttestryError, type Note, type VerifierKey } from "@attestry/core";

/** A good signature by one of the keys. `time`: whole seconds of Unix time; 0 when the signature states none. */
export interface GoodSignature {
  readonly time: number;
}

/** The good signatures of the keys; none, when one of them is on the note with a signature that it did not make. */
export async function goodSignatures(note: Note, keys: readonly VerifierKey[]): Promise<readonly GoodSignature[]> {
  const known = keys.filter(({ name, keyId }) =>
    note.signatures.some((line) => line.name === name && equalBytes(line.keyId, keyId)),
  );
  if (known.length === 0) return [];
  try {
    const { verified, cosignatures } = await checkNote(note, known);
    return verified.map((key) => ({ time: cosignatures.find((one) => one.key === key)?.timestamp ?? 0 }));
  } catch (error) {
    if (isAttestryError(error)) return [];
    throw error;
  }
}
