/** Files of any length that take no room on the disk: zeros, and a few bytes at the end. */
import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

const mebibyte = 1024 * 1024;
const ending = "the end";

/** Makes the file. @param length in bytes */
export function writeSparse(path: string, length: number): void {
  const file = openSync(path, "w");
  ftruncateSync(file, length);
  writeSync(file, ending, length - ending.length);
  closeSync(file);
}

/** SHA-256 of such a file, by Node, in hexadecimal. @param length whole mebibytes, in bytes */
export function sparseHash(length: number): string {
  const hash = createHash("sha256");
  const zeros = new Uint8Array(mebibyte);
  for (let done = mebibyte; done < length; done += mebibyte) hash.update(zeros);
  return hash.update(zeros.subarray(ending.length)).update(ending).digest("hex");
}
