/** What was dropped: which of it is the file, and which its proof. */
/** Core's `maxProofFileLength`, whose module would bring all of core into the first load of the page. */
export const maxProofLength: number = 4 * 1024 * 1024;

export interface Dropped {
  readonly file?: File;
  readonly proof?: File;
}

/** Undefined when it is more than one file and one proof. */
export async function sortDropped(files: readonly File[]): Promise<Dropped | undefined> {
  const proofs = await Promise.all(files.map(isProof));
  const [file, ...moreFiles] = files.filter((_, at) => proofs[at] === false);
  const [proof, ...moreProofs] = files.filter((_, at) => proofs[at] === true);
  if (moreFiles.length > 0 || moreProofs.length > 0) return undefined;
  return { ...(file && { file }), ...(proof && { proof }) };
}

/** By its name, or by how a proof file begins: a COSE_Sign1 (RFC 9052 §4.2), that is tag 18 and an array of four. */
async function isProof(file: File): Promise<boolean> {
  if (file.name.toLowerCase().endsWith(".proof")) return true;
  if (file.size > maxProofLength) return false;
  try {
    const [tag, array] = new Uint8Array(await file.slice(0, 2).arrayBuffer());
    return tag === 0xd2 && array === 0x84;
  } catch {
    return false; // it cannot be read; hashing it will say so
  }
}
