/** `attestry inspect`: everything a proof file says, in words. Reads it; verifies nothing. */
import { X509Certificate } from "node:crypto";
import {
  type AttestryError,
  checkEvmAnchor,
  encodeHex,
  isAttestryError,
  keyThumbprint,
  leafHash,
  type Note,
  type ProofFile,
  parseEvmAnchor,
  parseNote,
  parseProofFile,
  type Receipt,
  type TrustedLedger,
  thumbprintUri,
} from "@attestry/core";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { type Output, plain } from "../output.ts";
import { action, type ExitCode } from "../program.ts";
import { readProof } from "../proof.ts";
import { iso, when } from "../report-text.ts";

export function configure(command: Command): void {
  command
    .description("Shows everything that a proof file says. Nothing in it is checked here: that is what verify is for.")
    .argument("<proof>", "the proof file, or the file that it stands beside")
    .option("--json", "print one JSON object")
    .addHelpText(
      "after",
      examples(
        ["attestry inspect deed.pdf.proof", "who, what, when, and in which log"],
        ["attestry inspect deed.pdf --json", "the same for a script"],
      ),
    );
  action(command, async ({ output }, _options, path) => inspect(path as string, output));
}

async function inspect(path: string, output: Output): Promise<ExitCode> {
  const proof = await describe(readProof(path));
  output.value(proof);
  for (const line of lines(proof)) output.line(line);
  output.line("\nThis is what the proof says. Whether it holds: attestry verify FILE");
  return 0;
}

type Value = string | number | boolean | { readonly [name: string]: Value } | readonly Value[];

/** The proof as one JSON value; the words for people are made from it, so that neither says more than the other. */
async function describe({ statement, evidence, receipts, later }: ProofFile): Promise<Record<string, Value>> {
  const { contentType, relation, after } = statement;
  return {
    statement: {
      issuer: statement.issuer,
      subject: statement.subject,
      issuedAt: iso(statement.issuedAt),
      hash: `sha256:${encodeHex(statement.digest)}`,
      ...(contentType === undefined ? {} : { contentType }),
      ...(relation === undefined ? {} : { [relation.kind]: encodeHex(relation.target), reason: relation.reason }),
      ...(after && { signedAfter: { log: after.origin, treeSize: after.size, rootHash: encodeHex(after.rootHash) } }),
      algorithm: statement.algorithm,
      signedWith:
        statement.key.kind === "kid"
          ? thumbprintUri(statement.key.thumbprint)
          : `certificate ${encodeHex(statement.key.thumbprint)}`,
      leafHash: encodeHex(leafHash(statement.entry)),
      bytes: statement.entry.length,
    },
    ...(evidence.coseKey && { key: thumbprintUri(keyThumbprint(evidence.coseKey)) }),
    ...(evidence.chain && { certificates: evidence.chain.map(describeCertificate) }),
    ...(evidence.checkpointAfter && { checkpointAfter: describeCheckpoint(evidence.checkpointAfter) }),
    receipts: await Promise.all(receipts.map(describeReceipt)),
    later: later.map(describeLater),
  };
}

async function describeReceipt({ claims, size, index, path, algorithm, evidence }: Receipt): Promise<Value> {
  const { checkpoint, receiptKey, verifierKeys = [], anchors = [], timeStamps = [] } = evidence;
  return {
    log: claims.iss ?? "(not named)",
    index,
    treeSize: size,
    ...(claims.iat === undefined ? {} : { time: iso(claims.iat) }),
    algorithm,
    ...(receiptKey && { receiptKey: thumbprintUri(keyThumbprint(receiptKey)) }),
    verifierKeys,
    hashesInPath: path.length,
    ...(checkpoint === undefined ? {} : { checkpoint: describeCheckpoint(checkpoint) }),
    anchors: await Promise.all(anchors.map(describeAnchor)),
    timeStamps: await Promise.all(timeStamps.map(describeTimeStamp)),
  };
}

