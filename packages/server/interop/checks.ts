/** The checks of the log, of statements and receipts, and of raw signatures. */
import { createPublicKey } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import {
  concatBytes,
  decodeHex,
  encodeBase64,
  encodeUtf8,
  equalBytes,
  parseCheckpoint,
  parseNote,
  parseProofFile,
  parseVerifierKey,
} from "@attestry/core";
import { readCheckpoint } from "./notary.ts";
import { printed, run } from "./processes.ts";
import type { Report } from "./report.ts";
import type { Scene } from "./scene.ts";
import { type CommandOf, pinned, type Toolset } from "./tools.ts";

const tessera = pinned("github.com/transparency-dev/tessera");
const merkle = pinned("github.com/transparency-dev/merkle");
const formats = pinned("github.com/transparency-dev/formats");
const sumdb = `golang.org/x/${pinned("golang.org/x/mod")} sumdb/note`;

/** The log as monitors read it: C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature. */
export async function checkLog(report: Report, go: Toolset, scene: Scene): Promise<void> {
  const { notary, older, witness, size } = scene;
  const log = `${notary.url}/log/`;
  const [vkey, mlDsaVkey] = notary.verifierKeys;
  const keyFile = join(scene.work, "log.vkey");
  writeFileSync(keyFile, vkey);

  await report.check(`${tessera} fsck`, "rebuilds root and tiles from the entries", go, async (commandOf) => {
    const said = await fsck(commandOf, log, keyFile);
    const { rootHash } = parseCheckpoint(parseNote(await readCheckpoint(notary.url)).text);
    if (said.includes(`Successfully fsck'd log with size ${size} and root ${encodeBase64(rootHash)} `)) return said;
    throw new Error(said);
  });
  await report.check(`${tessera} fsck`, "refuses a tile with one byte changed", go, async (commandOf) => {
    const said = await withChangedByte(notary.url, "/log/tile/0/001", (url) => fsck(commandOf, `${url}/log/`, keyFile));
    if (said.startsWith("fsck failed: failed: tile/0/001: log has:")) return "fsck failed: tile/0/001";
    throw new Error(said);
  });
  const otherKeys = [mlDsaVkey, ...(witness?.verifierKeys ?? [])];
  await report.check(`${sumdb}, ${formats}`, "open the checkpoint with all keys", go, async (commandOf) =>
    printed(await run([...commandOf("interop"), "checkpoint", log, vkey, ...otherKeys])),
  );
  await report.check(`${merkle}, ${tessera} client`, "proofs from the tiles", go, async (commandOf) =>
    printed(await run([...commandOf("interop"), "proofs", log, vkey, ...older])),
  );
}

/** Its verdict is the last thing that it says; it exits with 0 either way. */
async function fsck(commandOf: CommandOf, log: string, keyFile: string): Promise<string> {
  const flags = ["-ui=false", "-N=4", `-storage_url=${log}`, `-public_key=${keyFile}`];
  const { stderr } = await run([...commandOf("fsck"), ...flags]);
  const lines = stderr.split("\n").map((line) => line.replace(/^[IWEF]\d{4} .*?\] /, ""));
  return (
    lines.findLast((line) => /^(Successfully|fsck failed)/.test(line)) ?? `fsck gave no verdict: ${stderr.slice(-500)}`
  );
}

/** A server of the same content, but for one byte under that path. */
async function withChangedByte<T>(url: string, path: string, use: (url: string) => Promise<T>): Promise<T> {
  const server = createServer(async (request, response) => {
    const original = await fetch(`${url}${request.url}`);
    const bytes = new Uint8Array(await original.arrayBuffer());
    if (request.url === path) bytes[100] = (bytes[100] ?? 0) ^ 1;
    response.writeHead(original.status).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Statements, receipts and proof files: COSE_Sign1, COSE receipts, SCITT transparent statements. */
export async function checkStatements(report: Report, python: Toolset, { notary, issuers }: Scene): Promise<void> {
  const scitt = pinned("scitt-cose");
  await report.check(scitt, "receipts of /entries/{id}, key of /.well-known/scitt-keys", python, async (commandOf) =>
    printed(await run([...commandOf("receipts.py"), notary.url])),
  );
  for (const [algorithm, { publicKey, folder }] of Object.entries(issuers)) {
    await report.check(pinned("pycose"), `statements signed with ${algorithm}`, python, async (commandOf) =>
      printed(await run([...commandOf("statements.py"), publicKey, folder])),
    );
    await report.check(scitt, `proof files, ${algorithm}, as transparent statements`, python, async (commandOf) =>
      printed(await run([...commandOf("proof_files.py"), notary.url, publicKey, folder])),
    );
  }
}

/** Ed25519 signatures, over the bytes that the standards say are signed. */
export async function checkSignatures(
  report: Report,
  openssl: Toolset,
  { notary, issuers, work }: Scene,
): Promise<void> {
  async function verifies(
    commandOf: CommandOf,
    keyFile: string,
    data: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean> {
    const [dataFile, signatureFile] = [join(work, "data.bin"), join(work, "signature.bin")];
    writeFileSync(dataFile, data);
    writeFileSync(signatureFile, signature);
    const files = ["-inkey", keyFile, "-in", dataFile, "-sigfile", signatureFile];
    return (await run([...commandOf("pkeyutl"), "-verify", "-pubin", "-rawin", ...files])).code === 0;
  }
  async function verdict(
    commandOf: CommandOf,
    keyFile: string,
    data: Uint8Array,
    signature: Uint8Array,
  ): Promise<string> {
    if (!(await verifies(commandOf, keyFile, data, signature))) throw new Error("the signature does not verify");
    const changed = data.map((byte, at) => (at === 20 ? byte ^ 1 : byte));
    if (await verifies(commandOf, keyFile, changed, signature)) throw new Error("it verifies over other data");
    return `${data.length} bytes, refused once one is changed`;
  }
  await report.check("openssl", "Ed25519 signature of the checkpoint", openssl, async (commandOf) => {
    const { publicKey, keyId } = parseVerifierKey(notary.verifierKeys[0]);
    const { text, signatures } = parseNote(await readCheckpoint(notary.url));
    const signature = signatures.find((one) => equalBytes(one.keyId, keyId))?.signature ?? new Uint8Array();
    const spki = concatBytes(decodeHex("302a300506032b6570032100"), publicKey.bytes); // RFC 8410 §4
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    const keyFile = join(work, "log.pub.pem");
    writeFileSync(keyFile, key.export({ format: "pem", type: "spki" }));
    return verdict(commandOf, keyFile, encodeUtf8(text), signature);
  });
  await report.check("openssl", "Ed25519 signature of a statement", openssl, async (commandOf) => {
    const { folder, publicKey } = issuers.EdDSA;
    const proof = readdirSync(folder).find((name) => name.endsWith(".proof")) ?? "none.proof";
    const { toBeSigned, signature } = parseProofFile(new Uint8Array(readFileSync(join(folder, proof)))).statement;
    return verdict(commandOf, publicKey, toBeSigned, signature);
  });
}
