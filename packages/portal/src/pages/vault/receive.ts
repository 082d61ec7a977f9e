/** Content on its way from the vault into a file. */
import type { VaultObject } from "@attestry/core/client";

/** What goes into the browser's store at once: large files end up on its disk, not in the page's memory. */
const pieceLength = 8 * 1024 * 1024;

/**
 * All of the content. Its type is that of no document: in an address of this page's own, HTML of somebody else's would be ours.
 * @throws what reading throws; the signal's reason
 */
export async function receive(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
  onBytes: (bytes: number) => void,
): Promise<Blob> {
  const pieces: Blob[] = [];
  let parts: BlobPart[] = [];
  let waiting = 0;
  let bytes = 0;
  let told = 0;
  for await (const part of content) {
    signal.throwIfAborted();
    parts.push(part as BlobPart);
    waiting += part.length;
    bytes += part.length;
    if (waiting >= pieceLength) {
      pieces.push(new Blob(parts));
      parts = [];
      waiting = 0;
    }
    if (performance.now() - told < 100) continue;
    told = performance.now();
    onBytes(bytes);
  }
  return new Blob([...pieces, ...parts], { type: "application/octet-stream" });
}

const endings: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "application/json": "json",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "audio/mp4": "m4a",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
    "image/gif": "gif",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/webp": "webp",
    "text/csv": "csv",
    "text/plain": "txt",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
  }),
);

/** Of the record number what every system takes, or the beginning of the hash; and an ending for kinds that do no harm. */
export function fileName({ subject, hash, contentType = "" }: VaultObject): string {
  const safe = subject
    .normalize("NFC")
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 80);
  const name = safe === "" || subject.startsWith("ni:///") ? hash.slice(0, 16) : safe;
  const ending = endings.get(contentType.toLowerCase().split(";")[0]?.trim() ?? "") ?? "bin";
  return `${name}.${ending}`;
}
