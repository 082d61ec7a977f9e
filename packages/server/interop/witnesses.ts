/** tlog-witness both ways: a witness in Go cosigns our checkpoints, and our witness cosigns those of a Tessera log. */
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  concatBytes,
  createVerifierKey,
  encodeBase64,
  encodeHex,
  parseNote,
  publicKey,
  signatureType,
} from "@attestry/core";
import { attestry, type Notary, readCheckpoint, type WitnessHello } from "./notary.ts";
import { printed, run, start } from "./processes.ts";
import type { Report } from "./report.ts";
import type { Scene } from "./scene.ts";
import { type CommandOf, pinned, type Toolset } from "./tools.ts";

const tessera = pinned("github.com/transparency-dev/tessera");
const formats = pinned("github.com/transparency-dev/formats");
const merkle = pinned("github.com/transparency-dev/merkle");

export interface TheirWitness extends WitnessHello {
  /** Ends it, and gives the steps in which it saw the log grow, e.g. ["0 to 300", "300 to 640"]. */
  stop(): Promise<string[]>;
}

export async function startTheirWitness(commandOf: CommandOf, logKey: string): Promise<TheirWitness> {
  const started = await start([...commandOf("interop"), "witness", logKey]);
  const { url, verifierKeys } = started.hello as WitnessHello;
  return { url, verifierKeys, stop: async () => JSON.parse(await started.stop("end of input")) as string[] };
}

/** Gives up after half a minute: the checks then say what is missing. */
export async function awaitCosignatures(notary: Notary, witness: WitnessHello | undefined): Promise<void> {
  const wanted = witness?.verifierKeys.length ?? 0;
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { signatures } = parseNote(await readCheckpoint(notary.url));
    if (signatures.length >= notary.verifierKeys.length + wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function checkTheirWitness(
  report: Report,
  go: Toolset,
  { witness, size, firstSize }: Scene,
): Promise<void> {
  await report.check(`${formats}, ${merkle}`, "a witness in Go cosigns as the log grows", go, async () => {
    const steps = (await witness?.stop()) ?? [];
    const whole = steps[0] === `0 to ${firstSize}` && steps.length > 1 && steps.at(-1)?.endsWith(` to ${size}`);
    if (whole) return `sizes ${steps.join(", ")}`;
    throw new Error(`it saw sizes ${steps.join(", ")}, and not the whole way from 0 over ${firstSize} to ${size}`);
  });
}

/**
 * Tessera publishes a checkpoint only with the cosignatures that its witness policy asks for; a log that grows shows our witness
 * a consistency proof. Its policy has one key an address, so the first run asks for Ed25519 and the second for ML-DSA-44.
 */
export async function checkOurWitness(report: Report, go: Toolset, work: string): Promise<void> {
  await report.check(`${tessera} posix-oneshot`, "a Tessera log asks attestry witness", go, async (commandOf) => {
    const folder = join(work, "tessera");
    mkdirSync(folder);
    const log = makeNoteKey("tessera.interop.example");
    const witness = await start([
      attestry,
      "witness",
      "--data",
      join(folder, "witness"),
      "--port",
      "0",
      "--log",
      log.vkey,
      "--json",
    ]);
    const { url, verifierKeys } = witness.hello as WitnessHello;
    for (const [at, vkey] of verifierKeys.entries()) {
      await growTesseraLog(commandOf, folder, log.privateKey, `witness w ${vkey} ${url}\nquorum w\n`, 300);
      const { text, signatures } = parseNote(readFileSync(join(folder, "log/checkpoint")));
      if (text.split("\n")[1] !== String(300 * (at + 1)) || signatures.length !== 2)
        throw new Error(`it published ${text}`);
    }
    await witness.stop("SIGTERM");
    return "sizes 300 with an Ed25519 cosignature, 600 with an ML-DSA-44 one";
  });
}

async function growTesseraLog(
  commandOf: CommandOf,
  folder: string,
  privateKey: string,
  policy: string,
  count: number,
): Promise<void> {
  const batch = join(folder, randomUUID());
  mkdirSync(batch);
  for (let i = 0; i < count; i++) writeFileSync(join(batch, String(i)), `${batch} ${i}`);
  writeFileSync(join(folder, "policy"), policy);
  writeFileSync(join(folder, "log.key"), privateKey);
  const flags = {
    storage_dir: join(folder, "log"),
    entries: join(batch, "*"),
    private_key: join(folder, "log.key"),
    witness_policy_file: join(folder, "policy"),
    witness_timeout: "30s",
  };
  printed(
    await run([...commandOf("posix-oneshot"), ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)]),
  );
}

/** A new Ed25519 key in the form of golang.org/x/mod/sumdb/note. */
function makeNoteKey(name: string): { readonly privateKey: string; readonly vkey: string } {
  const pair = generateKeyPairSync("ed25519");
  const { d = "", x = "" } = pair.privateKey.export({ format: "jwk" });
  const { keyId, text } = createVerifierKey(
    name,
    publicKey("EdDSA", new Uint8Array(Buffer.from(x, "base64url"))),
    signatureType.ed25519,
  );
  const seed = concatBytes(Uint8Array.of(signatureType.ed25519), new Uint8Array(Buffer.from(d, "base64url")));
  return { privateKey: `PRIVATE+KEY+${name}+${encodeHex(keyId)}+${encodeBase64(seed)}`, vkey: text };
}
