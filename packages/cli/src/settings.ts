/** Where a command finds things: the data folder, the notary's address, passphrases. Option, then environment, then default. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AttestryError, checkCustodyText, isAttestryError } from "@attestry/core";
import type { Form } from "@attestry/core/client";
import { fileError } from "./errors.ts";
import { homeFolder } from "./home.ts";

/** The data folder: `--data`, $ATTESTRY_DATA, or ~/.attestry. Absolute; it need not exist. @throws USAGE when there is none of them */
export function dataFolder(option: string | undefined): string {
  const folder = option ? resolve(option) : usualDataFolder();
  if (folder !== undefined) return folder;
  const message = "There is no home folder to keep data in ($HOME). Name a folder: --data DIR, or $ATTESTRY_DATA.";
  throw new AttestryError("USAGE", message);
}

/** The one without `--data`; undefined where none is named and the user has no home. */
export function usualDataFolder(): string | undefined {
  const named = process.env["ATTESTRY_DATA"];
  if (named) return resolve(named);
  const home = homeFolder();
  return home === undefined ? undefined : join(home, ".attestry");
}

/**
 * The database that several notaries share: `--database` or $ATTESTRY_DATABASE, which other users of the machine do not see in
 * its list of processes. Undefined: the data folder.
 */
export function databaseUrl(option: string | undefined): string | undefined {
  return option || process.env["ATTESTRY_DATABASE"] || undefined;
}

/** The notary's address with no slash at its end. @throws USAGE when it is not http or https, or holds a password */
export function serverUrl(option: string | undefined): string {
  const text = option || process.env["ATTESTRY_SERVER"] || "http://127.0.0.1:8080";
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new AttestryError("USAGE", `"${text}" is not a notary's address. Give one like http://127.0.0.1:8080.`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new AttestryError("USAGE", "A notary's address holds no user name or password.");
  }
  return url.href.replace(/\/+$/, "");
}

/** The address of a ledger's node: as `serverUrl`, but that it may hold a user name and password. @throws USAGE */
export function nodeUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.href.replace(/\/+$/, "");
  throw new AttestryError("USAGE", `"${text}" is not a node's address. Give one like http://127.0.0.1:8545.`);
}

export function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

/** A whole number of an option. @throws USAGE */
export function wholeNumber(text: string, name: string, min: number, max: number, or = ""): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new AttestryError(
    "USAGE",
    `${name} takes a whole number from ${min} to ${max}${or && ` or "${or}"`}, not "${text}".`,
  );
}

/** What `read` makes of what an option was given: that it cannot be read is a wrong call. @throws USAGE, and what else `read` throws */
export function optionValue<T>(option: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    return wrongValue(option)(cause);
  }
}

/** Catches what goes wrong with what an option was given, as `optionValue` does. */
export function wrongValue(option: string): (cause: unknown) => never {
  return (cause) => {
    if (!isAttestryError(cause) || !cause.code.startsWith("MALFORMED_")) throw cause;
    throw new AttestryError("USAGE", `${option}: ${cause.message}`, { cause, data: cause.data });
  };
}

/** As `wrongValue`, of what the notary refused: what is wrong with its own answers is not the caller's fault. */
export function refusedValue(option: string): (cause: unknown) => never {
  return (cause) => {
    if (!isAttestryError(cause) || cause.data["status"] !== 400) throw cause;
    return wrongValue(option)(cause);
  };
}

/** Whether statements and custody events can hold the text that an option or argument was given, if it was. @throws USAGE */
export function checkText(option: string, text: string | undefined): void {
  if (text === undefined) return;
  try {
    checkCustodyText(text, `text of ${option}`);
  } catch (cause) {
    const { message } = cause as AttestryError;
    throw new AttestryError("USAGE", `${message} It was given ${given(text)}.`, { cause });
  }
}

/** Whether the notary can take the name that an option or argument was given, if it was. @throws USAGE */
export function checkForm(option: string, text: string | undefined, form: Form): void {
  if (text === undefined || new RegExp(form.pattern, "u").test(text)) return;
  throw new AttestryError("USAGE", `${option} takes ${form.description}, not ${given(text)}.`);
}

function given(text: string): string {
  return text.length > 80 ? `${text.length} characters` : `"${text}"`;
}

/** The passphrase from a file (its one line end is not part of it) or $ATTESTRY_PASSPHRASE. @throws USAGE_PASSPHRASE, USAGE_FILE */
export function passphraseFrom(file: string | undefined): string | undefined {
  if (file === undefined) return process.env["ATTESTRY_PASSPHRASE"] || undefined;
  const text = readText(file).replace(/\r?\n$/, "");
  if (text === "") throw new AttestryError("USAGE_PASSPHRASE", `The passphrase file ${file} is empty.`);
  return text;
}

/** A small text file that the user named. @throws USAGE_FILE */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw fileError(error, path, "read");
  }
}
