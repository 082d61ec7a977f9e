/** A witness that listens, over a data folder of its own. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { AttestryError, encodeHex, type Signer, sha256 } from "@attestry/core";
import { pino } from "pino";
import { checkNoNotary, createDataFolder, type DataFolder } from "../data-folder.ts";
import type { HttpOptions } from "../http/fastify.ts";
import { isLoopback, listen, stop } from "../http/listen.ts";
import { openOrCreateSigner } from "../keys/file-signer.ts";
import { createWitnessApp } from "./http.ts";
import { openWitnessState, type WitnessState } from "./state.ts";
import { createWitness, type Witness } from "./witness.ts";

const keyFile = "witness-ed25519.pem";

export interface WitnessServerOptions extends HttpOptions {
  /** Data folder; made when it is not there. */
  readonly data: string;
  /** C2SP verifier keys of the logs that it cosigns for. */
  readonly logs: readonly string[];
  /** Its name in signature lines. Default: made from its key. Another name makes other verifier keys. */
  readonly name?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 8081; 0 takes a free one. */
  readonly port?: number;
  readonly passphrase?: string;
}

export interface RunningWitness {
  readonly url: string;
  readonly witness: Witness;
  close(): Promise<void>;
}

/** @throws CONFLICT_LOCKED, MALFORMED_KEY, USAGE, USAGE_FILE, USAGE_PASSPHRASE, FATAL_CORRUPT, UNAVAILABLE_STORAGE */
export async function startWitness(options: WitnessServerOptions): Promise<RunningWitness> {
  const folder = createDataFolder(options.data);
  checkNoNotary(folder);
  checkMemory(folder);
  const state = openWitnessState(folder.witness);
  try {
    return await startWith(state, options, folder);
  } catch (error) {
    state.close();
    throw error;
  }
}

/**
 * The state is made before the keys: keys without it are those of a witness that has forgotten what it cosigned, and would
 * cosign another history under the same name.
 */
function checkMemory({ keys, witness }: DataFolder): void {
  const hasKeys = existsSync(join(keys, keyFile));
  if (!hasKeys || (statSync(witness, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const message = `The witness has keys, and ${witness} with what it has cosigned is not there. Put that back from a backup, or begin in another folder, with new keys.`;
  throw new AttestryError("FATAL_CORRUPT", message, { data: { path: witness } });
}

async function startWith(
  state: WitnessState,
  options: WitnessServerOptions,
  folder: DataFolder,
): Promise<RunningWitness> {
  const { host = "127.0.0.1", port = 8081, passphrase, logger = pino({ level: "silent" }) } = options;
  const open = (file: string, algorithm: "EdDSA" | "ML-DSA-44"): Promise<Signer> =>
    openOrCreateSigner(join(folder.keys, file), { algorithm, passphrase });
  const keys = {
    ed25519: await open(keyFile, "EdDSA"),
    mlDsa44: await open("witness-mldsa44.pem", "ML-DSA-44"),
  };
  const name = options.name ?? `witness.localhost/${encodeHex(sha256(keys.ed25519.publicKey.bytes).subarray(0, 4))}`;
  const witness = createWitness({ name, keys, logs: options.logs, state });
  const rateLimit = isLoopback(host) ? undefined : { perSecond: 50, burst: 200 };
  const app = await createWitnessApp({ ...options, witness, logger, ...(rateLimit && { rateLimit }) });
  const url = await listen(app, host, port);
  logger.info({ url, name }, "witness listening");
  let closing: Promise<void> | undefined;
  return {
    url,
    witness,
    close(): Promise<void> {
      closing ??= stop(app, 5000).then(() => state.close());
      return closing;
    },
  };
}
