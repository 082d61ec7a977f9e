/** Where `attestry up` has its log anchored: the options, and the ledgers and authorities that they name. */
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AttestryError, isAttestryError, parsePemCertificates } from "@attestry/core";
import type { EvmAccount } from "@attestry/ledger/evm";
import type { AnchoringPlace } from "@attestry/server";
import type { Command } from "commander";
import { nodeUrl, readText, serverUrl, wholeNumber } from "./settings.ts";

export interface AnchoringOptions {
  /** Addresses of nodes; `false` for --no-ledger. */
  readonly ledger?: readonly string[] | boolean;
  readonly contract?: readonly string[];
  readonly ledgerKey?: string;
  readonly finality?: string;
  readonly tsa?: readonly string[];
  readonly anchorEvery?: string;
}

export function addAnchoringOptions(command: Command): Command {
  return command
    .option(
      "--no-ledger",
      "anchor on no ledger (default: on an Ethereum chain of this machine, kept in the data folder)",
    )
    .option(
      "--ledger <url...>",
      "anchor on the ledger of this node (Ethereum, Quorum, Besu: JSON-RPC); may be repeated",
    )
    .option("--contract <address...>", "the AttestryAnchors contract there, one for each --ledger")
    .option("--ledger-key <file>", "key of the account that sends (default: keys/ledger.key in the data folder)")
    .option(
      "--finality <blocks>",
      "an anchor stays once so many blocks are on top of it (default: when the chain says so; not every chain does)",
    )
    .option("--tsa <url=roots...>", "have checkpoints stamped by this RFC 3161 authority; roots: a PEM file")
    .option(
      "--anchor-every <seconds>",
      "anchor and stamp when the log has grown and so long has passed (default: 60; 30 on this machine's own chain)",
    );
}

/** @throws USAGE, USAGE_FILE, NOT_FOUND, MALFORMED_*: whatever is wrong on this machine shows before anything starts */
export async function openPlaces(options: AnchoringOptions, data: string): Promise<AnchoringPlace[]> {
  const nodes = Array.isArray(options.ledger) ? (options.ledger as readonly string[]).map(nodeUrl) : [];
  const contracts = options.contract ?? [];
  if (nodes.length !== contracts.length) {
    throw new AttestryError("USAGE", "--ledger and --contract go together, one contract for each ledger.");
  }
  const every = options.anchorEvery;
  const schedule = every === undefined ? {} : { everyMs: wholeNumber(every, "--anchor-every", 1, 86_400) * 1000 };
  const finality =
    options.finality === undefined ? {} : { finality: wholeNumber(options.finality, "--finality", 0, 1_000_000) };
  const authorities = (options.tsa ?? []).map(readAuthority);
  const { authorityPlace, ledgerPlace, localPlace } = await import("@attestry/server");
  const isLocal = options.ledger !== false && nodes.length === 0;
  const { ledgerKey } = options; // one that was named and is not there may be a slip
  const account =
    nodes.length === 0 ? undefined : await openAccount(accountFile(ledgerKey, data), ledgerKey === undefined);
  return [
    ...(isLocal ? [localPlace({ folder: join(data, "ledger"), ...schedule })] : []),
    ...(account === undefined
      ? []
      : nodes.map((url, at) => ledgerPlace({ url, contract: contracts[at] ?? "", account, ...finality, ...schedule }))),
    ...authorities.map((authority) => authorityPlace({ ...authority, ...schedule })),
  ];
}

function readAuthority(text: string): { readonly url: string; readonly roots: readonly Uint8Array[] } {
  const at = text.lastIndexOf("=");
  if (at < 1 || at === text.length - 1) throw new AttestryError("USAGE", `--tsa takes URL=ROOTS.pem, not "${text}".`);
  const file = text.slice(at + 1);
  try {
    return { url: serverUrl(text.slice(0, at)), roots: parsePemCertificates(readText(file)) };
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "MALFORMED_CERTIFICATE") throw error;
    throw new AttestryError("USAGE_FILE", `${file} does not hold an authority's root certificate in PEM.`, {
      cause: error,
    });
  }
}

/** Where the key of the account is that sends anchors. */
export function accountFile(option: string | undefined, data: string): string {
  return option ?? join(data, "keys", "ledger.key");
}

/** The account that sends anchors; its key is made when it is not there and may be. @throws USAGE_FILE, NOT_FOUND, MALFORMED_KEY */
export async function openAccount(path: string, mayMake: boolean): Promise<EvmAccount> {
  const { createAccountFile, openAccountFile } = await import("@attestry/ledger/evm");
  try {
    return await openAccountFile(path);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
    if (!mayMake)
      throw new AttestryError("NOT_FOUND", `${error.message} attestry ledger account makes one.`, {
        cause: error,
      });
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    return createAccountFile(path);
  }
}

/** Each place in a line, for people. */
export function describePlace({ kind, name }: AnchoringPlace): string {
  if (kind === "authority") return `stamps    ${name}`;
  return `ledger    ${name === "local" ? "an Ethereum chain of this machine's own, in the data folder" : name}`;
}
