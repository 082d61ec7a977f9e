/** Gathers the proof of an anchor: the block's header and the Merkle-Patricia proofs from its state root to the contract's storage. */
import {
  AttestryError,
  anchorStorageSlot,
  checkEvmAnchor,
  encodeEvmAnchor,
  encodeHex,
  isAttestryError,
  type TrustedLedger,
} from "@attestry/core";
import type { AnchorPlace, AnchorTarget, ProvenAnchor } from "../ledger.ts";
import { toHex } from "./contract.ts";
import { type Connection, readFinalBlock } from "./finality.ts";
import { readHeader } from "./header.ts";
import { asRecord, parseData, toQuantity } from "./rpc.ts";

/** `Ledger.collectProof`. @param name the ledger's */
export async function collectProof(
  connection: Connection,
  name: string,
  target: AnchorTarget,
  place: AnchorPlace,
): Promise<ProvenAnchor> {
  try {
    return await collectAt(connection, name, target, place.block, place.id);
  } catch (error) {
    // Nodes keep the state of a few dozen blocks only; the contract's storage holds the anchor in every later one as well.
    const final = await readFinalBlock(connection.rpc, connection.finality);
    if (!isAttestryError(error) || final === undefined || final <= place.block) throw error;
    return collectAt(connection, name, target, final);
  }
}

async function collectAt(
  { rpc, chainId, contract }: Connection,
  name: string,
  target: AnchorTarget,
  block: number,
  expectedHash?: string,
): Promise<ProvenAnchor> {
  const { origin, size, rootHash } = target;
  const slot = toHex(await anchorStorageSlot(origin, size));
  const [{ header, hash }, answer] = await Promise.all([
    readHeader(rpc, block),
    rpc.call("eth_getProof", [contract, [slot], toQuantity(block)]),
  ]);
  if (expectedHash !== undefined && encodeHex(hash) !== expectedHash) {
    throw new AttestryError("UNAVAILABLE_LEDGER", `Block ${block} was replaced meanwhile; it will be tried again.`);
  }
  const proof = asRecord(answer, "the proof");
  const [storage] = asList(proof["storageProof"]);
  const contractBytes = parseData(contract, "the contract's address");
  const anchor = {
    kind: "evm" as const,
    chainId,
    contract: contractBytes,
    origin,
    size,
    rootHash,
    header,
    accountProof: asList(proof["accountProof"]).map((node) => parseData(node, "a node of the account proof")),
    storageProof: asList(asRecord(storage, "the storage proof")["proof"]).map((node) =>
      parseData(node, "a node of the storage proof"),
    ),
  };
  const ledger: TrustedLedger = {
    kind: "evm",
    name,
    chainId,
    contract: contractBytes,
    blockHashes: [hash],
    basis: "the node",
  };
  try {
    const proof = encodeEvmAnchor(anchor);
    const { time } = await checkEvmAnchor(anchor, target, [ledger]);
    return { proof, place: { block, id: encodeHex(hash), time } };
  } catch (cause) {
    throw new AttestryError("UNAVAILABLE_LEDGER", `The node's answers for block ${block} do not prove the anchor.`, {
      cause,
    });
  }
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new AttestryError("UNAVAILABLE_LEDGER", "The node's proof is not as it should be.");
}
