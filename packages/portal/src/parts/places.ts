/** Ledgers and time stamp authorities by the names that people see. */

/** Shortens a contract's address, which has 42 characters. @param name as the notary lists it: "chain 1337 0x…", "tsa host/path", "local" */
export function placeName(name: string): string {
  return name.replace(/^tsa /, "").replace(/0x([0-9a-f]{4})[0-9a-f]{32}([0-9a-f]{4})\b/i, "0x$1…$2");
}
