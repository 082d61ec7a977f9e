/** Checks anchor proofs of Ethereum-family ledgers, offline; `evm-anchor.ts` loads this when it is first needed. */
import { keccak_256 } from "@noble/hashes/sha3.js";
import { concatBytes, encodeHex, encodeUtf8, equalBytes } from "../bytes.ts";
import { sha256 } from "../crypto/index.ts";
import { AttestryError, isAttestryError } from "../errors.ts";
import type { Checkpoint } from "../note/checkpoint.ts";
import { bftKind, blockHash, checkSeals } from "./bft.ts";
import type { AnchorFinding, EvmAnchor, TrustedLedger } from "./evm-anchor.ts";
import { type EvmHeader, parseHeader } from "./header.ts";
import { checkTrieProof } from "./mpt.ts";
import { asRlpBytes, asRlpList, asRlpScalar, decodeRlp, encodeScalar } from "./rlp.ts";

/** As `checkEvmAnchor` of `evm-anchor.ts` says. */
export function checkEvmAnchor(
  anchor: EvmAnchor,
  checkpoint: Pick<Checkpoint, "origin" | "size" | "rootHash">,
  ledgers: readonly TrustedLedger[],
): AnchorFinding {
  checkSameCheckpoint(anchor, checkpoint);
  const trusted = trustedLedgers(anchor, ledgers);
  const header = parseHeader(anchor.header);
  const hash = blockHash(header);
  const { ledger, finality } = checkBlock(header, hash, trusted);
  checkStorage(anchor, checkAccount(anchor, header));
  if (finality === "unproven") checkNotElsewhere(anchor, header, hash, ledgers);
  return { time: header.time, blockNumber: header.number, blockHash: hash, finality, ledger };
}

function checkSameCheckpoint(
  { origin, size, rootHash }: EvmAnchor,
  checkpoint: Pick<Checkpoint, "origin" | "size" | "rootHash">,
): void {
  if (origin === checkpoint.origin && size === checkpoint.size && equalBytes(rootHash, checkpoint.rootHash)) return;
  const data = {
    anchor: { origin, size, rootHash: encodeHex(rootHash) },
    checkpoint: { ...checkpoint, rootHash: encodeHex(checkpoint.rootHash) },
  };
  throw new AttestryError("VERIFY_ANCHOR_CHECKPOINT", undefined, { data });
}

function trustedLedgers(anchor: EvmAnchor, ledgers: readonly TrustedLedger[]): readonly TrustedLedger[] {
  const { kind, chainId, contract } = anchor;
  const trusted = ledgers.filter(
    (ledger) => ledger.kind === kind && ledger.chainId === chainId && equalBytes(ledger.contract, contract),
  );
  if (trusted.length > 0) return trusted;
  throw new AttestryError("VERIFY_ANCHOR_LEDGER", undefined, { data: { chainId, contract: encodeHex(contract) } });
}

/** The first of the ledgers that shows the block to be on it; else the first refusal; else that none can tell. */
function checkBlock(
  header: EvmHeader,
  hash: Uint8Array,
  ledgers: readonly TrustedLedger[],
): Pick<AnchorFinding, "ledger" | "finality"> {
  let unproven: TrustedLedger | undefined;
  let refusal: unknown;
  for (const ledger of ledgers) {
    try {
      const finality = proveBlock(header, hash, ledger);
      if (finality !== "unproven") return { ledger, finality };
      unproven ??= ledger;
    } catch (error) {
      refusal ??= error;
    }
  }
  if (refusal !== undefined || unproven === undefined) throw refusal;
  return { ledger: unproven, finality: "unproven" };
}

/**
 * A block does not hold its chain's id, so an anchor could name any. It is refused when a trusted ledger with the same contract
 * shows that the block is one of its own.
 */
function checkNotElsewhere(
  { chainId, contract }: EvmAnchor,
  header: EvmHeader,
  hash: Uint8Array,
  ledgers: readonly TrustedLedger[],
): void {
  const owner = ledgers.find(
    (ledger) => ledger.chainId !== chainId && equalBytes(ledger.contract, contract) && isBlockOf(header, hash, ledger),
  );
  if (owner === undefined) return;
  const message = `The anchor says chain ${chainId}; its block is of ${owner.name}, chain ${owner.chainId}, by ${owner.basis}.`;
  const data = { chainId, contract: encodeHex(contract), found: owner.chainId };
  throw new AttestryError("VERIFY_ANCHOR_LEDGER", message, { data });
}

