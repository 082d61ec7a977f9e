/**
 * Logs whose keys were noted at first contact (`known-logs.json` in the data folder), for verifying without a trust file. A
 * pinned key is never replaced by another one: a log that shows up with other keys fails, until a person removes the pin.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  AttestryError,
  encodeUtf8,
  isAttestryError,
  keyThumbprint,
  parseThumbprintUri,
  parseVerifierKey,
  type Receipt,
  type TrustedLog,
  thumbprintUri,
} from "@attestry/core";
import { fileError } from "./errors.ts";
import { writeFileWhole } from "./files/write-file.ts";

/** The keys of a log, as it shows them itself or as they came with a proof. */
export interface LogKeys {
  readonly origin: string;
  /** C2SP verifier keys of its checkpoints. */
  readonly verifierKeys: readonly string[];
  /** Thumbprint URI of its receipt key. */
  readonly receiptKey: string;
}

export interface Pin extends LogKeys {
  /** ISO 8601. */
  readonly firstSeen: string;
  /** Where the keys came from, e.g. "the notary at http://127.0.0.1:8080". */
  readonly source: string;
}

export interface Pins {
  /** Where they are kept. */
  readonly path: string;
  find(origin: string): Pin | undefined;
  /** Whether these are the keys pinned for their origin; undefined when none are. */
  matches(keys: LogKeys): boolean | undefined;
  /** Pins the keys, durably, unless their origin has a pin. @throws UNAVAILABLE_STORAGE, USAGE_FILE */
  add(keys: LogKeys, source: string): void;
}

/** @throws USAGE_FILE when the file is there and cannot be used: going on without it would silently trust anew */
export function openPins(dataFolder: string): Pins {
  const path = join(dataFolder, "known-logs.json");
  let pins = readPins(path);
  const find = (origin: string): Pin | undefined => pins.find((pin) => pin.origin === origin);
  return {
    path,
    find,
    matches(keys) {
      const pin = find(keys.origin);
      return pin && sameKeys(pin, keys);
    },
    add({ origin, verifierKeys, receiptKey }, source) {
      pins = readPins(path); // another process may have pinned meanwhile
      if (find(origin) !== undefined) return;
      checkKeys({ origin, verifierKeys, receiptKey });
      pins = [...pins, { origin, verifierKeys, receiptKey, firstSeen: new Date().toISOString(), source }];
      writeFileWhole(path, encodeUtf8(`${JSON.stringify({ logs: pins }, null, 2)}\n`), { durable: true, mode: 0o600 });
    },
  };
}

/** The trust in a log whose keys were not named by a trust file; `basis` says what it rests on. @throws MALFORMED_KEY */
export function trustedLog({ origin, verifierKeys, receiptKey }: LogKeys, basis: string): TrustedLog {
  const thumbprint = parseThumbprintUri(receiptKey);
  return {
    origin,
    verifierKeys: verifierKeys.map(parseVerifierKey),
    receiptKeys: thumbprint === undefined ? [] : [thumbprint],
    basis,
  };
}

/** The keys that travel beside a receipt, unvouched for; undefined when it carries none. */
export function keysBeside(receipt: Receipt): LogKeys | undefined {
  const { receiptKey, verifierKeys = [] } = receipt.evidence;
  if (receipt.claims.iss === undefined || receiptKey === undefined || verifierKeys.length === 0) return undefined;
  return { origin: receipt.claims.iss, verifierKeys, receiptKey: thumbprintUri(keyThumbprint(receiptKey)) };
}

/** What to say when a log's keys are not the pinned ones. @param end what follows "remove that log from …" */
export function changedKeysWarning(pin: Pin, path: string, end = ", or verify with a trust file (--trust)"): string {
  return (
    `WARNING: the keys of the log ${pin.origin} are not the ones noted on ${pin.firstSeen.slice(0, 10)} (from ${pin.source}). ` +
    "Somebody may be posing as it. If its operator confirms that the keys changed, " +
    `remove that log from ${path}${end}.`
  );
}

function sameKeys(a: LogKeys, b: LogKeys): boolean {
  const [left, right] = [a.verifierKeys, b.verifierKeys].map((keys) => [...keys].sort().join("\n"));
  return a.receiptKey === b.receiptKey && left === right;
}

function checkKeys(keys: LogKeys): void {
  if (trustedLog(keys, "").receiptKeys.length === 1 && keys.verifierKeys.length > 0) return;
  throw new AttestryError("MALFORMED_KEY", `The log ${keys.origin} does not show its keys.`);
}

function readPins(path: string): readonly Pin[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw fileError(error, path, "read");
  }
  try {
    const { logs } = JSON.parse(text) as { logs: Pin[] };
    for (const pin of logs) checkKeys(pin);
    return logs;
  } catch (error) {
    const why = isAttestryError(error) ? error.message : "it is not of the expected form.";
    throw new AttestryError(
      "USAGE_FILE",
      `${path}, which holds the known logs' keys, is damaged: ${why} Repair or remove it.`,
      {
        cause: error,
      },
    );
  }
}
