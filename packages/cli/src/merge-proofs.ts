/** Puts what an old proof file has beside a fresh one of the same entry into the fresh one, so that nothing that was proven is lost. */
import {
  encodeHex,
  encodeProofFile,
  isAttestryError,
  type ProofFile,
  parseNote,
  parseProofFile,
  type Receipt,
  withTreeEvidence,
} from "@attestry/core";

/** What a proof file has room for: of receipts, and of later statements. */
const room = 16;

/** Both are of the same entry and hold together. The fresh one's parts come first. */
export function mergeProofs(old: ProofFile, fresh: ProofFile): Uint8Array {
  const known = new Set(fresh.receipts.flatMap(evidenceOf));
  const kept = old.receipts.filter(
    (receipt) => evidenceOf(receipt).some((piece) => !known.has(piece)) || isEarlier(receipt, fresh.receipts),
  );
  const said = new Set([...fresh.later.map(entryOf), undefined]);
  const later = old.later.filter((proof) => !said.has(entryOf(proof)));
  return encodeProofFile({
    statement: fresh.statement,
    evidence: { ...old.evidence, ...fresh.evidence },
    receipts: [...fresh.receipts, ...kept].slice(0, room).map((receipt) => withTreeEvidence(receipt, {})),
    later: [...fresh.later, ...later].slice(0, room),
  });
}

/** Whether the fresh one has anything that the old one lacks; signatures of the log itself may differ each time. */
export function hasMore(fresh: ProofFile, old: ProofFile): boolean {
  const known = new Set([...old.receipts.flatMap(evidenceOf), ...old.later.map(entryOf)]);
  if (fresh.evidence.checkpointAfter !== undefined && old.evidence.checkpointAfter === undefined) return true;
  if (fresh.receipts.some((receipt) => isEarlier(receipt, old.receipts))) return true;
  return [...fresh.receipts.flatMap(evidenceOf), ...fresh.later.map(entryOf)].some((piece) => !known.has(piece));
}

/** What vouches for a receipt's tree beside the log itself, a text for each piece: anchors, time stamps, cosignatures. */
function evidenceOf({ evidence, claims }: Receipt): string[] {
  const { anchors = [], timeStamps = [], checkpoint } = evidence;
  const signatures = checkpoint === undefined ? [] : parseNote(checkpoint).signatures;
  const cosignatures = signatures.filter(({ name }) => name !== claims.iss);
  return [
    ...[...anchors, ...timeStamps].map(encodeHex),
    ...cosignatures.map(({ name, keyId, signature }) => `${name} ${encodeHex(keyId)} ${encodeHex(signature)}`),
  ];
}

/** Whether a log's own clock says there an earlier time than in all of the others. */
function isEarlier({ claims }: Receipt, others: readonly Receipt[]): boolean {
  const { iss, iat = Number.POSITIVE_INFINITY } = claims;
  return others.every((other) => other.claims.iss !== iss || iat < (other.claims.iat ?? Number.POSITIVE_INFINITY));
}

/** Undefined when it cannot be read: then it counts for nothing. */
function entryOf(proof: Uint8Array): string | undefined {
  try {
    return encodeHex(parseProofFile(proof).statement.entry);
  } catch (error) {
    if (isAttestryError(error)) return undefined;
    throw error;
  }
}
