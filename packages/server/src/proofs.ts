/** Puts together what proves an entry: its receipt with the checkpoint that is best for it, and its proof file. */
import {
  AttestryError,
  type CborWriter,
  checkInclusion,
  type Evidence,
  encodeProofFile,
  encodeReceipt,
  entryHashes,
  equalBytes,
  type ReceiptEncoder,
  type ReceiptParts,
  receiptEncoder,
  type Statement,
  type VerifierKey,
} from "@attestry/core";
import type { Logger } from "pino";
import type { AnchoredHead } from "./anchoring/anchoring.ts";
import { type FoundEntry, readEntry } from "./find.ts";
import type { HeadSigner } from "./heads.ts";
import type { Issuers } from "./issuers/issuers.ts";
import type { LogReader } from "./log/reader.ts";
import type { CurrentHead, LogStore } from "./log/store.ts";
import { targetByKey, targetKey } from "./look-up.ts";
import { createKeptNotes } from "./witness/kept.ts";

/** Writes the receipt of the entry at a place in a list of them, as a byte string. */
export type WriteReceipt = (writer: CborWriter, at: number) => void;

export interface Prover {
  /** Bare receipts of entries in the tree of that head; the checkpoint travels apart. */
  receipts(indexes: readonly number[], head: CurrentHead): Promise<WriteReceipt>;
  /** An entry's receipt with the checkpoint that gives it the earliest time, and the log's keys. @throws NOT_FOUND, FATAL_CORRUPT */
  receipt(index: number): Promise<Uint8Array>;
  /** As `receipt`, of a head that is at hand: just registered, and not checked again. */
  receiptOf(index: number, head: CurrentHead): Promise<Uint8Array>;
  /** An entry's proof file, with later statements about it. @throws NOT_FOUND, FATAL_CORRUPT rather than give one that does not hold */
  proofFile(index: number): Promise<Uint8Array>;
}

export interface ProverOptions {
  readonly store: LogStore;
  readonly reader: LogReader;
  readonly signer: HeadSigner;
  readonly issuers: Issuers;
  /** The tree size now. */
  readonly size: () => number;
  /** The newest head that witnesses cosigned, which may not be kept yet. */
  readonly cosigned: () => CurrentHead | undefined;
  /** Heads that cover the entry and are anchored or stamped. */
  readonly anchored: (index: number) => Promise<readonly AnchoredHead[]>;
  /** Of the witnesses that are asked. */
  readonly witnessKeys: readonly VerifierKey[];
  readonly logger: Pick<Logger, "error">;
}

/** Later statements that a proof file carries. */
const maxLater = 16;

