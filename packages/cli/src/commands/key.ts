/** `attestry key`: makes, takes over and lists the private keys that statements are signed with. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  AttestryError,
  encodeBase64Url,
  encodeCoseKey,
  isAttestryError,
  keyThumbprint,
  type PublicKey,
  thumbprintUri,
} from "@attestry/core";
import type { Command } from "commander";
import { examples } from "../help.ts";
import { issuerKeyPath, loadKeys } from "../identity.ts";
import { type Output, plain } from "../output.ts";
import { action, type ExitCode } from "../program.ts";
import { askNewPassphrase, askPassphrase } from "../prompt.ts";
import { dataFolder, passphraseFrom, readText, wrongValue } from "../settings.ts";

interface Options {
  readonly data?: string;
  readonly out?: string;
  readonly algorithm?: string;
  readonly passphrase: boolean;
  readonly passphraseFile?: string;
  readonly openWithFile?: string;
}

export function configure(command: Command): void {
  command.description(
    "Makes, imports and lists signing keys. They are PKCS#8 files that only you can read (mode 0600), encrypted with a " +
      "passphrase unless you say --no-passphrase.",
  );
  command.addHelpText(
    "after",
    examples(
      ["attestry key new", "your key, for notarize; asks for a passphrase"],
      ["attestry key new --no-passphrase --out device.pem", "a key for a machine that starts by itself"],
      ["attestry key import old-key.pem", "takes over a key that openssl made"],
      ["attestry key list", "the keys here, each with what an administrator needs to enrol it"],
    ),
  );
  const make = newKeyOptions(command.command("new").description("Makes a key."));
  make.option("--algorithm <name>", "ES256, ES384 or EdDSA", "ES256");
  action<Options>(make, ({ output }, options) => newKey(options, output));
  const take = newKeyOptions(command.command("import").description("Takes over a PEM private key (PKCS#8 or SEC 1)."));
  take.argument("<pem>", "the key file");
  take.option("--open-with-file <file>", "file that holds the passphrase it is encrypted with now");
  action<Options>(take, ({ output }, options, pem) => importKey(options, pem as string, output));
  const list = command.command("list").description("Lists the keys of the data folder. Opens none of them.");
  list.option("--data <dir>", "data folder (default: $ATTESTRY_DATA or ~/.attestry)");
  list.option("--json", "print one JSON object");
  action<Options>(list, ({ output }, options) => listKeys(options, output));
}

function newKeyOptions(command: Command): Command {
  return command
    .option("--out <file>", "where to write it (default: keys/issuer.pem in the data folder)")
    .option("--data <dir>", "data folder (default: $ATTESTRY_DATA or ~/.attestry)")
    .option("--passphrase-file <file>", "file that holds the passphrase (or set ATTESTRY_PASSPHRASE)")
    .option("--no-passphrase", "do not encrypt the key")
    .option("--json", "print one JSON object");
}

async function newKey(options: Options, output: Output): Promise<ExitCode> {
  const algorithm = (["ES256", "ES384", "EdDSA"] as const).find((name) => name === options.algorithm);
  if (algorithm === undefined) throw new AttestryError("USAGE", "--algorithm takes ES256, ES384 or EdDSA.");
  const path = freePath(options);
  const { createKeyFile } = await loadKeys();
  return made(path, await createKeyFile(path, { algorithm, passphrase: await newPassphrase(options, path) }), output);
}

async function importKey(options: Options, file: string, output: Output): Promise<ExitCode> {
  const path = freePath(options);
  const pem = readText(file);
  const encrypted = /ENCRYPTED/.test(pem);
  const openWith = await passphraseOf(file, encrypted, options.openWithFile);
  const passphrase = await newPassphrase(options, path);
  const { importKeyFile } = await loadKeys();
  return made(
    path,
    await importKeyFile(path, pem, { passphrase, ...(openWith === undefined ? {} : { openWith }) }).catch(
      wrongValue(file),
    ),
    output,
  );
}

async function passphraseOf(
  file: string,
  encrypted: boolean,
  passphraseFile: string | undefined,
): Promise<string | undefined> {
  if (passphraseFile !== undefined) return passphraseFrom(passphraseFile);
  return encrypted ? await askPassphrase(`Passphrase that ${file} is encrypted with now: `) : undefined;
}

function freePath(options: Options): string {
  const path = options.out ?? issuerKeyPath(dataFolder(options.data));
  if (!existsSync(path)) return path;
  throw new AttestryError(
    "CONFLICT_EXISTS",
    `${path} exists already, and a key is never overwritten. Give another place with --out.`,
  );
}

async function newPassphrase(options: Options, path: string): Promise<string | undefined> {
  if (!options.passphrase) return undefined;
  try {
    return passphraseFrom(options.passphraseFile) ?? (await askNewPassphrase(path));
  } catch (error) {
    if (!isAttestryError(error) || process.stdin.isTTY) throw error;
    throw new AttestryError(
      "USAGE_PASSPHRASE",
      `${error.message} Or say --no-passphrase to leave the key unencrypted.`,
    );
  }
}

function made(path: string, key: PublicKey, output: Output): ExitCode {
  output.value({ path, ...keyJson(key) });
  output.line(`Wrote ${plain(path)}`);
  printKey(key, output);
  return 0;
}

async function listKeys(options: Options, output: Output): Promise<ExitCode> {
  const folder = join(dataFolder(options.data), "keys");
  const { listKeyFiles } = await loadKeys();
  const keys = await listKeyFiles(folder);
  output.value({
    keys: keys.map(({ path, encrypted, publicKey }) => ({ path, encrypted, ...(publicKey && keyJson(publicKey)) })),
  });
  if (keys.length === 0) output.line(`There is no key in ${plain(folder)}. Make one: attestry key new`);
  for (const { path, encrypted, publicKey } of keys) {
    output.line(`${plain(path)} (${encrypted ? "encrypted" : "not encrypted"})`);
    if (publicKey === undefined) output.line("  holds no public key that can be read");
    else printKey(publicKey, output);
  }
  return 0;
}

function keyJson(key: PublicKey): object {
  if (key.algorithm === "ML-DSA-44") return { algorithm: key.algorithm };
  return {
    algorithm: key.algorithm,
    thumbprint: thumbprintUri(keyThumbprint(key)),
    key: encodeBase64Url(encodeCoseKey(key)),
  };
}

function printKey(key: PublicKey, output: Output): void {
  output.line(`  algorithm   ${key.algorithm}`);
  if (key.algorithm === "ML-DSA-44") return;
  output.line(`  thumbprint  ${thumbprintUri(keyThumbprint(key))}`);
  output.line(`  to enrol    attestry issuer add --key ${encodeBase64Url(encodeCoseKey(key))}`);
}
