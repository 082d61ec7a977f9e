/** Which Ed25519 keys are refused: encodings that are not canonical, and points of small order (RFC 8032 §5.1.3, §8.9). */

// y coordinates of the eight points whose order divides 8; the sign bit is cleared before the comparison.
const smallOrderY = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** Whether 32 bytes encode a point canonically (y < 2^255 − 19) and not one of small order. Does not check the curve. */
export function isStrongEd25519(bytes: Uint8Array): boolean {
  const y = Uint8Array.from(bytes);
  y[31] = (y[31] ?? 0) & 0x7f;
  const canonical = !(y[31] === 0x7f && y.subarray(1, 31).every((byte) => byte === 0xff) && (y[0] ?? 0) >= 0xed);
  return canonical && !smallOrderY.has(y.toHex());
}
