/** A log for tests: small entries, real keys and signatures, and the checks that an audit takes from its caller. */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AttestryError, concatBytes, decodeUtf8, encodeHex, encodeUtf8, leafHash, sha256 } from "@attestry/core";
import { type AuditOptions, type AuditSummary, auditLog, type Finding } from "../audit.ts";
import { createSequencer, type Sequencer, type SequencerOptions } from "../sequencer.ts";
import type { AdmittedEntry, CurrentHead, Head, LogStore, SignedHead } from "../store.ts";

export const origin = "log.example/sample";

/** Makes the entry that says so: found by its name, its topic, and the issuer that all have in common. */
export function sampleEntry(name: string, issuedAt = 1_700_000_000, topic: string = name.slice(0, 1)): AdmittedEntry {
  const entry = encodeUtf8(`${issuedAt} ${topic} ${name}`);
  return { entry, leafHash: leafHash(entry), ...deriveEntry(entry) };
}

export function sampleEntries(count: number, prefix = "entry"): AdmittedEntry[] {
  return Array.from({ length: count }, (_, i) => sampleEntry(`${prefix}-${i}`, 1_700_000_000 + Math.floor(i / 7)));
}

export function lookUpKey(kind: "name" | "topic" | "issuer", value: string): Uint8Array {
  return sha256(encodeUtf8(`${kind} ${value}`)).subarray(0, 8);
}

export function deriveEntry(entry: Uint8Array): Pick<AdmittedEntry, "issuedAt" | "keys"> {
  const match = /^(\d+) (\S+) (\S+)$/.exec(decodeUtf8(entry, "MALFORMED_STATEMENT"));
  if (match === null) throw new AttestryError("MALFORMED_STATEMENT");
  const [, issuedAt, topic = "", name = ""] = match;
  const keys = concatBytes(lookUpKey("name", name), lookUpKey("topic", topic), lookUpKey("issuer", "all"));
  return { issuedAt: Number(issuedAt), keys };
}

// Fixed, so that a child process of a test signs for the same log.
const noteKey = ed25519Key(1);
const receiptKey = ed25519Key(2);

function ed25519Key(seed: number): { secret: KeyObject; open: KeyObject } {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.alloc(32, seed)]);
  const secret = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { secret, open: createPublicKey(secret) };
}

function checkpointText({ size, rootHash }: Pick<Head, "size" | "rootHash">): string {
  return `${origin}\n${size}\n${encodeHex(rootHash)}\n`;
}

function receiptText({ rootHash, time }: Head): Uint8Array {
  return encodeUtf8(`${origin} ${time} ${encodeHex(rootHash)}`);
}

export async function signHead(head: Head): Promise<Omit<CurrentHead, keyof Head>> {
  const text = checkpointText(head);
  const noteSignature = new Uint8Array(sign(null, encodeUtf8(text), noteKey.secret));
  const receiptSignature = new Uint8Array(sign(null, receiptText(head), receiptKey.secret));
  return { note: encodeUtf8(`${text}\n${encodeHex(noteSignature)}\n`), noteSignature, receiptSignature };
}

export async function checkHead(head: SignedHead): Promise<void> {
  const isSigned =
    verify(null, encodeUtf8(checkpointText(head)), noteKey.open, head.noteSignature) &&
    verify(null, receiptText(head), receiptKey.open, head.receiptSignature);
  if (!isSigned) throw new AttestryError("VERIFY_SIGNATURE");
}

export async function checkNote(note: Uint8Array): Promise<{ size: number; rootHash: Uint8Array }> {
  const match = /^(\S+\n(\d+)\n([0-9a-f]{64})\n)\n([0-9a-f]{128})\n$/.exec(decodeUtf8(note, "MALFORMED_NOTE"));
  const [, text = "", size, root = "", signature = ""] = match ?? [];
  const isSigned = match !== null && verify(null, encodeUtf8(text), noteKey.open, Buffer.from(signature, "hex"));
  if (!isSigned) throw new AttestryError("VERIFY_SIGNATURE");
  return { size: Number(size), rootHash: new Uint8Array(Buffer.from(root, "hex")) };
}

/** A clock that a test moves, beginning at an hour of 2023. */
export function testClock(): { now: number; read(): number } {
  const clock = { now: 1_700_000_000_000, read: () => clock.now };
  return clock;
}

export function openSequencer(store: LogStore, options: Partial<SequencerOptions> = {}): Promise<Sequencer> {
  return createSequencer({ store, signHead, ...options });
}

export async function collectAudit(
  store: LogStore,
  options: Partial<AuditOptions> = {},
): Promise<{ findings: Finding[]; summary: AuditSummary }> {
  const audit = auditLog({ store, deriveEntry, checkHead, checkNote, ...options });
  const findings: Finding[] = [];
  for (;;) {
    const step = await audit.next();
    if (step.done === true) return { findings, summary: step.value };
    findings.push(step.value);
  }
}

/** An empty folder that is gone when the test ends. */
export function temporaryFolder(t: { after(remove: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "attestry-log-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
