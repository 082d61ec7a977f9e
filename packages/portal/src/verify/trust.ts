/** From what the browser has noted, or a trust file says, to what `verify()` relies on. */
import {
  AttestryError,
  emptyTrust,
  isAttestryError,
  parseThumbprintUri,
  parseTrustFile,
  parseVerifierKey,
  type Trust,
  type TrustedLog,
} from "@attestry/core";
import { showsTrustedKeys } from "@attestry/core/client";
import type { LogKeys, Pin, TrustInput } from "./question.ts";

/** @throws MALFORMED_TRUST_FILE */
export function trustFrom({ file, pins }: TrustInput): Trust {
  if (file !== undefined) return parseTrustFile(file);
  return { ...emptyTrust, logs: pins.flatMap(trustedLog) };
}

/** Keys that cannot be read vouch for nothing. */
function trustedLog({ origin, verifierKeys, receiptKey, firstSeen }: Pin): TrustedLog[] {
  try {
    const thumbprint = parseThumbprintUri(receiptKey);
    if (thumbprint === undefined || verifierKeys.length === 0) throw new AttestryError("MALFORMED_KEY");
    const basis = `the log's keys as this browser noted them on ${firstSeen.slice(0, 10)}`;
    return [{ origin, verifierKeys: verifierKeys.map(parseVerifierKey), receiptKeys: [thumbprint], basis }];
  } catch (error) {
    if (isAttestryError(error)) return [];
    throw error;
  }
}

/** Nothing is to be sent to who shows other keys for a log than those that are relied on. @throws VERIFY_UNTRUSTED */
export function checkKeys(shown: LogKeys, trust: Trust): void {
  if (!showsTrustedKeys(shown, trust)) throw new AttestryError("VERIFY_UNTRUSTED");
}

export function sameKeys(a: LogKeys, b: LogKeys): boolean {
  const sorted = ({ verifierKeys }: LogKeys): string => [...verifierKeys].sort().join("\n");
  return a.origin === b.origin && a.receiptKey === b.receiptKey && sorted(a) === sorted(b);
}
