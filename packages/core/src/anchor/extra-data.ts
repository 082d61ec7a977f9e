/**
 * The extra data of BFT blocks' headers, which names the validators and bears their seals: that of QBFT (Besu, GoQuorum) and
 * IBFT 2.0 (Besu) as in Besu's `QbftExtraDataCodec` and `IbftExtraDataCodec` at 3fd224e, 2026-03-29; that of Istanbul BFT
 * (GoQuorum) as in EIP-650.
 */
import { concatBytes, equalBytes } from "../bytes.ts";
import { AttestryError, type ErrorCode } from "../errors.ts";
import { asRlpBytes, asRlpList, decodeRlp, encodeRlp, encodeScalar, type RlpItem } from "./rlp.ts";

/** QBFT; Besu's IBFT 2.0; the Istanbul BFT of GoQuorum, which calls it IBFT. */
export type BftKind = "qbft" | "ibft" | "istanbul";

export const bftKinds: readonly BftKind[] = ["qbft", "ibft", "istanbul"];

export interface BftExtraData {
  /** 32 bytes. */
  readonly vanity: Uint8Array;
  /** Addresses, 20 bytes each. Empty on a QBFT chain whose validators a contract names. */
  readonly validators: readonly Uint8Array[];
  /** Istanbul blocks have none here. */
  readonly vote?: { readonly recipient: Uint8Array; readonly add: boolean };
  /** At most 2^32 − 1; 0 in Istanbul blocks, which do not say it. */
  readonly round: number;
  /** Of Istanbul blocks: whoever made the block signed it; 65 bytes, and none in the first block. */
  readonly proposerSeal?: Uint8Array;
  /** r ‖ s ‖ recovery bit: 65 bytes each. */
  readonly seals: readonly Uint8Array[];
}

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
  if (kind === "istanbul") {
    const { vanity, validators, proposerSeal = none } = data;
    return concatBytes(vanity, encodeRlp([validators, proposerSeal, seals]));
  }
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
  const data = kind === "istanbul" ? parseIstanbul(bytes, code) : parseBesu(bytes, kind, code);
  if (!equalBytes(encodeExtraData(data, kind), bytes)) {
    throw new AttestryError(code, `The extra data is not in the encoding of ${kind.toUpperCase()}.`);
  }
  return data;
}

function parseBesu(bytes: Uint8Array, kind: BftKind, code: ErrorCode): BftExtraData {
  const [vanity, validators, vote, round, seals] = asRlpList(decodeRlp(bytes, code), "The extra data", code, 5);
  return {
    vanity: asRlpBytes(vanity, "The vanity", code, 32),
    validators: asItems(validators, "validator", code, 20),
    ...parseVote(vote, code),
    round: parseRound(round, kind, code),
    seals: asItems(seals, "seal", code, 65),
  };
}

/** EIP-650: the vanity stands before the list, as it is. */
function parseIstanbul(bytes: Uint8Array, code: ErrorCode): BftExtraData {
  const list = asRlpList(decodeRlp(bytes.subarray(32), code), "The extra data", code, 3);
  const [validators, proposerSeal, seals] = list;
  const isFirst = proposerSeal?.length === 0;
  return {
    vanity: bytes.subarray(0, 32),
    validators: asItems(validators, "validator", code, 20),
    round: 0,
    ...(isFirst ? {} : { proposerSeal: asRlpBytes(proposerSeal, "The proposer's seal", code, 65) }),
    seals: asItems(seals, "seal", code, 65),
  };
}

function asItems(list: RlpItem | undefined, what: string, code: ErrorCode, length: number): Uint8Array[] {
  return asRlpList(list, `The ${what}s`, code).map((item) => asRlpBytes(item, `A ${what}`, code, length));
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
