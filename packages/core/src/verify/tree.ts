/**
 * Is the entry in the log's tree, and who vouches for that tree? For one receipt: the inclusion proof leads to a root, the log
 * signed that root (receipt), the log's checkpoint names the same root and size, the log is a trusted one, and enough
 * trusted witnesses have cosigned.
 */
import { encodeHex, equalBytes } from "../bytes.ts";
import { keyThumbprint } from "../cose/key.ts";
import { verifySignature } from "../crypto/index.ts";
import { AttestryError, type ErrorCode, isAttestryError } from "../errors.ts";
import { parseCheckpoint } from "../note/checkpoint.ts";
import { type Cosignature, checkNote, type Note, parseNote } from "../note/note.ts";
import { parseVerifierKey, type VerifierKey } from "../note/vkey.ts";
import { type Receipt, receiptRoot, receiptToBeSigned } from "../statement/receipt.ts";
import type { Trust, TrustedLog } from "../trust.ts";
import { type AnchorsFinding, examineAnchors } from "./anchors.ts";
import type { Check, TimeBound } from "./report.ts";
import { type Finding, mathematics, step } from "./step.ts";

export interface TreeFinding {
  readonly receipt: Receipt;
  readonly origin: string;
  readonly checks: readonly Check[];
  /** Whether the entry is in the tree of a trusted log, be it witnessed or not. */
  readonly included: boolean;
  /** Whether its witnesses have cosigned it as well: then the entry is in that log for good. */
  readonly sound: boolean;
  /** Anchors and time stamps of the receipt's checkpoint. */
  readonly anchorChecks: readonly Check[];
  /** Times by which the entry was in the tree, from others than the log; none when the tree itself is in doubt. */
  readonly times: readonly TimeBound[];
  /** The same by the log's own clock. */
  readonly ownClock: TimeBound | undefined;
}

/** Checks one receipt for the entry with that leaf hash. Never throws for what the receipt holds. */
export async function examineTree(receipt: Receipt, leafHash: Uint8Array, trust: Trust): Promise<TreeFinding> {
  const origin = receipt.claims.iss ?? "";
  const witnessed: TimeBound[] = [];
  const inclusion = await step("inclusion", mathematics, () => checkEntry(receipt, leafHash));
  const root = inclusion.status === "pass" ? receiptRoot(receipt, leafHash) : undefined;
  const note = readNote(receipt);
  const log = trustedLog(receipt, note, trust);
  // Signature checks run side by side: they are what takes the time.
  const checks = await Promise.all([
    inclusion,
    step("receipt", mathematics, () => checkReceiptSignature(receipt, root)),
    step("checkpoint", mathematics, () => checkCheckpoint(receipt, note, root, log)),
    step("log", "nothing", () => checkLog(receipt, log)),
    step("witnesses", "the trust file", () => checkWitnesses(note, trust, witnessed)),
  ]);
  const anchors = root === undefined ? nothingAnchored : await examineAnchors(receipt, root, trust);
  const passed = (check: Check): boolean => check.status === "pass";
  const included = checks.every((check) => passed(check) || check.name === "witnesses");
  return {
    receipt,
    origin,
    checks,
    included,
    sound: checks.every(passed),
    anchorChecks: anchors.checks,
    times: included ? [...witnessed, ...anchors.times] : [],
    ownClock: included ? ownClock(receipt, origin) : undefined,
  };
}

function ownClock({ claims }: Receipt, origin: string): TimeBound | undefined {
  if (claims.iat === undefined) return undefined;
  const basis = `the own clock of the log ${origin}`;
  return { time: claims.iat, basis, source: "log", names: [origin], independent: false };
}

const nothingAnchored: AnchorsFinding = { checks: [], times: [] };

function checkEntry(receipt: Receipt, leafHash: Uint8Array): Finding {
  receiptRoot(receipt, leafHash);
  const { index, size } = receipt;
  return { detail: `It is entry ${index} of a tree of ${size}.`, trust: mathematics, facts: { index, size } };
}

