/** The places that a log can be anchored at: a contract on an EVM ledger, a time stamp authority, or a chain on this very machine. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AttestryError, isAttestryError } from "@attestry/core";
import { type Anvil, anvilAccountKey, anvilChainId, startAnvil } from "@attestry/ledger";
import type { EvmAccount } from "@attestry/ledger/evm";
import { writePrivateFile } from "../keys/private-file.ts";
import { createTimeStampLedger } from "../tsa/ledger.ts";
import type { AnchoredLog, AnchoringPlace, OpenPlace, Schedule } from "./anchoring.ts";
import { authorityPrefix } from "./check.ts";

/** Covers a busy day in some 1,400 anchors; on a consortium's own chain they cost nothing but room. */
export const defaultSchedule: Schedule = { everyMs: 60_000, everyEntries: 1_000_000 };

type Evm = typeof import("@attestry/ledger/evm");

/** The driver takes long to load: not before it is needed. */
const loadEvm = (): Promise<Evm> => import("@attestry/ledger/evm");

export interface LedgerPlaceOptions extends Partial<Schedule> {
  /** Of the node; may hold a user name and password. */
  readonly url: string;
  /** The chain that the node must be on. Left out: the one that it says it is on when it is first reached. */
  readonly chainId?: number;
  readonly contract: string;
  /** A writer of the contract. */
  readonly account: EvmAccount;
  readonly finality?: "finalized" | number;
}

/** @throws USAGE for an address that is none */
export function ledgerPlace(options: LedgerPlaceOptions): AnchoringPlace {
  const { url, account, finality } = options;
  const contract = checkContract(options.contract);
  return {
    name: `${hostOf(url)} ${contract}`,
    kind: "ledger",
    ...scheduleOf(options),
    async open(): Promise<OpenPlace> {
      const { createEvmLedger, readChainId } = await loadEvm();
      const chainId = options.chainId ?? (await readChainId(url));
      // Whichever node speaks for it, and however its address is written, it is the same ledger.
      const name = `chain ${chainId} ${contract.toLowerCase()}`;
      const ledger = createEvmLedger({
        name,
        url,
        chainId,
        contract,
        account,
        ...(finality === undefined ? {} : { finality }),
      });
      return { ledger, about: { chainId, contract, account: account.address } };
    },
  };
}

function checkContract(text: string): string {
  if (/^0x[0-9a-fA-F]{40}$/.test(text)) return text;
  throw new AttestryError("USAGE", `"${text}" is no contract's address: 0x and 40 hexadecimal digits.`);
}

function hostOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return url.host;
  throw new AttestryError("USAGE", `"${text}" is not an address like https://node.example.gov.`);
}

export interface AuthorityPlaceOptions extends Partial<Schedule> {
  readonly url: string;
  /** DER certificates that the authority's must lead to. */
  readonly roots: readonly Uint8Array[];
}

/** @throws USAGE for an address that is none */
export function authorityPlace(options: AuthorityPlaceOptions): AnchoringPlace {
  const { url, roots } = options;
  const shown = `${hostOf(url)}${new URL(url).pathname}`; // a query may hold a secret
  const name = `${authorityPrefix}${shown}`;
  const open = async (): Promise<OpenPlace> => ({
    ledger: createTimeStampLedger({ name, url, roots }),
    about: { url: shown },
  });
  return { name, kind: "authority", ...scheduleOf(options), open };
}

function scheduleOf({ everyMs, everyEntries }: Partial<Schedule>): Schedule {
  return { everyMs: everyMs ?? defaultSchedule.everyMs, everyEntries: everyEntries ?? defaultSchedule.everyEntries };
}

export interface LocalPlaceOptions {
  /** Where the chain is kept. */
  readonly folder: string;
  /** Default: 30,000. The first anchor comes at once; each after it takes some 3.5 kB of disk and memory, for as long as the chain is kept. */
  readonly everyMs?: number;
}

/**
 * An Ethereum chain of one node on this machine, with the contract deployed. It shows the whole way of a thumbprint; what it
 * proves is no more than this machine's own word.
 */
export function localPlace({ folder, everyMs = 30_000 }: LocalPlaceOptions): AnchoringPlace {
  const { everyEntries } = defaultSchedule;
  return { name: "local", kind: "ledger", everyMs, everyEntries, open: (log) => openLocal(folder, log) };
}

async function openLocal(folder: string, log: AnchoredLog): Promise<OpenPlace> {
  const anvil = await startAnvil({ folder });
  try {
    const evm = await loadEvm();
    const contract = await localContract(evm, anvil, join(folder, "contract"), log);
    const account = evm.createAccount(anvilAccountKey);
    const { url } = anvil;
    const at = { url, chainId: anvilChainId, contract };
    const ledger = evm.createEvmLedger({ name: "local", ...at, account, finality: 0 });
    return { ledger, about: { ...at, account: account.address }, close: () => anvil.close() };
  } catch (error) {
    await anvil.close();
    throw error;
  }
}

/** The contract that was deployed before, or a new one when there is none or the chain was lost. */
async function localContract(
  evm: Evm,
  anvil: Anvil,
  path: string,
  { origin, receiptKey }: AnchoredLog,
): Promise<string> {
  const at = { url: anvil.url, chainId: anvilChainId };
  const known = await readFile(path, "utf8").then((text) => text.trim(), () => undefined); // biome-ignore format: one line
  if (known !== undefined) {
    try {
      return (await evm.connect({ ...at, contract: known })).contract;
    } catch (error) {
      if (!isAttestryError(error) || error.code !== "POLICY_LEDGER") throw error;
    }
  }
  await rm(path, { force: true });
  const logs = [{ origin, publicKey: receiptKey }];
  const { contract } = await evm.deployContract({ ...at, account: evm.createAccount(anvilAccountKey), logs });
  await writePrivateFile(path, `${contract}\n`);
  return contract;
}
