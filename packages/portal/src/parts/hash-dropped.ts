/** Forms that ask for a file's hash, and take the file itself. */
import { hashFile } from "../hash/hash-file.ts";

export interface HashingWords {
  readonly hashing: string;
  readonly unreadable: string;
}

/**
 * The hash of the file that was dropped, in hexadecimal; undefined when there is none, or it cannot be read.
 * @param tell hears what the reader is to know meanwhile, and undefined when all is well
 */
export async function hashDropped(
  [file]: readonly File[],
  words: HashingWords,
  tell: (text: string | undefined) => void,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  tell(words.hashing);
  try {
    const hash = await hashFile(file);
    tell(undefined);
    return hash;
  } catch {
    tell(words.unreadable);
    return undefined;
  }
}
