/**
 * Blocks of QBFT (Besu, GoQuorum), IBFT 2.0 (Besu) and Istanbul BFT (GoQuorum) chains: their extra data names the validators and
 * bears the committed seals, so that a header proves itself to whoever knows the validators. As the nodes hash and check them:
 * Besu's `BftBlockHashing` at 3fd224e, 2026-03-29; EIP-650 for Istanbul BFT.
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, encodeHex, encodeUtf8, equalBytes } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { type BftExtraData, type BftKind, bftKinds, encodeExtraData, parseExtraData } from "./extra-data.ts";
import { type EvmHeader, headerHash } from "./header.ts";

/** The mix hash of every BFT block: the end of "Istanbul practical byzantine fault tolerance". */
const bftMixHash = encodeUtf8("ctical byzantine fault tolerance");

/** Which of them the header is of, by its mix hash and extra data; undefined when of neither. */
export function bftKind(header: EvmHeader): BftKind | undefined {
  if (!equalBytes(header.mixHash, bftMixHash)) return undefined;
  return bftKinds.find((kind) => {
    try {
      return parseExtraData(header.extraData, kind);
    } catch {
      return false;
    }
  });
}

/** The hash by which nodes and later blocks refer to the block: 32 bytes. */
export function blockHash(header: EvmHeader): Uint8Array {
  const kind = bftKind(header);
  // The first block's extra data is hashed as it stands.
  if (kind === undefined || header.number === 0) return headerHash(header);
  return headerHash(header, encodeExtraData(parseExtraData(header.extraData, kind), kind, "hashed"));
}

/**
 * Checks that the trusted validators sealed the header. What is asked is what the chain's own nodes ask (Besu's
 * `BftCommitSealsValidationRule`): two thirds of the validators, rounded up, each once, and nobody else. While fewer than a
 * third of them are dishonest, no two blocks of one height can both be sealed so.
 *
 * The header must name exactly the trusted validators, or leave them to a contract: with more of them, two thirds of the
 * trusted ones would not be a quorum of the chain; with fewer, some that sealed might have been voted out.
 * @throws VERIFY_ANCHOR_HEADER when no seal is a trusted validator's: the header is another one than they sealed;
 *   VERIFY_ANCHOR_SEALS when some are, and they do not suffice.
 */
export function checkSeals(header: EvmHeader, validators: readonly Uint8Array[], kind: BftKind): void {
  const data = parseExtraData(header.extraData, kind);
  const trusted = new Set(validators.map(encodeHex));
  const named = data.validators.map(encodeHex);
  const quorum = Math.ceil((2 * trusted.size) / 3);
  const refuse = (code: ErrorCode, message: string) =>
    new AttestryError(code, message, {
      data: { trusted: [...trusted], named, quorum, seals: data.seals.map(encodeHex) },
    });

  if (trusted.size === 0) throw refuse("VERIFY_ANCHOR_SEALS", "No validator is trusted.");
  // Before any is recovered: that is what takes time, and the header may be anyone's.
  if (data.seals.length < quorum || data.seals.length > trusted.size) {
    throw refuse(
      "VERIFY_ANCHOR_SEALS",
      `The block bears ${data.seals.length} seals; ${quorum} to ${trusted.size} are due.`,
    );
  }
  const hash = sealedHash(header, kind, data);
  const sealers = data.seals.map((seal) => recoverSealer(hash, seal));
  const counted = new Set(sealers.filter((sealer) => sealer !== undefined && trusted.has(sealer)));
  if (counted.size === 0) {
    throw refuse(
      "VERIFY_ANCHOR_HEADER",
      "No trusted validator sealed this header: it was altered, or is of another chain.",
    );
  }
  if (counted.size < data.seals.length) {
    throw refuse(
      "VERIFY_ANCHOR_SEALS",
      "A seal of the block is damaged, stands twice, or is not a trusted validator's.",
    );
  }
  if (named.length > 0 && trusted.symmetricDifference(new Set(named)).size > 0) {
    throw refuse("VERIFY_ANCHOR_SEALS", "The block's validators are not the trusted ones: they have changed.");
  }
}

/** What committed seals are made over: 32 bytes. */
export function sealedHash(header: EvmHeader, kind: BftKind, data: BftExtraData): Uint8Array {
  const hash = headerHash(header, encodeExtraData(data, kind, "sealed"));
  // EIP-650: the block's hash and the code of a COMMIT message.
  return kind === "istanbul" ? keccak_256(concatBytes(hash, Uint8Array.of(2))) : hash;
}

// One anchor covers many entries, and recovering a key takes about a millisecond.
const recentSealers = new Map<string, string | undefined>();
const recentSealersKept = 1024;

/** The address (hexadecimal) whose key made that seal over that hash; undefined when none did. */
function recoverSealer(hash: Uint8Array, seal: Uint8Array): string | undefined {
  const name = encodeHex(hash) + encodeHex(seal);
  if (recentSealers.has(name)) return recentSealers.get(name);
  const sealer = recoverAddress(hash, seal);
  const [oldest] = recentSealers.keys();
  if (recentSealers.size >= recentSealersKept && oldest !== undefined) recentSealers.delete(oldest);
  recentSealers.set(name, sealer);
  return sealer;
}

function recoverAddress(hash: Uint8Array, seal: Uint8Array): string | undefined {
  const recovery = seal[64] ?? 2;
  if (recovery > 1) return undefined;
  try {
    const signature = secp256k1.Signature.fromBytes(seal.subarray(0, 64)).addRecoveryBit(recovery);
    // Yellow Paper §4.1: an address is the end of the hash of the uncompressed key, without its first byte.
    return encodeHex(keccak_256(signature.recoverPublicKey(hash).toBytes(false).subarray(1)).subarray(12));
  } catch {
    return undefined; // r or s out of range, or no such point
  }
}
