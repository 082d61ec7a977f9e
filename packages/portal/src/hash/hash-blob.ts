/**
 * SHA-256 (FIPS 180-4) of a file of any size in constant memory, by hash-wasm. WebCrypto would need the whole of it at once.
 */
import { createSHA256 } from "hash-wasm";

/** Two of these are in memory at any time: one is hashed while the other is read. */
const pieceLength = 4 * 1024 * 1024;

/**
 * The hash in lower-case hexadecimal. `onBytes` hears after each piece how many bytes are done.
 * @throws what reading throws: the file was moved, changed, or may not be read
 */
export async function hashBlob(blob: Blob, onBytes: (bytes: number) => void): Promise<string> {
  const hasher = await createSHA256();
  hasher.init();
  const read = (from: number): Promise<ArrayBuffer> => blob.slice(from, from + pieceLength).arrayBuffer();
  let next = read(0);
  for (let from = 0; from < blob.size; from += pieceLength) {
    const piece = await next;
    if (from + pieceLength < blob.size) next = read(from + pieceLength);
    next.catch(() => {}); // it is awaited in the next round
    hasher.update(new Uint8Array(piece));
    onBytes(Math.min(from + pieceLength, blob.size));
  }
  return hasher.digest("hex");
}
