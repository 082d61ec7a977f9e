/** The cosigned checkpoints that a log keeps: what was damaged since stays out of proofs. */
import {
  checkNote,
  encodeHex,
  encodeNote,
  encodeUtf8,
  equalBytes,
  isAttestryError,
  type Note,
  type NoteSignature,
  parseNote,
  sha256,
  type VerifierKey,
} from "@attestry/core";
import type { Logger } from "pino";
import type { HeadSigner } from "../heads.ts";
import type { SignedHead } from "../log/store.ts";

export interface KeptNotesOptions {
  readonly signer: Pick<HeadSigner, "text" | "noteOf" | "verifierKeys">;
  /** Of the witnesses that are known. Others' cosignatures cannot be checked here: they stay. */
  readonly witnessKeys: readonly VerifierKey[];
  readonly logger: Pick<Logger, "error">;
}

/** Notes that are remembered as whole, by their SHA-256. */
const maxRemembered = 10_000;

/** What gives a head's cosigned note as far as it holds: at the least, the log's own signatures. */
export function createKeptNotes(
  options: KeptNotesOptions,
): (head: SignedHead, kept: Uint8Array) => Promise<Uint8Array> {
  const { signer, witnessKeys, logger } = options;
  const keys = [...signer.verifierKeys, ...witnessKeys];
  const whole = new Set<string>();

  return async (head, kept) => {
    const note = tryParse(kept);
    const cosignatures: NoteSignature[] = [];
    if (note?.text === signer.text(head)) {
      const id = encodeHex(sha256(kept));
      if (whole.has(id)) return kept;
      const broken = await brokenSignatures(note, keys);
      if (broken.length === 0 && signer.verifierKeys.every((key) => isSignedWith(note, key))) {
        if (whole.size >= maxRemembered) whole.clear();
        whole.add(id);
        return kept;
      }
      const isOwn = ({ name }: NoteSignature): boolean => name === signer.verifierKeys[0].name;
      cosignatures.push(...note.signatures.filter((one) => !isOwn(one) && !broken.includes(one)));
    }
    logger.error({ size: head.size }, "a cosigned checkpoint is damaged; what does not hold is left out of proofs");
    const own = parseNote(await signer.noteOf(head));
    return encodeUtf8(encodeNote({ text: own.text, signatures: [...own.signatures, ...cosignatures] }));
  };
}

/** The signatures of a note that are by one of these keys and do not hold. */
export async function brokenSignatures(note: Note, keys: readonly VerifierKey[]): Promise<NoteSignature[]> {
  const holding = await Promise.all(note.signatures.map((one) => holds({ ...note, signatures: [one] }, keys)));
  return note.signatures.filter((_, at) => holding[at] === false);
}

async function holds(note: Note, keys: readonly VerifierKey[]): Promise<boolean> {
  try {
    await checkNote(note, keys);
    return true;
  } catch (error) {
    if (!isAttestryError(error)) throw error;
    return error.code === "VERIFY_UNTRUSTED"; // by a key that is not known
  }
}

function isSignedWith({ signatures }: Note, { name, keyId }: VerifierKey): boolean {
  return signatures.some((one) => one.name === name && equalBytes(one.keyId, keyId));
}

function tryParse(bytes: Uint8Array): Note | undefined {
  try {
    return parseNote(bytes);
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}
