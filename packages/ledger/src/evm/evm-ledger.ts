/** The EVM driver: Ethereum, Quorum, Besu, or any other chain whose node speaks Ethereum's JSON-RPC. */
import type {
  AnchorPlace,
  AnchorPosition,
  AnchorTarget,
  Ledger,
  LedgerHealth,
  ProvenAnchor,
  Submission,
} from "../ledger.ts";
import type { EvmAccount } from "./account.ts";
import { collectProof } from "./collect.ts";
import { type ConnectOptions, checkChain, connect } from "./connect.ts";
import { readContract } from "./contract.ts";
import { type Connection, type Finality, findFinality } from "./finality.ts";
import { readPlace, readPosition } from "./position.ts";
import { parseQuantity } from "./rpc.ts";
import { parseJournal, submitAnchor } from "./submit.ts";

export interface EvmLedgerOptions extends ConnectOptions {
  /** The ledger's name in the configuration. */
  readonly name: string;
  /** Sends the anchors; a writer of the contract. An account of its own for each notary: other programs' nonces get in the way. */
  readonly account: EvmAccount;
  /**
   * When a block is final: `finalized` when the chain says so, a number once so many blocks are on top of it. Left out, it is
   * what the chain is: at once for QBFT and IBFT, `finalized` for proof of stake. Other chains need the number.
   */
  readonly finality?: Finality;
  /** An anchor that is still pending after this many blocks is replaced at a higher fee. Default 5. */
  readonly patience?: number;
}

/** Does not wait for the node: whatever is wrong with it or the options shows at the first use, and is tried anew at the next. */
export function createEvmLedger(options: EvmLedgerOptions): Ledger {
  const { name, account, patience } = options;
  let connected: Connection | undefined;
  const connection = async (): Promise<Connection> => {
    if (connected === undefined) {
      const at = await connect(options);
      connected = { ...at, finality: options.finality ?? (await findFinality(at.rpc)) };
    } else await checkChain(connected.rpc, connected.chainId);
    return connected;
  };
  return {
    name,
    submitAnchor: async (target: AnchorTarget, submission: Submission): Promise<void> =>
      submitAnchor(await connection(), account, target, {
        ...submission,
        ...(patience === undefined ? {} : { patience }),
      }),
    readAnchor: async (target: AnchorTarget, text?: string): Promise<AnchorPosition> => {
      const at = await connection();
      return readPosition(at, target, parseJournal(text, at, account)?.fromBlock ?? 0);
    },
    collectProof: async (target: AnchorTarget, place: AnchorPlace): Promise<ProvenAnchor> =>
      collectProof(await connection(), name, target, place),
    health: async (): Promise<LedgerHealth> => readHealth(await connection(), account),
  };
}

async function readHealth(connection: Connection, account: EvmAccount): Promise<LedgerHealth> {
  const { rpc, chainId } = connection;
  await checkChain(rpc, chainId);
  const newest = await readPlace(rpc, "latest");
  const balance = parseQuantity(await rpc.call("eth_getBalance", [account.address, "latest"]), "the balance");
  const writers = await readContract(connection, "getWriters", []);
  const price = parseQuantity(await rpc.call("eth_gasPrice", []), "the gas price");
  const problems = [
    ...(writers.includes(account.address) ? [] : [`The account ${account.address} is not a writer of the contract.`]),
    ...(balance >= price * gasOfAnchor ? [] : [`The account ${account.address} cannot pay for an anchor.`]),
  ];
  return { network: `chain ${chainId}`, account: account.address, block: newest.block, time: newest.time, problems };
}

/** What an anchor takes at most, where the chain has no precompile for P-256. */
const gasOfAnchor = 400_000n;