export function createProver(options: ProverOptions): Prover {
  const { store, reader, signer, issuers, size, cosigned, anchored, logger } = options;
  const verifierKeys = signer.verifierKeys.map(({ text }) => text);

  const inclusionPath = gatherPaths(reader);
  const keptNote = createKeptNotes(options);

  /** What the receipts of a head have in common. */
  function sharedBy(head: CurrentHead): Omit<ReceiptParts, "index" | "path"> {
    return { protectedBytes: signer.receiptHeader(head), signature: head.receiptSignature, size: head.size };
  }

  /** As `sharedBy`, and what makes a receipt whole. */
  function wholeOf(head: CurrentHead): Omit<ReceiptParts, "index" | "path"> {
    return { ...sharedBy(head), checkpoint: head.note, receiptKey: signer.receiptKey, verifierKeys };
  }

  async function receipts(indexes: readonly number[], head: CurrentHead): Promise<WriteReceipt> {
    const paths = await reader.inclusionPaths(indexes, head.size);
    const { write } = receiptEncoder(sharedBy(head));
    return (writer, at) => write(writer, indexes[at] as number, paths[at] as Uint8Array[]);
  }

  /** While a batch is answered one by one, the same head is asked for again and again. */
  const encoders = new WeakMap<CurrentHead, ReceiptEncoder>();

  async function receiptOf(index: number, head: CurrentHead): Promise<Uint8Array> {
    const path = await inclusionPath(index, head.size);
    const encoder = encoders.get(head) ?? receiptEncoder(wholeOf(head));
    encoders.set(head, encoder);
    return encoder.encode(index, path);
  }

  /** As `receiptOf`, of what was kept: damage to it is the notary's own fault, and nobody is to take it for the file's. */
  async function checkedReceipt(entry: FoundEntry, head: CurrentHead, vouched?: AnchoredHead): Promise<Uint8Array> {
    const { index } = entry;
    const path = await inclusionPath(index, head.size);
    try {
      checkInclusion({ index, size: head.size, leafHash: entry.leafHash, path, root: head.rootHash });
      await signer.check(head);
    } catch (cause) {
      const message = `What is kept of entry ${index} and the head of size ${head.size} does not hold. Run attestry audit.`;
      throw new AttestryError("FATAL_CORRUPT", message, { cause });
    }
    const { anchors, timeStamps } = vouched ?? {};
    return encodeReceipt({
      ...wholeOf(head),
      index,
      path,
      ...(anchors && { anchors }),
      ...(timeStamps && { timeStamps }),
    });
  }

  /** The earliest cosigned head that covers the entry, else the head that it was registered with: an early time is worth most. */
  async function headFor(index: number): Promise<CurrentHead> {
    const kept = await store.readCosigned(index);
    if (kept !== undefined && kept.size <= size()) return headOf(kept.size - 1);
    const recent = cosigned();
    return recent !== undefined && recent.size > index ? recent : headOf(index);
  }

  /** The head whose batch the entry came with; its note is the cosigned one where there is one. @throws NOT_FOUND */
  async function headOf(index: number): Promise<CurrentHead> {
    const [head, kept] = await Promise.all([store.readHeadOf(index), store.readCosigned(index)]);
    if (head === undefined) throw new AttestryError("NOT_FOUND", `The log has no entry ${index}.`);
    const note = kept?.size === head.size ? await keptNote(head, kept.note) : await signer.noteOf(head);
    return { ...head, note };
  }

  /** The receipt that `receipt` gives, and one more for each further head that is anchored or is of an earlier time. */
  async function receiptsFor(entry: FoundEntry): Promise<Uint8Array[]> {
    const { index } = entry;
    const [first, own, all] = await Promise.all([headFor(index), headOf(index), readAnchored(index)]);
    const same = all.find(({ head }) => head.size === first.size);
    const others = all.filter((one) => one !== same);
    // Whoever trusts none of the witnesses goes by the log's own clock, which a later cosignature must not set forward.
    const isEarlier = own.time < first.time && !others.some(({ head }) => head.size === own.size);
    return Promise.all([
      checkedReceipt(entry, first, same?.vouched),
      ...(isEarlier ? [checkedReceipt(entry, own)] : []),
      ...others.map(({ head, vouched }) => checkedReceipt(entry, head, vouched)),
    ]);
  }

  /** Anchors are no condition of a proof: without those that cannot be had it is as good as it was before there were any. */
  async function readAnchored(index: number): Promise<VouchedHead[]> {
    try {
      const found = (await anchored(index)).filter((vouched) => vouched.size <= size());
      const pairs = await Promise.all(
        found.map(async (vouched) => ({ vouched, head: await headOf(vouched.size - 1) })),
      );
      for (const { vouched } of pairs.filter((pair) => !isSameTree(pair)))
        logger.error({ size: vouched.size }, "what was anchored is not in the log");
      return pairs.filter(isSameTree);
    } catch (err) {
      logger.error({ err }, "the anchors cannot be read");
      return [];
    }
  }

  async function evidenceOf({ statement }: FoundEntry): Promise<Evidence> {
    const [who, checkpointAfter] = await Promise.all([keyOf(statement), quotedBy(statement)]);
    return checkpointAfter === undefined ? who : { ...who, checkpointAfter };
  }

  /** The checkpoint that the statement quotes, when it is one of this log. */
  async function quotedBy({ after }: Statement): Promise<Uint8Array | undefined> {
    if (after === undefined || after.origin !== signer.origin || after.size > size()) return undefined;
    const head = await store.readHeadOf(after.size - 1);
    if (head?.size !== after.size || !equalBytes(head.rootHash, after.rootHash)) return undefined;
    return signer.noteOf(head);
  }

  async function keyOf(statement: Statement): Promise<Evidence> {
    const { kind, thumbprint } = statement.key;
    if (kind === "kid") {
      const enrolled = issuers.findKey(thumbprint);
      return enrolled === undefined ? {} : { coseKey: enrolled.key };
    }
    const chain = await issuers.readChain(thumbprint);
    return chain === undefined ? {} : { chain };
  }

  /** Those of the same issuer first, and looked up apart: others' many statements must not crowd out the one that counts. */
  async function findLater(entry: FoundEntry): Promise<FoundEntry[]> {
    const targets = entryHashes(entry.statement);
    const found = await Promise.all([
      ...targets.map((target) => findAbout(target, targetByKey(target, entry.statement.issuer))),
      ...targets.map((target) => findAbout(target, targetKey(target))),
    ]).then((lists) => lists.flat());
    const byIndex = new Map(found.map((later) => [later.index, later]));
    return [...byIndex.values()].slice(0, maxLater);
  }

  /** The newest statements about that leaf hash which stand under a key. */
  async function findAbout(target: Uint8Array, key: Uint8Array): Promise<FoundEntry[]> {
    const indexes = await store.lookUp(key, { from: 0, to: size(), limit: maxLater, order: "descending" });
    const candidates = await Promise.all(indexes.map((index) => readEntry(store, index)));
    return candidates.filter((found): found is FoundEntry => isAbout(found, target));
  }

  async function assemble(entry: FoundEntry, later: readonly Uint8Array[]): Promise<Uint8Array> {
    const [evidence, receipts] = await Promise.all([evidenceOf(entry), receiptsFor(entry)]);
    return encodeProofFile({ statement: entry.statement, evidence, receipts, later });
  }

  async function entryAt(index: number): Promise<FoundEntry> {
    const entry = await readEntry(store, index);
    if (entry === undefined) throw new AttestryError("NOT_FOUND", `The log has no entry ${index}.`);
    return entry;
  }

  return {
    receipts,
    receiptOf,
    receipt: async (index) => checkedReceipt(await entryAt(index), await headFor(index)),

    async proofFile(index: number): Promise<Uint8Array> {
      const entry = await entryAt(index);
      const later = await Promise.all((await findLater(entry)).map((statement) => assemble(statement, [])));
      return assemble(entry, later);
    },
  };
}

