/**
 * What this browser trusts, kept on the device: the keys of notaries as they were at first contact, and a trust file where its
 * reader installed one. A noted key is never replaced by another; only a person forgets it.
 */
import type { LogKeys, Pin, TrustInput } from "./question.ts";

const pinsKey = "attestry.known-logs";
const fileKey = "attestry.trust-file";

export interface TrustFile {
  readonly name: string;
  readonly text: string;
  /** Origins of the logs that it names. */
  readonly logs: readonly string[];
}

export function loadPins(): readonly Pin[] {
  return load<Pin[]>(pinsKey, (value) => Array.isArray(value) && value.every(isPin)) ?? [];
}

/** Notes the keys unless their origin has some. */
export function notePin({ origin, verifierKeys, receiptKey }: LogKeys): void {
  const pins = loadPins();
  const pin = { origin, verifierKeys, receiptKey, firstSeen: new Date().toISOString() };
  if (isPin(pin) && !pins.some((known) => known.origin === origin)) save(pinsKey, [...pins, pin]);
}

export function forgetPin(origin: string): void {
  save(
    pinsKey,
    loadPins().filter((pin) => pin.origin !== origin),
  );
}

export function loadTrustFile(): TrustFile | undefined {
  return load<TrustFile>(fileKey, isTrustFile);
}

/** False when this browser keeps nothing. */
export function installTrustFile(file: TrustFile): boolean {
  return save(fileKey, file);
}

export function removeTrustFile(): void {
  try {
    localStorage.removeItem(fileKey);
  } catch {
    // what could not be kept is not there either
  }
}

export function trustInput(): TrustInput {
  const file = loadTrustFile();
  return { pins: loadPins(), ...(file && { file: file.text }) };
}

function load<Value>(key: string, isValid: (value: unknown) => boolean): Value | undefined {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return isValid(value) ? (value as Value) : undefined;
  } catch {
    return undefined;
  }
}

function save(key: string, value: unknown): boolean {
  try {
    localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

function isPin(value: unknown): value is Pin {
  const { origin, verifierKeys, receiptKey, firstSeen } = (value ?? {}) as Partial<Record<keyof Pin, unknown>>;
  const texts = [origin, receiptKey, firstSeen].every((text) => typeof text === "string" && text !== "");
  return texts && Array.isArray(verifierKeys) && verifierKeys.every((key) => typeof key === "string");
}

function isTrustFile(value: unknown): value is TrustFile {
  const { name, text, logs } = (value ?? {}) as Partial<Record<keyof TrustFile, unknown>>;
  return typeof name === "string" && typeof text === "string" && Array.isArray(logs);
}
