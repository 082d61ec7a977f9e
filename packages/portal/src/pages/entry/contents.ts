/** What a proof file holds, read for people. Nothing here judges it: that is for `verify()`. */
import {
  checkEvmAnchor,
  type EvmAnchor,
  isAttestryError,
  leafHash,
  type Note,
  parseCheckpoint,
  parseEvmAnchor,
  parseNote,
  parseProofFile,
  parseVerifierKey,
  type Receipt,
  receiptRoot,
  type Statement,
} from "@attestry/core";
import type { NotaryStatus } from "@attestry/core/client";
import { goodSignatures } from "../../cosignatures.ts";

/** All times are whole seconds of Unix time. */
export interface Contents {
  readonly statement: Statement;
  readonly leafHash: Uint8Array;
  readonly certificates: readonly CertificateContents[];
  /** The receipt that the entry was registered with, or that is worth most. */
  readonly receipt: ReceiptContents | undefined;
  readonly cosignatures: readonly CosignatureContents[];
  readonly anchors: readonly AnchorContents[];
  readonly timeStamps: readonly { readonly time: number | undefined }[];
}

export interface CertificateContents {
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface ReceiptContents {
  readonly origin: string;
  readonly size: number;
  readonly rootHash: Uint8Array | undefined;
  readonly pathLength: number;
  /** By the log's clock. */
  readonly time: number | undefined;
}

export interface CosignatureContents {
  readonly name: string;
  /** Of one that holds under a key that the notary names; undefined for another's. */
  readonly time: number | undefined;
}

export interface AnchorContents {
  readonly chainId: number;
  readonly contract: Uint8Array;
  readonly block: number;
  readonly blockHash: Uint8Array;
  readonly time: number;
}

/** @param status names the witnesses' keys @throws MALFORMED_* when it is no proof file */
export async function readContents(bytes: Uint8Array, status: NotaryStatus | undefined): Promise<Contents> {
  const { statement, evidence, receipts } = parseProofFile(bytes);
  const target = leafHash(statement.entry);
  const anchors = receipts.flatMap((receipt) => receipt.evidence.anchors ?? []);
  const tokens = receipts.flatMap((receipt) => receipt.evidence.timeStamps ?? []);
  const [receipt] = receipts;
  return {
    statement,
    leafHash: target,
    certificates: await readCertificates(evidence.chain ?? []),
    receipt: receipt && readReceipt(receipt, target),
    cosignatures: await readCosignatures(receipt?.evidence.checkpoint, status),
    anchors: (await Promise.all(anchors.map(readAnchor))).filter((anchor) => anchor !== undefined),
    timeStamps: await Promise.all(tokens.map(readTimeStamp)),
  };
}

async function readCertificates(chain: readonly Uint8Array[]): Promise<CertificateContents[]> {
  if (chain.length === 0) return [];
  const { parseCertificate } = await import("@attestry/core/x509");
  return chain.flatMap((der) => {
    const read = attempt(() => parseCertificate(der));
    return read === undefined ? [] : [read];
  });
}

function readReceipt(receipt: Receipt, target: Uint8Array): ReceiptContents {
  const { claims, size, path } = receipt;
  const rootHash = attempt(() => receiptRoot(receipt, target));
  return { origin: claims.iss ?? "", size, rootHash, pathLength: path.length, time: claims.iat };
}

async function readCosignatures(
  checkpoint: Uint8Array | undefined,
  status: NotaryStatus | undefined,
): Promise<CosignatureContents[]> {
  const note = checkpoint && attempt(() => parseNote(checkpoint));
  if (note === undefined) return [];
  return Promise.all(cosigners(note).map(async (name) => ({ name, time: await timeOf(note, name, status) })));
}

/** Those who signed beside the log, each once. */
function cosigners(note: Note): string[] {
  const origin = attempt(() => parseCheckpoint(note.text))?.origin;
  return [...new Set(note.signatures.map(({ name }) => name))].filter((name) => name !== origin);
}

async function timeOf(note: Note, name: string, status: NotaryStatus | undefined): Promise<number | undefined> {
  const texts = status?.witnesses?.find((witness) => witness.name === name)?.verifierKeys ?? [];
  const [first] = await goodSignatures(note, texts.map(parseVerifierKey));
  return first?.time;
}

async function readAnchor(bytes: Uint8Array): Promise<AnchorContents | undefined> {
  const anchor: EvmAnchor | undefined = attempt(() => parseEvmAnchor(bytes));
  if (anchor === undefined) return undefined;
  const { chainId, contract } = anchor;
  const its = { kind: "evm", name: `chain ${chainId}`, chainId, contract, basis: "nothing" } as const;
  try {
    const { blockNumber, blockHash, time } = await checkEvmAnchor(anchor, anchor, [its]);
    return { chainId, contract, block: blockNumber, blockHash, time };
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}

async function readTimeStamp(token: Uint8Array): Promise<{ readonly time: number | undefined }> {
  const { parseTimeStampToken } = await import("@attestry/core/timestamp");
  return { time: attempt(() => parseTimeStampToken(token).info.time) };
}

/** Undefined for what cannot be read: the checks say so. */
function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}
