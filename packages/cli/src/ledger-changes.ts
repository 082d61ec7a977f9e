/** What the members of a contract decide together, as users type it and as they read it before they approve it. */
import { AttestryError, keyThumbprint, type PublicKey, publicKey, thumbprintUri } from "@attestry/core";
import type { ConsortiumAction, Hex, LogKey, Proposal } from "@attestry/ledger/evm";
import { plain } from "./output.ts";
import { publicKeyFrom } from "./public-key.ts";
import { optionValue, serverUrl } from "./settings.ts";

type Evm = typeof import("@attestry/ledger/evm");

/** Which log is meant: one that a notary shows, or one that is named together with its key. */
export interface LogOptions {
  readonly notary?: string;
  readonly origin?: string;
  readonly logKey?: string;
}

export interface NamedLog {
  readonly origin: string;
  readonly publicKey: PublicKey;
}

const changes = {
  "add-member": ["a member's address"],
  "remove-member": ["a member's address"],
  "add-writer": ["a member's address", "an account's"],
  "remove-writer": ["an account's address"],
  "set-log-key": [],
} as const;

type ChangeName = keyof typeof changes;

/** @throws USAGE, and what finding the log throws */
export async function parseChange(
  evm: Evm,
  name: string,
  addresses: readonly string[],
  options: LogOptions,
): Promise<ConsortiumAction> {
  if (!isChange(name)) throw new AttestryError("USAGE", `"${name}" is no change: ${Object.keys(changes).join(", ")}.`);
  const wanted = changes[name];
  if (addresses.length !== wanted.length) {
    const takes = wanted.length === 0 ? "no address, but --notary, or --origin and --log-key" : wanted.join(" and ");
    throw new AttestryError("USAGE", `${name} takes ${takes}.`);
  }
  if (name === "set-log-key") return { kind: name, ...(await readLogKey(evm, options)) };
  const [first = "0x", second = "0x"] = addresses.map((text) => parseAddress(evm, text));
  switch (name) {
    case "add-writer":
      return { kind: name, member: first, account: second };
    case "remove-writer":
      return { kind: name, account: first };
    default:
      return { kind: name, member: first };
  }
}

function isChange(name: string): name is ChangeName {
  return Object.hasOwn(changes, name);
}

function parseAddress(evm: Evm, text: string): Hex {
  try {
    return evm.parseAddress(text);
  } catch {
    throw new AttestryError("USAGE", `"${plain(text)}" is not an address: 0x and 40 hexadecimal digits.`);
  }
}

async function readLogKey(evm: Evm, options: LogOptions): Promise<{ origin: string; key: LogKey }> {
  const { origin, publicKey } = await findLog(options);
  return { origin, key: evm.keyCoordinates({ publicKey }) };
}

/** @throws USAGE, UNAVAILABLE_SERVER */
export async function findLog({ notary, origin, logKey }: LogOptions): Promise<NamedLog> {
  if (notary !== undefined && origin === undefined && logKey === undefined) return readLog(serverUrl(notary));
  if (notary === undefined && origin !== undefined && logKey !== undefined)
    return { origin, publicKey: optionValue("--log-key", () => publicKeyFrom(logKey)) };
  throw new AttestryError("USAGE", "Say which log: --notary URL, or --origin NAME and --log-key KEY.");
}

/** The log's name and receipt key, as the notary shows them. */
export async function readLog(notary: string): Promise<NamedLog> {
  const { createNotaryClient } = await import("@attestry/core/client");
  const client = createNotaryClient({ url: notary });
  const [{ origin }, publicKey] = await Promise.all([client.status(), client.receiptKey()]);
  return { origin, publicKey };
}

/** A proposal's id. @throws USAGE */
export function parseProposalId(text: string): Hex {
  if (/^0x[0-9a-fA-F]{64}$/.test(text)) return text as Hex;
  throw new AttestryError("USAGE", `"${plain(text)}" is no proposal's id: 0x and 64 hexadecimal digits.`);
}

/** For whoever is to approve it: everything that it would change. */
export function describeChange(change: ConsortiumAction | undefined): string {
  if (change === undefined) return "a call that this version does not know";
  switch (change.kind) {
    case "add-writer":
      return `add-writer ${change.account} of ${change.member}`;
    case "remove-writer":
      return `remove-writer ${change.account}`;
    case "set-log-key":
      return plain(`set-log-key ${describeKey(change.key)} for ${change.origin}`);
    default:
      return `${change.kind} ${change.member}`;
  }
}

/** The key's RFC 9679 thumbprint, as /v1/status and trust files name it. */
export function describeKey({ x, y }: LogKey): string {
  const point = Uint8Array.fromHex(`04${x.slice(2)}${y.slice(2)}`);
  return thumbprintUri(keyThumbprint(publicKey("ES256", point)));
}

/** How far a proposal is. */
export function describeApprovals({ approvals, deadline }: Proposal, members: number): string {
  const until = new Date(deadline * 1000).toISOString().slice(0, 10);
  return `${approvals} of ${members} members have approved, more than half decide; until ${until}`;
}
