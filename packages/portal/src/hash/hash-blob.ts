/**
 * SHA-256 (FIPS 180-4) of a file of any size in constant memory, by hash-wasm. WebCrypto would need the whole of it at once.
 */
import { createSHA256 } from "hash-wasm";

const pieceLength = 1024 * 1024;

/**
 * Readers at work. Chromium 156 takes a file's reader that is only waited for as garbage, and then the wait never ends: in gigabytes
 * the collector sooner or later comes just then.
 */
const atWork = new Set<ReadableStreamBYOBReader>();

/**
 * The hash in lower-case hexadecimal. `onBytes` hears after each piece how many bytes are done.
 * @throws what reading throws: the file was moved, changed, or may not be read
 */
export async function hashBlob(blob: Blob, onBytes: (bytes: number) => void): Promise<string> {
  const hasher = await createSHA256();
  hasher.init();
  let done = 0;
  for await (const piece of pieces(blob)) {
    hasher.update(piece);
    done += piece.length;
    onBytes(done);
  }
  // A file that shrinks while it is read ends early without an error.
  if (done !== blob.size) throw new DOMException("The file changed while it was read.", "NotReadableError");
  return hasher.digest("hex");
}

/**
 * A piece counts until the next is asked for: where the browser can, all are read into one buffer (Streams, BYOB readers). Buffers
 * of their own (`Blob.slice`) end as well, but four times as much of them waits for the collector.
 */
async function* pieces(blob: Blob): AsyncGenerator<Uint8Array> {
  const reader = byteReader(blob);
  if (reader === undefined) return yield* copiedPieces(blob);
  atWork.add(reader);
  try {
    let buffer = new ArrayBuffer(pieceLength);
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done || value === undefined) return;
      yield value;
      buffer = value.buffer;
    }
  } finally {
    atWork.delete(reader);
  }
}

function byteReader(blob: Blob): ReadableStreamBYOBReader | undefined {
  try {
    return blob.stream().getReader({ mode: "byob" });
  } catch {
    return undefined; // this browser's files are no byte streams
  }
}

async function* copiedPieces(blob: Blob): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < blob.size; from += pieceLength)
    yield new Uint8Array(await blob.slice(from, from + pieceLength).arrayBuffer());
}
