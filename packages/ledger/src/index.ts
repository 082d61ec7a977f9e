/**
 * `@attestry/ledger`: anchors checkpoints on ledgers. The drivers are entries of their own (`@attestry/ledger/evm`), because
 * what they need takes long to load.
 */
export type { AnchorRecord, AnchorState, AnchorStore, ListOptions } from "./anchor-store.ts";
export { type Anchorer, type AnchorerOptions, type AnchorerStatus, createAnchorer } from "./anchorer.ts";
export { type Anvil, type AnvilOptions, anvilAccountKey, anvilChainId, startAnvil } from "./anvil.ts";
export {
  type AnchorPlace,
  type AnchorPosition,
  type AnchorTarget,
  awaitFinality,
  type Ledger,
  type LedgerHealth,
  type ProvenAnchor,
  type Submission,
  type Waiting,
} from "./ledger.ts";
export { createMemoryAnchorStore } from "./memory-anchor-store.ts";
export { openSqliteAnchorStore } from "./sqlite-anchor-store.ts";
