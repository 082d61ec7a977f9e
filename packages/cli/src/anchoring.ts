/** Where `attestry up` has its log anchored: the options, and the ledgers and authorities that they name. */
import { join } from "node:path";
import { AttestryError } from "@attestry/core";
import type { AnchoredLog, AnchoringPlace, LocalLedger, ServerOptions } from "@attestry/server";
import type { Command } from "commander";
import { serverUrl, wholeNumber } from "./settings.ts";

export interface AnchoringOptions {
  /** Addresses of nodes; `false` for --no-ledger. */
  readonly ledger?: readonly string[] | boolean;
  readonly contract?: readonly string[];
  readonly ledgerKey?: string;
  readonly tsa?: readonly string[];
  readonly anchorEvery: string;
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
    .option("--tsa <url=roots...>", "have checkpoints stamped by this RFC 3161 authority; roots: a PEM file")
    .option("--anchor-every <seconds>", "anchor and stamp when the log has grown and so long has passed", "60");
}

export interface Anchoring {
  readonly places: NonNullable<ServerOptions["anchoring"]>;
  /** Ends the local chain; the notary is closed first. */
  close(): Promise<void>;
}

/** @throws USAGE when a ledger and its contract do not pair up */
export function openAnchoring(options: AnchoringOptions, data: string): Anchoring {
  const nodes = Array.isArray(options.ledger) ? (options.ledger as readonly string[]) : [];
  const contracts = options.contract ?? [];
  if (nodes.length !== contracts.length) {
    throw new AttestryError("USAGE", "--ledger and --contract go together, one contract for each ledger.");
  }
  const everyMs = wholeNumber(options.anchorEvery, "--anchor-every", 1, 86_400) * 1000;
  const authorities = (options.tsa ?? []).map(parseAuthority);
  const isLocal = options.ledger !== false && nodes.length === 0;
  let local: Promise<LocalLedger> | undefined;

  async function places(log: AnchoredLog): Promise<AnchoringPlace[]> {
    const { authorityPlace, ledgerPlace, startLocalLedger } = await import("@attestry/server");
    const accountFile = options.ledgerKey ?? join(data, "keys", "ledger.key");
    if (isLocal) local = startLocalLedger(data, log);
    return Promise.all([
      ...(local === undefined ? [] : [local.then(({ place }) => place)]),
      ...nodes.map((url, at) => {
        const contract = contracts[at] ?? "";
        return ledgerPlace({
          name: `${new URL(serverUrl(url)).host} ${contract}`,
          url,
          contract,
          accountFile,
          everyMs,
        });
      }),
      ...authorities.map((authority) => authorityPlace({ ...authority, everyMs })),
    ]);
  }

  return {
    places,
    close: async () => {
      await (await local?.catch(() => undefined))?.close();
    },
  };
}

function parseAuthority(text: string): { readonly url: string; readonly rootsFile: string } {
  const at = text.lastIndexOf("=");
  if (at > 0 && at < text.length - 1) return { url: serverUrl(text.slice(0, at)), rootsFile: text.slice(at + 1) };
  throw new AttestryError("USAGE", `--tsa takes URL=ROOTS.pem, not "${text}".`);
}
