/**
 * Since when can the statement exist? It quotes a checkpoint's root hash, and nobody knows a root hash before its tree exists: so it
 * was signed after the log made that tree, by whatever clock. A statement that quotes a tree of the future cannot be made by
 * waiting or guessing, only by forging SHA-256.
 *
 * When the tree was made is another matter, and only the log can say: its own timestamped signature (ML-DSA-44, C2SP
 * tlog-cosignature) does. A cosignature, an anchor or a time stamp shows that the tree existed *by* a time and says nothing of
 * when it began to, as a log may keep a tree back before it shows it. So no quorum of witnesses makes this bound independent or
 * later; one that saw the tree earlier than the log says makes it earlier.
 */
import { encodeHex, equalBytes } from "../bytes.ts";
import { AttestryError } from "../errors.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { checkNote, type Note, parseNote } from "../note/note.ts";
import type { ProofFile } from "../statement/proof-file.ts";
import type { QuotedCheckpoint } from "../statement/statement.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import type { Check, TimeBound } from "./report.ts";
import { type Finding, isoTime, step } from "./step.ts";
import { knownSigners, missing, signatureAs } from "./tree.ts";

/** Seconds that honest clocks may differ by. */
export const clocksDiffer = 300;

export interface NotBeforeFinding {
  /** None when the statement quotes no checkpoint. */
  readonly checks: readonly Check[];
  readonly notBefore: TimeBound | undefined;
}

/** `notAfter`: the proven time by which the entry existed. */
export async function examineNotBefore(
  { statement: { after }, evidence }: ProofFile,
  trust: Trust,
  notAfter: TimeBound | undefined,
): Promise<NotBeforeFinding> {
  if (after === undefined) return { checks: [], notBefore: undefined };
  let notBefore: TimeBound | undefined;
  const check = await step("not_before", "nothing", async () => {
    const quotes = `it quotes entry count ${after.size} of the log ${after.origin}`;
    const open = (why: string): Finding => ({
      ...missing(`When it was signed at the earliest is open: ${quotes}, ${why}.`),
    });
    if (evidence.checkpointAfter === undefined) return open("and that checkpoint did not come along");
    const note = readNote(evidence.checkpointAfter, after);
    const log = signingLog(note, after, trust);
    if (log === undefined) return open("and nothing that is trusted vouches for the keys that signed it");
    const made = await timeOf(note, log, trust);
    if (made === undefined) return open("and that log states no time");
    const time = withinReach(made, notAfter);
    const basis = `the own clock of the log ${log.origin}`;
    notBefore = { time, basis, source: "log", names: [log.origin], independent: false };
    const facts = { origin: after.origin, size: after.size, time };
    return { detail: `Signed after ${isoTime(time)}, because ${quotes}.`, trust: `${basis} (${log.basis})`, facts };
  });
  return { checks: [check], notBefore };
}

/** @throws VERIFY_AFTER when it is of another tree than the quoted one, MALFORMED_NOTE, MALFORMED_CHECKPOINT */
function readNote(bytes: Uint8Array, after: QuotedCheckpoint): Note {
  const note = parseNote(bytes);
  const { origin, size, rootHash } = parseCheckpoint(note.text);
  if (origin === after.origin && size === after.size && equalBytes(rootHash, after.rootHash)) return note;
  const data = { quoted: { ...after, rootHash: encodeHex(after.rootHash) }, found: note.text };
  throw new AttestryError("VERIFY_AFTER", "The checkpoint that came along is not the one that the statement quotes.", {
    data,
  });
}

/** The generation of the log's keys that all signed the note; none when no trusted key did. @throws VERIFY_AFTER when one is missing */
function signingLog(note: Note, { origin }: QuotedCheckpoint, trust: Trust): TrustedLog | undefined {
  const generations = trust.logs.filter((log) => log.origin === origin);
  const signers = ({ verifierKeys }: TrustedLog): number => knownSigners(note, verifierKeys).length;
  const log = generations.find((one) => signers(one) === one.verifierKeys.length);
  if (log === undefined && generations.some((one) => signers(one) > 0))
    throw new AttestryError("VERIFY_AFTER", "A signature of the log is missing on the quoted checkpoint.");
  return log;
}

/** When the log says that it made the tree, or a trusted witness saw it before. @throws VERIFY_AFTER */
async function timeOf(note: Note, log: TrustedLog, { witnesses }: Trust): Promise<number | undefined> {
  const keys = [...log.verifierKeys, ...witnesses];
  const { cosignatures } = await checkNote(note, keys).catch(signatureAs("VERIFY_AFTER"));
  const isOwn = cosignatures.some(({ key }) => log.verifierKeys.includes(key));
  return isOwn ? Math.min(...cosignatures.map(({ timestamp }) => timestamp)) : undefined;
}

/** The bound, and at the latest the proven time: their clocks may be two. @throws VERIFY_AFTER when they contradict each other */
function withinReach(time: number, notAfter: TimeBound | undefined): number {
  if (notAfter === undefined || time <= notAfter.time) return time;
  if (time <= notAfter.time + clocksDiffer) return notAfter.time;
  const message = `It quotes a checkpoint of ${isoTime(time)}, and is said to have existed by ${isoTime(notAfter.time)}.`;
  throw new AttestryError("VERIFY_AFTER", message, { data: { notBefore: time, notAfter: notAfter.time } });
}
