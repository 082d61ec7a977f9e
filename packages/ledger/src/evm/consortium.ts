/** What the members of a contract decide together: who is a member, whose accounts may write, which key a log has. */
import type { PublicKey, Signer } from "@attestry/core";
import { type ContractEventName, decodeFunctionData, encodeEventTopics, parseEventLogs } from "viem";
import { abi } from "./abi.ts";
import type { EvmAccount } from "./account.ts";
import {
  type Address,
  type ContractAt,
  encodeCall,
  encodeRotationMessage,
  type Hex,
  keyCoordinates,
  originHash,
  readContract,
  signForContract,
} from "./contract.ts";
import { notInRole, type Role, roleIds } from "./refusal.ts";
import { transact } from "./transact.ts";

/** The coordinates of a log's P-256 key, 32 bytes each. */
export interface LogKey {
  readonly x: Hex;
  readonly y: Hex;
}

export type ConsortiumAction =
  | { readonly kind: "add-member"; readonly member: Address }
  /** Its writers go with it. */
  | { readonly kind: "remove-member"; readonly member: Address }
  | { readonly kind: "add-writer"; readonly member: Address; readonly account: Address }
  | { readonly kind: "remove-writer"; readonly account: Address }
  /** Registers a log, or replaces a key that is lost. */
  | { readonly kind: "set-log-key"; readonly origin: string; readonly key: LogKey };

export interface Proposal {
  readonly id: Hex;
  /** Undefined for a call that is none of the known ones, which would fail. */
  readonly action: ConsortiumAction | undefined;
  readonly approvals: number;
  /** Whole seconds since 1970. */
  readonly deadline: number;
}

export interface Consortium {
  readonly members: readonly Address[];
  readonly writers: readonly { readonly member: Address; readonly account: Address }[];
  readonly logs: readonly { readonly origin: string; readonly key: LogKey; readonly size: number }[];
  /** What can still be approved. */
  readonly proposals: readonly Proposal[];
}

/** @throws UNAVAILABLE_LEDGER, POLICY_LEDGER */
export async function readConsortium(at: ContractAt): Promise<Consortium> {
  const members = await readContract(at, "getMembers", []);
  const accounts = await readContract(at, "getWriters", []);
  const writers = await Promise.all(
    accounts.map(async (account) => ({ account, member: await readContract(at, "memberOf", [account]) })),
  );
  const registered = await readEvents(at, "LogRegistered");
  const logs = await Promise.all(
    registered.map(async ({ args }) => {
      const { keyX, keyY, latestSize } = await readContract(at, "logOf", [args.originHash]);
      return { origin: args.origin, key: { x: keyX, y: keyY }, size: Number(latestSize) };
    }),
  );
  const proposed = await readEvents(at, "Proposed");
  const proposals = await Promise.all(proposed.map(({ args }) => readAnyProposal(at, args.id)));
  const now = Date.now() / 1000;
  return { members, writers, logs, proposals: proposals.filter(({ deadline }) => deadline >= now) };
}

/** What became of a proposal or an approval: `executed`, or how many of how many members have approved so far. */
export interface Decision {
  readonly id: Hex;
  readonly executed: boolean;
  readonly approvals: number;
  readonly members: number;
}

/**
 * Proposes an action, approving it for the account's member; a member that is alone has thereby decided.
 * @throws POLICY_LEDGER with the reason `not-a-member`, or why the action cannot be carried out; UNAVAILABLE_LEDGER
 */
export async function proposeAction(at: ContractAt, account: EvmAccount, action: ConsortiumAction): Promise<Decision> {
  const { topics } = await call(at, account, encodeCall("propose", [encodeAction(action)]));
  const [topic] = encodeEventTopics({ abi, eventName: "Proposed" });
  const id = topics.find((event) => event[0] === topic)?.[1] as Hex;
  return readDecision(at, id);
}

/** What is proposed under that id; undefined where it was decided, or never proposed. @throws UNAVAILABLE_LEDGER, POLICY_LEDGER */
export async function readProposal(at: ContractAt, id: Hex): Promise<Proposal | undefined> {
  const proposal = await readAnyProposal(at, id);
  return proposal.deadline === 0 ? undefined : proposal;
}

