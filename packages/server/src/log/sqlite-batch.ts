/** What the thread that writes the log is told and answers, and a batch's way there: as two buffers that are moved, not copied. */
import type { AdmittedEntry, Batch } from "./store.ts";

/** One at a time and in order; each but `close` is answered. */
export type WriterOrder =
  | { readonly append: PackedBatch }
  | { readonly putCosigned: { readonly size: number; readonly note: Uint8Array } }
  | "close";

export type WriterAnswer =
  | "done"
  /** The log is not of the size that the batch was built on. */
  | { readonly conflict: { readonly expected: number; readonly found: number } }
  /** What SQLite threw. */
  | { readonly message: string; readonly code: unknown; readonly errcode: unknown };

export interface PackedBatch extends Pick<Batch, "expectedSize" | "tiles" | "head"> {
  /** Of each entry: its time of issue, its length, and the length of its keys. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** Of each entry: itself, its leaf hash, its keys. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const hashLength = 32;

export function packBatch({ expectedSize, entries, tiles, head }: Batch): PackedBatch {
  const numbers = new Float64Array(3 * entries.length);
  let length = 0;
  entries.forEach(({ entry, issuedAt, keys }, at) => {
    numbers.set([issuedAt, entry.length, keys.length], 3 * at);
    length += entry.length + hashLength + keys.length;
  });
  const bytes = new Uint8Array(length);
  let offset = 0;
  const put = (part: Uint8Array): void => {
    bytes.set(part, offset);
    offset += part.length;
  };
  for (const { entry, leafHash, keys } of entries) {
    put(entry);
    put(leafHash);
    put(keys);
  }
  return { expectedSize, tiles, head, numbers, bytes };
}

/** What has bytes in the result has views of the packed ones. */
export function unpackBatch({ expectedSize, tiles, head, numbers, bytes }: PackedBatch): Batch {
  let offset = 0;
  const take = (length: number): Uint8Array => {
    offset += length;
    return bytes.subarray(offset - length, offset);
  };
  const entries: AdmittedEntry[] = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [issuedAt = 0, length = 0, keysLength = 0] = numbers.subarray(at, at + 3);
    const [entry, leafHash] = [take(length), take(hashLength)];
    entries.push({ entry, leafHash, issuedAt, keys: take(keysLength) });
  }
  return { expectedSize, entries, tiles, head };
}
