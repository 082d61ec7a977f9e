/** Puts together what proves an entry: its receipt with the checkpoint that is best for it, and its proof file. */
import {
  AttestryError,
  type Evidence,
  encodeProofFile,
  encodeReceipt,
  equalBytes,
  parseCheckpoint,
  parseNote,
} from "@attestry/core";
import { type FoundEntry, readEntry } from "./find.ts";
import type { HeadSigner } from "./heads.ts";
import type { Issuers } from "./issuers/issuers.ts";
import type { LogReader } from "./log/reader.ts";
import type { CurrentHead, LogStore } from "./log/store.ts";
import { targetKey } from "./look-up.ts";

export interface Prover {
  /** Bare receipts of entries in the tree of that head; the checkpoint travels apart. */
  receipts(indexes: readonly number[], head: CurrentHead): Promise<Uint8Array[]>;
  /** An entry's receipt with the checkpoint that gives it the earliest time, and the log's keys. @throws NOT_FOUND */
  receipt(index: number): Promise<Uint8Array>;
  /** As `receipt`, of a head that is at hand. */
  receiptOf(index: number, head: CurrentHead): Promise<Uint8Array>;
  /** An entry's proof file, with later statements about it. @throws NOT_FOUND */
  proofFile(index: number): Promise<Uint8Array>;
}

export interface ProverOptions {
  readonly store: LogStore;
  readonly reader: LogReader;
  readonly signer: HeadSigner;
  readonly issuers: Issuers;
  /** The tree size now. */
  readonly size: () => number;
}

/** Later statements that a proof file carries, and how many are looked at for them. */
const maxLater = 16;
const maxLaterExamined = 256;

export function createProver({ store, reader, signer, issuers, size }: ProverOptions): Prover {
  const verifierKeys = signer.verifierKeys.map(({ text }) => text);

  async function receipts(indexes: readonly number[], head: CurrentHead): Promise<Uint8Array[]> {
    const paths = await reader.inclusionPaths(indexes, head.size);
    const shared = { protectedBytes: signer.receiptHeader(head), signature: head.receiptSignature, size: head.size };
    return indexes.map((index, at) => encodeReceipt({ ...shared, index, path: paths[at] ?? [] }));
  }

  async function receiptOf(index: number, head: CurrentHead): Promise<Uint8Array> {
    return encodeReceipt({
      protectedBytes: signer.receiptHeader(head),
      signature: head.receiptSignature,
      size: head.size,
      index,
      path: await reader.inclusionPath(index, head.size),
      checkpoint: head.note,
      receiptKey: signer.receiptKey,
      verifierKeys,
    });
  }

  /** The earliest cosigned head that covers the entry, else the head that it was registered with: an early time is worth most. */
  async function headFor(index: number): Promise<CurrentHead> {
    const cosigned = await store.readCosigned(index);
    if (cosigned !== undefined) {
      const head = await store.readHeadOf(cosigned.size - 1);
      const { size, rootHash } = parseCheckpoint(parseNote(cosigned.note).text);
      if (head !== undefined && head.size === size && equalBytes(head.rootHash, rootHash)) {
        return { ...head, note: cosigned.note };
      }
      throw new AttestryError(
        "FATAL_CORRUPT",
        `The cosigned checkpoint of size ${cosigned.size} is not one of the log's.`,
      );
    }
    const head = await store.readHeadOf(index);
    if (head === undefined) throw new AttestryError("NOT_FOUND", `The log has no entry ${index}.`);
    return { ...head, note: await signer.noteOf(head) };
  }

  async function evidenceOf({ statement }: FoundEntry): Promise<Evidence> {
    const { kind, thumbprint } = statement.key;
    if (kind === "kid") {
      const enrolled = issuers.findKey(thumbprint);
      return enrolled === undefined ? {} : { coseKey: enrolled.key };
    }
    const chain = await issuers.readChain(thumbprint);
    return chain === undefined ? {} : { chain };
  }

  /** Those of the same issuer first: a stranger's many statements must not crowd out the one that counts. */
  async function findLater(entry: FoundEntry): Promise<FoundEntry[]> {
    const range = {
      from: entry.index + 1,
      to: size(),
      limit: maxLaterExamined,
      order: "descending",
    } as const;
    const indexes = await store.lookUp(targetKey(entry.leafHash), range);
    const candidates = await Promise.all(indexes.map((index) => readEntry(store, index)));
    const later = candidates.filter((found): found is FoundEntry => isAbout(found, entry));
    const isOwn = ({ statement }: FoundEntry): number => (statement.issuer === entry.statement.issuer ? 0 : 1);
    return later.sort((a, b) => isOwn(a) - isOwn(b) || b.index - a.index).slice(0, maxLater);
  }

  async function assemble(entry: FoundEntry, later: readonly Uint8Array[]): Promise<Uint8Array> {
    const [evidence, receipt] = await Promise.all([
      evidenceOf(entry),
      headFor(entry.index).then((head) => receiptOf(entry.index, head)),
    ]);
    return encodeProofFile({ statement: entry.statement, evidence, receipts: [receipt], later });
  }

  return {
    receipts,
    receiptOf,
    receipt: async (index) => receiptOf(index, await headFor(index)),

    async proofFile(index: number): Promise<Uint8Array> {
      const entry = await readEntry(store, index);
      if (entry === undefined) throw new AttestryError("NOT_FOUND", `The log has no entry ${index}.`);
      const later = await Promise.all((await findLater(entry)).map((statement) => assemble(statement, [])));
      return assemble(entry, later);
    },
  };
}

function isAbout(candidate: FoundEntry | undefined, entry: FoundEntry): boolean {
  const target = candidate?.statement.relation?.target;
  return target !== undefined && equalBytes(target, entry.leafHash);
}