async function checkReceiptSignature(receipt: Receipt, root: Uint8Array | undefined): Promise<Finding> {
  if (root === undefined)
    return missing("Without an inclusion proof that holds, there is no root that could be signed.");
  const key = receipt.evidence.receiptKey;
  if (key === undefined) return missing("The log's receipt key did not come along with the receipt.");
  const thumbprint = keyThumbprint(key);
  if (receipt.claims.kid !== undefined && !equalBytes(receipt.claims.kid, thumbprint)) {
    const data = { named: encodeHex(receipt.claims.kid), found: encodeHex(thumbprint) };
    throw new AttestryError("VERIFY_KEY_MISMATCH", "The log key beside the receipt is not the one that it names.", {
      data,
    });
  }
  if (key.algorithm !== receipt.algorithm) throw new AttestryError("VERIFY_ALGORITHM");
  const message = receiptToBeSigned(receipt.protectedBytes, root);
  if (!(await verifySignature(key, message, receipt.signature))) {
    // A path or leaf that is not the tree's leads to another root, which the log never signed: the two cannot be told apart.
    const data = { root: encodeHex(root), index: receipt.index, size: receipt.size };
    throw new AttestryError("VERIFY_INCLUSION", "The log did not sign the root that the entry and its path lead to.", {
      data,
    });
  }
  return { detail: "The log signed the root that the entry's path leads to.", trust: mathematics };
}

/** The note beside the receipt; an error for one that cannot be read, so that its own check reports it. */
function readNote(receipt: Receipt): Note | AttestryError | undefined {
  if (receipt.evidence.checkpoint === undefined) return undefined;
  try {
    return parseNote(receipt.evidence.checkpoint);
  } catch (error) {
    if (error instanceof AttestryError) return error;
    throw error;
  }
}

async function checkCheckpoint(
  receipt: Receipt,
  note: Note | AttestryError | undefined,
  root: Uint8Array | undefined,
  log: TrustedLog | undefined,
): Promise<Finding> {
  if (note instanceof AttestryError) throw note;
  if (note === undefined)
    return missing("No checkpoint came along, so nothing binds the tree's size. Ask the notary for the proof again.");
  const checkpoint = parseCheckpoint(note.text);
  const same = checkpoint.size === receipt.size && checkpoint.origin === receipt.claims.iss;
  if (!same || (root !== undefined && !equalBytes(root, checkpoint.rootHash))) {
    const data = {
      checkpoint: note.text,
      receipt: { origin: receipt.claims.iss, size: receipt.size, root: root && encodeHex(root) },
    };
    throw new AttestryError("VERIFY_CHECKPOINT", undefined, { data });
  }
  const keys = log?.verifierKeys ?? (receipt.evidence.verifierKeys ?? []).map(parseVerifierKey);
  if (keys.length === 0) return missing("The log's checkpoint keys are not known.");
  const { verified } = await checkNote(note, keys).catch(signatureAs("VERIFY_CHECKPOINT"));
  const unsigned = keys.filter(({ text }) => !verified.some((key) => key.text === text));
  if (unsigned.length > 0) {
    const data = { missing: unsigned.map((key) => key.text) };
    throw new AttestryError("VERIFY_CHECKPOINT", "A signature of the log is missing on the checkpoint.", { data });
  }
  if (root === undefined) return missing("The checkpoint is signed, but the entry does not lead to it.");
  const how = verified.map((key) => key.publicKey.algorithm).join(" and ");
  return { detail: `The log signed the checkpoint of the same tree (${how}).`, trust: mathematics };
}

/** The generation of the log's keys that the receipt and its checkpoint are signed with; if none, one to say so against. */
function trustedLog(receipt: Receipt, note: Note | AttestryError | undefined, trust: Trust): TrustedLog | undefined {
  const generations = trust.logs.filter((log) => log.origin === receipt.claims.iss);
  const named = generations.filter((log) => namesReceiptKey(log, receipt));
  const signed = ({ verifierKeys }: TrustedLog): boolean =>
    knownSigners(note, verifierKeys).length === verifierKeys.length;
  return named.find(signed) ?? named[0] ?? generations[0];
}

