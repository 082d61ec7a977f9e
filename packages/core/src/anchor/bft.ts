/**
 * Blocks of QBFT (Besu, GoQuorum) and IBFT 2.0 (Besu) chains: their extra data names the validators and bears the committed
 * seals, so that a header proves itself to whoever knows the validators. As Besu encodes and hashes them
 * (`QbftExtraDataCodec`, `IbftExtraDataCodec` and `BftBlockHashing` at 3fd224e, 2026-03-29).
 */
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { encodeHex, encodeUtf8, equalBytes } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { type EvmHeader, headerHash } from "./header.ts";
import { asRlpBytes, asRlpList, decodeRlp, encodeRlp, encodeScalar, type RlpItem } from "./rlp.ts";

export type BftKind = "qbft" | "ibft";

export interface BftExtraData {
  /** 32 bytes. */
  readonly vanity: Uint8Array;
  /** Addresses, 20 bytes each. Empty on a QBFT chain whose validators a contract names. */
  readonly validators: readonly Uint8Array[];
  readonly vote?: { readonly recipient: Uint8Array; readonly add: boolean };
  /** At most 2^32 − 1. */
  readonly round: number;
  /** r ‖ s ‖ recovery bit: 65 bytes each. */
  readonly seals: readonly Uint8Array[];
}

/** The mix hash of every BFT block: the end of "Istanbul practical byzantine fault tolerance". */
const bftMixHash = encodeUtf8("ctical byzantine fault tolerance");

const none = new Uint8Array();

/**
 * `whole` is what a header holds; `sealed` is what the committed seals are over, without the seals; `hashed` is what the
 * block's own hash is over, without the seals and the round, since nodes may hold different ones of the same block.
 */
export function encodeExtraData(
  data: BftExtraData,
  kind: BftKind,
  form: "whole" | "sealed" | "hashed" = "whole",
): Uint8Array {
  const round = form === "hashed" ? 0 : data.round;
  const seals = form === "whole" ? data.seals : [];
  const items: RlpItem[] = [data.vanity, data.validators, encodeVote(data.vote, kind)];
  if (kind === "qbft") return encodeRlp([...items, encodeScalar(round), seals]);
  // IBFT 2.0 leaves out what QBFT empties.
  if (form !== "hashed") items.push(uint32(round));
  if (form === "whole") items.push(seals);
  return encodeRlp(items);
}

function encodeVote(vote: BftExtraData["vote"], kind: BftKind): RlpItem {
  if (vote === undefined) return kind === "qbft" ? [] : none;
  const drop = kind === "qbft" ? none : Uint8Array.of(0);
  return [vote.recipient, vote.add ? Uint8Array.of(0xff) : drop];
}

function uint32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}

/** Reads extra data strictly: what it accepts, `encodeExtraData` gives back unchanged. @throws the given code */
export function parseExtraData(
  bytes: Uint8Array,
  kind: BftKind,
  code: ErrorCode = "VERIFY_ANCHOR_SEALS",
): BftExtraData {
  const [vanity, validators, vote, round, seals] = asRlpList(decodeRlp(bytes, code), "The extra data", code, 5);
  const data: BftExtraData = {
    vanity: asRlpBytes(vanity, "The vanity", code, 32),
    validators: asRlpList(validators, "The validators", code).map((v) => asRlpBytes(v, "A validator", code, 20)),
    ...parseVote(vote, code),
    round: parseRound(round, kind, code),
    seals: asRlpList(seals, "The seals", code).map((seal) => asRlpBytes(seal, "A seal", code, 65)),
  };
  if (!equalBytes(encodeExtraData(data, kind), bytes)) {
    throw new AttestryError(code, `The extra data is not in the encoding of ${kind.toUpperCase()}.`);
  }
  return data;
}

function parseVote(item: RlpItem | undefined, code: ErrorCode): Pick<BftExtraData, "vote"> {
  if (item?.length === 0) return {};
  const [recipient, type] = asRlpList(item, "The vote", code, 2);
  const add = asRlpBytes(type, "The vote's type", code)[0] === 0xff;
  return { vote: { recipient: asRlpBytes(recipient, "The vote's recipient", code, 20), add } };
}

function parseRound(item: RlpItem | undefined, kind: BftKind, code: ErrorCode): number {
  const bytes = asRlpBytes(item, "The round", code, kind === "ibft" ? 4 : undefined);
  // IBFT 2.0 writes four bytes, zeros and all; whether QBFT's number has leading zeros shows when it is encoded again.
  const round = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes.length <= 4) return round;
  throw new AttestryError(code, "The round is larger than 2^32 − 1.");
}

/** Which of them the header is of, by its mix hash and extra data; undefined when of neither. */
export function bftKind(header: EvmHeader): BftKind | undefined {
  if (!equalBytes(header.mixHash, bftMixHash)) return undefined;
  return (["qbft", "ibft"] as const).find((kind) => {
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
  const sealedHash = headerHash(header, encodeExtraData(data, kind, "sealed"));
  const sealers = data.seals.map((seal) => recoverSealer(sealedHash, seal));
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