/** Approves what another member proposed. @throws POLICY_LEDGER with the reason `not-a-member`, `UnknownProposal` or `ProposalLapsed` */
export async function approveProposal(at: ContractAt, account: EvmAccount, id: Hex): Promise<Decision> {
  await call(at, account, encodeCall("approve", [id]));
  return readDecision(at, id);
}

/** Gives a log its next key, with the present one's consent; a writer sends it. @throws POLICY_LEDGER, UNAVAILABLE_LEDGER */
export async function rotateLogKey(
  at: ContractAt,
  account: EvmAccount,
  { origin, present, next }: { origin: string; present: Signer; next: PublicKey },
): Promise<void> {
  const key = keyCoordinates({ publicKey: next });
  const { keyNumber } = await readContract(at, "logOf", [originHash(origin)]);
  const { r, s } = await signForContract(present, encodeRotationMessage(at, { origin, keyNumber, next: key }));
  await call(at, account, encodeCall("rotateLogKey", [originHash(origin), key.x, key.y, r, s]));
}

/** Gives up a role of the account's own; a member's writers go with it. @throws POLICY_LEDGER when it has none; UNAVAILABLE_LEDGER */
export async function resignRole(at: ContractAt, account: EvmAccount, role: Role): Promise<void> {
  const { address } = account;
  const holders = await readContract(at, role === "member" ? "getMembers" : "getWriters", []);
  if (!holders.includes(address)) throw notInRole(role, address);
  await call(at, account, encodeCall("renounceRole", [roleIds[role], address]));
}

function call(at: ContractAt, account: EvmAccount, data: Hex): ReturnType<typeof transact> {
  return transact({ ...at, account, to: at.contract, data: async () => data });
}

async function readDecision(at: ContractAt, id: Hex): Promise<Decision> {
  const { deadline, approvals } = await readAnyProposal(at, id);
  const members = await readContract(at, "getMembers", []);
  return { id, executed: deadline === 0, approvals, members: members.length };
}

async function readAnyProposal(at: ContractAt, id: Hex): Promise<Proposal> {
  const [action, deadline] = await readContract(at, "proposals", [id]);
  const approvals = await readContract(at, "approvalsOf", [id]);
  return { id, action: parseAction(action), approvals: Number(approvals), deadline: Number(deadline) };
}

function encodeAction(action: ConsortiumAction): Hex {
  switch (action.kind) {
    case "add-member":
      return encodeCall("addMember", [action.member]);
    case "remove-member":
      return encodeCall("removeMember", [action.member]);
    case "add-writer":
      return encodeCall("addWriter", [action.member, action.account]);
    case "remove-writer":
      return encodeCall("removeWriter", [action.account]);
    case "set-log-key":
      return encodeCall("setLogKey", [action.origin, action.key.x, action.key.y]);
  }
}

function parseAction(data: Hex): ConsortiumAction | undefined {
  let decoded: ReturnType<typeof decodeFunctionData<typeof abi>>;
  try {
    decoded = decodeFunctionData({ abi, data });
  } catch {
    return undefined;
  }
  const { functionName, args } = decoded;
  switch (functionName) {
    case "addMember":
      return { kind: "add-member", member: args[0] };
    case "removeMember":
      return { kind: "remove-member", member: args[0] };
    case "addWriter":
      return { kind: "add-writer", member: args[0], account: args[1] };
    case "removeWriter":
      return { kind: "remove-writer", account: args[0] };
    case "setLogKey":
      return { kind: "set-log-key", origin: args[0], key: { x: args[1], y: args[2] } };
    default:
      return undefined;
  }
}

async function readEvents<N extends ContractEventName<typeof abi>>({ rpc, contract }: ContractAt, eventName: N) {
  const topics = encodeEventTopics({ abi, eventName } as Parameters<typeof encodeEventTopics>[0]);
  const filter = { address: contract, topics, fromBlock: "0x0", toBlock: "latest" };
  const logs = (await rpc.call("eth_getLogs", [filter])) as Parameters<typeof parseEventLogs>[0]["logs"];
  return parseEventLogs({ abi, eventName, logs });
}