function isBlockOf(header: EvmHeader, hash: Uint8Array, ledger: TrustedLedger): boolean {
  try {
    return proveBlock(header, hash, ledger) !== "unproven";
  } catch (error) {
    if (isAttestryError(error)) return false;
    throw error;
  }
}

function proveBlock(header: EvmHeader, hash: Uint8Array, ledger: TrustedLedger): AnchorFinding["finality"] {
  const { validators = [], blockHashes = [] } = ledger; // an empty list trusts as little as none
  if (blockHashes.some((pinned) => equalBytes(pinned, hash))) return "pinned";
  if (validators.length > 0) {
    const kind = bftKind(header);
    if (kind === undefined) throw new AttestryError("VERIFY_ANCHOR_SEALS", "The block is not of a QBFT or IBFT chain.");
    if (ledger.consensus !== undefined && ledger.consensus !== kind) {
      const message = `The block is sealed as ${kind} says; the ledger's blocks are as ${ledger.consensus} says.`;
      throw new AttestryError("VERIFY_ANCHOR_SEALS", message);
    }
    checkSeals(header, validators, kind);
    return "sealed";
  }
  if (blockHashes.length === 0) return "unproven";
  const data = { blockNumber: header.number, expected: blockHashes.map(encodeHex), found: encodeHex(hash) };
  throw new AttestryError("VERIFY_ANCHOR_HEADER", undefined, { data });
}

/** The contract's storage root in that block. An account is [nonce, balance, storage root, code hash] (Yellow Paper §4.1). */
function checkAccount(anchor: EvmAnchor, header: EvmHeader): Uint8Array {
  const code = "VERIFY_ANCHOR_ACCOUNT";
  const key = keccak_256(anchor.contract);
  const value = checkTrieProof({ root: header.stateRoot, key, proof: anchor.accountProof }, code);
  if (value === undefined) throw new AttestryError(code, "The contract does not exist in the anchor's block.");
  const account = asRlpList(decodeRlp(value, code), "The account", code, 4);
  return asRlpBytes(account[2], "The account's storage root", code, 32);
}

function checkStorage(anchor: EvmAnchor, storageRoot: Uint8Array): void {
  const code = "VERIFY_ANCHOR_STORAGE";
  const key = keccak_256(anchorStorageSlot(anchor.origin, anchor.size));
  const value = checkTrieProof({ root: storageRoot, key, proof: anchor.storageProof }, code);
  if (value === undefined) throw new AttestryError(code, "The contract holds no root hash for that origin and size.");
  const word = padded(asRlpScalar(decodeRlp(value, code), "The stored word", code, 32));
  if (equalBytes(word, anchor.rootHash)) return;
  const data = { expected: encodeHex(anchor.rootHash), found: encodeHex(word) };
  throw new AttestryError(code, "The contract holds another root hash for that origin and size.", { data });
}

/** Where the contract stores the root hash of that origin and tree size: `roots[sha256(origin)][size]`, 32 bytes. */
export function anchorStorageSlot(origin: string, size: number): Uint8Array {
  // Solidity, "Layout of State Variables in Storage": a mapping's value is at keccak256(key ‖ the mapping's own slot).
  const ofOrigin = keccak_256(concatBytes(sha256(encodeUtf8(origin)), storageBase()));
  return keccak_256(concatBytes(padded(encodeScalar(size)), ofOrigin));
}

/** ERC-7201: keccak256(keccak256(id) − 1) with the last byte cleared. */
function storageBase(): Uint8Array {
  const id = keccak_256(encodeUtf8("attestry.anchors.v1"));
  const less = BigInt(`0x${encodeHex(id)}`) - 1n;
  return keccak_256(Uint8Array.fromHex(less.toString(16).padStart(64, "0"))).fill(0, 31);
}

function padded(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(32);
  word.set(bytes, 32 - bytes.length);
  return word;
}
