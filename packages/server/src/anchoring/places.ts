/** The places that a log can be anchored at: a contract on an EVM ledger, a time stamp authority, or a chain on this very machine. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { AttestryError, isAttestryError, parsePemCertificates } from "@attestry/core";
import { type Anvil, anvilAccountKey, anvilChainId, startAnvil } from "@attestry/ledger";
import {
  connect,
  createAccount,
  createAccountFile,
  createEvmLedger,
  deployContract,
  type EvmAccount,
  openAccountFile,
  readChainId,
} from "@attestry/ledger/evm";
import { writePrivateFile } from "../keys/private-file.ts";
import { createTimeStampLedger } from "../tsa/ledger.ts";
import type { AnchoringPlace } from "./anchoring.ts";
import type { AnchoredLog } from "./start.ts";

/** When an anchor is due. */
export interface Schedule {
  readonly everyMs: number;
  readonly everyEntries: number;
}

/** Covers a busy day in some 1,400 anchors; on a consortium's own chain they cost nothing but room. */
export const defaultSchedule: Schedule = { everyMs: 60_000, everyEntries: 1_000_000 };

export interface LedgerPlaceOptions extends Partial<Schedule> {
  /** Shown to people and kept with the anchors: one ledger keeps its name. */
  readonly name: string;
  readonly url: string;
  /** The chain that the node must be on. Left out: the one that it says it is on when the notary starts. */
  readonly chainId?: number;
  readonly contract: string;
  /** File with the account's key (mode 0600, 64 hexadecimal digits). */
  readonly accountFile: string;
  readonly finality?: "finalized" | number;
}

/**
 * The account's key is made when its file is not there: the ledger's status then says that it is no writer yet.
 * @throws USAGE_FILE, MALFORMED_KEY: of the account's file; UNAVAILABLE_LEDGER when no chain is given and the node is away
 */
export async function ledgerPlace(options: LedgerPlaceOptions): Promise<AnchoringPlace> {
  const { name, url, contract, finality } = options;
  const account = await openAccount(options.accountFile);
  const chainId = options.chainId ?? (await readChainId(url));
  const ledger = createEvmLedger({
    name,
    url,
    chainId,
    contract,
    account,
    ...(finality === undefined ? {} : { finality }),
  });
  return { ledger, kind: "ledger", about: { chainId, contract }, ...scheduleOf(options) };
}

async function openAccount(path: string): Promise<EvmAccount> {
  try {
    return await openAccountFile(path);
  } catch (error) {
    if (!isAttestryError(error) || error.code !== "NOT_FOUND") throw error;
    return createAccountFile(path);
  }
}

export interface AuthorityPlaceOptions extends Partial<Schedule> {
  readonly url: string;
  /** File with the PEM certificates that the authority's must lead to. */
  readonly rootsFile: string;
}

/** @throws USAGE_FILE, MALFORMED_CERTIFICATE */
export async function authorityPlace(options: AuthorityPlaceOptions): Promise<AnchoringPlace> {
  const { url, rootsFile } = options;
  const pem = await readFile(rootsFile, "utf8").catch((cause: unknown) => {
    throw new AttestryError("USAGE_FILE", `The authority's certificates cannot be read from ${rootsFile}.`, { cause });
  });
  const ledger = createTimeStampLedger({ name: `tsa ${url}`, url, roots: parsePemCertificates(pem) });
  return { ledger, kind: "authority", about: { url }, ...scheduleOf(options) };
}

function scheduleOf({ everyMs, everyEntries }: Partial<Schedule>): Schedule {
  return { everyMs: everyMs ?? defaultSchedule.everyMs, everyEntries: everyEntries ?? defaultSchedule.everyEntries };
}

export interface LocalLedger {
  readonly place: AnchoringPlace;
  readonly url: string;
  readonly contract: string;
  close(): Promise<void>;
}

/**
 * An Ethereum chain of one node on this machine, kept in `DIR/ledger`, with the contract deployed. It shows the whole way of a
 * thumbprint; what it proves is no more than this machine's own word.
 */
export async function startLocalLedger(data: string, log: AnchoredLog): Promise<LocalLedger> {
  const anvil = await startAnvil({ folder: join(data, "ledger") });
  try {
    const contract = await localContract(anvil, join(data, "ledger", "contract"), log);
    const account = createAccount(anvilAccountKey);
    const at = { url: anvil.url, chainId: anvilChainId, contract };
    const ledger = createEvmLedger({ name: "local", ...at, account, finality: 0 });
    const about = { chainId: anvilChainId, contract, url: anvil.url };
    const place: AnchoringPlace = { ledger, kind: "ledger", about, everyMs: 5000, everyEntries: 1_000_000 };
    return { place, url: anvil.url, contract, close: () => anvil.close() };
  } catch (error) {
    await anvil.close();
    throw error;
  }
}

/** The contract that was deployed before, or a new one when there is none or the chain was lost. */
async function localContract(anvil: Anvil, path: string, { origin, receiptKey }: AnchoredLog): Promise<string> {
  const at = { url: anvil.url, chainId: anvilChainId };
  const known = await readFile(path, "utf8").then((text) => text.trim(), () => undefined); // biome-ignore format: one line
  if (known !== undefined) {
    try {
      return (await connect({ ...at, contract: known })).contract;
    } catch (error) {
      if (!isAttestryError(error) || error.code !== "POLICY_LEDGER") throw error;
    }
  }
  await rm(path, { force: true });
  const logs = [{ origin, publicKey: receiptKey }];
  const { contract } = await deployContract({ ...at, account: createAccount(anvilAccountKey), logs });
  await writePrivateFile(path, `${contract}\n`);
  return contract;
}
