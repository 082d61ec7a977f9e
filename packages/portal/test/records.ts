/** Records for the browser tests to verify: files, their entries at a real notary, and their proof files. */
import { randomBytes } from "node:crypto";
import { leafHash, parseProofFile, type Relation, type StatementClaims, sha256 } from "@attestry/core";
import { bytesOf, type Issuer, type TestServer } from "../../server/src/testing.ts";

/** As playwright takes files. */
export interface TestFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

export interface TestRecord {
  readonly index: number;
  readonly file: TestFile;
  /** As the notary gives it now. */
  readonly proof: TestFile;
  /** For a later statement about it. */
  readonly leaf: Uint8Array;
}

export interface RecordOptions {
  readonly name?: string;
  readonly content?: Uint8Array;
  readonly claims?: Partial<StatementClaims>;
  /** Instead of the server's own issuer. */
  readonly issuer?: Issuer;
}

/** Registers a file and gives it with its proof. */
export async function register(server: TestServer, options: RecordOptions = {}): Promise<TestRecord> {
  const { name = "deed.pdf", content = randomBytes(2000), claims = {}, issuer = server.issuer } = options;
  const statement = await issuer.statement({ subject: "deed 4711", digest: sha256(content), ...claims });
  const { entries } = await server.batch([statement]);
  const index = entries[0]?.get("index");
  if (typeof index !== "number") throw new Error(`not registered: ${JSON.stringify(entries)}`);
  const proof = await proofOf(server, index, name);
  const leaf = leafHash(parseProofFile(proof.buffer).statement.entry);
  return { index, file: testFile(name, content), proof, leaf };
}

export async function proofOf(server: TestServer, index: number, name: string): Promise<TestFile> {
  return testFile(`${name}.proof`, await bytesOf(await server.fetch(`/v1/entries/${index}/proof`)));
}

/** A later statement about a record. */
export function relationTo({ leaf }: TestRecord, kind: Relation["kind"], reason: string): Relation {
  return { kind, target: leaf, reason };
}

export function testFile(name: string, content: Uint8Array): TestFile {
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(content) };
}

/** The same file with one bit of one byte turned over. */
export function flipByte({ name, buffer }: TestFile, at: number): TestFile {
  const content = Uint8Array.from(buffer);
  content[at] = (content[at] ?? 0) ^ 1;
  return testFile(name, content);
}