async function describeAnchor(bytes: Uint8Array): Promise<Value> {
  try {
    const anchor = parseEvmAnchor(bytes);
    const { chainId, contract } = anchor;
    const its: TrustedLedger = { kind: "evm", name: "its own", chainId, contract, basis: "nothing" };
    const { blockNumber, blockHash, time } = await checkEvmAnchor(anchor, anchor, [its]);
    const block = { block: blockNumber, blockHash: `0x${encodeHex(blockHash)}`, time: iso(time) };
    return { chainId, contract: `0x${encodeHex(contract)}`, ...block };
  } catch (error) {
    return unreadable(error);
  }
}

async function describeTimeStamp(token: Uint8Array): Promise<Value> {
  const { parseTimeStampToken } = await import("@attestry/core/timestamp");
  try {
    const { time, policy, serial } = parseTimeStampToken(token).info;
    return { time: iso(time), policy, serial };
  } catch (error) {
    return unreadable(error);
  }
}

function describeCheckpoint(bytes: Uint8Array): Value {
  let note: Note;
  try {
    note = parseNote(bytes);
  } catch (error) {
    return unreadable(error);
  }
  return {
    text: note.text.trimEnd().split("\n"),
    signatures: note.signatures.map(({ name, keyId }) => `${name} (key ${encodeHex(keyId)})`),
  };
}

function describeCertificate(der: Uint8Array): Value {
  try {
    const { subject, issuer, validFrom, validTo } = new X509Certificate(der);
    return { subject: subject.replaceAll("\n", ", "), issuer: issuer.replaceAll("\n", ", "), validFrom, validTo };
  } catch {
    return "a certificate that cannot be read";
  }
}

function describeLater(bytes: Uint8Array): Value {
  try {
    const { issuer, issuedAt, relation } = parseProofFile(bytes).statement;
    return { kind: relation?.kind ?? "(no relation)", reason: relation?.reason ?? "", issuer, issuedAt: iso(issuedAt) };
  } catch (error) {
    return unreadable(error);
  }
}

function unreadable(error: unknown): Value {
  if (!isAttestryError(error)) throw error;
  return `cannot be read: ${(error as AttestryError).message}`;
}

const labels: Readonly<Record<string, string>> = {
  issuedAt: "issued at",
  contentType: "media type",
  signedWith: "signed with",
  leafHash: "leaf hash",
  signedAfter: "signed after",
  rootHash: "root hash",
  checkpointAfter: "quoted checkpoint",
  treeSize: "tree size",
  receiptKey: "receipt key",
  verifierKeys: "verifier keys",
  hashesInPath: "hashes in path",
  timeStamps: "time stamps",
  chainId: "chain",
  blockHash: "block hash",
  validFrom: "valid from",
  validTo: "valid to",
  later: "later statements",
};

function lines(value: { readonly [name: string]: Value }, indent = ""): string[] {
  return Object.entries(value).flatMap(([name, item]) => {
    const label = `${indent}${labels[name] ?? name}`;
    if (typeof item !== "object") return [`${label.padEnd(22)} ${plain(shown(name, item))}`];
    if (!Array.isArray(item)) return [`${label}:`, ...lines(item as { [name: string]: Value }, `${indent}  `)];
    if (item.length === 0) return [`${label.padEnd(22)} none`];
    return [`${label}:`, ...item.flatMap((one: Value) => listed(one, `${indent}  `))];
  });
}

function listed(item: Value, indent: string): string[] {
  if (typeof item !== "object") return [`${indent}- ${abridged(plain(String(item)))}`];
  return lines(item as { [name: string]: Value }, `${indent}  `).map((line, at) =>
    at === 0 ? `${indent}- ${line.trimStart()}` : line,
  );
}

/** An ML-DSA key would fill the screen. */
function abridged(text: string): string {
  return text.length <= 160 ? text : `${text.slice(0, 100)}… (${text.length} characters; --json shows them)`;
}

function shown(name: string, item: string | number | boolean): string {
  const seconds = name === "issuedAt" || name === "time" ? Date.parse(String(item)) / 1000 : Number.NaN;
  return Number.isNaN(seconds) ? String(item) : when(seconds);
}
