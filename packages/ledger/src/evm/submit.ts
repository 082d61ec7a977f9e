/** Anchors a checkpoint: reads the contract first, then sends whatever is missing. */
import { isAttestryError } from "@attestry/core";
import type { AnchorTarget, Submission } from "../ledger.ts";
import type { EvmAccount } from "./account.ts";
import {
  encodeAnchorMessage,
  encodeCall,
  type Hex,
  keyCoordinates,
  originHash,
  readContract,
  signForContract,
  toHex,
} from "./contract.ts";
import type { Connection } from "./finality.ts";
import { isAnchored } from "./position.ts";
import { refuse } from "./refusal.ts";
import { type SentTransaction, sendTransaction } from "./send.ts";

/**
 * What an unfinished submission leaves behind, as JSON: `sent` is good for this chain, contract and account only. The anchor is
 * in no block before `fromBlock`.
 */
export interface Journal {
  readonly chainId: number;
  readonly contract: string;
  readonly account: string;
  readonly fromBlock: number;
  readonly step: "register" | "anchor";
  readonly sent: SentTransaction;
}

/** Undefined for the journal of another chain, contract or account, and for none. What the contract holds decides anyway. */
export function parseJournal(
  text: string | undefined,
  connection: Connection,
  account: EvmAccount,
): Journal | undefined {
  if (text === undefined) return undefined;
  const journal = readJson(text);
  if (journal === undefined) return undefined;
  const { chainId, contract } = connection;
  const ours = journal.chainId === chainId && journal.contract === contract && journal.account === account.address;
  return ours ? journal : undefined;
}

function readJson(text: string): Journal | undefined {
  try {
    return JSON.parse(text) as Journal;
  } catch {
    return undefined; // damaged: as good as lost, which is harmless
  }
}

/** `Ledger.submitAnchor`. */
export async function submitAnchor(
  connection: Connection,
  account: EvmAccount,
  target: AnchorTarget,
  submission: Submission & { readonly patience?: number },
): Promise<void> {
  if (await isAnchored(connection, target)) return;
  const { signForLedger, patience } = submission;
  const { chainId, contract } = connection;
  const { step, data } = await chooseStep(connection, account, target, signForLedger);
  const before = parseJournal(submission.journal, connection, account);
  const sending = sendTransaction({
    ...connection,
    account,
    to: contract,
    data,
    previous: before?.step === step ? before.sent : undefined,
    save: (sent) => {
      const fromBlock = before?.fromBlock ?? Math.max(0, sent.block - deepestReorganisation);
      const journal: Journal = { chainId, contract, account: account.address, fromBlock, step, sent };
      return submission.save(JSON.stringify(journal));
    },
    ...(patience === undefined ? {} : { patience }),
  });
  await sending.catch(async (error: unknown) => {
    // It may have got into a block since the contract was read: then a second one is refused for just that.
    if (isAttestryError(error) && error.code === "CONFLICT_ANCHOR" && (await isAnchored(connection, target))) return;
    throw error;
  });
}

/** Blocks. After one that goes deeper than this, an anchor can be in a block before those that are searched. */
const deepestReorganisation = 100;

/**
 * The anchor; or first the registration of the log, where the account is the contract's only member and so decides alone.
 * @throws POLICY_LEDGER with the reason `log-unregistered` or `log-key`
 */
async function chooseStep(
  connection: Connection,
  account: EvmAccount,
  target: AnchorTarget,
  signer: Submission["signForLedger"],
): Promise<{ step: Journal["step"]; data: () => Promise<Hex> }> {
  const { x, y } = keyCoordinates(signer);
  const hash = originHash(target.origin);
  const { keyNumber, keyX, keyY } = await readContract(connection, "logOf", [hash]);
  if (keyNumber === 0n) {
    const members = await readContract(connection, "getMembers", []);
    if (members.length !== 1 || members[0] !== account.address) {
      throw refuse("log-unregistered", "The contract does not know this log; its members must register the log's key.");
    }
    const registration = encodeCall("propose", [encodeCall("setLogKey", [target.origin, x, y])]);
    return { step: "register", data: async () => registration };
  }
  if (keyX !== x || keyY !== y) {
    throw refuse("log-key", `The contract has another key for ${target.origin} than the notary's. Rotate it there.`);
  }
  const data = async (): Promise<Hex> => {
    const { r, s } = await signForContract(signer, encodeAnchorMessage(connection, target));
    return encodeCall("anchor", [hash, BigInt(target.size), toHex(target.rootHash), r, s]);
  };
  return { step: "anchor", data };
}