function namesReceiptKey(log: TrustedLog, { evidence }: Receipt): boolean {
  const thumbprint = evidence.receiptKey && keyThumbprint(evidence.receiptKey);
  return thumbprint !== undefined && log.receiptKeys.some((key) => equalBytes(key, thumbprint));
}

function checkLog(receipt: Receipt, log: TrustedLog | undefined): Finding {
  const data = { origin: receipt.claims.iss, verifierKeys: receipt.evidence.verifierKeys };
  if (log === undefined) {
    throw new AttestryError("VERIFY_UNTRUSTED", `Nothing vouches for the log ${receipt.claims.iss ?? "(no name)"}.`, {
      data,
    });
  }
  if (!namesReceiptKey(log, receipt)) {
    const message = `The receipt's key is not one that ${log.basis} names for the log ${log.origin}.`;
    throw new AttestryError("VERIFY_UNTRUSTED", message, { data });
  }
  return { detail: `The log is ${log.origin}.`, trust: log.basis };
}

async function checkWitnesses(
  note: Note | AttestryError | undefined,
  trust: Trust,
  times: TimeBound[],
): Promise<Finding> {
  const { witnesses, quorum } = trust;
  if (witnesses.length === 0 && quorum === 0)
    return { detail: "No witness is asked for.", trust: "the log alone: no witness is named", facts: { quorum } };
  const known = knownSigners(note, witnesses);
  if (note === undefined || note instanceof AttestryError || known.length === 0) return cosignedBy([], trust);
  const { verified, cosignatures } = await checkNote(note, known).catch(signatureAs("VERIFY_COSIGNATURE"));
  const names = [...new Set(verified.map(({ name }) => name))];
  times.push(...quorumTime(cosignatures, quorum));
  return cosignedBy(names, trust);
}

/**
 * The time by which a quorum had cosigned. Fewer witnesses than that are not to be believed, so one of them alone does not set
 * the time, neither to an earlier one nor before the others have signed.
 */
function quorumTime(cosignatures: readonly Cosignature[], quorum: number): TimeBound[] {
  const inOrder = cosignatures.toSorted((a, b) => a.timestamp - b.timestamp);
  const votes = new Map<string, number>(); // one each, however many keys a witness has
  for (const { key, timestamp } of inOrder) if (!votes.has(key.name)) votes.set(key.name, timestamp);
  const needed = [...votes].slice(0, Math.max(quorum, 1));
  const time = needed.at(-1)?.[1];
  if (time === undefined || needed.length < quorum) return [];
  const names = needed.map(([name]) => name);
  const basis = `the witness${names.length > 1 ? "es" : ""} ${names.join(", ")}`;
  return [{ time, basis, source: "witnesses", names, independent: true }];
}

/** A note's signature that does not match, under the code that says whose it should have been. */
export function signatureAs(code: ErrorCode): (error: unknown) => never {
  return (error) => {
    if (!isAttestryError(error) || error.code !== "VERIFY_SIGNATURE") throw error;
    throw new AttestryError(code, error.message, { data: error.data });
  };
}

/** Those of the keys that a signature of the note is said to be by. */
export function knownSigners(note: Note | AttestryError | undefined, keys: readonly VerifierKey[]): VerifierKey[] {
  if (note === undefined || note instanceof AttestryError) return [];
  return keys.filter(({ name, keyId }) =>
    note.signatures.some((line) => line.name === name && equalBytes(line.keyId, keyId)),
  );
}

function cosignedBy(names: readonly string[], { quorum }: Trust): Finding {
  if (names.length < quorum)
    return missing(`${names.length} of the ${quorum} witnesses that the trust file asks for have cosigned so far.`);
  return {
    detail: `Cosigned by ${names.join(", ") || "nobody"}; ${quorum} asked for.`,
    trust: "the trust file's witnesses",
    facts: { quorum },
  };
}

export function missing(detail: string): Finding {
  return { status: "unknown", detail, trust: "nothing yet" };
}
