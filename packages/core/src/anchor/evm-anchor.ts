/**
 * Anchor proofs of Ethereum-family ledgers: a block header, and the Merkle-Patricia proofs that lead from it to the root hash
 * that the `AttestryAnchors` contract stores for a log's origin and tree size. What it takes to check one (keccak, secp256k1)
 * is loaded by the first check, since most commands never make one.
 */
import { asArray, asBytes, asInteger, asMap, asText, type CborValue, decodeCbor, encodeCbor } from "../cose/cbor.ts";
import { AttestryError } from "../errors.ts";
import type { Checkpoint } from "../note/checkpoint.ts";
import type { BftKind } from "./extra-data.ts";

/** One checkpoint as it stands in the state of one block. */
export interface EvmAnchor {
  readonly kind: "evm";
  /** EIP-155 chain id, at least 1. */
  readonly chainId: number;
  /** Address of the contract: 20 bytes. */
  readonly contract: Uint8Array;
  /** The log's origin, as its checkpoints name it. */
  readonly origin: string;
  /** Tree size, at least 1. */
  readonly size: number;
  /** 32 bytes. */
  readonly rootHash: Uint8Array;
  /** The block's header, RLP, as it stands on the chain: a BFT header with its round and committed seals. */
  readonly header: Uint8Array;
  /** `eth_getProof`'s accountProof at that block: RLP nodes from the state root down. */
  readonly accountProof: readonly Uint8Array[];
  /** `eth_getProof`'s storageProof[0].proof for `anchorStorageSlot(origin, size)`. */
  readonly storageProof: readonly Uint8Array[];
}

/**
 * A contract on a ledger that may vouch for checkpoints. Two entries of one chain and contract are two generations, e.g. of
 * its validators: an anchor needs to hold for one of them.
 */
export interface TrustedLedger {
  readonly kind: "evm";
  /** For people. */
  readonly name: string;
  readonly chainId: number;
  /** 20 bytes. */
  readonly contract: Uint8Array;
  /** Addresses (20 bytes each) of all validators of a BFT chain at the time of the anchor. */
  readonly validators?: readonly Uint8Array[];
  /**
   * How the validators seal: QBFT of Besu and GoQuorum, Besu's IBFT 2.0 (`ibft`), GoQuorum's IBFT (`istanbul`). Told from the
   * header where it is left out.
   */
  readonly consensus?: BftKind;
  /** Hashes (32 bytes each) of blocks that are known to be on the chain. */
  readonly blockHashes?: readonly Uint8Array[];
  /** What this trust rests on, in words that end a sentence: "the trust file". */
  readonly basis: string;
}

/** What a good anchor shows. */
export interface AnchorFinding {
  /** The block's time, whole seconds since 1970: the checkpoint existed by then, as far as `finality` goes. */
  readonly time: number;
  readonly blockNumber: number;
  /** As the chain's own nodes give it: 32 bytes. */
  readonly blockHash: Uint8Array;
  /**
   * What shows that the block is on the chain: the `ledger`'s validators sealed it; or the `ledger` names its hash; or nothing.
   * `unproven` says that the proof is whole, and nothing else: anyone can make up such a block.
   */
  readonly finality: "sealed" | "pinned" | "unproven";
  /** The entry of the trust that it held for. */
  readonly ledger: TrustedLedger;
}

const code = "MALFORMED_ANCHOR";

/** Bounds on untrusted proofs, far above what chains make: a state trie of 10^12 accounts has 12 levels. */
const maxNodes = 64;
const maxNodeLength = 1024;
const maxHeaderLength = 32_768;

const members = [
  "kind",
  "chain-id",
  "contract",
  "origin",
  "size",
  "root-hash",
  "header",
  "account-proof",
  "storage-proof",
];

/** Deterministic CBOR: a map with a text key for each member. @throws MALFORMED_ANCHOR for what `parseEvmAnchor` refuses */
export function encodeEvmAnchor(anchor: EvmAnchor): Uint8Array {
  const values: CborValue[] = [
    anchor.kind,
    anchor.chainId,
    anchor.contract,
    anchor.origin,
    anchor.size,
    anchor.rootHash,
    anchor.header,
    [...anchor.accountProof],
    [...anchor.storageProof],
  ];
  const bytes = encodeCbor(new Map(members.map((member, at) => [member, values[at] ?? null])));
  parseEvmAnchor(bytes);
  return bytes;
}

/** Reads an anchor proof strictly; checks nothing of what it proves. @throws MALFORMED_ANCHOR */
export function parseEvmAnchor(bytes: Uint8Array): EvmAnchor {
  const map = asMap(decodeCbor(bytes, { code }), "The anchor", code);
  if (map.get("kind") !== "evm") throw new AttestryError(code, "The anchor is not of an Ethereum-family ledger.");
  if (map.size !== members.length || !members.every((member) => map.has(member))) {
    throw new AttestryError(code, `The members of an anchor are ${members.join(", ")}.`);
  }
  return {
    kind: "evm",
    chainId: asInteger(map.get("chain-id"), "The chain id", code, 1),
    contract: asBytes(map.get("contract"), "The contract's address", code, 20),
    origin: asText(map.get("origin"), "The origin", code),
    size: asInteger(map.get("size"), "The tree size", code, 1),
    rootHash: asBytes(map.get("root-hash"), "The root hash", code, 32),
    header: asBounded(map.get("header"), "The header", maxHeaderLength),
    accountProof: asNodes(map.get("account-proof"), "The account proof"),
    storageProof: asNodes(map.get("storage-proof"), "The storage proof"),
  };
}

function asNodes(value: CborValue | undefined, what: string): Uint8Array[] {
  const nodes = asArray(value, what, code);
  if (nodes.length > maxNodes) throw new AttestryError(code, `${what} has more than ${maxNodes} nodes.`);
  return nodes.map((node) => asBounded(node, `A node of ${what.toLowerCase()}`, maxNodeLength));
}

function asBounded(value: CborValue | undefined, what: string, most: number): Uint8Array {
  const bytes = asBytes(value, what, code);
  if (bytes.length <= most) return bytes;
  throw new AttestryError(code, `${what} has more than ${most} bytes.`);
}

/**
 * Checks that the anchor is of that checkpoint, on a ledger that is trusted, in a block that the trust shows to be on it, and
 * that both proofs lead from the block to the root hash.
 * @throws VERIFY_ANCHOR_CHECKPOINT, VERIFY_ANCHOR_LEDGER, VERIFY_ANCHOR_HEADER, VERIFY_ANCHOR_SEALS, VERIFY_ANCHOR_ACCOUNT,
 *   VERIFY_ANCHOR_STORAGE: the first of them, in this order, that does not hold
 */
export async function checkEvmAnchor(
  anchor: EvmAnchor,
  checkpoint: Pick<Checkpoint, "origin" | "size" | "rootHash">,
  ledgers: readonly TrustedLedger[],
): Promise<AnchorFinding> {
  return (await import("./evm-check.ts")).checkEvmAnchor(anchor, checkpoint, ledgers);
}

/** Where the contract stores the root hash of that origin and tree size: 32 bytes. */
export async function anchorStorageSlot(origin: string, size: number): Promise<Uint8Array> {
  return (await import("./evm-check.ts")).anchorStorageSlot(origin, size);
}
