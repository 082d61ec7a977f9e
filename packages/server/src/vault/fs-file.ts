/** What `node:fs` leaves to its caller: reading and writing to the end, and making names durable. */
import { type FileHandle, open } from "node:fs/promises";

/** As many bytes as there are from that place on, up to `length`. */
export async function readUpTo(file: FileHandle, length: number, position: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (;;) {
    const { bytesRead } = await file.read(bytes, at, length - at, position + at);
    at += bytesRead;
    if (bytesRead === 0 || at === length) return bytes.subarray(0, at);
  }
}

export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += (await file.write(bytes, at, bytes.length - at, position + at)).bytesWritten;
  }
}

/** Makes the names in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // a folder cannot be opened there
  await using folder = await open(path, "r");
  await folder.sync();
}
