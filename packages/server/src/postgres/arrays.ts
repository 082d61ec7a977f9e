/**
 * Arrays of one dimension in PostgreSQL's binary form (`array_recv`), so that a whole batch travels as one parameter with no
 * text in between: dimensions, a flag for nulls, the element's type; length and lower bound; then each element after its length.
 */

const types = { bigint: 20, bytea: 17 } as const;

export function byteaArray(values: readonly Uint8Array[]): Buffer {
  const length = values.reduce((sum, value) => sum + 4 + value.length, 0);
  const buffer = arrayOf(types.bytea, values.length, length);
  let at = headerLength;
  for (const value of values) {
    buffer.writeInt32BE(value.length, at);
    buffer.set(value, at + 4);
    at += 4 + value.length;
  }
  return buffer;
}

/** @param values safe integers */
export function bigintArray(values: readonly number[]): Buffer {
  const buffer = arrayOf(types.bigint, values.length, 12 * values.length);
  for (const [i, value] of values.entries()) {
    const at = headerLength + 12 * i;
    buffer.writeInt32BE(8, at);
    buffer.writeBigInt64BE(BigInt(value), at + 4);
  }
  return buffer;
}

const headerLength = 20;

function arrayOf(type: number, count: number, length: number): Buffer {
  // PostgreSQL takes an empty array of one dimension as well as one of none.
  const buffer = Buffer.allocUnsafe(headerLength + length);
  [1, 0, type, count, 1].forEach((field, i) => {
    buffer.writeInt32BE(field, 4 * i);
  });
  return buffer;
}
