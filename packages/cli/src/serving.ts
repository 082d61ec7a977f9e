/** What `up` and `witness` have in common: where they listen, their keys' passphrase, TLS and logs. */
import { AttestryError, isAttestryError } from "@attestry/core";
import type { Command } from "commander";
import { type Logger, pino, stdSerializers } from "pino";
import { createLogFile } from "./log-file.ts";
import { askPassphrase } from "./prompt.ts";
import { passphraseFrom, readText, wholeNumber } from "./settings.ts";

export interface ServingOptions {
  readonly data?: string;
  readonly host: string;
  readonly port: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly passphraseFile?: string;
  readonly passphrase: boolean;
  readonly logLevel: string;
}

/** The umask: databases hold names, tokens and records, and the data folder may be one that others can enter. */
export const ownFilesOnly = 0o077;

const levels = ["silent", "error", "warn", "info", "debug"] as const;

export function addServingOptions(command: Command, port: string): Command {
  return command
    .option("--data <dir>", "data folder (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--port <n>", "port; 0 takes a free one", port)
    .option("--host <address>", "address to listen on; 0.0.0.0 lets others in", "127.0.0.1")
    .option("--tls-cert <file>", "PEM certificate chain: serve HTTPS")
    .option("--tls-key <file>", "PEM key of that certificate")
    .option("--passphrase-file <file>", "file that holds the passphrase of the keys (or set ATTESTRY_PASSPHRASE)")
    .option("--no-passphrase", "leave the keys unencrypted although others can reach the address")
    .option("--log-level <level>", `structured log on standard error: ${levels.join(", ")}`, "warn")
    .option("--json", "print one JSON object once it listens");
}

export interface ServingSettings {
  readonly host: string;
  readonly port: number;
  readonly logger: Logger;
  readonly noPassphrase: boolean;
  readonly passphrase?: string;
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string };
}

/** @throws USAGE, USAGE_FILE, USAGE_PASSPHRASE */
export async function servingSettings(options: ServingOptions): Promise<ServingSettings> {
  const level = levels.find((name) => name === options.logLevel);
  if (level === undefined)
    throw new AttestryError("USAGE", `--log-level takes ${levels.join(", ")}, not "${options.logLevel}".`);
  const { tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new AttestryError("USAGE", "--tls-cert and --tls-key go together.");
  }
  const passphrase = options.passphrase ? passphraseFrom(options.passphraseFile) : undefined;
  return {
    host: options.host,
    port: wholeNumber(options.port, "--port", 0, 65_535),
    logger: pino({ level, serializers: { err: loggedError } }, createLogFile()),
    noPassphrase: !options.passphrase,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(tlsCert === undefined || tlsKey === undefined
      ? {}
      : { tls: { cert: readText(tlsCert), key: readText(tlsKey) } }),
  };
}

/** An error in the log. Of what cannot be had just now the stack tells nothing; the message has those of its causes. */
function loggedError(error: Error): object {
  const logged = stdSerializers.err(error);
  const isForeseen = isAttestryError(error) && error.code.startsWith("UNAVAILABLE_");
  return isForeseen ? { code: error.code, message: logged.message } : logged;
}

/** Starts with the passphrase that there is; when the keys want one and a person is there, with the one they type. */
export async function withPassphrase<Settings extends { readonly passphrase?: string }, Running>(
  settings: Settings,
  start: (settings: Settings) => Promise<Running>,
): Promise<Running> {
  try {
    return await start(settings);
  } catch (error) {
    const wanted = isAttestryError(error) && error.code === "USAGE_PASSPHRASE" && settings.passphrase === undefined;
    if (!wanted || !process.stdin.isTTY) throw error;
    return start({ ...settings, passphrase: await askPassphrase("Passphrase of the keys: ") });
  }
}
