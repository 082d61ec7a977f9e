/** For tests: an Ethereum-family ledger in memory whose blocks hold anchored checkpoints, sealed by validators whose keys are known. */
import { createMerkleProof, createMPT, type MerklePatriciaTrie } from "@ethereumjs/mpt";
import { secp256k1 } from "@noble/curves/secp256k1.js";
import { keccak_256 } from "@noble/hashes/sha3.js";
import { sealedHash } from "../src/anchor/bft.ts";
import { type BftExtraData, type BftKind, encodeExtraData } from "../src/anchor/extra-data.ts";
import { parseHeader } from "../src/anchor/header.ts";
import { encodeRlp, encodeScalar, type RlpItem } from "../src/anchor/rlp.ts";
import { anchorStorageSlot, type Checkpoint, concatBytes, type EvmAnchor, type TrustedLedger } from "../src/index.ts";

/** The n-th validator's secret key, from 0. */
export function validatorKey(n: number): Uint8Array {
  return new Uint8Array(32).fill(n + 1);
}

export function addressOf(secretKey: Uint8Array): Uint8Array {
  return keccak_256(secp256k1.getPublicKey(secretKey, false).subarray(1)).slice(12);
}

/** A committed seal: r ‖ s ‖ recovery bit. */
export function signSeal(hash: Uint8Array, secretKey: Uint8Array): Uint8Array {
  const signature = secp256k1.sign(hash, secretKey, { prehash: false, format: "recovered" });
  return concatBytes(signature.subarray(1), signature.subarray(0, 1));
}

const mixHash = new TextEncoder().encode("ctical byzantine fault tolerance");

export interface TestHeader {
  readonly stateRoot?: Uint8Array;
  readonly number?: number;
  readonly time?: number;
  readonly extraData?: Uint8Array;
  readonly mixHash?: Uint8Array;
}

/** A header of 16 fields (London). */
export function encodeTestHeader(header: TestHeader = {}): Uint8Array {
  const hash = (fill: number): Uint8Array => new Uint8Array(32).fill(fill);
  const fields: RlpItem[] = [
    hash(1),
    hash(2),
    new Uint8Array(20).fill(3),
    header.stateRoot ?? hash(4),
    hash(5),
    hash(6),
    new Uint8Array(256),
    encodeScalar(1),
    encodeScalar(header.number ?? 4711),
    encodeScalar(30_000_000),
    encodeScalar(21_000),
    encodeScalar(header.time ?? 1_790_000_000),
    header.extraData ?? new Uint8Array(),
    header.mixHash ?? mixHash,
    new Uint8Array(8),
    encodeScalar(0),
  ];
  return encodeRlp(fields);
}

/** The header with those validators' list and seals in its extra data. */
export function sealHeader(
  header: TestHeader,
  kind: BftKind,
  extra: Partial<BftExtraData> & { readonly validators: readonly Uint8Array[] },
  sealers: readonly Uint8Array[],
): Uint8Array {
  const data: BftExtraData = { vanity: new Uint8Array(32), round: 0, seals: [], ...extra };
  const sealed = encodeTestHeader({ ...header, extraData: encodeExtraData(data, kind, "sealed") });
  const hash = sealedHash(parseHeader(sealed), kind, data);
  const seals = [...data.seals, ...sealers.map((key) => signSeal(hash, key))];
  return encodeTestHeader({ ...header, extraData: encodeExtraData({ ...data, seals }, kind) });
}

/** Nodes as `eth_getProof` gives them: without those that stand in their parents. */
export async function trieProof(trie: MerklePatriciaTrie, key: Uint8Array): Promise<Uint8Array[]> {
  const nodes = await createMerkleProof(trie, key);
  return nodes.filter((node, at) => at === 0 || node.length >= 32);
}

export interface TestLedger {
  /** The contract and its validators, as a trust file would name them. */
  readonly trusted: TrustedLedger;
  /** An anchor of the checkpoint in a block of its own, with as many seals as the ledger asks for. */
  anchor(checkpoint: Pick<Checkpoint, "origin" | "size" | "rootHash">, time?: number): Promise<EvmAnchor>;
}

/** A ledger of `validators` validators, of which just enough seal each block. */
export function testLedger(consensus: BftKind = "qbft", validators = 4): TestLedger {
  const keys = Array.from({ length: validators }, (_, n) => validatorKey(n));
  const contract = new Uint8Array(20).fill(0xac);
  const addresses = keys.map(addressOf);
  const trusted: TrustedLedger = {
    kind: "evm",
    name: "test ledger",
    chainId: 1337,
    contract,
    validators: addresses,
    consensus,
    basis: "the test",
  };
  return {
    trusted,
    async anchor({ origin, size, rootHash }, time = 1_790_000_000): Promise<EvmAnchor> {
      const storageKey = keccak_256(await anchorStorageSlot(origin, size));
      const storage = await fullTrie(storageKey, encodeRlp(withoutLeadingZeros(rootHash)));
      const account = encodeRlp([encodeScalar(1), encodeScalar(0), storage.root(), keccak_256(new Uint8Array(1))]);
      const state = await fullTrie(keccak_256(contract), account);
      const sealers = keys.slice(0, Math.ceil((2 * keys.length) / 3));
      return {
        kind: "evm",
        chainId: trusted.chainId,
        contract,
        origin,
        size,
        rootHash,
        header: sealHeader({ stateRoot: state.root(), time }, consensus, { validators: addresses }, sealers),
        accountProof: await trieProof(state, keccak_256(contract)),
        storageProof: await trieProof(storage, storageKey),
      };
    },
  };
}

/** A trie with that value among three hundred others. */
async function fullTrie(key: Uint8Array, value: Uint8Array): Promise<MerklePatriciaTrie> {
  const trie = await createMPT();
  for (let i = 0; i < 300; i++) await trie.put(keccak_256(encodeScalar(i)), encodeRlp(keccak_256(encodeScalar(i))));
  await trie.put(key, value);
  return trie;
}

function withoutLeadingZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(first === -1 ? bytes.length : first);
}
