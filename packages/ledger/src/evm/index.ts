/** `@attestry/ledger/evm`: the driver for Ethereum, Quorum, Besu, and what it takes to deploy and govern its contract. */
export { createAccount, createAccountFile, type EvmAccount, openAccountFile } from "./account.ts";
export { type ConnectOptions, connect, parseAddress, readChainId } from "./connect.ts";
export {
  approveProposal,
  type Consortium,
  type ConsortiumAction,
  type Decision,
  type LogKey,
  type Proposal,
  proposeAction,
  readConsortium,
  readProposal,
  resignRole,
  rotateLogKey,
} from "./consortium.ts";
export { type Address, type ContractAt, type Hex, keyCoordinates } from "./contract.ts";
export { type Deployment, type DeployOptions, deployContract } from "./deploy.ts";
export { createEvmLedger, type EvmLedgerOptions } from "./evm-ledger.ts";
export type { Finality } from "./finality.ts";
export type { Role } from "./refusal.ts";