interface VouchedHead {
  readonly head: CurrentHead;
  readonly vouched: AnchoredHead;
}

function isSameTree({ head, vouched }: VouchedHead): boolean {
  return head.size === vouched.size && equalBytes(head.rootHash, vouched.rootHash);
}

function isAbout(candidate: FoundEntry | undefined, target: Uint8Array): boolean {
  const relation = candidate?.statement.relation;
  return relation !== undefined && equalBytes(relation.target, target);
}

/** Paths of one tree that are asked for in one turn of the event loop are made together, since they share their nodes. */
function gatherPaths(reader: LogReader): (index: number, size: number) => Promise<Uint8Array[]> {
  interface Gathering {
    readonly indexes: number[];
    readonly paths: Promise<Uint8Array[][]>;
  }
  const gatherings = new Map<number, Gathering>();

  function gather(size: number): Gathering {
    const indexes: number[] = [];
    const paths = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      gatherings.delete(size);
      return reader.inclusionPaths(indexes, size);
    });
    const gathering = { indexes, paths };
    gatherings.set(size, gathering);
    return gathering;
  }

  return async (index, size) => {
    const { indexes, paths } = gatherings.get(size) ?? gather(size);
    const place = indexes.push(index) - 1;
    return (await paths)[place] ?? [];
  };
}
