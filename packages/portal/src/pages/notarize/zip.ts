/**
 * A ZIP archive of small files, stored as they are (PKWARE APPNOTE 6.3.10). Names are UTF-8; there is no need for ZIP64 below four
 * gigabytes and 65,535 files.
 */
import { concatBytes, encodeUtf8 } from "@attestry/core";

export interface ZipFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const utf8Names = 0x0800; // §4.4.4, bit 11
const version = 20; // §4.4.3: 2.0
const midnight = 0x0021; // §4.4.6: 1 January 1980, since a proof has a time of its own

/** Files of one name get a number each. */
export function createZip(files: readonly ZipFile[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: Uint8Array[] = [];
  let offset = 0;
  for (const { name, bytes } of withUniqueNames(files)) {
    const path = encodeUtf8(name);
    const common = [
      [2, version],
      [2, utf8Names],
      [2, 0], // stored
      [2, 0],
      [2, midnight],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, path.length],
      [2, 0],
    ] as const;
    const local = concatBytes(fields([4, 0x04034b50], ...common), path); // §4.3.7
    // §4.3.12: made by, the same once more, no comment, disk 0, no attributes, where it begins
    const rest = [
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0],
      [4, offset],
    ] as const;
    directory.push(concatBytes(fields([4, 0x02014b50], [2, version], ...common, ...rest), path));
    parts.push(local, bytes);
    offset += local.length + bytes.length;
  }
  const index = concatBytes(...directory);
  const count = directory.length;
  // §4.3.16
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, index.length], [4, offset], [2, 0]);
  return concatBytes(...parts, index, end);
}

type Field = readonly [length: 2 | 4, value: number];

function fields(...list: readonly Field[]): Uint8Array {
  const bytes = new Uint8Array(list.reduce((sum, [length]) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [length, value] of list) {
    if (length === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += length;
  }
  return bytes;
}

function withUniqueNames(files: readonly ZipFile[]): ZipFile[] {
  const taken = new Set<string>();
  return files.map(({ name, bytes }) => {
    let free = name;
    for (let number = 2; taken.has(free.toLowerCase()); number++) free = numbered(name, number);
    taken.add(free.toLowerCase());
    return { name: free, bytes };
  });
}

function numbered(name: string, number: number): string {
  const dot = name.indexOf(".", 1);
  return dot === -1 ? `${name} (${number})` : `${name.slice(0, dot)} (${number})${name.slice(dot)}`;
}

/** The table of the reflected polynomial (§4.4.7). */
const table: readonly number[] = Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = (value & 1) === 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function crc32(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (table[(sum ^ byte) & 0xff] ?? 0);
  return (sum ^ 0xffffffff) >>> 0;
}
